import io
import subprocess
import wave
from datetime import timedelta
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from videoflow.errors import BadInput
from videoflow.pipeline.editing import uploads
from videoflow.pipeline.editing.scenes_media import picture_use
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.housekeeping import housekeeping
from videoflow.pipeline.metadata import description_make
from videoflow.pipeline.models import Asset, Project, Scene, Upload
from videoflow.pipeline.store import asset_path, media_path
from videoflow.pipeline.tests.factories import AssetFactory, ProjectFactory, session_of, with_media, with_script, with_video

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def project(client) -> Project:
    project = ProjectFactory.create(session=session_of(client))
    with_media(project, with_script(project))
    return project


@pytest.fixture
def scene(project) -> Scene:
    return project.scenes.get(position=2)


def photo(width: int = 300, height: int = 200, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    exif[0x010E] = "taken at home"
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "#a04020").save(stream, kind, exif=exif)
    return stream.getvalue()


def sound(seconds: float = 1.0) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(b"\0\x10\0\xf0" * int(4000 * seconds))
    return stream.getvalue()


def brought(project: Project, content: bytes, name: str, scene: Scene | None = None) -> Upload:
    upload = uploads.upload_begin(project=project, name=name, size_bytes=len(content), scene_key=scene.key if scene else None)
    uploads.upload_receive(upload=upload, offset=0, content=content)
    return upload


def test_photo_comes_in_upright_and_without_hidden_data(project, scene):
    before = scene.asset
    asset = uploads.upload_finish(upload=brought(project, photo(), "holiday.jpeg", scene))
    with Image.open(asset_path(asset)) as picture:
        assert picture.size == (200, 300)
        assert not picture.getexif()
    assert b"taken at home" not in asset_path(asset).read_bytes()
    scene.refresh_from_db()
    assert (scene.asset, asset.origin, asset.licence, asset.name) == (asset, Asset.UPLOAD, uploads.OWN, "holiday.jpg")
    assert set(scene.candidates.all()) == {before, asset}
    undo(project)
    scene.refresh_from_db()
    assert scene.asset == before


def test_file_goes_on_where_the_line_broke(client, project, scene):
    content = photo(900, 700, "PNG")
    address = reverse("pipeline:upload_new", args=[project.pk])
    begun = client.post(address, {"name": "p.png", "size": len(content), "scene": str(scene.key)}, **JSON).json()
    half = len(content) // 2

    def piece(offset: int | str, part: bytes) -> Any:
        return client.patch(begun["url"], part, content_type="application/octet-stream", HTTP_UPLOAD_OFFSET=str(offset), **JSON)

    assert piece(0, content[:half]).json()["offset"] == half
    assert client.head(begun["url"], **JSON).headers["Upload-Offset"] == str(half)
    assert [piece(wrong, b"x").status_code for wrong in ("", "-1", "²", "9" * 5000)] == [422] * 4
    again = piece(0, content[:half])  # the answer to the first was lost
    assert (again.status_code, again.json()["offset"]) == (409, half)
    last = piece(half, content[half:])
    assert (last.status_code, last.json()["state"]) == (200, "ready")
    assert piece(len(content), b"").json()["state"] == "ready"  # asked once more for the verdict
    scene.refresh_from_db()
    assert scene.asset.origin == Asset.UPLOAD
    assert Asset.objects.filter(project=project, origin=Asset.UPLOAD).count() == 1
    assert not media_path(Upload.objects.get().path).exists()


def test_clip_is_written_anew_without_sound(project, scene, tmp_path):
    source = tmp_path / "in.mkv"
    inputs = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=24:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-metadata", "location=+50.1+8.6/"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *codecs, str(source)], check=True, timeout=240)
    asset = uploads.upload_finish(upload=brought(project, source.read_bytes(), "walk.mkv", scene))
    assert (asset.kind, asset.name, asset.width_px, asset.height_px) == ("clip", "walk.mp4", 320, 240)
    assert asset.seconds == pytest.approx(1.0, abs=0.1)
    content = asset_path(asset).read_bytes()
    assert b"+50.1" not in content
    assert b"soun" not in content  # no handler of sound


def test_music_is_measured_and_used(project):
    asset = uploads.upload_finish(upload=brought(project, sound(), "my song.wav"))
    project.refresh_from_db()
    assert (asset.kind, asset_path(asset).suffix, project.music["asset_id"]) == ("music", ".flac", str(asset.pk))
    assert asset.peaks
    assert max(asset.peaks) == 100
    undo(project)
    project.refresh_from_db()
    assert "asset_id" not in project.music


def test_what_is_refused_is_gone_and_the_reason_stays(project, scene):
    before = scene.asset_id
    upload = brought(project, b"#EXTM3U\n/etc/passwd\n" + b"x" * 50, "list.mp4", scene)
    for _attempt in range(2):  # asked again, the same is said
        with pytest.raises(BadInput, match=r"“list[.]mp4” is neither a picture"):
            uploads.upload_finish(upload=upload)
    upload.refresh_from_db()
    scene.refresh_from_db()
    assert (upload.state, scene.asset_id) == (Upload.State.REFUSED, before)
    assert "“list.mp4” is neither a picture" in upload.error
    assert not media_path(upload.path).exists()


def test_limits(project, scene):
    with pytest.raises(BadInput, match="500 MB"):
        uploads.upload_begin(project=project, name="a.mp4", size_bytes=500_000_001, scene_key=scene.key)
    with pytest.raises(BadInput, match="200 MB"):
        uploads.upload_begin(project=project, name="a.mp3", size_bytes=200_000_001)
    big = uploads.upload_begin(project=project, name="a.jpg", size_bytes=20_000_001, scene_key=scene.key)
    with pytest.raises(BadInput, match="a picture may have 20 MB"):
        uploads.upload_receive(upload=big, offset=0, content=photo())
    Asset.objects.filter(project=project).update(origin=Asset.UPLOAD, size_bytes=uploads.SESSION_LIMIT_BYTES)
    with pytest.raises(BadInput, match="5 GB"):
        uploads.upload_begin(project=project, name="a.jpg", size_bytes=10, scene_key=scene.key)


def test_plain_form_without_scripts(client, project, scene):
    address = reverse("pipeline:upload_new", args=[project.pk])
    file = io.BytesIO(photo())
    file.name = "plain.jpg"
    answer = client.post(address, {"scene": str(scene.key), "file": file})
    assert answer.url == reverse("pipeline:media_scene", args=[project.pk, scene.key])
    scene.refresh_from_db()
    assert scene.asset.origin == Asset.UPLOAD
    wrong = io.BytesIO(b"no picture at all, but long enough to be looked at")
    wrong.name = "plain.jpg"
    page = client.post(address, {"scene": str(scene.key), "file": wrong}, follow=True).content.decode()
    assert "“plain.jpg” is neither a picture (JPEG, PNG or WebP) nor a video" in page


def test_nobody_else_reaches_an_upload(client, project, scene):
    stranger = brought(ProjectFactory.create(), photo(), "theirs.jpg")
    address = reverse("pipeline:upload", args=[stranger.pk])
    assert client.get(address).status_code == 404
    assert client.patch(address, b"x", content_type="application/octet-stream", HTTP_UPLOAD_OFFSET="0").status_code == 404
    assert client.post(reverse("pipeline:upload_discard", args=[stranger.pk])).status_code == 404
    assert Upload.objects.filter(pk=stranger.pk).exists()


def test_abandoned_files_go_after_a_day(project, scene):
    young = uploads.upload_begin(project=project, name="young.jpg", size_bytes=10, scene_key=scene.key)
    old = uploads.upload_begin(project=project, name="old.jpg", size_bytes=10, scene_key=scene.key)
    Upload.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    paths = [Path(media_path(upload.path)) for upload in (young, old)]
    housekeeping()
    assert [path.exists() for path in paths] == [True, False]
    assert list(Upload.objects.all()) == [young]


def test_description_credits_what_is_in_the_video(project, scene):
    video = with_video(project, project.scripts.get())
    assert "Voices, pictures and music were made by a machine" in description_make(video)
    for number, named in enumerate(("Ada Lens, example.org", "Never shown")):
        picture = AssetFactory.create(project=project, origin=Asset.UPLOAD, credit=named, licence="CC BY 4.0", sha256=str(number))
        picture_use(scene=scene, asset=picture)
    undo(project)
    text = description_make(video)
    assert "– Ada Lens, example.org (CC BY 4.0)" in text
    assert "Never shown" not in text
    assert "Voices, some pictures and music were made by a machine" in text
