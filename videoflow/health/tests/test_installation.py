import errno
import os
import re
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import Error
from django.core.management import call_command
from django.utils import timezone
from PIL import _imagingft

from videoflow import redis
from videoflow.health import installation
from videoflow.health.embedded_redis import private_folder
from videoflow.health.installation import Package
from videoflow.health.management.commands import doctor
from videoflow.health.supervisor import StudioLock
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task, Worker
from videoflow.tasks.tests.factories import task_make
from videoflow.vault.services import Owner, credential_set

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

    def test_scripts_without_fribidi(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_imagingft, "HAVE_RAQM", False)
        finding = installation.shaping_finding()
        assert (finding.is_well, finding.is_fatal) == (False, False)
        assert "libfribidi0" in finding.advice

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
        for subject in (
            "Python",
            "Packages",
            "Data folder",
            "Disk",
            "ffmpeg",
            "Voices",
            "Fonts",
            "Studio",
            "Secrets",
            "Settings",
            "Database",
            "Redis",
            "Vault",
        ):
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

    def findings(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
        """What the doctor says of a studio that runs on the tests' data folder."""
        monkeypatch.setattr(doctor, "installation_findings", lambda data: iter(()))
        lock = StudioLock(Path(settings.VIDEOFLOW_DATA))
        lock.take(address="http://127.0.0.1:8000")
        try:
            call_command("doctor")
        except SystemExit as end:
            assert end.code == 1
        finally:
            lock._file.close()
        return capsys.readouterr().out

    @pytest.mark.django_db
    def test_running_studio(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        for kind in ("celery", "dispatcher"):
            Worker.objects.create(worker_id=kind, kind=kind, host="here", pid=1)
        out = self.findings(capsys, monkeypatch)
        assert "ok  Studio: running at http://127.0.0.1:8000" in out
        assert "ok  Worker: worker and dispatcher are alive" in out
        assert "ok  Tasks: 0 waiting, none of them stuck" in out

    @pytest.mark.django_db
    def test_parts_on_several_hosts(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """No studio holds this folder, and yet workers are looked after: their rows say where they are."""
        monkeypatch.setattr(doctor, "installation_findings", lambda data: iter(()))
        for host in ("render-2", "render-1"):
            Worker.objects.create(worker_id=host, kind="celery", host=host, pid=1)
        with pytest.raises(SystemExit):
            call_command("doctor")
        out = capsys.readouterr().out
        assert "ok  Studio: its parts are running on render-1, render-2" in out
        assert "!   Worker: running, but no dispatcher" in out

    @pytest.mark.django_db
    def test_silent_workers(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        out = self.findings(capsys, monkeypatch)
        assert "!   Worker: No worker is running: tasks wait until one starts.\n      Look at " in out
        Worker.objects.create(worker_id="one", kind="celery", host="here", pid=1)
        assert "!   Worker: running, but no dispatcher" in self.findings(capsys, monkeypatch)

    @pytest.mark.django_db
    def test_task_that_nobody_takes(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        task_make()
        assert "ok  Tasks: 1 waiting, none of them stuck" in self.findings(capsys, monkeypatch)
        Task.objects.update(created_at=timezone.now() - timedelta(minutes=3), dispatched_at=timezone.now() - timedelta(minutes=3))
        assert "!   Tasks: 1 waiting though their queue is idle" in self.findings(capsys, monkeypatch)

    @pytest.mark.django_db
    def test_master_key_that_is_gone(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "VIDEOFLOW_VAULT_KEYS", "o" * 32)
        credential_set(owner=Owner(session_id=session_create().pk), provider="openai", secret="sk-canary-0123")
        assert "ok  Vault: 1 stored keys, all opened" in self.findings(capsys, monkeypatch)
        monkeypatch.setattr(settings, "VIDEOFLOW_VAULT_KEYS", "n" * 32)
        assert "!   Vault: 1 of 1 stored keys cannot be opened\n      Put the master key" in self.findings(capsys, monkeypatch)
        monkeypatch.setattr(settings, "VIDEOFLOW_VAULT_KEYS", "short")
        assert "!   Vault: cannot be opened\n      Each key in VIDEOFLOW_VAULT_KEYS" in self.findings(capsys, monkeypatch)

    @pytest.mark.django_db
    def test_a_redis_that_takes_nothing_more(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        server = redis.connection()
        usual = {name: server.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        assert "ok  Redis: the one in REDIS_URL answers\n" in self.findings(capsys, monkeypatch)
        try:
            server.config_set("maxmemory-policy", "noeviction")
            server.config_set("maxmemory", "1kb")
            out = self.findings(capsys, monkeypatch)
        finally:
            for name, value in usual.items():
                server.config_set(name, value)
        assert "!   Redis: the one in REDIS_URL is full and refuses whatever is written\n      Set its maxmemory-policy" in out

    @pytest.mark.django_db
    def test_a_mistyped_variable(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIDEOFLOW_METRCS", "1")
        out = self.findings(capsys, monkeypatch)
        assert "!   Settings: 1 unknown\n      VIDEOFLOW_METRCS is no setting of the studio" in out
        assert "Did you mean VIDEOFLOW_METRICS?" in out

    @pytest.mark.django_db
    def test_fault_in_the_settings(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            doctor, "run_checks", lambda: [Error("The cache has no backend.", hint="Name one.", id="caches.E001")]
        )
        out = self.findings(capsys, monkeypatch)
        assert "!   Settings: 1 wrong\n      The cache has no backend. Name one. (caches.E001)" in out


class TestSecrets:
    def test_ok(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        (tmp_path / "secret_key").touch(0o600)
        assert installation.secrets_finding(tmp_path).is_well

    def test_others_can_read(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        (tmp_path / "vault_keys").touch(0o644)
        (tmp_path / "vault_keys").chmod(0o644)
        finding = installation.secrets_finding(tmp_path)
        assert finding.advice == f"Close the folder with: chmod 700 {tmp_path}"
        tmp_path.chmod(0o700)
        assert installation.secrets_finding(tmp_path).is_well
