import os
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from videoflow.pipeline import housekeeping, storage_upkeep
from videoflow.pipeline.models import Asset, Upload
from videoflow.pipeline.services import project_delete, source_file_add
from videoflow.pipeline.store import file_store
from videoflow.pipeline.tests.factories import ProjectFactory, asset_make, project_finished, session_of, with_publication
from videoflow.storage import bucket as bucket_module
from videoflow.storage.base import local_path, media_storage

pytestmark = pytest.mark.django_db


def names() -> set[str]:
    return {entry.name for entry in media_storage().entries()}


def swept(*arguments: str) -> str:
    out = StringIO()
    call_command("storage_sweep", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a day pass since everything was stored."""
    monkeypatch.setattr(storage_upkeep, "UNTOUCHED", -timedelta(minutes=5))


class TestSweep:
    def test_ok(self, storage, tmp_path, tomorrow):
        project = ProjectFactory.create()
        source = tmp_path / "kept.png"
        source.write_bytes(b"kept")
        kept = file_store(source)
        Asset.objects.create(
            project=project, kind="image", name="kept.png", path=kept.path, sha256=kept.sha256, size_bytes=kept.size_bytes
        )
        source.write_bytes(b"without a row")
        orphan = file_store(source)
        coming = Upload.objects.create(project=project, name="x", size_bytes=10, path="uploads/x")
        there = storages["default"]
        foreign = there.save("holiday/beach.jpg", ContentFile(b"not ours"))
        piece = there.save(f"pieces/{coming.pk}/000000000000", ContentFile(b"piece"))
        lost = there.save("pieces/0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a/000000000000", ContentFile(b"piece"))
        said = swept("--dry-run")
        assert "2 files would be deleted" in said
        assert orphan.path in said and lost in said
        assert names() == {kept.path, orphan.path, foreign, piece, lost}
        assert "2 files deleted" in swept()
        assert names() == {kept.path, foreign, piece}

    def test_nothing_of_today_is_touched(self, storage, tmp_path):
        source = tmp_path / "young.png"
        source.write_bytes(b"its row is about to be written")
        name = file_store(source).path
        assert "0 files deleted" in swept()
        assert names() == {name}

    def test_what_gets_its_row_meanwhile_stays(self, storage, tmp_path, tomorrow):
        source = tmp_path / "late.png"
        source.write_bytes(b"late")
        stored = file_store(source)
        found = storage_upkeep.storage_orphans()
        assert [entry.name for entry in found] == [stored.path]
        Asset.objects.create(
            project=ProjectFactory.create(),
            kind="image",
            name="l",
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
        )
        assert list(storage_upkeep.orphans_remove(found)) == []
        assert names() == {stored.path}

    def test_stops_before_the_files_of_another_database(self, storage, tmp_path, tomorrow, monkeypatch):
        monkeypatch.setattr(storage_upkeep, "_SUSPECT_COUNT", 2)
        for number in range(3):
            source = tmp_path / f"{number}.png"
            source.write_bytes(bytes([number]))
            file_store(source)
        with pytest.raises(CommandError, match="probably not the database"):
            swept()
        assert len(names()) == 3

    def test_housekeeping_does_it_once_a_day(self, storage, tmp_path, tomorrow, way):
        source = tmp_path / "orphan.png"
        source.write_bytes(b"orphan")
        file_store(source)
        found = {swept.what: swept.count for swept in housekeeping.sweep()}
        assert found["files of the bucket without a row"] == 1
        before = len(way.asked)
        assert "files of the bucket without a row" not in {swept.what for swept in housekeeping.sweep()}
        assert len(way.asked) == before
        way.fail("503")
        assert {swept.what: swept.count for swept in housekeeping.sweep(dry_run=True)}["files of the bucket without a row"] == 0

    def test_a_local_studio_is_swept_the_same_way(self, new_host, settings, tmp_path):
        new_host()
        source = tmp_path / "orphan.png"
        source.write_bytes(b"orphan")
        name = file_store(source).path
        assert "0 files deleted" in swept()
        old = time.time() - 2 * 86_400
        os.utime(local_path(name), (old, old))
        assert "1 file deleted" in swept()
        assert not local_path(name).exists()


class TestCopy:
    def copied(self, *arguments: str) -> str:
        out = StringIO()
        call_command("storage_copy", *arguments, stdout=out, stderr=out)
        return out.getvalue()

    @pytest.fixture
    def studio(self, new_host, client: Client) -> Path:
        """A local studio with a finished project."""
        data = new_host()
        project = project_finished(session_of(client))
        source_file_add(session=project.session, name="trends.csv", chunks=[b"title,views\n"])
        with_publication(project, project.videos.get(), data)
        return data

    def test_ok(self, studio, use_bucket, new_host, client):
        use_bucket()
        video = Asset.objects.get(kind="video")
        content = local_path(video.path).read_bytes()
        said = self.copied("--dry-run")
        count = int(said.split(" to copy")[0].split()[-1])
        assert (count > 10, names()) == (True, set())
        assert f"{count} copied and verified" in self.copied()
        assert len(names()) == count
        assert f"0 copied and verified (0.0 MB), {count} in the bucket already" in self.copied()
        assert f"{count} in the bucket already" in self.copied("--verify")
        new_host()
        media_storage().fetch([video.path], holder=None, cancelled=lambda: False)
        assert local_path(video.path).read_bytes() == content
        publication = video.project.videos.get().publications.get()
        exported = client.get(reverse("pipeline:export_file", args=[publication.pk, "video.mp4"]))
        assert (exported.status_code, httpx.get(exported.url, timeout=60).content) == (302, b"{}")

    def test_what_is_damaged_or_missing_is_named(self, studio, use_bucket):
        video, thumbnail = Asset.objects.get(kind="video"), Asset.objects.filter(kind="thumbnail").first()
        local_path(video.path).write_bytes(b"something else")
        local_path(thumbnail.path).unlink()
        use_bucket()
        with pytest.raises(CommandError, match="2 could not be copied"):
            self.copied()
        assert not {video.path, thumbnail.path} & names()

    def test_what_the_bucket_spoils_is_found_out(self, studio, use_bucket, way):
        use_bucket()
        way.fail("damage", methods="GET")
        with pytest.raises(CommandError, match="could not be copied"):
            self.copied()

    def test_needs_a_bucket(self, new_host):
        new_host()
        with pytest.raises(CommandError, match="names no bucket to copy to"):
            self.copied()


def test_a_deleted_project_leaves_nothing(storage, tmp_path, monkeypatch):
    project = ProjectFactory.create()
    asset = asset_make(project, kind="image", name="x.png", content=b"picture")
    media_storage().keep(local_path(asset.path), asset.path)
    monkeypatch.setattr(bucket_module, "YOUNG_SECONDS", -60.0)
    project_delete(project=project)
    assert names() == set()
    assert not local_path(asset.path).exists()
