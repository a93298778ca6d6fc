"""Publishing to YouTube through the real stage, against a server that follows the rules: exactly once, private until seen."""

import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.channels import connect, publishing
from videoflow.pipeline.channels.access import quota_left, token_forget
from videoflow.pipeline.channels.after import publications_poll
from videoflow.pipeline.channels.journal import unsure_decide
from videoflow.pipeline.models import (
    Channel,
    ConnectAttempt,
    Publication,
    QuotaUse,
    UploadNote,
    VideoStatistics,
    YouTubeUpload,
)
from videoflow.pipeline.services import session_delete
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.youtube_hand import channel_make, publish, run_on, run_once
from videoflow.providers.youtube import errors
from videoflow.providers.youtube.oauth import SCOPE
from videoflow.tasks.models import Task
from videoflow.tasks.services import TaskConflict, task_retry
from videoflow.vault.models import Credential

pytestmark = pytest.mark.django_db(transaction=True)  # the lease is kept by a thread with a connection of its own
FILE = bytes(range(256)) * 3000


@pytest.fixture
def project():
    project = factories.ProjectFactory.create()
    factories.with_video(project, factories.with_script(project), file=FILE)
    return project


@pytest.fixture
def channel(world, project):
    return channel_make(project.session, world)


def the_video(world):
    assert len(world.videos) == 1
    video = next(iter(world.videos.values()))
    assert video["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert not video["was_public_before_processed"]
    return video


class TestPublish:
    def test_ok(self, world, project, channel):
        chosen = {"privacy": "public", "tags": ["trees", "city life"], "playlist": "Forests", "language": "de", "category": "27"}
        task = run_on(publish(project, **chosen, localizations={"es": {"title": "Bosques", "description": "Pequeños"}}))
        assert task.status == "completed", task.message
        video = the_video(world)
        assert video["snippet"]["tags"] == ["trees", "city life"]
        assert (video["snippet"]["categoryId"], video["snippet"]["defaultLanguage"]) == ("27", "de")
        assert video["localizations"] == {"es": {"title": "Bosques", "description": "Pequeños"}}
        wanted = {"privacyStatus": "public", "selfDeclaredMadeForKids": False, "containsSyntheticMedia": True, "embeddable": True}
        assert wanted.items() <= video["status"].items()
        assert world.thumbnails[video["id"]].startswith(b"\xff\xd8")
        assert [row["snippet"]["language"] for row in world.captions.values()] == ["en"]
        assert [row["videos"] for row in world.playlists.values()] == [[video["id"]]]
        publication = Publication.objects.get()
        assert (publication.remote_id, publication.state, publication.differences) == (video["id"], "published", [])
        assert publication.location == f"https://youtu.be/{video['id']}"
        assert YouTubeUpload.objects.get().state == "done"
        first = [entry[0] for entry in world.requests]
        assert first.index("captions.insert") < first.index("videos.update")  # public only once all is there

    def test_recording_day_and_paid_promotion_are_parts_that_can_be_taken_back(self, world, project, channel):
        run_on(publish(project, recorded_on="2026-01-31", paid_promotion=True))
        video = the_video(world)
        assert video["recordingDetails"] == {"recordingDate": "2026-01-31T00:00:00Z"}
        assert video["paidProductPlacementDetails"] == {"hasPaidProductPlacement": True}
        publication = Publication.objects.get()
        assert publication.differences == []
        run_on(publish(project, update_of=publication.pk))
        assert (video["recordingDetails"], video["paidProductPlacementDetails"]) == ({}, {"hasPaidProductPlacement": False})
        with pytest.raises(BadInput, match="still to come"):
            publish(project, again=True, recorded_on="2999-01-31")

    def test_waits_privately_while_youtube_works(self, world, project, channel):
        world.polls_until_processed = 3
        task, seen = publish(project, privacy="public"), []
        task = run_once(task)
        assert (task.status, task.error["error_code"]) == ("retrying", "YOUTUBE_PROCESSING")
        assert "40 of 100 parts" in task.message
        assert task.automatic_retries == 0
        run_on(task, lambda row: seen.append(next(iter(world.videos.values()))["status"]["privacyStatus"]))
        assert seen == ["private"]
        assert the_video(world)["status"]["privacyStatus"] == "public"

    def test_a_lock_is_shown(self, world, project, channel):
        world.lock_private = True
        assert run_on(publish(project, privacy="public")).status == "completed"
        differences = Publication.objects.get().differences
        assert [(row["field"], row["wanted"], row["stored"]) for row in differences] == [("privacyStatus", "public", "private")]
        assert "audited" in differences[0]["why"]
        at = (timezone.now() + timedelta(days=1)).isoformat()
        run_on(publish(project, again=True, privacy="private", publish_at=at))
        publication = Publication.objects.latest("pk")
        assert (publication.state, publication.publish_at) == ("published", None)  # it would never become public by itself
        assert [row["field"] for row in publication.differences] == ["publishAt"]

    @pytest.mark.parametrize(
        ("end", "words"),
        [
            ({"uploadStatus": "failed", "failureReason": "codec"}, "does not know the codec"),
            ({"uploadStatus": "rejected", "rejectionReason": "copyright"}, "copyright"),
        ],
    )
    def test_rejected_is_a_failure_and_may_be_tried_anew(self, world, project, channel, end, words):
        world.end_status = end
        task = run_on(publish(project))
        assert task.status == "failed"
        assert words in task.message
        world.end_status = {"uploadStatus": "processed"}
        assert run_on(publish(project)).status == "completed"
        assert len(world.videos) == 2

    def test_deleted_at_youtube_is_said(self, world, project, channel):
        world.polls_until_processed = 2
        task = run_once(publish(project))
        world.videos.clear()
        task = run_on(task)
        assert (task.status, task.error["error_code"]) == ("failed", "VIDEO_DELETED")

    def test_an_extra_that_fails_is_a_warning(self, world, project, channel):
        world.fault("thumbnails/set.insert", "forbidden")
        task = run_on(publish(project))
        assert task.status == "completed"
        assert "phone number" in task.result_data["warnings"][0]

    def test_a_thumbnail_that_youtube_would_not_take_is_not_sent(self, world, project, channel, monkeypatch):
        monkeypatch.setattr(publishing, "THUMBNAIL_LIMIT_BYTES", 100)
        task = run_on(publish(project))
        assert task.result_data["warnings"] == ["The thumbnail is larger than 2 MB, so YouTube would not take it."]
        assert not world.thumbnails


class TestOnce:
    def test_the_same_file_again_needs_to_be_wanted(self, world, project, channel):
        run_on(publish(project))
        with pytest.raises(BadInput, match="already") as caught:
            publish(project)
        assert caught.value.code == "ALREADY_PUBLISHED"
        assert run_on(publish(project, again=True)).status == "completed"
        assert len(world.videos) == 2

    def test_two_people_at_once(self, world, project, channel):
        task = publish(project)
        with pytest.raises(TaskConflict):
            publish(project)
        run_on(task)
        the_video(world)

    def test_a_new_task_goes_on_where_the_old_one_ended(self, world, project, channel):
        world.fault("chunk", "cut:0.5")
        world.fault("ask", "forbidden")
        assert run_on(publish(project)).status == "failed"
        begun = len(world.sessions)
        assert run_on(publish(project)).status == "completed"
        the_video(world)
        assert len(world.sessions) == begun == YouTubeUpload.objects.get().sessions_begun

    def test_a_lost_database_finds_the_video(self, world, project, channel):
        run_on(publish(project))
        YouTubeUpload.objects.all().delete()
        Publication.objects.all().delete()
        assert run_on(publish(project)).status == "completed"
        the_video(world)

    def test_unsure_asks_its_owner(self, world, project, channel):
        world.polls_until_listed = 100
        world.fault_of = lambda operation: "lost-expire" if operation == "chunk" else ""
        task = run_on(publish(project))
        assert (task.status, task.error["error_code"]) == ("failed", "UPLOAD_UNSURE")
        upload = YouTubeUpload.objects.get()
        assert upload.state == "unsure"
        world.videos.clear()
        world.fault_of = None
        unsure_decide(upload)
        task_retry(task_id=task.pk)
        assert run_on(task).status == "completed"
        the_video(world)

    def test_the_session_address_is_sealed(self, world, project, channel):
        world.fault("chunk", "quota")
        run_once(publish(project))
        upload = YouTubeUpload.objects.get()
        secret = next(iter(world.sessions))
        assert upload.session_sealed is not None
        assert secret.encode() not in bytes(upload.session_sealed)
        assert not [note for note in UploadNote.objects.all() if secret in note.text]


class TestWaiting:
    @pytest.mark.parametrize(
        ("kind", "code"), [("quota", "QUOTA_SPENT"), ("day", "QUOTA_SPENT"), ("upload-limit", "UPLOAD_LIMIT")]
    )
    def test_a_refusal_for_the_day_waits(self, world, project, channel, kind, code, monkeypatch):
        monkeypatch.setattr(errors, "quota_reset", lambda now: now + timedelta(hours=5))  # whatever the hour, a long wait
        Channel.objects.update(time_zone="Pacific/Auckland")
        world.fault("begin", kind)
        task = run_once(publish(project))
        assert (task.status, task.error["error_code"]) == ("retrying", code)
        assert task.not_before is not None
        assert task.not_before > timezone.now() + timedelta(seconds=50)
        assert "(Pacific/Auckland)" in task.message
        if code == "QUOTA_SPENT":
            before = len(world.requests)
            assert run_once(task).status == "retrying"
            assert len(world.requests) == before  # YouTube said so: nobody asks again before the reset
            QuotaUse.objects.all().delete()
        assert run_on(task).status == "completed"
        the_video(world)

    def test_too_small_an_allowance_sends_nothing(self, world, project, channel, settings):
        settings.VIDEOFLOW_YOUTUBE_QUOTA_UPLOADS = 1
        QuotaUse.objects.all().delete()
        run_on(publish(project))
        assert quota_left()["uploads"] == 0
        task = run_once(publish(project, again=True))
        assert (task.status, task.error["error_code"]) == ("retrying", "QUOTA_SPENT")
        assert len(world.videos) == 1

    def test_an_outage_waits(self, world, project, channel):
        world.fault_of = lambda operation: "503" if operation == "chunk" else ""
        task = run_once(publish(project))
        assert (task.status, task.error["error_code"]) == ("retrying", "YOUTUBE_AWAY")
        world.fault_of = None
        assert run_on(task).status == "completed"

    def test_a_wrong_clock_is_noticed(self, world, project, channel, monkeypatch):
        right = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: right - timedelta(hours=1))
        task = publish(project, privacy="private", publish_at=(right - timedelta(minutes=30)).isoformat())
        assert run_on(task).status == "completed"
        publication = Publication.objects.get()
        assert publication.publish_at is None
        assert "60 minutes slow" in publication.metadata["warnings"][0]
        assert the_video(world)["status"]["privacyStatus"] == "private"

    def test_a_missed_time_takes_the_next_slot(self, world, project, channel):
        Channel.objects.update(slots=[[day, "18:00"] for day in range(7)])
        task = publish(project, privacy="private", publish_at=(timezone.now() + timedelta(seconds=30)).isoformat())
        assert run_on(task).status == "completed"
        publication = Publication.objects.get()
        assert publication.state == "scheduled"
        assert publication.publish_at.hour == 18
        assert the_video(world)["status"]["publishAt"] == publication.publish_at.strftime("%Y-%m-%dT%H:%M:%SZ")


class TestPermission:
    def test_revoked_asks_to_connect_again(self, world, project, channel):
        task = publish(project)
        world.refresh_tokens.clear()
        task = run_on(task)
        assert (task.status, task.error["error_code"]) == ("failed", "CHANNEL_RECONNECT")
        with pytest.raises(BadInput, match="again"):
            publish(project)

    def test_after_a_week_the_testing_status_is_explained(self, world, project, channel):
        Channel.objects.update(connected_at=timezone.now() - timedelta(days=7, hours=1))
        task = publish(project)
        world.refresh_tokens.clear()
        assert "Testing" in run_on(task).message

    def test_unregistered_says_what_to_set(self, world, project, settings):
        settings.VIDEOFLOW_GOOGLE_CLIENT_ID = ""
        with pytest.raises(BadInput, match="VIDEOFLOW_GOOGLE_CLIENT_ID"):
            publish(project)

    def test_no_channel_is_said(self, world, project):
        with pytest.raises(BadInput, match="Connect"):
            publish(project)


class TestConnect:
    BACK = "http://127.0.0.1:8000/channels/callback/"

    def begun(self, project, browser="cookie-a"):
        address = connect.connect_begin(session=project.session, browser=browser, redirect_uri=self.BACK, zone="Europe/Berlin")
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def answered(self, world, asked):
        code = f"4/{asked['state'][:8]}"
        world.codes[code] = asked
        return {"state": asked["state"], "code": code}

    def test_ok(self, world, project):
        asked = self.begun(project)
        assert asked["code_challenge_method"] == "S256"
        assert asked["access_type"] == "offline"
        channel = connect.connect_finish(browser="cookie-a", answer=self.answered(world, asked))
        assert (channel.title, channel.time_zone, channel.state) == ("Tiny forests", "Europe/Berlin", "connected")
        refresh = next(iter(world.refresh_tokens))
        stored = Credential.objects.get(provider=f"youtube:{channel.channel_id}")
        assert refresh.encode() not in bytes(stored.ciphertext)
        token_forget(channel)
        assert connect.channel_disconnect(channel) == "given_back"
        assert not world.refresh_tokens
        assert not Credential.objects.exists()

    def test_a_deleted_session_gives_its_permission_back_unless_another_lives_on_it(self, world, project):
        channel_make(project.session, world)
        other = factories.ProjectFactory.create().session
        channel_make(other, world)
        session_delete(session=project.session)
        assert len(world.refresh_tokens) == 2
        assert [row.session for row in Channel.objects.all()] == [other]
        assert Credential.objects.count() == 1
        session_delete(session=other)
        assert len(world.refresh_tokens) == 1
        assert not Credential.objects.exists()

    def test_a_session_is_deleted_though_google_does_not_answer(self, world, project):
        channel_make(project.session, world)
        world.fault("revoke", "reset")
        session_delete(session=project.session)
        assert not Channel.objects.exists()
        assert not Credential.objects.exists()

    def test_a_foreign_used_or_old_state_is_refused(self, world, project):
        asked = self.begun(project)
        answer = self.answered(world, asked)
        with pytest.raises(BadInput, match="another browser"):
            connect.connect_finish(browser="cookie-b", answer=answer)
        connect.connect_finish(browser="cookie-a", answer=answer)
        with pytest.raises(BadInput, match="used already"):
            connect.connect_finish(browser="cookie-a", answer=answer)
        late = self.answered(world, self.begun(project))
        ConnectAttempt.objects.update(created_at=timezone.now() - timedelta(hours=2))
        with pytest.raises(BadInput):
            connect.connect_finish(browser="cookie-a", answer=late)
        assert Channel.objects.count() == 1

    def test_an_unticked_box_is_explained(self, world, project):
        world.scope = "https://www.googleapis.com/auth/youtube.upload"
        with pytest.raises(BadInput, match="unticked"):
            connect.connect_finish(browser="cookie-a", answer=self.answered(world, self.begun(project)))
        assert not Channel.objects.exists()

    def test_refused_at_google(self, world, project):
        asked = self.begun(project)
        with pytest.raises(BadInput, match="not given"):
            connect.connect_finish(browser="cookie-a", answer={"state": asked["state"], "error": "access_denied"})


class TestAfter:
    def test_statistics_and_deletion_are_seen(self, world, project, channel):
        run_on(publish(project))
        publication = Publication.objects.get()
        world.videos[publication.remote_id]["statistics"] = {"viewCount": "1234", "likeCount": "56"}
        world.videos[publication.remote_id]["stays"] = (98, 61.5)
        Publication.objects.update(checked_at=timezone.now() - timedelta(hours=2))
        assert publications_poll() == 1
        figures = publication.statistics.get()
        assert (figures.views, figures.likes, figures.comments) == (1234, 56, None)
        assert (figures.watched_seconds, figures.watched_percent) == (98, 61.5)
        assert publications_poll() == 0
        world.videos.clear()
        Publication.objects.update(checked_at=timezone.now() - timedelta(hours=2))
        publications_poll()
        assert Publication.objects.get().state == "deleted"
        assert run_on(publish(project)).status == "completed"  # it is not there, so nobody has to say that two are wanted
        the_video(world)

    @pytest.mark.parametrize("is_granted", [False, True])
    def test_how_long_viewers_stay_is_left_out_where_it_is_not_allowed(self, world, project, channel, is_granted):
        run_on(publish(project))
        world.scope = SCOPE
        if not is_granted:
            Channel.objects.update(scopes=[SCOPE])
        Publication.objects.update(checked_at=timezone.now() - timedelta(hours=2))
        world.requests.clear()
        assert publications_poll() == 1
        assert VideoStatistics.objects.get().watched_percent is None
        assert any(operation == "/v2/reports.list" for operation, _, _ in world.requests) is is_granted

    def test_later_edits_are_sent_back(self, world, project, channel):
        run_on(publish(project))
        publication = Publication.objects.get()
        task = run_on(publish(project, update_of=publication.pk, title="Another title", privacy="public"))
        assert task.status == "completed", task.message
        video = the_video(world)
        assert (video["snippet"]["title"], video["status"]["privacyStatus"]) == ("Another title", "public")
        assert Publication.objects.get().metadata["title"] == "Another title"


class TestRefusedBefore:
    @pytest.mark.parametrize(
        ("chosen", "words"),
        [
            ({"audience": ""}, "made for kids"),
            ({"title": "a < b"}, "< and >"),
            ({"description": "\N{GRINNING FACE}" * 1251}, "bytes"),
            ({"tags": ["x" * 501]}, "501 characters"),
            ({"privacy": "private", "publish_at": "2020-01-01T00:00:00Z"}, "has passed"),
            ({"privacy": "public", "publish_at": "2099-01-01T00:00:00Z"}, "private until then"),
        ],
    )
    def test_says_why(self, world, project, channel, chosen, words):
        with pytest.raises(BadInput, match=words):
            publish(project, **chosen)
        assert not world.requests
        assert not Task.objects.filter(task_type="youtube_upload").exists()
