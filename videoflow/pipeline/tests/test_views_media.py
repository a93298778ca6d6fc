import io
import subprocess

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from PIL import Image

from videoflow.pipeline.media_files import SLICE_BYTES
from videoflow.pipeline.models import Asset
from videoflow.pipeline.store import media_path
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def session(client: Client) -> CreatorSession:
    return factories.session_of(client)


@pytest.fixture
def asset(session) -> Asset:
    project = factories.ProjectFactory.create(session=session)
    return factories.asset_make(project, kind="video", name="vidéo.mp4", content=CONTENT)


@pytest.fixture
def url(asset) -> str:
    return reverse("pipeline:asset_file", args=[asset.pk, asset.name])


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


class TestAssetFile:
    def test_ok(self, client, url, asset):
        response = client.get(url)
        assert response.status_code == 200
        assert body(response) == CONTENT
        assert response.headers["Content-Type"] == "video/mp4"
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["ETag"] == f'"{asset.sha256}"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in response.headers["Cache-Control"]
        assert "Content-Disposition" not in response.headers or "inline" in response.headers["Content-Disposition"]

    @pytest.mark.parametrize(
        ("asked", "first", "last"),
        [
            ("bytes=0-99", 0, 99),
            ("bytes=100-", 100, 10239),
            ("bytes=-40", 10200, 10239),
            ("bytes=10000-99999", 10000, 10239),
            ("bytes=0-0", 0, 0),
            pytest.param(f"bytes=3-{'9' * 5000}", 3, 10239, id="more digits than int takes"),
        ],
    )
    def test_ranges(self, client, url, asked, first, last):
        response = client.get(url, headers={"Range": asked})
        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/10240"
        assert response.headers["Content-Length"] == str(last - first + 1)
        assert body(response) == CONTENT[first : last + 1]

    @pytest.mark.parametrize(
        "asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0", pytest.param(f"bytes={'9' * 5000}-", id="5,000 digits")]
    )
    def test_past_the_end(self, client, url, asked):
        response = client.get(url, headers={"Range": asked})
        assert response.status_code == 416
        assert response.headers["Content-Range"] == "bytes */10240"

    @pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=9-3", "bytes=-", "bytes=٣-"])
    def test_what_is_no_single_range_gets_the_whole(self, client, url, asked):
        response = client.get(url, headers={"Range": asked})
        assert response.status_code == 200
        assert len(body(response)) == 10240

    def test_a_slice_is_bounded(self, client, asset):
        big = SLICE_BYTES + 5000
        path = media_path(asset.path)
        path.write_bytes(b"\1" * big)
        response = client.get(reverse("pipeline:asset_file", args=[asset.pk, "x.mp4"]), headers={"Range": "bytes=10-"})
        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes 10-{SLICE_BYTES + 9}/{big}"
        assert len(body(response)) == SLICE_BYTES

    def test_if_range(self, client, url, asset):
        fresh = client.get(url, headers={"Range": "bytes=0-9", "If-Range": f'"{asset.sha256}"'})
        stale = client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
        assert (fresh.status_code, stale.status_code) == (206, 200)

    def test_not_modified(self, client, url, asset):
        response = client.get(url, headers={"If-None-Match": f'W/"other", "{asset.sha256}"'})
        assert response.status_code == 304
        assert body(response) == b""

    def test_head(self, client, url):
        whole, part = client.head(url), client.head(url, headers={"Range": "bytes=5-14"})
        assert (whole.status_code, whole.headers["Content-Length"], body(whole)) == (200, "10240", b"")
        assert (part.status_code, part.headers["Content-Length"], body(part)) == (206, "10", b"")

    def test_download_names_the_file(self, client, url):
        disposition = client.get(f"{url}?download=1").headers["Content-Disposition"]
        assert disposition == "attachment; filename*=utf-8''vid%C3%A9o.mp4"

    def test_unknown_kind_is_never_shown_in_the_page(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        asset = factories.asset_make(project, kind="image", name="page.html", content=b"<script>alert(1)</script>")
        response = client.get(reverse("pipeline:asset_file", args=[asset.pk, asset.name]))
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")

    def test_another_creators_is_404(self, url):
        stranger = Client()
        factories.session_of(stranger)
        assert stranger.get(url).status_code == 404
        assert Client().get(url).status_code == 404

    def test_lost_file_is_404(self, client, url, asset):
        media_path(asset.path).unlink()
        assert client.get(url).status_code == 404

    def test_wrong_method(self, client, url):
        assert client.post(url).status_code == 405


class TestAssetPreview:
    def test_image(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        asset = factories.asset_make(
            project, kind="image", name="a.png", content=factories.image_bytes(1920, 1080, "#204060", kind="PNG")
        )
        response = client.get(reverse("pipeline:asset_preview", args=[asset.pk]))
        assert response.headers["Content-Type"] == "image/jpeg"
        assert 1000 < len(body(response)) < 60_000

    def test_clip(self, client, session, tmp_path):
        clip = tmp_path / "clip.mp4"
        argv = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "color=red:s=320x180:r=10:d=1[a];color=blue:s=320x180:r=10:d=1[b];[a][b]concat",
            "-pix_fmt",
            "yuv420p",
            str(clip),
        ]
        subprocess.run(argv, check=True, timeout=240)
        project = factories.ProjectFactory.create(session=session)
        asset = factories.asset_make(project, kind="clip", name="clip.mp4", content=clip.read_bytes())
        response = client.get(reverse("pipeline:asset_preview", args=[asset.pk]))
        with Image.open(io.BytesIO(body(response))) as shown:
            red, _, blue = shown.convert("RGB").resize((1, 1)).tobytes()
        assert red < 60 < 200 < blue, "the preview shows the clip's empty beginning"

    def test_sound_has_none(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        asset = factories.asset_make(project, kind="music", name="a.wav", content=b"RIFF")
        assert client.get(reverse("pipeline:asset_preview", args=[asset.pk])).status_code == 404

    def test_another_creators_is_404(self, asset):
        assert Client().get(reverse("pipeline:asset_preview", args=[asset.pk])).status_code == 404


class TestExportFile:
    @pytest.fixture
    def publication(self, session):
        project = factories.project_finished(session)
        return factories.with_publication(project, project.videos.get(), settings.VIDEOFLOW_DATA)

    def test_ok(self, client, publication):
        response = client.get(reverse("pipeline:export_file", args=[publication.pk, "metadata.json"]))
        assert body(response) == b"{}"

    def test_only_what_was_published(self, client, publication):
        folder = settings.VIDEOFLOW_DATA / publication.location
        (folder / "other.txt").write_text("x")
        assert client.get(reverse("pipeline:export_file", args=[publication.pk, "other.txt"])).status_code == 404
        assert client.get(f"/exports/{publication.pk}/..%2F..%2Fsecret_key").status_code == 404

    def test_another_creators_is_404(self, publication):
        assert Client().get(reverse("pipeline:export_file", args=[publication.pk, "metadata.json"])).status_code == 404
