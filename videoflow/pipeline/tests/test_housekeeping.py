import os
from pathlib import Path

import pytest

from videoflow.pipeline import housekeeping as module
from videoflow.pipeline.housekeeping import UNTOUCHED_SECONDS, housekeeping, sweep
from videoflow.pipeline.models import ProviderCall, SourceFile, Upload
from videoflow.pipeline.store import file_store, media_path
from videoflow.pipeline.tests.factories import ProjectFactory, asset_make

pytestmark = pytest.mark.django_db


def kept(path: Path, *, age_seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    touched = path.stat().st_mtime - age_seconds
    os.utime(path, (touched, touched))
    return path


def test_half_written_parts_of_killed_processes_go(settings, tmp_path):
    settings.VIDEOFLOW_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    old = kept(tmp_path / "cache/pictures/ab.part.mp4", age_seconds=2 * UNTOUCHED_SECONDS)
    being_written = kept(tmp_path / "cache/pictures/cd.part.mp4", age_seconds=0)
    whole = kept(tmp_path / "cache/pictures/ab.mp4", age_seconds=2 * UNTOUCHED_SECONDS)
    housekeeping()
    assert not old.exists()
    assert being_written.exists()
    assert whole.exists()


class TestFilesWithoutARow:
    @pytest.fixture(autouse=True)
    def folder(self, settings, tmp_path, monkeypatch):
        settings.VIDEOFLOW_DATA, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
        monkeypatch.setattr(module, "_ROWS_AT_ONCE", 3)  # so that folders begin and end amid what is asked for at once
        return settings.MEDIA_ROOT

    def test_every_kind_of_row_keeps_its_file(self, folder):
        project = ProjectFactory.create()
        named = [asset_make(project, kind="music", name=f"{n}.wav", content=b"%d" % n).path for n in range(7)]
        SourceFile.objects.create(session=project.session, name="a.csv", path="aa/source.csv", sha256="0" * 64, size_bytes=1)
        ProviderCall.objects.create(project=project, key="a", wanted="a", fence=1, reply_path="bb/reply.json")
        Upload.objects.create(project=project, name="x", size_bytes=10, path="uploads/coming")
        named += ["aa/source.csv", "bb/reply.json", "uploads/coming"]
        for name in named:
            self.old(folder / name)
        gone = [self.old(folder / f"{n:02x}" / f"{n}.mp4") for n in range(0, 256, 25)]
        fresh = [kept(folder / f"{n:02x}" / "now.mp4", age_seconds=0) for n in (0, 255)]

        counts = {swept.what: swept.count for swept in sweep(dry_run=True)}
        assert counts["files without a row"] == len(gone)
        assert all(path.exists() for path in gone)
        housekeeping()
        assert not [path for path in gone if path.exists()]
        assert all((folder / name).exists() for name in named)
        assert all(path.exists() for path in fresh)

    def test_what_is_stored_from_an_old_file_waits_for_its_row(self, folder, tmp_path):
        cached = kept(tmp_path / "cache" / "pictures" / "ab.png", age_seconds=2 * UNTOUCHED_SECONDS)
        stored = media_path(file_store(cached).path)
        housekeeping()
        assert stored.exists()
        self.old(stored)
        file_store(cached)
        housekeeping()
        assert stored.exists()

    @staticmethod
    def old(path: Path) -> Path:
        return kept(path, age_seconds=2 * UNTOUCHED_SECONDS)
