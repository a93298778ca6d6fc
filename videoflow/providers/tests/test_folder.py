import json
from collections import namedtuple
from pathlib import Path

import pytest

from videoflow.errors import Cancelled, DiskFull
from videoflow.providers.base import Chapter, PublishRequest
from videoflow.providers.folder import FolderPublisher, folder_name


@pytest.fixture
def request_(tmp_path: Path) -> PublishRequest:
    for name in ("v.mp4", "t.jpg", "c.srt", "c.vtt"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    return PublishRequest(
        video=tmp_path / "v.mp4",
        thumbnail=tmp_path / "t.jpg",
        srt=tmp_path / "c.srt",
        vtt=tmp_path / "c.vtt",
        title="Beirut: what 28 million views say — ✨",
        description="0:00 Hook",
        chapters=(Chapter(0, "Hook"), Chapter(65.2, "Then")),
        tags=("beirut",),
        language="en",
        metadata={"publication_id": "abcdef12-3456"},
    )


def publish(root: Path, request: PublishRequest, *, cancelled: bool = False) -> list[str]:
    seen: list[str] = []
    FolderPublisher(root).publish(request, report=lambda share, message: seen.append(message), cancelled=lambda: cancelled)
    return seen


class TestPublish:
    def test_ok(self, tmp_path, request_):
        publish(tmp_path / "out", request_)
        target = tmp_path / "out" / "beirut-what-28-million-views-say-abcdef12"
        assert sorted(path.name for path in target.iterdir()) == [
            "captions.srt", "captions.vtt", "description.txt", "metadata.json", "thumbnail.jpg", "video.mp4",
        ]  # fmt: skip
        assert (target / "video.mp4").read_bytes() == request_.video.read_bytes()
        metadata = json.loads((target / "metadata.json").read_text())
        assert metadata["title"] == request_.title
        assert metadata["chapters"][1]["start"] == "0:01:05"

    def test_repeated_it_is_the_same_folder(self, tmp_path, request_):
        publish(tmp_path / "out", request_)
        publish(tmp_path / "out", request_)
        assert len(list((tmp_path / "out").iterdir())) == 1

    def test_cancelled_leaves_nothing(self, tmp_path, request_):
        with pytest.raises(Cancelled):
            publish(tmp_path / "out", request_, cancelled=True)
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_full_disk_is_said_before_anything_is_written(self, tmp_path, request_, monkeypatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage(100, 99, 1))
        with pytest.raises(DiskFull, match="needs 52 MB"):
            publish(tmp_path / "out", request_)
        assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("title", "name"), [("../../etc", "etc-x"), ("日本", "x"), ("a" * 90, "a" * 60 + "-x")])
def test_a_title_never_leaves_the_folder(title, name):
    assert folder_name(title, "x") == name
