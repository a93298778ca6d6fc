import json

import pytest
from django.urls import reverse

from videoflow.pipeline.models import Project, Script, Turn, script_current
from videoflow.pipeline.tests.factories import (
    LINES,
    ProjectFactory,
    session_of,
    task_failed,
    task_running,
    with_media,
    with_script,
)
from videoflow.pipeline.tests.written_script import written_script
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
MODULE = {"Accept": "text/html, application/json", "HX-Request": "true"}


@pytest.fixture
def project(client) -> Project:
    return ProjectFactory.create(session=session_of(client))


@pytest.fixture
def script(project) -> Script:
    script = with_script(project)
    with_media(project, script)
    return script


def line(script: Script, position: int = 0) -> Turn:
    return script.turns.get(position=position)


def address(turn: Turn) -> str:
    return reverse("pipeline:script_line", args=[turn.script.project_id, turn.key])


def panel_of(client, project: Project) -> str:
    return client.get(reverse("pipeline:panel", args=[project.pk, "script_generation"])).content.decode()


class TestPanel:
    def test_empty(self, client, project):
        assert "The conversation comes here" in panel_of(client, project)

    def test_running(self, client, project):
        task_running(project, "script_generation", 30, "Measuring the speech")
        assert "lines appear here once they have been spoken" in panel_of(client, project)

    def test_failed_keeps_the_lines_that_are_there(self, client, project, script):
        task_failed(project, "script_generation", "The disk is full.")
        page = panel_of(client, project)
        assert "The disk is full." in page and LINES[0][1].replace("'", "&#x27;") in page

    def test_done(self, client, project, script):
        page = panel_of(client, project)
        assert page.count("data-autosave") == len(LINES) and page.count("data-play") == len(LINES)
        assert "Update media" not in page and "Versions" in page and "Pronunciations" in page

    def test_what_is_missing_is_rounded_up_and_one_word_is_said_so(self, client, project, script):
        Turn.objects.filter(pk=line(script).pk).update(text="Hello.")
        Script.objects.filter(pk=script.pk).update(measured_seconds=project.minimum_seconds - 0.4)
        page = panel_of(client, project)
        assert "0:01 short" in page and ">1 word<" in page

    def test_queries_do_not_grow_with_the_lines(self, client, project, script, django_assert_max_num_queries):
        with django_assert_max_num_queries(24):
            panel_of(client, project)

    def test_other_sessions_see_nothing(self, client):
        other = with_script(ProjectFactory.create())
        version = reverse("pipeline:script_version", args=[other.project_id, 1])
        seen = [reverse(f"pipeline:{name}", args=[other.project_id]) for name in ("script_head", "script_lines")]
        done = [reverse(f"pipeline:{name}", args=[other.project_id]) for name in ("script_proposals", "script_pronunciations")]
        assert {client.get(page).status_code for page in (*seen, version)} == {404}
        assert {client.post(page).status_code for page in (*done, version, address(line(other)))} == {404}


class TestLine:
    def test_saves_by_itself(self, client, script):
        reply = client.post(address(line(script)), {"text": "Other words.", "revision": 1}, headers=JSON)
        assert reply.status_code == 200
        body = reply.json()
        assert (body["revision"], body["words"], body["changed"]) == (2, 2, ["media_generation", "video_composition"])
        assert body["seconds"].startswith("about ") and line(script).text == "Other words."

    def test_says_that_media_are_to_be_updated(self, client, project, script):
        client.post(address(line(script)), {"text": "Other words.", "revision": 1}, headers=JSON)
        head = client.get(reverse("pipeline:script_head", args=[project.pk])).content.decode()
        assert "Update media: 1 line, about" in head and "<b>1 line</b> changed" in head
        task_running(project, "media_generation", 3, "Speaking")
        assert "being made at this moment" in client.get(reverse("pipeline:script_head", args=[project.pk])).content.decode()

    def test_two_versions_are_shown_to_choose_from(self, client, script):
        client.post(address(line(script)), {"text": "Theirs.", "revision": 1}, headers=JSON)
        reply = client.post(address(line(script)), {"text": "Mine.", "revision": 1}, headers=JSON)
        assert reply.status_code == 409 and reply.json()["theirs"] == {"text": "Theirs."}
        page = client.post(address(line(script)), {"text": "Mine.", "revision": 1})
        assert page.status_code == 409
        assert "Mine." in page.content.decode() and "Theirs." in page.content.decode()
        assert client.post(address(line(script)), {"text": "Mine.", "revision": reply.json()["revision"]}).status_code == 302
        assert line(script).text == "Mine."

    @pytest.mark.parametrize("text", ["", "…", "word " * 500])
    def test_refused_at_the_field(self, client, script, text):
        reply = client.post(address(line(script)), {"text": text, "revision": 1}, headers=JSON)
        assert reply.status_code == 422 and list(reply.json()["errors"]) == ["text"]
        page = client.post(address(line(script)), {"text": text, "revision": 1})
        assert page.status_code == 422 and "line-error" in page.content.decode()
        assert line(script).text == LINES[0][1]

    @pytest.mark.parametrize(
        ("act", "more", "expected"),
        [
            ("down", {}, [1, 0, 2, 3, 4, 5]),
            ("merge", {}, None),
            ("split", {"at": "12"}, None),
            ("split", {}, None),
            ("swap", {}, None),
            ("lock", {}, [0, 1, 2, 3, 4, 5]),
            ("delete", {}, [1, 2, 3, 4, 5]),
        ],
    )
    def test_acts_with_and_without_the_module(self, client, script, act, more, expected):
        data = {"text": LINES[0][1], "revision": 1, "act": act, **more}
        reply = client.post(address(line(script)), data, headers=MODULE)
        assert reply.status_code == 200 and 'id="script-lines"' in reply.content.decode()
        assert json.loads(reply.headers["HX-Trigger"])["vf:edited"]["panels"] == ["media_generation", "video_composition"]
        if expected is not None:
            assert list(script.turns.values_list("text", flat=True)) == [LINES[index][1] for index in expected]
        steps = script.project.edit_steps.count()
        assert steps == 1
        other = line(script, 2)
        plain = client.post(address(other), {"text": other.text, "revision": other.revision, "act": act})
        assert plain.status_code == 302 and plain.url.endswith("#panel-script_generation")
        assert script.project.edit_steps.count() == steps + 1

    def test_split_is_at_the_cursor(self, client, script):
        text = "One two  three four."
        data = {"text": text, "revision": 1, "act": "split", "at": str(text.index("three"))}
        client.post(address(line(script)), data, headers=MODULE)
        assert list(script.turns.values_list("text", flat=True)[:2]) == ["One two", "three four."]

    def test_split_without_a_cursor_is_between_sentences(self, client, script):
        data = {"text": "A first one. And a second sentence.", "revision": 1, "act": "split"}
        client.post(address(line(script)), data)
        assert list(script.turns.values_list("text", flat=True)[:2]) == ["A first one.", "And a second sentence."]

    def test_a_new_line(self, client, script):
        asked = client.post(address(line(script)), {"text": LINES[0][1], "revision": 1, "act": "add"})
        assert asked.status_code == 422 and 'name="new_text"' in asked.content.decode()
        client.post(address(line(script)), {"act": "add", "new_text": "Go on, Maya."}, headers=MODULE)
        assert (line(script, 1).speaker, line(script, 1).text) == ("B", "Go on, Maya.")

    def test_order_waits_while_the_media_are_made_from_it(self, client, project, script):
        task_running(project, "media_generation", 3, "Speaking")
        reply = client.post(address(line(script)), {"act": "delete"}, headers=MODULE)
        assert reply.status_code == 422 and "being made from these lines" in reply.json()["errors"]["text"]
        saved = client.post(address(line(script)), {"text": "Words may change.", "revision": 1}, headers=JSON)
        assert saved.status_code == 200

    def test_a_line_of_a_script_before_is_not_lost_without_a_word(self, client, project, script):
        turn = line(script)
        Script.objects.create(
            project=project, version=9, input_type="theme", title="New", measured_seconds=1, share_a=0.5, provider="embedded"
        )
        reply = client.post(address(turn), {"text": "Mine.", "revision": 1}, headers=JSON)
        assert reply.status_code == 422 and "written anew" in reply.json()["errors"]["text"]


class TestProposals:
    def test_ok(self, client, project):
        script = written_script(project)
        everything = reverse("pipeline:script_proposals", args=[project.pk])
        reply = client.post(everything, {"act": "propose"}, headers=MODULE)
        count = script.proposals.count()
        page = reply.content.decode()
        assert reply.status_code == 200 and page.count('class="proposal"') == count > 2
        assert "<del>" in page and "<ins>" in page
        proposal = script.proposals.select_related("turn").first()
        client.post(address(proposal.turn), {"act": "accept"}, headers=MODULE)
        assert script.turns.get(pk=proposal.turn_id).text == proposal.text
        client.post(everything, {"act": "refuse"})
        assert not script.proposals.exists()

    def test_refused_where_it_was_asked(self, client, project):
        script = with_script(project, input_type="script", script_text="A: Hello there.\nB: Good morning.")
        reply = client.post(address(line(script)), {"act": "propose"}, headers=MODULE)
        assert reply.status_code == 422 and "your own script" in reply.json()["errors"]["text"]


class TestVersions:
    def test_compare_and_restore(self, client, project, script):
        client.post(address(line(script)), {"text": "Other words.", "revision": 1}, headers=JSON)
        first = reverse("pipeline:script_version", args=[project.pk, 1])
        fragment = client.get(first, headers={"HX-Request": "true"}).content.decode()
        assert "<ins>" in fragment and "<html" not in fragment
        assert "<html" in client.get(first).content.decode()
        assert client.post(first).status_code == 302
        assert line(script).text == LINES[0][1] and script_current(project).version == 3

    def test_unknown_is_404(self, client, project, script):
        assert client.get(reverse("pipeline:script_version", args=[project.pk, 7])).status_code == 404


class TestPronunciations:
    def test_ok(self, client, project, script):
        book = reverse("pipeline:script_pronunciations", args=[project.pk])
        reply = client.post(book, {"written": "Theo", "spoken": "tay oh"}, headers={"HX-Request": "true"})
        assert "tay oh" in reply.content.decode() and "vf:lines" in reply.headers["HX-Trigger"]
        assert client.post(book, {"written": "Theo", "spoken": "tay oh", "act": "remove"}).status_code == 302
        project.refresh_from_db()
        assert project.pronunciations == []

    def test_refused_at_the_field(self, client, project, script):
        book = reverse("pipeline:script_pronunciations", args=[project.pk])
        page = client.post(book, {"written": "Theo", "spoken": ""})
        assert (
            page.status_code == 422 and "book-spoken-error" in page.content.decode() and 'value="Theo"' in page.content.decode()
        )
        reply = client.post(book, {"written": "", "spoken": "x", "act": "listen"}, headers=JSON)
        assert reply.status_code == 422 and list(reply.json()["errors"]) == ["written"]


class TestOwnScript:
    def test_takes_the_place_of_the_one_that_is_there(self, client, project, script):
        run = reverse("pipeline:stage_run", args=[project.pk, "script_generation"])
        assert client.post(run, {"script_text": "Ana: Hello there, Ben.\nBen: Good morning, Ana."}).status_code == 302
        task = project.tasks.filter(task_type="script_generation", status=Task.Status.PENDING).get()
        assert task.input_data["input_type"] == "script" and "Ana" in task.input_data["script_text"]

    def test_refused_with_the_text_kept(self, client, project, script):
        run = reverse("pipeline:stage_run", args=[project.pk, "script_generation"])
        page = client.post(run, {"script_text": "Only Ana: talks here"})
        assert page.status_code == 422 and "Only Ana: talks here" in page.content.decode()
        empty = client.post(run, {"script_text": ""})
        assert empty.status_code == 422 and "Paste a script" in empty.content.decode()
