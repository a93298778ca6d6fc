from collections.abc import Callable

import pytest
from django.db import connection

from videoflow.api.submit import task_submit
from videoflow.errors import BadInput
from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.stages.base import Stage, StageInput, StageOutput
from videoflow.sessions.idempotency import KeyReused
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task
from videoflow.tasks.services import TooManyWaiting

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "trending_analysis"


@pytest.fixture
def ready_is(monkeypatch) -> Callable[[Callable[[Project], None]], None]:
    """Let the first stage check a project in the given way."""

    def replace(check: Callable[[Project], None]) -> None:
        stage = Stage(
            NAME, NAME, 1, "io", NAME, StageInput, lambda project, options: check(project), lambda _: StageOutput("", dict)
        )
        monkeypatch.setattr(stages, "load", lambda: (stage,))

    return replace


class TestTaskSubmit:
    @pytest.mark.parametrize("key", [None, "mine"])
    def test_checks_before_it_takes_the_write_lock(self, ready_is, key):
        locked: list[bool] = []
        ready_is(lambda project: locked.append(connection.in_atomic_block))
        reply, repeated = task_submit(session=session_create(), task_type=NAME, input_data={}, priority="normal", key=key)
        assert (locked, repeated) == ([False], False)
        assert Task.objects.get().project_id == Project.objects.get().pk
        assert reply["task_id"] == str(Task.objects.get().pk)

    def test_a_repeated_request_is_not_checked_again(self, ready_is):
        session = session_create()
        ready_is(lambda project: None)
        first, _ = task_submit(session=session, task_type=NAME, input_data={}, priority="normal", key="mine")

        def refuse(project: Project) -> None:
            raise BadInput("Not any more.")

        ready_is(refuse)
        again = task_submit(session=session, task_type=NAME, input_data={}, priority="normal", key="mine")
        assert again == (first, True)
        with pytest.raises(KeyReused):
            task_submit(session=session, task_type=NAME, input_data={}, priority="high", key="mine")

    def test_a_refused_task_leaves_no_project(self, ready_is, settings):
        settings.VIDEOFLOW_USER_WAITING = 2
        ready_is(lambda project: None)
        session = session_create()
        for _ in range(2):
            task_submit(session=session, task_type=NAME, input_data={}, priority="normal", key=None)
        with pytest.raises(TooManyWaiting):
            task_submit(session=session, task_type=NAME, input_data={}, priority="normal", key="mine")
        assert Project.objects.count() == Task.objects.count() == 2
