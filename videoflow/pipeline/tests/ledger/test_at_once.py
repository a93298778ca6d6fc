"""Several calls of one step at once: none paid for twice, none lost, no more spent than may be, whatever ends the step."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection

from videoflow.crash_points import EXIT_CODE
from videoflow.pipeline.connections import thread_room
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.tests.ledger.at_once import AT_ONCE, CALLS, calls_of, replies
from videoflow.pipeline.tests.ledger.stage_runs import again, run_next, start
from videoflow.pipeline.tests.paid_provider import PaidProvider
from videoflow.pipeline.unknown_calls import call_ask_again
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_cancel, task_claim, task_retry
from videoflow.tasks.tests.noop.machine import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[4]
WAIT_SECONDS = 240


def states() -> list[str]:
    connection.close()
    return sorted(ProviderCall.objects.values_list("state", flat=True))


@pytest.fixture
def several(stage, provider):
    """A stage that makes several calls at once; the kind of service is its argument."""

    def put(kind: str = "plain") -> None:
        def act(context: StageContext) -> bytes:
            calls = calls_of(provider, kind)
            got = [json.loads(reply)["words"] for reply in replies(calls, context.paid_call, context.cancelled)]
            return json.dumps({"words": len(got)}).encode()

        stage(act)

    return put


@pytest.mark.parametrize("kind", ["plain", "keyed", "jobs"])
def test_ok(project, provider, several, kind):
    several(kind)
    start(project)
    assert run_next().result_data == {"words": CALLS}
    assert states() == ["done"] * CALLS
    assert (provider.paid, max(provider.charges.values())) == (CALLS, 1)


def test_so_many_are_under_way_and_a_cancel_keeps_what_they_bring(project, provider, several):
    several()
    provider.hold.clear()
    start(project)
    runner = threading.Thread(target=_run_and_close)
    runner.start()
    wait_for(lambda: provider.paid == AT_ONCE, seconds=WAIT_SECONDS, what="calls under way")
    task_cancel(task_id=Task.objects.get().pk)
    wait_for(_is_cancelled, seconds=WAIT_SECONDS, what="the cancel")
    provider.hold.set()
    runner.join(WAIT_SECONDS)
    began = provider.paid  # until the runner looks for a cancel, others may begin
    assert states() == ["done"] * began
    task_retry(task_id=Task.objects.get().pk)
    assert run_next().result_data == {"words": CALLS}
    assert provider.paid == CALLS


def _is_cancelled() -> bool:
    return Task.objects.get().status == "cancelled"


def _run_and_close() -> None:
    run_next()
    connection.close()


def test_the_budget_holds_however_many_ask_for_the_last_of_it(project, provider, several):
    Project.objects.filter(pk=project.pk).update(budget_micros=3 * 3000)
    several()
    start(project)
    task = run_next()
    assert (task.status, task.error["error_code"]) == ("failed", "BUDGET_REACHED")
    assert (provider.paid, states()) == (3, ["done"] * 3)
    Project.objects.filter(pk=project.pk).update(budget_micros=None)
    task_retry(task_id=task.pk)
    assert run_next().result_data == {"words": CALLS}
    assert provider.paid == CALLS


def test_one_answer_is_lost_and_the_others_are_kept(project, provider, several):
    provider.faults = ["lost"]
    several()
    start(project)
    task = run_next()
    assert task.error["error_code"] == "CALL_UNKNOWN"
    assert states().count("unknown") == 1 and set(states()) == {"done", "unknown"}
    for _ in range(2):
        task_retry(task_id=task.pk)
        assert run_next().error["error_code"] == "CALL_UNKNOWN"
    assert provider.paid <= CALLS and max(provider.charges.values()) == 1
    call_ask_again(call_id=ProviderCall.objects.get(state="unknown").pk)
    assert run_next().result_data == {"words": CALLS}
    assert provider.paid == CALLS + 1, "once more where a person said so"


class TestKilled:
    def _killed(self, project: Project, provider: PaidProvider, where: str) -> "subprocess.Popen[bytes]":
        """Begin the task's calls in a process of its own."""
        start(project)
        claim = task_claim(queue="io", worker_id="test")
        assert claim is not None
        names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
        rows = {name: connection.settings_dict[name] for name in names}
        return subprocess.Popen(
            [sys.executable, "-m", "videoflow.pipeline.tests.ledger.at_once", str(claim.task_id), provider.url, where],
            cwd=ROOT,
            env={**os.environ, "TESTS_ROWS": json.dumps(rows)},
        )

    def test_with_four_in_flight(self, project, provider, several):
        several()
        provider.hold.clear()
        process = self._killed(project, provider, "")
        wait_for(lambda: provider.paid == AT_ONCE, seconds=WAIT_SECONDS, what="calls under way")
        process.kill()
        process.wait(WAIT_SECONDS)
        provider.hold.set()
        assert states() == ["intent"] * AT_ONCE, "written down before they were made"
        assert again().error["error_code"] == "CALL_UNKNOWN"
        assert set(states()) == {"unknown"} and provider.paid == AT_ONCE, "nobody asks again by himself"

    @pytest.mark.parametrize("where", ["answered:2", "kept:2"])
    def test_between_two_states(self, project, provider, several, where):
        several()
        process = self._killed(project, provider, f"paid_call:{where}")
        assert process.wait(WAIT_SECONDS) == EXIT_CODE
        before = set(ProviderCall.objects.filter(state="done").values_list("purpose", flat=True))
        assert again().error["error_code"] == "CALL_UNKNOWN"
        assert before <= set(ProviderCall.objects.filter(state="done").values_list("purpose", flat=True))
        assert set(states()) <= {"done", "unknown"}
        assert max(provider.charges.values(), default=1) == 1
        assert len(provider.charges) <= ProviderCall.objects.count() <= CALLS, "each was asked for once"


def test_a_thread_leaves_no_connection_behind(project):
    left: list[object] = []

    def work() -> None:
        with thread_room():
            assert Project.objects.filter(pk=project.pk).exists()
        left.append(connection.connection)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(WAIT_SECONDS)
    assert left == [None]
