"""Channels and the calendar as pages, the webhook and the podcast as targets, and the uploader's form with its targets."""

import hashlib
import hmac
import json
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import imageio_ffmpeg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.caption_tracks import caption_tracks
from videoflow.pipeline.channels.slots import slot_next, slots_clean
from videoflow.pipeline.editing.publish_draft import draft_save, draft_values
from videoflow.pipeline.models import Channel, Project, Publication, YouTubeUpload
from videoflow.pipeline.services import session_is_kept, stage_start
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.youtube_hand import channel_make, run_on
from videoflow.providers.webhook import SIGNATURE
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)
CONNECT = "/channels/connect/"


@pytest.fixture
def session(client):
    return factories.session_of(client)


@pytest.fixture
def project(session):
    return factories.project_finished(session)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=5:d=3", "-f", "lavfi", "-i", "sine=d=3", "-shortest", "-c:a", "aac"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-preset", "ultrafast", "-threads", "1", str(out)]
    subprocess.run(command, check=True, timeout=240)
    return out.read_bytes()


def consent(client, page) -> dict[str, str]:
    """Google's side: what the page's link asks for."""
    link = page.context["consent"]
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


class TestPages:
    def test_without_registration_the_page_says_what_to_set(self, client, session):
        page = client.get("/settings/").content.decode()
        assert "VIDEOFLOW_GOOGLE_CLIENT_ID" in page
        assert "/channels/callback/" in page
        assert "Connect a channel" not in page
        assert client.post(CONNECT).status_code == 302

    def test_connect_through_the_browser(self, client, session, world):
        page = client.post(CONNECT, {"zone": "Europe/Berlin"}, SERVER_NAME="localhost")
        asked = consent(client, page)
        assert asked["redirect_uri"] == "http://localhost/channels/callback/"
        world.codes["4/code"] = asked
        answer = client.get(
            "/channels/callback/", {"state": asked["state"], "code": "4/code"}, SERVER_NAME="localhost", follow=True
        )
        assert "“Tiny forests” is connected." in answer.content.decode()
        assert Channel.objects.get().time_zone == "Europe/Berlin"

    def test_connect_by_pasting_in_a_home_network(self, client, session, world, settings):
        settings.ALLOWED_HOSTS = ["studio.lan"]
        page = client.post(CONNECT, SERVER_NAME="studio.lan", SERVER_PORT="8000")
        asked = consent(client, page)
        assert asked["redirect_uri"] == "http://127.0.0.1:8000/channels/callback/"
        world.codes["4/code"] = asked
        pasted = f"{asked['redirect_uri']}?state={asked['state']}&code=4/code&scope=x"
        client.post("/channels/paste/", {"address": f"  {pasted} "}, SERVER_NAME="studio.lan")
        assert Channel.objects.get().title == "Tiny forests"

    def test_a_replayed_or_foreign_answer_is_refused(self, client, session, world):
        asked = consent(client, client.post(CONNECT, SERVER_NAME="localhost"))
        world.codes["4/code"] = asked
        client.cookies["videoflow_creator"] = "another browser"
        page = client.get(
            "/channels/callback/", {"state": asked["state"], "code": "4/code"}, SERVER_NAME="localhost", follow=True
        )
        assert "another browser" in page.content.decode()
        assert not Channel.objects.exists()

    def test_slots_are_kept_and_a_stranger_gets_nothing(self, client, session, world):
        channel = channel_make(session, world)
        sent = {"day": ["0", "3"], "times": "9:00, 18:30", "zone": "Europe/Berlin", "missed": "hold"}
        client.post(f"/channels/{channel.pk}/", sent)
        channel.refresh_from_db()
        assert channel.slots == [[0, "09:00"], [0, "18:30"], [3, "09:00"], [3, "18:30"]]
        assert (channel.time_zone, channel.missed_rule) == ("Europe/Berlin", "hold")
        client.post(f"/channels/{channel.pk}/", {**sent, "times": "25:00"})
        channel.refresh_from_db()
        assert len(channel.slots) == 4
        page = client.get("/settings/").content.decode()
        assert "4 slots a week" in page
        client.cookies["videoflow_creator"] = "a stranger"
        assert client.post(f"/channels/{channel.pk}/", sent).status_code == 404
        assert client.post(f"/channels/{channel.pk}/disconnect/").status_code == 404

    def test_disconnect_gives_the_permission_back(self, client, session, world):
        channel = channel_make(session, world)
        page = client.post(f"/channels/{channel.pk}/disconnect/", follow=True)
        assert "given back" in page.content.decode()
        assert not world.refresh_tokens


class TestSlots:
    def test_in_the_channels_own_time_also_when_clocks_change(self):
        channel = Channel(time_zone="Europe/Berlin", slots=slots_clean([(5, "18:00"), (6, "18:00")]))
        saturday = slot_next(channel, after=datetime(2026, 10, 23, tzinfo=UTC))
        assert saturday == datetime(2026, 10, 24, 16, tzinfo=UTC)
        sunday = slot_next(channel, after=datetime(2026, 10, 23, tzinfo=UTC), taken={datetime(2026, 10, 24, 16, tzinfo=UTC)})
        assert sunday == datetime(2026, 10, 25, 17, tzinfo=UTC)
        assert slot_next(Channel(slots=[]), after=timezone.now()) is None

    @pytest.mark.parametrize(
        "slots",
        [[(7, "18:00")], [(1, "24:00")], [(1, "soon")], [(day, f"{hour:02}:00") for day in range(7) for hour in range(4)]],
    )
    def test_refuses_what_is_none(self, slots):
        with pytest.raises(BadInput):
            slots_clean(slots)


class TestForm:
    def filled(self, project: Project, **changes: Any) -> dict[str, Any]:
        values = draft_values(project, project.videos.get()) | {"form": "whole", "synthetic": "on", "target": "youtube"} | changes
        return {name: value for name, value in values.items() if value not in (False, None)}

    def test_publishes_to_the_channel_that_was_chosen(self, client, project, world, session):
        channel = channel_make(session, world)
        world.channels["UCother000000000000000001"] = "Another"
        channel_make(session, world, "UCother000000000000000001")
        sent = self.filled(project, audience="general", channel=str(channel.pk), title_es="Bosques", title_fr="Forêts")
        answer = client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", {**sent, "act": "publish"})
        assert answer.status_code == 302
        other = client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", {**sent, "act": "publish"})
        assert other.status_code == 422
        assert "already running for this project" in other.content.decode()
        task = run_on(Task.objects.get(task_type="youtube_upload", status="pending"))
        assert task.status == "completed", task.message
        publication = Publication.objects.get(target="youtube")
        assert publication.channel == channel
        assert [texts["title"] for texts in next(iter(world.videos.values()))["localizations"].values()] == ["Bosques", "Forêts"]
        page = client.get(f"/projects/{project.pk}/panels/youtube_upload/").content.decode()
        assert publication.location in page
        assert "Upload session 1 begun" in page
        assert "Change the video on YouTube" in page
        again = client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", {**sent, "act": "publish"})
        assert again.status_code == 422
        assert "already" in again.content.decode()
        changed = {**sent, "title": "A new title", "act": "update", "update_of": str(publication.pk)}
        assert client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", changed).status_code == 302
        run_on(Task.objects.get(task_type="youtube_upload", status="pending"))
        assert next(iter(world.videos.values()))["snippet"]["title"] == "A new title"

    def test_the_checks_name_what_is_missing(self, client, project, world):
        draft_save(project=project, video=project.videos.get(), values={"target": "youtube"})
        page = client.get(f"/projects/{project.pk}/publish/checks/").content.decode()
        assert "Connect a YouTube channel" in page
        assert "made for kids" in page

    def test_captions_in_other_languages_go_along(self, client, project, world, session):
        channel_make(session, world)
        address = f"/projects/{project.pk}/publish/captions/"

        def bring(text: bytes, language: str = "de") -> str:
            sent = {"captions_language": language, "captions": SimpleUploadedFile("wald.srt", text)}
            return client.post(address, sent, follow=True).content.decode()

        good = b"\xef\xbb\xbf1\r\n00:00:00,500 --> 00:00:02,000\r\nGuten Tag\r\n"
        for text, language, words in (
            (b"Guten Tag", "de", "no captions with times"),
            ("Grüße".encode("latin-1"), "de", "not in UTF-8"),
            (b"1\n00:00:02,000 --> 00:00:01,000\nGuten Tag\n", "de", "ends before it begins"),
            (b"1\n09:00:02,000 --> 09:00:03,000\nGuten Tag\n", "de", "after the video"),
            (b"x" * 1_000_001, "de", "larger than 1 MB"),
            (good, "en", "own captions"),
            (good, "xx", "Choose the language"),
        ):
            assert words in bring(text, language)
        assert not caption_tracks(project)
        for language in ("de", "fr", "de"):
            assert "go to YouTube" in bring(good, language)
        assert list(caption_tracks(project)) == ["de", "fr"]
        client.post(address, {"drop": "fr"})
        own = client.cookies["videoflow_creator"].value
        client.cookies["videoflow_creator"] = "a stranger"
        assert client.post(address, {"drop": "de"}).status_code == 404
        client.cookies["videoflow_creator"] = own
        chosen = {"target": "youtube", "audience": "general"}
        task = stage_start(project=project, task_type="youtube_upload", input_data=chosen)
        assert "on its way" in bring(good, "fr")  # what is sent is what is written down as sent
        run_on(task)
        publication = Publication.objects.get()
        assert sorted((row["snippet"]["language"], row["snippet"]["name"]) for row in world.captions.values()) == [
            ("de", "Deutsch"),
            ("en", "English"),
        ]
        assert b"Guten Tag" in next(row["text"] for row in world.captions.values() if row["snippet"]["language"] == "de")

        def panel() -> str:
            return client.get(f"/projects/{project.pk}/panels/youtube_upload/").content.decode()

        assert panel().count("On YouTube<") == 2
        assert "Change the video on YouTube” sends them" in bring(good.replace(b"Tag", b"Abend"))
        bring(good, "fr")
        assert "Not on YouTube yet" in panel()
        assert "YouTube has another version" in panel()
        client.post(address, {"drop": "de"})
        assert "Taken away here, still on YouTube" in panel()
        run_on(stage_start(project=project, task_type="youtube_upload", input_data=chosen | {"update_of": publication.pk}))
        assert sorted(row["snippet"]["language"] for row in world.captions.values()) == ["en", "fr"]
        assert panel().count("On YouTube<") == 2
        assert world.complaints == []

    def test_unsure_can_be_answered_on_the_page(self, client, project, world, session):
        channel = channel_make(session, world)
        world.polls_until_listed = 100
        world.fault_of = lambda operation: "lost-expire" if operation == "chunk" else ""
        task = stage_start(project=project, task_type="youtube_upload", input_data={"target": "youtube", "audience": "general"})
        assert run_on(task).status == "failed"
        assert session_is_kept(session=session)
        page = client.get(f"/projects/{project.pk}/panels/youtube_upload/").content.decode()
        assert "It is not there: upload it anew" in page
        world.fault_of = None
        world.videos.clear()
        upload = YouTubeUpload.objects.get(channel=channel)
        client.post(f"/projects/{project.pk}/uploads/{upload.pk}/anew/")
        assert run_on(task).status == "completed"
        assert len(world.videos) == 1


class TestCalendar:
    def test_shows_and_moves_what_is_scheduled(self, client, project, world, session):
        channel = channel_make(session, world)
        Channel.objects.update(time_zone="Europe/Berlin", slots=[[day, "18:00"] for day in range(7)])
        at = (timezone.now() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
        chosen = {
            "target": "youtube",
            "audience": "general",
            "title": "Planned one",
            "publish_at": at.isoformat(),
            "channel": str(channel.pk),
        }
        run_on(stage_start(project=project, task_type="youtube_upload", input_data=chosen))
        publication = Publication.objects.get()
        page = client.get("/calendar/", {"month": f"{at:%Y-%m}"}).content.decode()
        assert "Planned one" in page
        assert 'data-kind="scheduled"' in page
        assert f'data-at="{timezone.localtime(at, ZoneInfo("Europe/Berlin")):%Y-%m-%dT%H:%M}"' in page
        later = at + timedelta(days=1)
        sent = {"kind": "scheduled", "key": str(publication.pk), "at": later.isoformat(), "zone": "Europe/Berlin"}
        client.post("/calendar/move/", sent)
        run_on(Task.objects.get(task_type="youtube_upload", status="pending"))
        publication.refresh_from_db()
        assert publication.publish_at == later
        assert next(iter(world.videos.values()))["status"]["publishAt"] == later.strftime("%Y-%m-%dT%H:%M:%SZ")
        said = client.post("/calendar/move/", {**sent, "at": "2020-01-01T10:00"}, follow=True).content.decode()
        assert "five minutes" in said
        client.cookies["videoflow_creator"] = "a stranger"
        assert "not scheduled" in client.post("/calendar/move/", sent, follow=True).content.decode()

    def test_moves_a_draft_and_a_waiting_upload(self, client, project, world, session):
        channel_make(session, world)
        at = (timezone.now() + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
        client.post(
            "/calendar/move/", {"kind": "draft", "key": str(project.pk), "at": at.strftime("%Y-%m-%dT%H:%M"), "zone": "UTC"}
        )
        project.refresh_from_db()
        assert project.publish_draft["publish_at"] == at.strftime("%Y-%m-%dT%H:%M:00+00:00")
        page = client.get("/calendar/", {"month": f"{at:%Y-%m}"}).content.decode()
        assert 'data-kind="draft"' in page
        chosen = {"target": "youtube", "audience": "general", "publish_at": at.isoformat()}
        task = stage_start(project=project, task_type="youtube_upload", input_data=chosen)
        later = at + timedelta(hours=5)
        client.post("/calendar/move/", {"kind": "queued", "key": str(task.pk), "at": later.isoformat()})
        run_on(task)
        assert Publication.objects.get().publish_at == later

    def test_an_empty_one_and_odd_months_open(self, client):
        for month in ("", "2026-02", "9999-99", "x", "2024-02"):
            assert client.get("/calendar/", {"month": month}).status_code == 200


class _Receiver(BaseHTTPRequestHandler):
    received: list[tuple[str, dict[str, str], bytes]]
    status = 201

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append((self.headers["X-Videoflow-File"], dict(self.headers), body))
        self.send_response(type(self).status)
        answer = b'{"id": "remote-7"}'
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def receiver(settings):
    handler = type("Receiver", (_Receiver,), {"received": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    settings.VIDEOFLOW_WEBHOOK_URL = f"http://127.0.0.1:{server.server_address[1]}/videos?from=studio"
    settings.VIDEOFLOW_WEBHOOK_SECRET = "a secret of the operator"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join(10)


class TestWebhook:
    def test_everything_arrives_signed(self, project, receiver):
        task = run_on(stage_start(project=project, task_type="youtube_upload", input_data={"target": "webhook"}))
        assert task.status == "completed", task.message
        names = [name for name, _, _ in receiver.received]
        assert names == ["metadata.json", "video.mp4", "thumbnail.jpg", "captions.srt", "captions.vtt"]
        metadata = json.loads(receiver.received[0][2])
        for name, headers, body in receiver.received:
            digest = hashlib.sha256(body).hexdigest()
            at = headers[SIGNATURE].split(",")[0].removeprefix("t=")
            text = f"{at}.{headers['X-Videoflow-Delivery']}.{name}.{digest}"
            wanted = hmac.new(b"a secret of the operator", text.encode(), hashlib.sha256).hexdigest()
            assert headers[SIGNATURE].endswith(f"v1={wanted}")
            assert name == "metadata.json" or metadata["files"][name] == {"sha256": digest, "size_bytes": len(body)}
        assert Publication.objects.get().remote_id == "remote-7"

    def test_a_refusal_is_a_failure(self, project, receiver):
        receiver.status = 403
        task = run_on(stage_start(project=project, task_type="youtube_upload", input_data={"target": "webhook"}))
        assert (task.status, task.error["error_code"]) == ("failed", "WEBHOOK_FAILED")
        assert not Publication.objects.exists()

    def test_without_one_it_says_what_to_set(self, project):
        with pytest.raises(BadInput, match="VIDEOFLOW_WEBHOOK_URL"):
            stage_start(project=project, task_type="youtube_upload", input_data={"target": "webhook"})


class TestPodcast:
    def test_an_episode_can_be_heard_in_ranges(self, client, session, film):
        project = factories.ProjectFactory.create(session=session)
        factories.with_video(project, factories.with_script(project), file=film, seconds=3.0)
        task = run_on(stage_start(project=project, task_type="youtube_upload", input_data={"target": "podcast"}))
        assert task.status == "completed", task.message
        page = client.get(f"/projects/{project.pk}/panels/youtube_upload/").content.decode()
        address = page.split("/feed.xml")[0].rpartition('"')[2] + "/feed.xml"
        del client.cookies["videoflow_creator"]  # a player has the address alone
        feed = ElementTree.fromstring(client.get(address).content)
        item = feed.find("channel/item")
        assert item is not None
        enclosure = item.find("enclosure")
        assert enclosure is not None
        path = urlsplit(enclosure.attrib["url"]).path
        part = client.get(path, headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert client.head(path).headers["Content-Length"] == enclosure.attrib["length"]
        whole = b"".join(client.get(path).streaming_content)
        assert len(whole) == int(enclosure.attrib["length"])
        assert client.get(f"{address.replace('feed.xml', '')}x/feed.xml").status_code == 404
        assert client.get(address.replace("/podcast/", "/podcast/x")).status_code == 404
        assert client.get(path.replace("episode.m4a", "metadata.json")).status_code == 404

    def test_a_silent_video_is_refused(self, project):
        task = run_on(stage_start(project=project, task_type="youtube_upload", input_data={"target": "podcast"}))
        assert task.status == "failed"
        assert not Publication.objects.exists()
