"""A studio is backed up and made anew by the commands, as its operator does it."""

import json
import stat
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from videoflow.health import backup
from videoflow.health.backup import backup_make, backup_restore
from videoflow.health.backup_archive import MANIFEST, BackupFailed, archive_open
from videoflow.health.backup_rows import Rows
from videoflow.health.supervisor import StudioLock
from videoflow.tasks.tests.noop.machine import ROOT, clean_environment

pytestmark = pytest.mark.rows

SECONDS = 240


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=clean_environment(data),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(data, str(ROOT / "manage.py"), *arguments)


def hand(data: Path, *arguments: str) -> str:
    done = run(data, "-m", "videoflow.health.tests.backup_studio", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Backed:
    """A studio, what stands in it, and its backup."""

    data: Path
    state: dict[str, Any]
    archive: Path
    said: str


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Backed:
    folder = tmp_path_factory.mktemp("backup")
    data, archive = folder / "data", folder / "studio.tar"
    state = json.loads(hand(data, "fill", "3"))
    (data / "cache" / "previews").mkdir(parents=True)
    (data / "cache" / "previews" / "x.jpg").write_bytes(b"made again when asked for")
    (data / "media" / "aa").mkdir(exist_ok=True)
    (data / "media" / "aa" / f"{'a' * 64}.jpg").write_bytes(b"not what its name says")
    done = manage(data, "backup", str(archive))
    assert done.returncode == 0, done.stderr
    return Backed(data, state, archive, done.stdout)


def changed(backed: Backed, tmp_path: Path, name: str) -> Path:
    """A copy of the archive in which a byte of one file is another."""
    with tarfile.open(backed.archive, "r:") as tar:
        member = next(member for member in tar.getmembers() if name in member.name)
    copy = tmp_path / "changed.tar"
    content = bytearray(backed.archive.read_bytes())
    content[member.offset_data] ^= 1
    copy.write_bytes(content)
    return copy


class TestBackup:
    def test_it_is_for_its_owner_only_and_says_what_it_holds(self, backed: Backed) -> None:
        assert stat.S_IMODE(backed.archive.stat().st_mode) == 0o600
        assert "It holds the studio's keys: whoever reads it can sign in as anybody" in backed.said
        assert f"! media/aa/{'a' * 64}.jpg is damaged here" in backed.said
        with archive_open(backed.archive) as archive:
            names = set(archive.manifest.files)
            kind = archive.manifest.database
        assert kind == connection.vendor
        assert {"keys/secret_key", "keys/vault_keys", "rows/" + {"sqlite": "rows.sqlite3"}.get(kind, "rows.pgdump")} < names
        assert not [name for name in names if "cache" in name or "/tmp/" in name]
        assert not list(backed.data.glob(".backup-*"))

    def test_a_file_in_its_place_is_not_overwritten(self, backed: Backed, settings: Any) -> None:
        settings.VIDEOFLOW_DATA = backed.data
        with pytest.raises(BackupFailed, match="There is a file"):
            backup_make(backed.archive)

    def test_not_into_the_data_folder(self, backed: Backed, settings: Any) -> None:
        settings.VIDEOFLOW_DATA = backed.data
        with pytest.raises(BackupFailed, match="is inside the data folder"):
            backup_make(backed.data / "mine.tar")

    def test_without_keys(self, backed: Backed, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.VIDEOFLOW_DATA = backed.data
        rows = tmp_path / "rows.sqlite3"
        rows.write_bytes(b"rows")
        monkeypatch.setattr(backup, "rows_dump", lambda _folder: Rows("sqlite", rows, {}, []))
        assert not backup_make(tmp_path / "bare.tar", with_keys=False).has_keys
        with archive_open(tmp_path / "bare.tar") as archive:
            assert not [name for name in archive.manifest.files if name.startswith("keys/")]

    def test_files_in_a_bucket_are_not_in_it(self, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What lies in the media folder then is only this host's cache."""
        settings.VIDEOFLOW_DATA = tmp_path / "data"
        cached = tmp_path / "data" / "media" / "ab" / "film.mp4"
        cached.parent.mkdir(parents=True)
        cached.write_bytes(b"film")
        rows = tmp_path / "rows.sqlite3"
        rows.write_bytes(b"rows")
        monkeypatch.setattr(backup, "rows_dump", lambda _folder: Rows("sqlite", rows, {}, []))
        monkeypatch.setattr(backup, "media_storage", lambda: SimpleNamespace(is_remote=True))
        report = backup_make(tmp_path / "studio.tar")
        assert (report.files, report.has_files) == (0, False)

    def test_a_file_that_goes_meanwhile_is_in_it(self, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when a project is deleted between the rows of the dump and the reading of its files."""
        settings.VIDEOFLOW_DATA = tmp_path / "data"
        rows, film = tmp_path / "rows.sqlite3", tmp_path / "data" / "media" / "ab" / "film.mp4"
        film.parent.mkdir(parents=True)
        film.write_bytes(b"film")
        later = film.with_name("later.mp4")

        def dump(_folder: Path) -> Rows:
            rows.write_bytes(b"rows")
            film.unlink()
            later.write_bytes(b"later")
            return Rows("sqlite", rows, {}, [])

        monkeypatch.setattr(backup, "rows_dump", dump)
        assert backup_make(tmp_path / "studio.tar").files == 2


class TestRestore:
    def test_rows_files_and_keys_are_the_same(self, backed: Backed, tmp_path: Path) -> None:
        data = tmp_path / "new"
        done = manage(data, "restore", str(backed.archive))
        assert done.returncode == 0, done.stderr
        assert "All 3 stored API keys can be opened." in done.stdout
        after = json.loads(hand(data, "state"))
        assert after == backed.state
        assert after["missing"] == []
        assert after["keys"][0].startswith("sk-trial-")
        for path in (backed.data / "media").rglob("*.*"):
            assert (data / path.relative_to(backed.data)).read_bytes() == path.read_bytes()
        assert stat.S_IMODE((data / "vault_keys").stat().st_mode) == 0o600

    def test_nothing_of_a_damaged_one_is_put_in_place(
        self, backed: Backed, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.VIDEOFLOW_DATA = tmp_path / "new"
        settings.VIDEOFLOW_DATA.mkdir()
        monkeypatch.setattr(backup, "database_is_empty", lambda: True)
        with pytest.raises(BackupFailed, match="is damaged: its content is not what was put in"):
            backup_restore(changed(backed, tmp_path, "rows/"))
        assert list(settings.VIDEOFLOW_DATA.iterdir()) == []

    def test_not_into_a_folder_that_holds_files(self, backed: Backed, settings: Any) -> None:
        settings.VIDEOFLOW_DATA = backed.data
        with pytest.raises(BackupFailed, match="Restore into an empty folder: set VIDEOFLOW_DATA"):
            backup_restore(backed.archive)

    def test_not_while_a_studio_runs_there(self, backed: Backed, settings: Any, tmp_path: Path) -> None:
        settings.VIDEOFLOW_DATA = tmp_path
        lock = StudioLock(tmp_path)
        lock.take(address="http://127.0.0.1:1")
        with pytest.raises(BackupFailed, match="A studio is running on this data folder"):
            backup_restore(backed.archive)

    def test_not_what_a_newer_studio_made(
        self, backed: Backed, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.VIDEOFLOW_DATA = tmp_path
        monkeypatch.setattr(backup, "migrations_unknown", lambda _names: ["pipeline.9999_later"])
        with pytest.raises(BackupFailed, match=r"made by a newer videoflow \(it has pipeline.9999_later\)"):
            backup_restore(backed.archive)


class TestArchive:
    def test_cut_short(self, backed: Backed, tmp_path: Path) -> None:
        cut = tmp_path / "cut.tar"
        cut.write_bytes(backed.archive.read_bytes()[: backed.archive.stat().st_size // 2])
        with pytest.raises(BackupFailed, match="cut short"), archive_open(cut):
            pass

    def test_no_archive_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "text.tar").write_text("hello")
        with pytest.raises(BackupFailed, match="cut short or is no backup"), archive_open(tmp_path / "text.tar"):
            pass
        with pytest.raises(BackupFailed, match="There is no file"), archive_open(tmp_path / "none.tar"):
            pass

    def test_any_changed_byte_is_found(self, backed: Backed, tmp_path: Path) -> None:
        path = changed(backed, tmp_path, ".mp4")
        with archive_open(path) as archive, pytest.raises(BackupFailed, match="is damaged"):
            for name in archive.manifest.files:
                archive.unpack(name, None)

    def test_a_name_that_leads_outside_is_refused(self, backed: Backed, tmp_path: Path) -> None:
        with archive_open(backed.archive) as archive:
            archive.manifest.files["../out"] = archive.manifest.files["keys/secret_key"]
            with pytest.raises(BackupFailed, match="as a plain file"):
                archive.unpack("../out", tmp_path / "a" / ".." / "out")
        assert not (tmp_path / "out").exists()

    def test_a_newer_format_is_refused(self, tmp_path: Path) -> None:
        manifest = tmp_path / MANIFEST
        body = {"format": 2, "database": "sqlite", "migrations": [], "rows": {}, "has_keys": False, "files": {}}
        manifest.write_text(json.dumps(body))
        with tarfile.open(tmp_path / "new.tar", "w") as tar:
            tar.add(manifest, MANIFEST)
        with pytest.raises(BackupFailed, match="has format 2"), archive_open(tmp_path / "new.tar"):
            pass
