from pathlib import Path

import pytest

from videoflow.errors import BadInput, DiskFull
from videoflow.pipeline.store import file_store, media_path, room_check, upload_store


class TestFileStore:
    def test_ok(self, tmp_path):
        (tmp_path / "a.PNG").write_bytes(b"picture")
        stored = file_store(tmp_path / "a.PNG")
        assert media_path(stored.path).read_bytes() == b"picture"
        assert stored.path == f"{stored.sha256[:2]}/{stored.sha256}.png"

    def test_the_same_content_stands_once(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(b"same")
        (tmp_path / "b.wav").write_bytes(b"same")
        assert file_store(tmp_path / "a.wav") == file_store(tmp_path / "b.wav")

    def test_a_damaged_copy_is_replaced(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(b"whole file")
        target = media_path(file_store(tmp_path / "a.wav").path)
        target.unlink()
        target.write_bytes(b"half")
        file_store(tmp_path / "a.wav")
        assert target.read_bytes() == b"whole file"


class TestUploadStore:
    def test_ok(self):
        stored = upload_store(name="x.csv", chunks=[b"one,", b"two"], limit_bytes=100)
        assert media_path(stored.path).read_bytes() == b"one,two"

    @pytest.mark.parametrize(("chunks", "sentence"), [([], "is empty"), ([b"x" * 60, b"x" * 60], "is larger than")])
    def test_refuses_and_leaves_nothing(self, chunks, sentence):
        before = set(media_path("uploads").glob("*")) if media_path("uploads").exists() else set()
        with pytest.raises(BadInput, match=sentence):
            upload_store(name="x.csv", chunks=chunks, limit_bytes=100)
        assert set(media_path("uploads").glob(".*")) == set()
        assert set(media_path("uploads").glob("*")) == before


def test_a_nearly_full_disk_is_said_with_figures(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10_000_000})())
    with pytest.raises(DiskFull, match=r"needs about 600 MB, 10 MB are free") as caught:
        room_check(100_000_000)
    assert caught.value.details == {"needed_bytes": 600_000_000, "free_bytes": 10_000_000}


def test_media_path_is_below_the_data_folder(settings):
    assert Path(settings.MEDIA_ROOT) in media_path("ab/x").parents
