"""What is changed after a publication: translations and captions, sent to the video that is there, each once."""

import pytest

from videoflow.pipeline.caption_tracks import caption_track_drop, caption_track_put
from videoflow.pipeline.channels.access import quota_left
from videoflow.pipeline.models import Publication, QuotaUse
from videoflow.pipeline.templatetags.channels import setting_told
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.youtube_hand import channel_make, publish, run_on, run_once
from videoflow.providers.youtube.metadata import VideoFacts, differences

pytestmark = pytest.mark.django_db(transaction=True)  # the lease is kept by a thread with a connection of its own


@pytest.fixture
def project(world):
    """A project with a finished video, and a channel to publish it to."""
    project = factories.ProjectFactory.create()
    factories.with_video(project, factories.with_script(project), file=b"video")
    channel_make(project.session, world)
    return project


class TestTranslations:
    def test_translations_are_changed_and_taken_back_and_those_of_others_stay(self, world, project):
        spanish, french = {"title": "Bosques", "description": "Pequeños"}, {"title": "Forêts", "description": ""}
        run_on(publish(project, localizations={"es": spanish, "fr": french}))
        publication, video = Publication.objects.get(), next(iter(world.videos.values()))
        assert publication.differences == []
        assert set(publication.stored["localizations"]) == {"en", "es", "fr"}
        video["localizations"]["ja"] = {"title": "森", "description": ""}  # somebody added it at YouTube
        longer = {"title": "Forêts", "description": "Toutes petites"}
        run_on(publish(project, update_of=publication.pk, localizations={"fr": longer}))
        assert video["localizations"] == {"ja": {"title": "森", "description": ""}, "fr": longer}
        assert Publication.objects.get().differences == []
        world.fault_of = lambda operation: "lost" if operation == "videos.update" else ""
        run_once(publish(project, update_of=publication.pk))
        assert set(video["localizations"]) == {"ja"}

    def test_what_youtube_has_otherwise_of_a_translation_is_shown(self):
        stored = {"snippet": {}, "localizations": {"es": {"title": "Bosques"}, "fr": {"title": "Forêts"}}}
        facts = VideoFacts(
            title="T", description="", tags=(), category="22", language="en", privacy="private", publish_at=None,
            made_for_kids=False, contains_synthetic_media=True, licence="youtube",
            localizations={"es": ("Bosques", "Pequeños")}, languages_dropped=frozenset({"fr"}),
        )  # fmt: skip
        found = {row.field: (row.wanted, row.stored) for row in differences(facts, stored)}
        assert found["localizations.es.description"] == ("Pequeños", "—")
        assert found["localizations.fr.title"] == ("—", "Forêts")
        assert "localizations.es.title" not in found
        assert setting_told("localizations.es.description") == "Description in Español"


class TestCaptionsLater:
    """Captions of a video that is there: sent, replaced and taken away without a second video."""

    CUE = b"1\n00:00:00,500 --> 00:00:02,000\n%s\n"

    def bring(self, project, language, words):
        video = project.videos.get()
        caption_track_put(project=project, video=video, language=language, name="a.srt", content=self.CUE % words)

    def at_youtube(self, world):
        return {row["snippet"]["language"]: row["text"] for row in world.captions.values()}

    def captions_asked(self, world):
        asked = [operation for operation, _, _ in world.requests if operation.startswith("captions.")]
        world.requests.clear()
        return asked

    def test_each_change_is_sent_once(self, world, project):
        self.bring(project, "de", b"Guten Tag")
        run_on(publish(project))
        publication = Publication.objects.get()
        assert self.captions_asked(world) == ["captions.list", "captions.insert", "captions.insert"]
        assert set(publication.metadata["captions"]) == {"en", "de"}
        run_on(publish(project, update_of=publication.pk, title="Only the title"))
        assert self.captions_asked(world) == []  # nothing was changed, nothing is paid
        world.captions["theirs"] = {
            "id": "theirs",
            "snippet": {"videoId": publication.remote_id, "language": "de", "name": "By a fan"},
            "text": b"",
        }
        self.bring(project, "de", b"Guten Abend")
        self.bring(project, "fr", b"Bonsoir")
        left = quota_left()["units"]
        task = run_on(publish(project, update_of=publication.pk))
        assert task.status == "completed", task.message
        assert self.captions_asked(world) == ["captions.list", "captions.update", "captions.insert"]
        assert left - quota_left()["units"] == 50 + 450 + 400 + 2 + 50  # two looks; the title is the script's again
        caption_track_drop(project=project, language="de")
        run_on(publish(project, update_of=publication.pk))
        assert self.captions_asked(world) == ["captions.list", "captions.delete"]
        assert [row["snippet"]["name"] for row in world.captions.values()] == ["English", "By a fan", "Français"]
        assert b"Bonsoir" in self.at_youtube(world)["fr"]
        assert len(world.videos) == 1

    def test_a_break_in_the_middle_sends_nothing_twice(self, world, project):
        run_on(publish(project))
        publication = Publication.objects.get()
        for language in ("de", "fr", "it"):
            self.bring(project, language, b"Hm")
        self.captions_asked(world)
        lost = iter(["", "lost"])
        world.fault_of = lambda operation: next(lost, "") if operation == "captions.insert" else ""
        task = run_once(publish(project, update_of=publication.pk))
        assert task.status == "retrying"
        assert set(Publication.objects.get().metadata["captions"]) == {"en", "de"}
        assert run_on(task).status == "completed"
        assert self.captions_asked(world) == [
            *("captions.list", "captions.insert", "captions.insert"),
            *("captions.list", "captions.update", "captions.insert"),  # the lost answer's track is found and replaced
        ]
        assert sorted(self.at_youtube(world)) == ["de", "en", "fr", "it"]

    def test_a_used_up_allowance_waits_and_goes_on(self, world, project):
        run_on(publish(project))
        publication = Publication.objects.get()
        self.bring(project, "de", b"Hm")
        world.fault("captions.insert", "quota")
        task = run_once(publish(project, update_of=publication.pk))
        assert (task.status, task.error["error_code"]) == ("retrying", "QUOTA_SPENT")
        QuotaUse.objects.all().delete()
        assert run_on(task).status == "completed"
        assert sorted(self.at_youtube(world)) == ["de", "en"]

    def test_refused_ones_are_a_warning_and_are_sent_again(self, world, project):
        world.fault("captions.insert", "forbidden")
        run_on(publish(project))
        publication = Publication.objects.get()
        assert publication.metadata["warnings"][0].startswith("Captions, English: ")
        assert publication.metadata["captions"] == {}
        world.fault("thumbnails/set.insert", "forbidden")
        run_on(publish(project, update_of=publication.pk, thumbnail={"text": "New words"}))
        publication.refresh_from_db()
        assert sorted(self.at_youtube(world)) == ["en"]
        assert publication.metadata["refused"] == ["thumbnail"]
        run_on(publish(project, update_of=publication.pk, thumbnail={"text": "New words"}))
        publication.refresh_from_db()
        assert publication.metadata["warnings"] == []

    def test_a_video_moves_from_playlist_to_playlist(self, world, project):
        run_on(publish(project, playlist="Trees"))
        for playlist, there in (("Forests", ["Forests"]), ("", [])):
            run_on(publish(project, update_of=Publication.objects.get().pk, playlist=playlist))
            assert [row["title"] for row in world.playlists.values() if row["videos"]] == there
            assert Publication.objects.get().metadata["warnings"] == []
