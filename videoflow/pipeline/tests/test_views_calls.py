"""A call whose answer was lost: its card in the failed panel, and the two things a person can say about it."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.tests import factories
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db
STAGE = "media_generation"


@pytest.fixture
def project(client: Client) -> Project:
    project: Project = factories.ProjectFactory.create(session=factories.session_of(client))
    factories.with_script(project)
    return project


def call_lost(project: Project, **facts: Any) -> ProviderCall:
    """An unknown call of the media stage, whose newest task failed for it."""
    task = project.tasks.filter(task_type=STAGE).first() or factories.task_failed(
        project, STAGE, "lark was asked for the speech of line 12, and the answer was lost.", code="CALL_UNKNOWN"
    )
    wanted = facts.pop("wanted", f"{ProviderCall.objects.count():064d}")
    values = {
        "key": f"{wanted}-{facts.get('attempt', 1)}",
        "wanted": wanted,
        "project": project,
        "task": task,
        "fence": 1,
        "stage": STAGE,
        "purpose": "speech of line 12",
        "request_hash": "a" * 64,
        "provider": "lark",
        "model": "lark-2",
        "capability": "speech",
        "state": "unknown",
        "reserved_micros": 3000,
    }
    return ProviderCall.objects.create(**{**values, **facts})


def panel_of(client: Client, project: Project) -> str:
    answer = client.get(reverse("pipeline:panel", args=[project.pk, STAGE]))
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def decide(client: Client, call: ProviderCall, act: str) -> Any:
    assert call.project is not None
    return client.post(reverse("pipeline:call_decide", args=[call.project.pk, call.pk]), {"act": act})


def test_an_order_goes_on_after_a_cancel_and_is_said(client, project):
    project.providers = {"images": {"service": "veo"}}
    project.save(update_fields=["providers"])
    task = factories.task_failed(project, STAGE, "Cancelled")
    task.status, task.error = Task.Status.CANCELLED, None
    task.save(update_fields=["status", "error"])
    facts = {"provider": "veo", "capability": "images", "purpose": "picture for “A crane…”"}
    call_lost(project, state="submitted", remote_id="models/m/operations/1", reserved_micros=1_200_000, **facts)
    call_lost(project, state="done", remote_id="models/m/operations/2", **facts)
    shown = panel_of(client, project)
    assert "You cancelled this step" in shown
    assert shown.count("Google Veo: picture for “A crane…” · up to 1.20 USD") == 1
    assert "is made and charged there all the same" in shown


class TestCard:
    def test_says_what_was_asked_for_in_the_readers_language(self, client, project):
        purpose = Sentence("%(purpose)s, mended", purpose=Sentence("more of the script, %(number)s", number=2))
        call = call_lost(project, purpose=purpose)
        call.refresh_from_db()
        assert call.purpose == "more of the script, 2, mended"
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
        assert "mehr vom Skript, 2, berichtigt" in panel_of(client, project)

    def test_ok(self, client, project):
        call_lost(project)
        call_lost(project, purpose="speech of line 14", reserved_micros=None, model="")
        shown = panel_of(client, project)
        assert "lark was asked for: speech of line 12" in shown
        assert "lark-2" in shown
        assert "Ask again, costs about 0.003 USD" in shown
        assert "Ask again, perhaps paying twice" in shown
        assert shown.count("Leave it") == 2
        assert "retries left" not in shown, "a plain retry would only fail again"

    def test_one_that_was_asked_again_is_gone(self, client, project):
        call_lost(project, wanted="a" * 64)
        call_lost(project, wanted="a" * 64, attempt=2, state="done")
        assert "speech of line 12 " not in panel_of(client, project).split("Code")[1]

    def test_one_that_was_left_can_still_be_asked(self, client, project):
        call_lost(project, choice="leave")
        shown = panel_of(client, project)
        assert "You left it" in shown
        assert "Ask again" in shown
        assert "Leave it" not in shown


class TestDecide:
    def test_ask_again_retries_the_task(self, client, project):
        call = call_lost(project)
        answer = decide(client, call, "ask_again")
        assert answer.url.endswith(f"#panel-{STAGE}")
        call.refresh_from_db()
        assert (call.choice, call.task.status) == ("ask_again", Task.Status.RETRYING)

    def test_leave(self, client, project):
        call = call_lost(project)
        decide(client, call, "leave")
        call.refresh_from_db()
        assert (call.choice, call.task.status) == ("leave", Task.Status.FAILED)

    def test_nothing_to_decide_is_said(self, client, project):
        call = call_lost(project, state="submitted")
        answer = client.get(decide(client, call, "ask_again").url)
        assert "still being worked on" in answer.content.decode()
        call.refresh_from_db()
        assert call.choice == ""

    def test_anything_else_is_refused(self, client, project):
        call = call_lost(project)
        decide(client, call, "pay")
        call.refresh_from_db()
        assert call.choice == ""

    def test_somebody_elses_is_not_found(self, client, project):
        theirs = call_lost(factories.ProjectFactory.create())
        mine = call_lost(project)
        assert decide(client, theirs, "ask_again").status_code == 404
        assert client.post(reverse("pipeline:call_decide", args=[project.pk, theirs.pk]), {"act": "leave"}).status_code == 404
        assert client.post(reverse("pipeline:call_decide", args=[project.pk, uuid4()]), {"act": "leave"}).status_code == 404
        assert client.get(reverse("pipeline:call_decide", args=[project.pk, mine.pk])).status_code == 405
        theirs.refresh_from_db()
        assert theirs.choice == ""
