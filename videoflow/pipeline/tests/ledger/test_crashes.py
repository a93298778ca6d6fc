"""Whatever dies between two states leaves a row from which the next attempt goes on."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.query import QuerySet
from django.utils import timezone

from videoflow.pipeline import ledger, runner
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.tests.ledger.stage_runs import Killed, again, run_next, start
from videoflow.pipeline.tests.paid_provider import PaidProvider
from videoflow.tasks.models import Task
from videoflow.tasks.services import leases_reap, task_cancel, task_claim, task_retry

pytestmark = pytest.mark.django_db(transaction=True)


class TestCrash:
    @pytest.mark.parametrize(
        ("kind", "point", "state", "outcome", "paid"),
        [
            ("keyed", "intended", "intent", "completed", 1),
            ("keyed", "answered", "intent", "completed", 1),
            ("keyed", "stored", "intent", "completed", 1),
            ("keyed", "kept", "done", "completed", 1),
            ("jobs", "intended", "intent", "CALL_UNKNOWN", 0),
            ("jobs", "answered", "intent", "completed", 1),
            ("jobs", "submitted", "submitted", "completed", 1),
            ("jobs", "stored", "submitted", "completed", 1),
            ("jobs", "kept", "done", "completed", 1),
            ("plain", "intended", "intent", "CALL_UNKNOWN", 0),
            ("plain", "answered", "intent", "CALL_UNKNOWN", 1),
            ("plain", "stored", "intent", "CALL_UNKNOWN", 1),
            ("plain", "kept", "done", "completed", 1),
        ],
    )
    def test_between_two_states(self, project, stage, provider, die_at, kind, point, state, outcome, paid):
        die_at(point)
        stage(lambda context: context.paid_call(provider.call(kind)))
        start(project)
        with pytest.raises(Killed):
            run_next()
        assert ProviderCall.objects.get().state == state
        task = again()
        assert (task.status == outcome) or (task.error["error_code"] == outcome)
        assert (provider.paid, ProviderCall.objects.count()) == (paid, 1)
        assert ProviderCall.objects.get().state == ("done" if outcome == "completed" else "unknown")

    def test_no_write_waits_inside_of_sqlite(self, project, stage, provider):
        """Its own waiting holds the connection, and another thread's garbage collection may stop there with the lock in hand."""
        outside: list[str] = []

        def look(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
            if "provider" in sql and not sql.startswith("SELECT") and not connection.in_atomic_block:
                outside.append(sql)
            return execute(sql, params, many, context)

        stage(lambda context: context.paid_call(provider.call("jobs")))
        start(project)
        with connection.execute_wrapper(look):
            assert run_next().status == "completed"
        assert not outside

    def test_the_database_is_busy_when_the_reply_is_there(self, project, stage, provider, monkeypatch):
        real, left = QuerySet.update, [2]

        def busy(rows: QuerySet[ProviderCall], **changes: object) -> int:
            if rows.model is ProviderCall and changes.get("state") == "done" and left[0]:
                left[0] -= 1
                raise OperationalError("database is locked")
            return real(rows, **changes)

        monkeypatch.setattr(QuerySet, "update", busy)
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        assert run_next().status == "completed"
        assert left == [0]


class TestTwoWorkersAtOnce:
    """One was taken for dead while its request was on the way."""

    def _frozen(self, project: Project, provider: PaidProvider, act: Callable[[], None]) -> None:
        """Run a first worker until the provider has charged, then ``act`` as the second, then let the answer through."""
        provider.hold.clear()
        start(project)

        def first() -> None:
            run_next()
            connection.close()

        thread = threading.Thread(target=first)
        thread.start()
        assert provider.arrived.wait(240)
        ledger._locks.clear()  # they stand for two processes
        act()
        provider.hold.set()
        thread.join(240)

    def test_the_late_reply_ends_an_unknown_call_well(self, project, stage, provider):
        stage(lambda context: context.paid_call(provider.call("plain")))

        def second() -> None:
            assert again().error["error_code"] == "CALL_UNKNOWN"
            assert ProviderCall.objects.get().state == "unknown"

        self._frozen(project, provider, second)
        assert ProviderCall.objects.get().state == "done"
        task_retry(task_id=Task.objects.get().pk)
        assert run_next().result_data == {"words": "Say it #1"}
        assert provider.paid == 1

    def test_a_call_that_was_taken_over_is_not_written_by_the_first(self, project, stage, provider):
        stage(lambda context: context.paid_call(provider.call("keyed")))

        def second() -> None:
            Task.objects.filter(status="in_progress").update(lease_until=timezone.now() - timedelta(seconds=1))
            leases_reap()
            claim = task_claim(queue="io", worker_id=runner.worker_id_make("test"), task_id=Task.objects.get().pk)
            assert claim is not None
            task = Task.objects.get()
            row = ProviderCall.objects.get()
            attempt = ledger._Attempt(
                provider.call("keyed"), ledger.payer_of(task), row.wanted, transaction.atomic, lambda: False
            )
            attempt._take_over(row)

        self._frozen(project, provider, second)
        assert (ProviderCall.objects.get().state, ProviderCall.objects.get().fence) == ("intent", Task.objects.get().fence)
        assert again().status == "completed"
        assert provider.paid == 1

    def test_whoever_does_not_own_the_task_makes_no_call(self, project, stage, provider):
        def lose(context: StageContext) -> bytes:
            Task.objects.update(fence=99)
            return context.paid_call(provider.call("plain"))

        stage(lose)
        start(project)
        run_next()
        assert (provider.paid, ProviderCall.objects.count()) == (0, 0)

    def test_a_reply_that_comes_after_the_cancel_is_kept(self, project, stage, provider):
        stage(lambda context: context.paid_call(provider.call("plain")))
        self._frozen(project, provider, lambda: task_cancel(task_id=Task.objects.get().pk) and None)
        assert (Task.objects.get().status, ProviderCall.objects.get().state) == ("cancelled", "done")
        task_retry(task_id=Task.objects.get().pk)
        assert run_next().status == "completed"
        assert provider.paid == 1
