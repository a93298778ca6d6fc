from contextlib import nullcontext
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from videoflow.pipeline import stages
from videoflow.pipeline.models import Project, SourceFile, TrendReport
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import link_create, session_create
from videoflow.tasks.models import Task
from videoflow.tasks.tests.factories import task_make

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = b"title,views,date\n" + b"".join(
    b"Tiny forest number %d,%d,2024-05-%02d\n" % (video, 1000 * video * day, day) for video in range(1, 9) for day in range(1, 5)
)
SCRIPT = "\n".join(f"{'Ana' if turn % 2 else 'Ben'}: This is sentence number {turn} of the talk." for turn in range(30))


@pytest.fixture
def session(client: Client) -> CreatorSession:
    return factories.session_of(client)


def sample_analysed(project: Project) -> TrendReport:
    """Run the trends stage itself on the packaged sample."""
    stage = stages.get("trending_analysis")
    context = StageContext(
        project=project,
        task=factories.task_done(project, stage.name, "done"),
        input=stage.input_schema(),
        scratch=lambda: settings.VIDEOFLOW_DATA,
        report=lambda share, message, changed="": None,
        cancelled=lambda: False,
        fenced=nullcontext,
    )
    stage.run(context).save()
    return project.reports.get()


def text_of(response) -> str:
    return str(response.content, "utf-8")


class TestStart:
    def test_ok(self, client):
        response = client.get("/")
        assert response.status_code == 200
        for way in ("What is trending", "A topic and your notes", "A finished script"):
            assert way in text_of(response)
        assert CreatorSession.objects.count() == 0, "looking must not make a session"

    def test_says_when_too_many_steps_wait(self, client, settings):
        settings.VIDEOFLOW_USER_WAITING = 2
        session = factories.session_of(client)
        for _ in range(2):
            task_make(session)
        response = client.post("/", {"way": "trends", "use": "sample", "aspect": "16:9", "minutes": 3, "window": "weekly"})
        assert (response.status_code, response.headers["Retry-After"]) == (429, "30")
        assert "2 steps of yours are waiting" in text_of(response)

    def test_sample_makes_a_project_and_queues_the_analysis(self, client):
        response = client.post(
            "/", {"way": "trends", "use": "sample", "window": "monthly", "aspect": "9:16", "minutes": "4", "seed": "12"}
        )
        project = Project.objects.get()
        assert response.status_code == 302
        assert response.url == reverse("pipeline:project_detail", args=[project.pk])
        assert (project.aspect, project.minimum_seconds, project.seed) == ("9:16", 240, 12)
        task = Task.objects.get()
        assert (task.task_type, task.input_data["source"], task.input_data["window"]) == (
            "trending_analysis",
            "sample",
            "monthly",
        )
        assert client.get(response.url).status_code == 200, "the browser got the cookie that owns the project"

    def test_uploaded_file_is_kept_and_named_in_the_task(self, client):
        file = SimpleUploadedFile("forests.csv", TABLE, "text/csv")
        response = client.post("/", {"way": "trends", "file": file, "window": "weekly", "aspect": "16:9", "minutes": "3"})
        assert response.status_code == 302
        source = SourceFile.objects.get()
        assert Task.objects.get().input_data["source"] == str(source.pk)
        assert source.name == "forests.csv"

    def test_no_file_is_a_refusal_at_the_field(self, client):
        response = client.post("/", {"way": "trends", "window": "monthly", "aspect": "1:1", "minutes": "3"})
        assert response.status_code == 422
        assert "Choose a file first" in text_of(response)
        assert 'value="monthly" class' in text_of(response) or 'value="monthly"' in text_of(response)
        assert response.context["form"]["aspect"].value() == "1:1"
        assert not Project.objects.exists()

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"title,views,date\n"])
    def test_unusable_file_is_a_refusal_and_leaves_no_project(self, client, content):
        file = SimpleUploadedFile("forests.csv", content, "text/csv")
        response = client.post("/", {"way": "trends", "file": file, "window": "weekly", "aspect": "16:9", "minutes": "3"})
        assert response.status_code == 422
        assert response.context["form"].errors["file"]
        assert not Project.objects.exists()

    def test_unknown_columns_are_mapped_by_hand_without_sending_the_file_again(self, client):
        content = TABLE.replace(b"title,views,date", b"aaa,bbb,ccc")
        file = SimpleUploadedFile("forests.csv", content, "text/csv")
        asked = client.post("/", {"way": "trends", "file": file, "window": "weekly", "aspect": "16:9", "minutes": "3"})
        assert asked.status_code == 422
        assert 'name="map_title"' in text_of(asked)
        source = SourceFile.objects.get()
        answer = {"map_title": "aaa", "map_views": "bbb", "map_date": "ccc", "source": str(source.pk)}
        done = client.post("/", {"way": "trends", "window": "weekly", "aspect": "16:9", "minutes": "3", **answer})
        assert done.status_code == 302
        assert Task.objects.get().input_data["mapping"] == {"title": "aaa", "views": "bbb", "date": "ccc"}

    def test_another_creators_source_is_not_taken(self, client, session):
        stranger = SourceFile.objects.create(
            session=session_create(cookie="x"), name="a", path="uploads/a", sha256="a", size_bytes=1
        )
        response = client.post(
            "/",
            {"way": "trends", "source": str(stranger.pk), "window": "weekly", "aspect": "16:9", "minutes": "3", "map_title": "a"},
        )
        assert response.status_code == 422
        assert not Project.objects.exists()

    def test_bare_topic_is_refused_with_what_was_typed_kept(self, client):
        response = client.post("/", {"way": "topic", "topic": "Tiny forests <b>", "notes": "", "aspect": "9:16", "minutes": "5"})
        assert response.status_code == 422
        assert response.context["form"].errors["notes"]
        assert "Tiny forests &lt;b&gt;" in text_of(response)
        assert not Project.objects.exists()
        assert not Task.objects.exists()

    def test_script_file_becomes_the_script(self, client):
        file = SimpleUploadedFile("talk.md", SCRIPT.encode("utf-16"), "text/markdown")
        response = client.post("/", {"way": "script", "script_file": file, "aspect": "16:9", "minutes": "3"})
        assert response.status_code == 302, response.context and response.context["form"].errors
        task = Task.objects.get()
        assert task.input_data["script_text"] == SCRIPT
        assert task.input_data["continue"] is True

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"script_text": ""}, "script_text"),
            ({"script_text": "Only one voice without any tags at all."}, "script_text"),
            ({"script_text": SCRIPT, "minutes": "0"}, "minutes"),
            ({"script_text": SCRIPT, "minutes": "three"}, "minutes"),
            ({"script_text": SCRIPT, "aspect": "4:3"}, "aspect"),
            ({"script_file": SimpleUploadedFile("a.txt", b"\x00\x01\x02" * 99)}, "script_file"),
            ({"script_file": SimpleUploadedFile("a.txt", f"{SCRIPT}\0".encode("utf-16"))}, "script_file"),
        ],
    )
    def test_refusals_stand_at_their_field(self, client, data, field):
        response = client.post("/", {"way": "script", "aspect": "16:9", "minutes": "3", **data})
        assert response.status_code == 422
        assert field in response.context["form"].errors
        assert f'id="id_{field}_error"' in text_of(response)

    def test_newest_projects_are_offered(self, client, session):
        project = factories.ProjectFactory.create(session=session, title="The newest one")
        factories.ProjectFactory.create(title="Somebody else's")
        page = text_of(client.get("/"))
        assert f"/projects/{project.pk}/" in page
        assert "Somebody else" not in page

    def test_wrong_method(self, client):
        assert client.put("/").status_code == 405


class TestProjectDetail:
    def url(self, project) -> str:
        return reverse("pipeline:project_detail", args=[project.pk])

    def test_ok(self, client, session):
        project = factories.project_finished(session)
        names = ("trending_analysis", "script_generation", "media_generation", "video_composition", "youtube_upload")
        page = text_of(client.get(self.url(project), {"open": names}))
        for name in names:
            assert f'id="panel-{name}"' in page
        for words in (
            "Tiny forests in cities",
            "Twelve million views",
            "Title card",
            "Loudness −14.1 LUFS",
            "captions.srt",
            "Video ready",
        ):
            assert words in page, words
        assert "http-equiv" not in page

    def test_empty_project(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        assert client.get(self.url(project)).status_code == 200

    def test_running_reloads_without_scripts_and_shows_figures(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        factories.task_running(project, "trending_analysis", 37, "Looking for themes", estimated_seconds_remaining=170)
        page = text_of(client.get(self.url(project)))
        assert '<noscript><meta http-equiv="refresh"' in page
        assert 'value="37"' in page
        assert "about 3 min left" in page
        assert "<title>9 % ·" in page

    def test_failed_says_what_and_offers_one_button(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        task = factories.task_failed(project, "trending_analysis", "The disk is nearly full.")
        page = text_of(client.get(self.url(project)))
        assert "The disk is nearly full." in page
        assert reverse("tasks:task_retry", args=[task.pk]) in page

    def test_failed_three_retries_later_offers_none(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        task = factories.task_failed(project, "trending_analysis", "No.", retry_count=3)
        assert reverse("tasks:task_retry", args=[task.pk]) not in text_of(client.get(self.url(project)))

    def test_a_topic_needs_no_trends(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        factories.with_script(project, input_type="topic")
        assert "Not needed" in text_of(client.get(self.url(project)))

    def test_hostile_titles_stay_text(self, client, session):
        project = factories.ProjectFactory.create(session=session, title="<script>alert(1)</script>")
        assert "<script>alert(1)" not in text_of(client.get(self.url(project)))

    def test_queries_do_not_grow_with_the_rows(self, client, session, django_assert_max_num_queries):
        project = factories.project_finished(session)
        with django_assert_max_num_queries(30):
            client.get(self.url(project))

    def test_a_closed_panel_comes_without_its_content_and_says_how_to_get_it(self, client, session):
        project = factories.project_finished(session)
        page = text_of(client.get(self.url(project)))
        assert "Loudness −14.1 LUFS" in page  # the panel that stands open
        assert 'id="script-lines"' not in page
        way = f"{self.url(project)}?open=script_generation#panel-script_generation"
        assert f'<noscript><a class="btn" href="{way}">' in page
        assert 'id="script-lines"' in text_of(client.get(way.split("#")[0]))

    def test_another_creators_is_404(self, client, session):
        stranger = factories.ProjectFactory.create()
        assert client.get(self.url(stranger)).status_code == 404
        assert client.get(reverse("pipeline:project_detail", args=[uuid4()])).status_code == 404

    def test_wrong_method(self, client, session):
        assert client.post(self.url(factories.ProjectFactory.create(session=session))).status_code == 405


class TestFragments:
    def test_ok(self, client, session):
        project = factories.project_finished(session)
        rail = text_of(client.get(reverse("pipeline:rail", args=[project.pk])))
        assert rail.strip().startswith('<aside class="rail')
        for task_type in ("trending_analysis", "script_generation", "media_generation", "video_composition", "youtube_upload"):
            panel = text_of(client.get(reverse("pipeline:panel", args=[project.pk, task_type])))
            assert panel.strip().startswith("<details")
            assert "<html" not in panel

    def test_a_closed_panel_is_fetched_without_its_content(self, client, session):
        project = factories.project_finished(session)
        closed = text_of(client.get(reverse("pipeline:panel", args=[project.pk, "script_generation"]), {"head": "1"}))
        assert "data-lazy" in closed and 'id="script-lines"' not in closed
        opened = text_of(client.get(reverse("pipeline:panel", args=[project.pk, "video_composition"]), {"head": "1"}))
        assert "data-lazy" not in opened and "Loudness" in opened

    def test_unknown_stage_is_404(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        assert client.get(reverse("pipeline:panel", args=[project.pk, "dancing"])).status_code == 404

    def test_another_creators_is_404(self, client, session):
        stranger = factories.ProjectFactory.create()
        assert client.get(reverse("pipeline:rail", args=[stranger.pk])).status_code == 404
        assert client.get(reverse("pipeline:panel", args=[stranger.pk, "trending_analysis"])).status_code == 404


class TestStageRun:
    def url(self, project, task_type) -> str:
        return reverse("pipeline:stage_run", args=[project.pk, task_type])

    def test_picked_themes_start_the_script_and_all_that_follows(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        report = sample_analysed(project)
        theme = report.themes.all()[0]
        response = client.post(self.url(project, "script_generation"), {"theme_ids": [theme.pk], "continue": "1"})
        assert response.status_code == 302
        task = Task.objects.get(task_type="script_generation")
        assert task.input_data["theme_ids"] == [theme.pk]
        assert task.input_data["continue"] is True

    def test_no_theme_picked_is_a_refusal(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        factories.with_trends(project)
        response = client.post(self.url(project, "script_generation"), {"continue": "1"})
        assert response.status_code == 422
        assert 'id="panel-trending_analysis" data-panel="trending_analysis" open' in text_of(response)
        assert "Choose at least one theme." in text_of(response)

    def test_another_reports_theme_is_a_refusal(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        factories.with_trends(project)
        other = factories.with_trends(factories.ProjectFactory.create())
        response = client.post(self.url(project, "script_generation"), {"theme_ids": [other.themes.all()[0].pk]})
        assert response.status_code == 422

    def test_stage_without_its_ground_is_a_sentence(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        response = client.post(self.url(project, "media_generation"))
        assert response.status_code == 422
        assert "There is no script yet" in text_of(response)

    def test_publish_keeps_what_was_typed(self, client, session):
        project = factories.project_finished(session)
        response = client.post(
            self.url(project, "youtube_upload"), {"title": "A < B", "description": "Mine", "tags": "one, two words"}
        )
        assert response.status_code == 422
        assert "not allowed here" in text_of(response)
        assert "A &lt; B" in text_of(response)
        assert "one, two words" in text_of(response)

    def test_publish_ok(self, client, session):
        project = factories.project_finished(session)
        response = client.post(
            self.url(project, "youtube_upload"), {"title": "Fine", "description": "Mine", "tags": "one, two words,"}
        )
        assert response.status_code == 302
        data = Task.objects.get(task_type="youtube_upload").input_data
        assert (data["target"], data["title"], data["tags"]) == ("folder", "Fine", ["one", "two words"])

    def test_twice_at_once_is_a_sentence(self, client, session):
        project = factories.project_finished(session)
        factories.task_running(project, "video_composition", 3, "x")
        response = client.post(self.url(project, "video_composition"), {"caption_style": "word"})
        assert response.status_code == 422
        assert "already running" in text_of(response)

    def test_window_again_keeps_the_source(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        factories.task_done(project, "trending_analysis", "done", input_data={"source": "sample", "window": "weekly"})
        assert client.post(self.url(project, "trending_analysis"), {"window": "monthly"}).status_code == 302
        assert Task.objects.filter(status="pending").get().input_data["window"] == "monthly"

    def test_another_creators_is_404(self, client, session):
        stranger = factories.ProjectFactory.create()
        assert client.post(self.url(stranger, "media_generation")).status_code == 404

    def test_wrong_method_and_unknown_stage(self, client, session):
        project = factories.ProjectFactory.create(session=session)
        assert client.get(self.url(project, "media_generation")).status_code == 405
        assert client.post(self.url(project, "dancing")).status_code == 404


class TestProjects:
    def test_ok(self, client, session):
        factories.project_finished(session)
        factories.ProjectFactory.create(title="Somebody else's")
        page = text_of(client.get(reverse("pipeline:project_list")))
        assert "Why everyone watches tiny forests" in page
        assert "3:09" in page
        assert "Somebody else" not in page

    def test_empty(self, client):
        assert "No videos yet" in text_of(client.get(reverse("pipeline:project_list")))

    def test_fragment(self, client, session):
        page = text_of(client.get(reverse("pipeline:project_list"), headers={"HX-Request": "true", "HX-Target": "projects"}))
        assert "<html" not in page
        assert 'id="projects"' in page

    def test_queries_do_not_grow_with_the_projects(self, client, session, django_assert_max_num_queries):
        for number in range(30):
            project = factories.ProjectFactory.create(session=session, title=str(number))
            factories.task_done(project, "trending_analysis", "x")
        with django_assert_max_num_queries(14):
            client.get(reverse("pipeline:project_list"))

    def test_another_creators_cannot_be_deleted(self, client, session):
        stranger = factories.ProjectFactory.create()
        assert client.post(reverse("pipeline:project_delete", args=[stranger.pk])).status_code == 404
        assert Project.objects.filter(pk=stranger.pk).exists()


class TestStudioPages:
    def test_settings_ok(self, client):
        page = text_of(client.get(reverse("pipeline:settings")))
        assert "hibari-tts" in page
        assert "missing" not in page

    def test_theme_is_remembered(self, client):
        response = client.post(reverse("pipeline:theme"), {"theme": "dark", "next": "/tasks/"})
        assert response.url == "/tasks/"
        assert 'data-theme="dark"' in text_of(client.get("/"))

    @pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example", ""])
    def test_theme_leads_nowhere_else(self, client, wanted):
        assert client.post(reverse("pipeline:theme"), {"theme": "dark", "next": wanted}).url == "/settings/"

    def test_policy_has_no_inline_and_pages_none_either(self, client, session):
        project = factories.project_finished(session)
        response = client.get(reverse("pipeline:project_detail", args=[project.pk]))
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
        page = text_of(response)
        assert " style=" not in page
        assert "onclick=" not in page
        assert "<script>" not in page

    def test_not_found_page(self, client):
        response = client.get("/nothing/")
        assert response.status_code == 404
        assert "Nothing is here" in text_of(response)

    def test_csrf_page(self):
        strict = Client(enforce_csrf_checks=True)
        response = strict.post("/", {"way": "trends", "use": "sample"})
        assert response.status_code == 403
        assert "The page was open for too long" in text_of(response)


class TestOpenLink:
    def test_ok(self, client):
        project = factories.ProjectFactory.create()
        token = link_create(session=project.session)
        url = reverse("pipeline:open_link", args=[token])
        assert "Open in this browser" in text_of(client.get(url))
        assert client.post(url).url == reverse("pipeline:project_detail", args=[project.pk])
        assert client.get(reverse("pipeline:project_detail", args=[project.pk])).status_code == 200

    def test_works_once(self, client):
        url = reverse("pipeline:open_link", args=[link_create(session=factories.CreatorSessionFactory.create())])
        client.post(url)
        again = Client().post(url)
        assert again.status_code == 404
        assert "has been used" in text_of(again)
