import errno
import os
import re
import sys
import tempfile
from pathlib import Path

import pytest
from django.core.management import call_command

from videoflow.health import installation
from videoflow.health.embedded_redis import private_folder
from videoflow.health.installation import Package

ROOT = Path(__file__).resolve().parents[3]


class TestFindings:
    def test_ok(self, tmp_path: Path) -> None:
        findings = list(installation.installation_findings(tmp_path / "data"))
        assert [finding.subject for finding in findings if finding.is_fatal] == []
        assert re.match(r"\d+\.\d+", next(finding.state for finding in findings if finding.subject == "ffmpeg"))

    def test_every_package_is_in_the_requirements(self) -> None:
        text = (ROOT / "requirements.txt").read_text("utf-8").lower()
        pinned = set(re.findall(r"^([a-z0-9-]+)==[\w.]+", text, re.MULTILINE))
        assert {package.requirement.lower() for package in installation.PACKAGES} <= pinned

    def test_missing_package_is_named_with_what_it_is_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installation, "PACKAGES", (Package("no_such_module", "no-such-wheel", "the second voice"),))
        finding = installation.packages_finding()
        assert finding.is_fatal
        assert finding.state == "missing: no-such-wheel (the second voice)"
        assert "pip install -r requirements.txt" in finding.advice

    def test_voice_without_weights(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "hibari").mkdir()
        (tmp_path / "hibari" / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "hibari", raising=False)
        finding = installation.voices_finding()
        assert (finding.is_fatal, finding.state) == (True, "no weights for heart")

    def test_read_only_folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def refuse(**_: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
        finding = installation.data_folder_finding(tmp_path)
        assert finding.is_fatal
        assert "read-only file system" in finding.state

    @pytest.mark.parametrize(
        ("free", "is_well", "is_fatal"), [(10**8, False, True), (10**9, False, False), (10**10, True, False)]
    )
    def test_disk(self, tmp_path: Path, free: int, is_well: bool, is_fatal: bool) -> None:
        finding = installation.disk_finding(tmp_path, free=free)
        assert (finding.is_well, finding.is_fatal) == (is_well, is_fatal)

    def test_free_bytes_of_a_folder_to_be(self, tmp_path: Path) -> None:
        assert installation.free_bytes(tmp_path / "not" / "yet") > 0

    @pytest.mark.parametrize(("version", "is_enough"), [((3, 10), False), ((3, 11), True), ((3, 13), True)])
    def test_python(self, version: tuple[int, int], is_enough: bool) -> None:
        assert installation.version_is_enough(version) is is_enough


class TestPrivateFolder:
    def test_ok(self, tmp_path: Path) -> None:
        (tmp_path / "open").mkdir(mode=0o777)
        assert private_folder(tmp_path / "open").stat().st_mode & 0o777 == 0o700

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "theirs")
        with pytest.raises(Exception, match="belongs to somebody else"):
            private_folder(tmp_path / "link")


class TestDoctor:
    @pytest.mark.django_db
    def test_ok(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installation, "free_bytes", lambda folder: 10**10)
        call_command("doctor")
        out = capsys.readouterr().out
        for subject in ("Python", "Packages", "Data folder", "Disk", "ffmpeg", "Voices", "Fonts", "Studio", "Database", "Redis"):
            assert f"ok  {subject}: " in out
        assert out.endswith("The studio is well.\n")

    @pytest.mark.django_db
    def test_says_what_to_do(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installation, "PACKAGES", (Package("no_such_module", "no-such-wheel", "the second voice"),))
        with pytest.raises(SystemExit) as end:
            call_command("doctor")
        out = capsys.readouterr().out
        assert end.value.code == 1
        assert "!   Packages: missing: no-such-wheel" in out
        assert "Install what is missing with" in out
