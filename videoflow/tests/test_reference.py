"""From what a page calls its reference to every line of the log about it: the server's, the worker's, the dispatcher's."""

import io
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.logs import NOTHING, LineFormatter, OriginFilter, current_request_id
from videoflow.pipeline import runner, stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput, always_ready
from videoflow.pipeline.tests.factories import ProjectFactory, session_of, task_failed
from videoflow.tasks.models import Task
from videoflow.tasks.services import leases_reap, task_claim, task_retry

pytestmark = pytest.mark.django_db

REFERENCE = "proxy-7.4711"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the studio's processes would write, as an operator reads it."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.addFilter(OriginFilter())
    handler.setFormatter(LineFormatter())
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def project(client: Client) -> Project:
    project: Project = ProjectFactory.create(session=session_of(client))
    return project


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is well and one after it that is refused."""

    def refuse(_: StageContext) -> StageOutput:
        raise BadInput("This cannot be.")

    made = (
        Stage("first", "First", 0, "io", "first", StageInput, always_ready, lambda _: StageOutput("done", dict)),
        Stage("second", "Second", 1, "io", "second", StageInput, always_ready, refuse),
    )
    monkeypatch.setattr(stages, "load", lambda: made)


def asked_for(project: Project) -> Task:
    """Ask for the first step and those after it, as a view does while a request is answered."""
    token = current_request_id.set(REFERENCE)
    try:
        return stage_start(project=project, task_type="first", input_data={"continue": True})
    finally:
        current_request_id.reset(token)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("two_steps")
def test_one_search_finds_who_asked_and_what_the_worker_says_of_all_that_followed(project: Project, log: io.StringIO) -> None:
    first = asked_for(project)
    assert runner.queue_drain(queue="io", worker_id="host:test:1") == 2
    second = project.tasks.get(task_type="second")
    assert (first.request_id, second.request_id, second.status) == (REFERENCE, REFERENCE, "failed")
    found = [line for line in log.getvalue().splitlines() if REFERENCE in line]
    assert [re.sub(r"^\S+ ", "", line) for line in found] == [
        f"INFO videoflow.tasks.services [{first.pk} request={REFERENCE}] asked for stage=first queue=io",
        f"INFO videoflow.pipeline.runner [{first.pk} request={REFERENCE}] started stage=first attempt=1",
        f"INFO videoflow.tasks.services [{second.pk} request={REFERENCE}] asked for stage=second queue=io",
        f"INFO videoflow.pipeline.runner [{first.pk} request={REFERENCE}] completed",
        f"INFO videoflow.pipeline.runner [{second.pk} request={REFERENCE}] started stage=second attempt=1",
        f"WARNING videoflow.pipeline.runner [{second.pk} request={REFERENCE}] refused "
        "code=BAD_INPUT details={}: This cannot be.",
    ]
    assert current_request_id.get() == NOTHING


@pytest.mark.usefixtures("two_steps")
def test_a_lost_worker_and_a_retry_are_found_too(project: Project, log: io.StringIO) -> None:
    task = asked_for(project)
    assert task_claim(queue="io", worker_id="host:test:1")
    Task.objects.update(lease_until=timezone.now() - timedelta(seconds=5))
    assert leases_reap() == 1
    assert f"[{task.pk} request={REFERENCE}] lease expired status=retrying fence=1 recoveries=1" in log.getvalue()
    Task.objects.update(status="failed")
    token = current_request_id.set("another-one")
    try:
        assert task_retry(task_id=task.pk).request_id == "another-one"
    finally:
        current_request_id.reset(token)
    assert f"[{task.pk} request=another-one] retry asked for stage=first" in log.getvalue()


@pytest.mark.parametrize("name", [REFERENCE, ""])
def test_a_failed_step_says_its_reference(client: Client, project: Project, name: str) -> None:
    """That of a task which nobody's request asked for is its own id."""
    task = task_failed(project, "script_generation", "It broke.", request_id=name)
    page = client.get(reverse("pipeline:project_detail", args=[project.pk])).content.decode()
    assert f"<dt>Reference</dt><dd><code>{name or task.pk}</code></dd>" in page


def test_an_unexpected_error_says_the_name_that_its_line_has(client: Client, log: io.StringIO) -> None:
    session_of(client)
    client.raise_request_exception = False

    def refuse(*_: object) -> None:
        raise ValueError("wrong")

    with connection.execute_wrapper(refuse):
        page = client.get(reverse("pipeline:project_list"))
    name = page.headers["X-Request-ID"]
    assert page.status_code == 500
    assert f"Reference <code>{name}</code>" in page.content.decode()
    assert f"django.request [request={name}] Internal Server Error: /projects/" in log.getvalue()


def test_an_answer_that_is_a_refusal_has_its_line_too(client: Client, log: io.StringIO) -> None:
    name = client.get("/no-such-page/").headers["X-Request-ID"]
    assert f"django.request [request={name}] Not Found: /no-such-page/" in log.getvalue()


class TestUnknownAddress:
    def test_a_name_that_the_studio_was_not_told_of(self, client: Client) -> None:
        page = client.get("/", headers={"host": "studio.lan:8000"})
        assert page.status_code == 400
        assert "adds studio.lan:8000 to VIDEOFLOW_ALLOWED_HOSTS" in page.content.decode()

    def test_what_is_no_name_is_not_repeated(self, client: Client) -> None:
        page = client.get("/", headers={"host": '"><b>evil'})
        assert page.status_code == 400
        assert "evil" not in page.content.decode()

    @pytest.mark.parametrize("origin", ["https://studio.example", None])
    def test_a_form_from_elsewhere(self, origin: str | None) -> None:
        client = Client(enforce_csrf_checks=True)
        given: dict[str, Any] = {"origin": origin} if origin else {}
        page = client.post(reverse("pipeline:start"), headers=given)
        assert page.status_code == 403
        said = page.content.decode()
        assert ("adds https://studio.example to VIDEOFLOW_ALLOWED_ORIGINS" in said) is bool(origin)
        assert ("The page was open for too long" in said) is not bool(origin)
