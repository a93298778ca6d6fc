"""The uploader: counting, the draft, the list before the start, the thumbnail, and what stands in the published metadata."""

import io
import json
import re
import subprocess
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import imageio_ffmpeg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from videoflow.errors import BadInput
from videoflow.pipeline.editing import publish_draft
from videoflow.pipeline.editing.publish_draft import StaleDraft, choice_of, draft_chapters_put, draft_save, draft_values
from videoflow.pipeline.metadata import Section, chapters_put, chapters_read, tags_length, tags_read, text_normal, title_read
from videoflow.pipeline.models import Asset, Project, Publication
from videoflow.pipeline.publishing import PublishChoice, preflight
from videoflow.pipeline.runner import task_run, worker_id_make
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.tests import factories
from videoflow.pipeline.thumbnails import ThumbnailChoice, picture_shaped, thumbnail_bytes
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_claim

pytestmark = pytest.mark.django_db
COUNTED = json.loads((Path(__file__).parent / "counting.json").read_text(encoding="utf-8"))
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def session(client):
    return factories.session_of(client)


@pytest.fixture
def project(session):
    return factories.project_finished(session)


@pytest.fixture
def video(project):
    return project.videos.get()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=4", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, str(out)], check=True, timeout=240)
    return out.read_bytes()


def address(project: Project, name: str) -> str:
    return f"/projects/{project.pk}/publish/{name}"


def picture(width_px: int, height_px: int, kind: str = "PNG") -> bytes:
    return factories.image_bytes(width_px, height_px, "#204060", "Mine", kind)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: ascii(row["text"]))
def test_counts_as_the_page_does(row):
    text = row["text"]
    counted = len(title_read(text)), len(text_normal(text).encode()), tags_length(tags_read(text))
    assert counted == (row["title"], row["bytes"], row["tags"])


class TestChapters:
    def test_only_lines_that_begin_with_a_time_are_chapters(self):
        text = "Hello\n0:00 Opening\n(1:05) – Middle\n1:00:00 End\n12:5 no\nat 3:10 no"
        assert chapters_read(text) == [Section(0, "Opening"), Section(65, "Middle"), Section(3600, "End")]

    def test_are_put_in_the_place_of_the_old_ones(self):
        assert chapters_put("A\n0:00 Old\n0:30 Older\nB", [Section(0, "New")]) == "A\n0:00 New\nB"
        assert chapters_put("A", [Section(0, "New")]) == "A\n\nChapters\n0:00 New"


class TestDraft:
    def test_only_what_differs_is_kept_so_the_rest_follows_the_script(self, project, video):
        suggested = draft_values(project, video)
        assert draft_save(project=project, video=video, values={**suggested, "title": "Mine"}, revision=0)
        project.refresh_from_db()
        assert project.publish_draft == {"title": "Mine"}
        assert project.publish_revision == 1
        assert draft_values(project, video)["description"] == suggested["description"]

    def test_the_same_again_is_nothing_and_a_stale_one_is_refused(self, project, video):
        draft_save(project=project, video=video, values={"title": "First"}, revision=0)
        assert not draft_save(project=project, video=video, values={"title": "First"}, revision=0)
        with pytest.raises(StaleDraft):
            draft_save(project=project, video=video, values={"title": "Second"}, revision=0)
        assert draft_values(project, video)["title"] == "First"

    def test_the_videos_chapters_replace_those_of_the_description(self, project, video):
        draft_save(project=project, video=video, values={"description": "Mine\n0:00 Gone"})
        assert draft_chapters_put(project=project, video=video)
        assert draft_values(project, video)["description"].split("\n")[1] == "0:00 The hook"


class TestSaving:
    def test_the_module_gets_revision_conflict_and_refusal(self, client, project):
        done = client.post(address(project, "draft/"), {"title": "One", "revision": "0", "form": "whole"}, **JSON)
        assert (done.status_code, done.json()["revision"]) == (200, 1)
        stale = client.post(address(project, "draft/"), {"title": "Two", "revision": "0", "form": "whole"}, **JSON)
        assert (stale.status_code, stale.json()["revision"], stale.json()["theirs"]["title"]) == (409, 1, "One")
        long = client.post(address(project, "draft/"), {"description": "x" * 20_001, "revision": "1"}, **JSON)
        assert (long.status_code, list(long.json()["errors"])) == (422, ["description"])

    def test_ticks_taken_away_are_kept_and_the_moment_is_utc(self, client, project, video):
        sent = {"form": "whole", "notify": "on", "publish_at": "2031-01-05T18:00", "publish_at_utc": "2031-01-05T17:00:00.000Z"}
        client.post(address(project, "draft/"), sent, **JSON)
        project.refresh_from_db()
        values = draft_values(project, video)
        assert (values["synthetic"], values["notify"], values["publish_at"]) == (False, True, "2031-01-05T17:00:00+00:00")

    @pytest.mark.parametrize("name", ["draft/", "pictures/"])
    def test_somebody_elses_project_does_not_exist(self, client, project, name):
        other = factories.project_finished(factories.CreatorSessionFactory())
        assert client.post(address(other, name), {"title": "x"}).status_code == 404
        assert client.get(address(other, "thumbnail.jpg")).status_code == 404
        assert client.get(address(other, "checks/")).status_code == 404

    def test_without_scripts_it_goes_back_to_the_panel(self, client, project):
        response = client.post(address(project, "draft/"), {"title": "One", "act": "chapters"})
        assert response.status_code == 302
        assert response["Location"].endswith("#panel-youtube_upload")


def found(video, *, target="folder", **facts) -> dict[str, str]:
    whole = {"title": "T", "description": "D", "tags": (), "audience": "general", **facts}
    return {check.name: check.severity for check in preflight(video, PublishChoice(**whole), target=target)}


class TestPreflight:
    def test_nothing_stands_in_the_way(self, video):
        assert set(found(video).values()) == {"ok"}

    @pytest.mark.parametrize(
        ("facts", "name"),
        [
            ({"title": " "}, "title"),
            ({"title": "x" * 101}, "title"),
            ({"title": "a < b"}, "title"),
            ({"description": "é" * 2501}, "description"),
            ({"description": "a > b"}, "description"),
            ({"tags": ("x" * 501,)}, "tags"),
        ],
    )
    def test_blocks_everywhere(self, video, facts, name):
        assert found(video, **facts)[name] == "block"

    def test_what_youtube_alone_asks_blocks_there_alone(self, video):
        past = timezone.now() - timedelta(minutes=1)
        for target in ("folder", "webhook", "podcast"):
            assert "audience" not in found(video, audience="", target=target)
        assert found(video, audience="", target="youtube")["audience"] == "block"
        assert found(video, publish_at=past, target="webhook")["schedule"] == "warn"
        for target in ("folder", "podcast"):
            hidden = {"publish_at": past, "recorded_on": past.date() + timedelta(days=3), "contains_synthetic_media": False}
            assert not {"schedule", "recorded", "synthetic"} & found(video, target=target, **hidden).keys(), "they are not asked"
        assert found(video, publish_at=past, target="youtube")["schedule"] == "block"

    @pytest.mark.parametrize(
        ("chapters", "words"),
        [
            ("0:05 A\n1:00 B\n2:00 C", "begin at 0:00"),
            ("0:00 A\n1:00 B", "from three on"),
            ("0:00 A\n2:00 B\n1:00 C", "order"),
            ("0:00 A\n1:00 B\n1:05 C", "shorter than 10"),
            ("0:00 A\n1:00 B\n9:00 C", "behind the video's end"),
        ],
    )
    def test_chapters_that_youtube_would_not_show_are_a_hint(self, video, chapters, words):
        choice = PublishChoice(title="T", description=chapters, tags=())
        hint = next(check for check in preflight(video, choice, target="folder") if check.name == "chapters")
        assert hint.severity == "warn"
        assert words in hint.sentence

    @pytest.mark.parametrize(
        ("texts", "field", "severity", "words"),
        [
            (("", "x"), "title_es", "block", "into Español needs a title"),
            (("x" * 101, ""), "title_es", "block", "in Español has 101 characters"),
            (("a < b", ""), "title_es", "block", "out of the title in Español"),
            (("x", "a > b"), "description_es", "block", "out of the description in Español"),
            (("x", "\N{GRINNING FACE}" * 1251), "description_es", "block", "in Español has 5,004 bytes"),
        ],
    )
    def test_each_fault_of_a_translation_is_named_at_its_field(self, video, texts, field, severity, words):
        choice = PublishChoice(title="T", description="D", tags=(), localizations={"es": texts, "fr": ("Forêts", "")})
        (fault,) = (check for check in preflight(video, choice, target="folder") if check.name == "translation")
        assert (fault.field, fault.severity) == (field, severity)
        assert words in fault.sentence
        assert found(video, localizations=choice.localizations)["translations"] == "ok"  # the other one

    def test_a_translation_into_the_videos_own_language_is_a_hint(self, video):
        assert found(video, localizations={"en": ("Forests", "")}) == found(video) | {"translation": "warn"}


class TestTranslations:
    def test_those_that_were_written_are_kept_and_emptied_ones_are_gone(self, client, project, video):
        sent = {"form": "whole", "title_es": "Bosques", "description_es": "a\r\nb", "title_fr": "Forêts", "description_fr": ""}
        client.post(address(project, "draft/"), sent, **JSON)
        project.refresh_from_db()
        assert choice_of(draft_values(project, video)).localizations == {"es": ("Bosques", "a\nb"), "fr": ("Forêts", "")}
        page = client.get(f"/projects/{project.pk}/panels/youtube_upload/").content.decode()
        assert re.findall(r'data-translation="(\w+)" open', page) == ["es", "fr"]
        client.post(address(project, "draft/"), {**sent, "title_es": "", "description_es": " "}, **JSON)
        project.refresh_from_db()
        assert list(choice_of(draft_values(project, video)).localizations) == ["fr"]

    def test_drafts_of_one_translation_are_carried_over_and_back(self):
        moved = import_module("videoflow.pipeline.migrations.0015_translations_by_language")
        old = {"title": "T", "other_language": "es", "other_title": "Bosques", "other_description": "Pequeños"}
        new = {"title": "T", "title_es": "Bosques", "description_es": "Pequeños"}
        assert moved.by_language(old) == new
        assert moved.first_alone(new) == old
        assert moved.by_language({"title": "T"}) == moved.first_alone({"title": "T"}) == {"title": "T"}


class TestThumbnail:
    def test_words_change_the_picture_and_it_stays_small(self, video):
        plain = thumbnail_bytes(video, ThumbnailChoice())
        worded = thumbnail_bytes(video, ThumbnailChoice(text="She broke the list", place="top-right", colour="#ffd23f"))
        assert plain != worded
        assert Image.open(io.BytesIO(worded)).size == (1280, 720)
        assert len(worded) < 2_000_000

    def test_frames_are_taken_from_the_video(self, project, film):
        script = project.scripts.get()
        Project.objects.get(pk=project.pk).videos.all().delete()
        video = factories.with_video(project, script, file=film, seconds=4.0)
        first, last = (thumbnail_bytes(video, ThumbnailChoice(base=base)) for base in ("frame-1", "frame-3"))
        assert first != last

    def test_a_video_that_cannot_be_read_is_a_sentence(self, video):
        with pytest.raises(BadInput, match="cannot be read"):
            thumbnail_bytes(video, ThumbnailChoice(base="frame-2"))

    @pytest.mark.parametrize("size", [(640, 360), (900, 1600), (4000, 1000)])
    def test_any_shape_becomes_the_thumbnails(self, size):
        assert Image.open(io.BytesIO(picture_shaped(picture(*size)))).size == (1280, 720)

    @pytest.mark.parametrize(
        ("content", "words"), [(b"no picture", "no picture that can be read"), (picture(500, 300), "500 px wide")]
    )
    def test_what_is_no_thumbnail_is_refused(self, client, project, content, words):
        sent = {"picture": SimpleUploadedFile("mine.png", content)}
        response = client.post(address(project, "pictures/"), sent, HTTP_HX_REQUEST="true")
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not project.assets.filter(origin=Asset.UPLOAD).exists()

    def test_one_that_is_too_large_is_refused_unread(self, client, project, monkeypatch):
        monkeypatch.setattr(publish_draft, "UPLOAD_LIMIT_BYTES", 1_000_000)
        sent = {"picture": SimpleUploadedFile("mine.png", b"x" * 1_000_001)}
        response = client.post(address(project, "pictures/"), sent, HTTP_HX_REQUEST="true")
        assert response.status_code == 422
        assert "“mine.png” is larger than 1 MB" in response.content.decode()

    def test_a_picture_is_offered_once(self, client, project):
        for _ in range(2):
            sent = {"picture": SimpleUploadedFile("mine.png", picture(1280, 720))}
            response = client.post(address(project, "pictures/"), sent, HTTP_HX_REQUEST="true")
        brought = project.assets.get(origin=Asset.UPLOAD)
        assert f'value="{brought.pk}"' in response.content.decode()
        assert client.get(address(project, f"thumbnail.jpg?base={brought.pk}&text=Hi"))["Content-Type"] == "image/jpeg"

    @pytest.mark.parametrize("query", ["base=../x", "place=nowhere", "colour=red", "base=00000000-0000-0000-0000-000000000000"])
    def test_an_address_that_makes_no_sense_is_not_found(self, client, project, query):
        assert client.get(address(project, f"thumbnail.jpg?{query}")).status_code == 404


class TestPublishing:
    @pytest.mark.django_db(transaction=True)
    def test_everything_chosen_stands_in_the_metadata(self, client, project, settings):
        sent = {
            "form": "whole", "title": "Fine", "description": "Mine\n0:00 A\n1:00 B\n2:00 C", "tags": "one, two words",
            "thumb_text": "Look", "audience": "general", "synthetic": "on", "language": "de", "category": "27",
            "licence": "creativeCommon", "playlist": "Forests", "privacy": "private", "publish_at": "2031-01-05T18:00",
        }  # fmt: skip
        assert client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", sent).status_code == 302
        claim = task_claim(queue="upload", worker_id=worker_id_make("test"))
        assert task_run(claim=claim).status == Task.Status.COMPLETED
        publication = Publication.objects.get()
        folder = settings.VIDEOFLOW_DATA / publication.location
        written = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        expected = {
            "title": "Fine", "tags": ["one", "two words"], "made_for_kids": False, "contains_synthetic_media": True,
            "language": "de", "category": {"id": "27", "name": "Education"}, "licence": "creativeCommon",
            "playlist": "Forests", "privacy": "private", "publish_at": "2031-01-05T18:00:00Z", "notify_subscribers": False,
        }  # fmt: skip
        assert {name: written[name] for name in expected} == expected
        assert [chapter["title"] for chapter in written["chapters"]] == ["A", "B", "C"]
        drawn = asset_path(project.videos.get().thumbnail).read_bytes()
        assert (folder / "thumbnail.jpg").read_bytes() != drawn
        assert publication.metadata["playlist"] == "Forests"

    def test_what_blocks_is_told_and_what_was_typed_is_kept(self, client, project, video):
        response = client.post(f"/projects/{project.pk}/stages/youtube_upload/start/", {"title": "x" * 101, "form": "whole"})
        assert response.status_code == 422
        assert "The title has 101 characters" in response.content.decode()
        assert not project.tasks.filter(task_type="youtube_upload").exists()
        project.refresh_from_db()
        assert choice_of(draft_values(project, video)).title == "x" * 101

    def test_the_panels_queries_are_bounded(self, client, project, django_assert_max_num_queries):
        with django_assert_max_num_queries(45):
            assert client.get(f"/projects/{project.pk}/panels/youtube_upload/").status_code == 200

    def test_without_a_video_the_panel_says_what_comes(self, client, session):
        empty = factories.ProjectFactory.create(session=session)
        assert "Take it with you" in client.get(f"/projects/{empty.pk}/panels/youtube_upload/").content.decode()
        assert client.post(address(empty, "draft/"), {"title": "x"}).status_code == 404
