import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection, transaction
from django.db.models.query import QuerySet
from django.utils import timezone

from videoflow.errors import BadInput, DiskFull
from videoflow.pipeline import ledger, runner, stages
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.services import project_create, project_delete, stage_start
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput, always_ready
from videoflow.pipeline.store import media_path
from videoflow.pipeline.tests.paid_provider import PRICE_MICROS, PaidProvider
from videoflow.pipeline.unknown_calls import call_ask_again, call_leave
from videoflow.providers.base import ProviderError
from videoflow.providers.paid import CallRefused, Reply
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task
from videoflow.tasks.services import leases_reap, task_cancel, task_claim, task_retry

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What nothing may catch: the process is gone."""


@pytest.fixture
def provider() -> Iterator[PaidProvider]:
    server = PaidProvider()
    yield server
    server.close()


@pytest.fixture
def project() -> Project:
    return project_create(session=session_create(), seed=1)


@pytest.fixture
def stage(monkeypatch) -> Callable[[Callable[[StageContext], bytes]], None]:
    """Let the one stage be the given function, which makes the calls."""

    def put(act: Callable[[StageContext], bytes]) -> None:
        def run(context: StageContext) -> StageOutput:
            words = json.loads(act(context))["words"]
            return StageOutput("done", lambda: {"words": words})

        made = (Stage("first", "First", 1, "io", "first", StageInput, always_ready, run),)
        monkeypatch.setattr(stages, "load", lambda: made)

    return put


@pytest.fixture
def die_at(monkeypatch) -> Callable[[str], None]:
    """End the process at a named point of the ledger, once."""

    def arm(where: str) -> None:
        left = [where]

        def point(_: str, name: str) -> None:
            if name in left:
                left.remove(name)
                raise Killed

        monkeypatch.setattr(ledger, "crash_point", point)

    return arm


def run_next() -> Task:
    claim = task_claim(queue="io", worker_id=runner.worker_id_make("test"))
    assert claim is not None
    return runner.task_run(claim=claim)


def again() -> Task:
    """Let the next attempt come at once: what is left of a dead worker is taken back, a wait is over."""
    Task.objects.filter(status="in_progress").update(lease_until=timezone.now() - timedelta(seconds=1))
    leases_reap()
    Task.objects.update(not_before=None)
    return run_next()


def start(project: Project) -> None:
    stage_start(project=project, task_type="first", input_data={})


class TestPaidCall:
    @pytest.mark.parametrize("kind", ["keyed", "jobs", "plain"])
    def test_ok(self, project, stage, provider, kind):
        stage(lambda context: context.paid_call(provider.call(kind)))
        start(project)
        assert run_next().result_data == {"words": "Say it #1"}
        row = ProviderCall.objects.get()
        assert (row.state, row.charged_micros, row.reserved_micros, row.currency) == ("done", PRICE_MICROS, 3000, "USD")
        assert (row.task, row.project, row.stage, row.purpose) == (Task.objects.get(), project, "first", "speech of line 12")
        assert (row.remote_id, bool(row.submitted_at)) == (("job-0", True) if kind == "jobs" else ("", False))
        assert media_path(row.reply_path).read_bytes() == b'{"words": "Say it #1"}'
        assert row.ended_at is not None and row.created_at <= row.ended_at

    def test_the_intent_is_committed_before_the_network(self, project, stage, provider):
        seen: list[tuple[str, str]] = []

        def look(key: str) -> Reply:
            assert not connection.in_atomic_block
            seen.extend(ProviderCall.objects.values_list("state", "key"))
            return Reply(b'{"words": ""}')

        stage(lambda context: context.paid_call(replace(provider.call("plain"), send=look)))
        start(project)
        assert run_next().status == "completed"
        assert seen == [("intent", ProviderCall.objects.get().key)]

    def test_what_was_paid_for_is_given_again(self, project, stage, provider):
        """In the same stage, in a new run of it, and when making sense of the reply failed the first time."""
        provider.faults = ["garbage"]

        def twice(context: StageContext) -> bytes:
            assert context.paid_call(provider.call("plain")) == context.paid_call(provider.call("plain"))
            return context.paid_call(provider.call("plain"))

        stage(twice)
        start(project)
        assert run_next().error["details"] == {"kind": "JSONDecodeError"}
        start(project)
        assert run_next().status == "failed"
        assert (provider.paid, ProviderCall.objects.count()) == (1, 1)

    @pytest.mark.parametrize("other", [{"run": 2}, {"purpose": "speech of line 13"}, {"request_hash": "b" * 64}])
    def test_another_wish_is_another_call(self, project, stage, provider, other):
        call = provider.call("keyed")

        def both(context: StageContext) -> bytes:
            context.paid_call(call)
            return context.paid_call(replace(call, **other))

        stage(both)
        start(project)
        assert run_next().result_data == {"words": "Say it #2"}
        assert provider.paid == 2

    def test_two_threads_that_want_the_same_pay_once(self, project, stage, provider):
        def both(context: StageContext) -> bytes:
            replies: list[bytes] = []

            def ask() -> None:
                replies.append(context.paid_call(provider.call("plain")))
                connection.close()

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(replies) == 4 and len(set(replies)) == 1
            return replies[0]

        stage(both)
        start(project)
        task = run_next()
        assert task.status == "completed", task.error
        assert provider.paid == 1

    def test_inside_a_transaction_is_refused(self, project, stage, provider):
        def inside(context: StageContext) -> bytes:
            with transaction.atomic():
                return context.paid_call(provider.call("plain"))

        stage(inside)
        start(project)
        assert run_next().error["details"] == {"kind": "RuntimeError"}
        assert provider.paid == 0

    def test_no_room_for_the_reply_stops_it_before_it_costs(self, project, stage, provider, monkeypatch):
        def full(_: int) -> None:
            raise DiskFull("The disk is nearly full.")

        monkeypatch.setattr(ledger, "room_check", full)
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        assert run_next().error["error_code"] == "DISK_FULL"
        assert (provider.paid, ProviderCall.objects.count()) == (0, 0)

    def test_no_secret_is_kept(self, project, stage, provider):
        """An error that is not ours may name anything, so only its kind is written down."""

        def leak(_: str) -> Reply:
            raise ValueError("https://service/?key=canary-31415")

        stage(lambda context: context.paid_call(replace(provider.call("plain"), send=leak)))
        start(project)
        task = run_next()
        assert "canary" not in f"{list(ProviderCall.objects.values())} {task.error} {list(task.events.values())}"
        assert ProviderCall.objects.get().error_code == "ValueError"


class TestRefused:
    def test_costs_nothing_and_is_asked_anew(self, project, stage, provider):
        provider.faults = ["refused"]
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        assert run_next().message == "The service does not take this text. Change it."
        row = ProviderCall.objects.get()
        assert (row.state, row.charged_micros, row.error_code) == ("failed", 0, "PROVIDER_FAILED")
        task_retry(task_id=Task.objects.get().pk)
        assert run_next().status == "completed"
        assert list(ProviderCall.objects.order_by("attempt").values_list("attempt", "state")) == [(1, "failed"), (2, "done")]
        assert provider.paid == 1

    def test_never_reached(self, project, stage, provider):
        call = provider.call("plain")
        provider.close()
        stage(lambda context: context.paid_call(call))
        start(project)
        assert run_next().status == "retrying"
        assert ProviderCall.objects.get().state == "failed"

    def test_a_job_that_fails(self, project, stage, provider):
        def failed(_: str) -> Reply:
            raise CallRefused("The service could not make it.")

        stage(lambda context: context.paid_call(replace(provider.call("jobs"), poll=failed)))
        start(project)
        assert run_next().message == "The service could not make it."
        assert (ProviderCall.objects.get().state, ProviderCall.objects.get().remote_id) == ("failed", "job-0")


class TestReplyLostAfterTheCharge:
    @pytest.mark.parametrize("kind", ["keyed", "jobs"])
    def test_is_not_paid_again(self, project, stage, provider, kind):
        provider.faults = ["lost"]
        stage(lambda context: context.paid_call(provider.call(kind)))
        start(project)
        task = run_next()
        if task.status == "retrying":
            task = again()
        assert (task.status, provider.paid, ProviderCall.objects.get().state) == ("completed", 1, "done")

    def test_nobody_knows(self, project, stage, provider):
        provider.faults = ["lost"]
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        task = run_next()
        call = ProviderCall.objects.get()
        assert (task.status, call.state, call.error) == ("failed", "unknown", "The service cut the line.")
        assert task.error["message"] == (
            "lark was asked for the speech of line 12, and the answer was lost; it may have charged for it. "
            "Ask again and perhaps pay twice, or leave it."
        )
        assert (task.error["error_code"], task.error["details"]) == (
            "CALL_UNKNOWN",
            {
                "call_id": str(call.pk),
                "provider": "lark",
                "purpose": "speech of line 12",
                "reserved_micros": 3000,
                "currency": "USD",
                "choices": ["ask_again", "leave"],
            },
        )
        task_retry(task_id=task.pk)  # a retry alone is not the word that is needed
        assert run_next().error["error_code"] == "CALL_UNKNOWN"
        assert provider.paid == 1

    def test_a_key_that_the_provider_has_forgotten_is_not_repeated(self, project, stage, provider):
        provider.faults = ["lost"]
        stage(lambda context: context.paid_call(provider.call("keyed")))
        start(project)
        with time_machine.travel(timezone.now(), tick=True) as clock:
            assert run_next().status == "retrying"
            clock.shift(timedelta(hours=24, seconds=1))
            assert again().error["error_code"] == "CALL_UNKNOWN"
        assert provider.requests["keyed"] == 1

    def test_a_job_that_the_provider_has_forgotten(self, project, stage, provider):
        stage(lambda context: context.paid_call(provider.call("jobs")))
        provider.works_for = 1000

        def forget(context: StageContext) -> bytes:
            provider.jobs.clear()
            return context.paid_call(provider.call("jobs"))

        stage(lambda context: context.paid_call(replace(provider.call("jobs"), poll_for_seconds=0)))
        start(project)
        task = run_next()
        assert (task.status, task.error["error_code"]) == ("retrying", "CALL_PENDING")
        stage(forget)
        assert again().error["error_code"] == "CALL_UNKNOWN"
        assert (provider.paid, ProviderCall.objects.get().error_code) == (1, "PROVIDER_FAILED")

    def test_a_reply_that_is_too_large_to_keep(self, project, stage, provider, monkeypatch):
        monkeypatch.setattr(ledger, "REPLY_LIMIT_BYTES", 10)
        stage(lambda context: context.paid_call(provider.call("keyed")))
        start(project)
        assert run_next().error["error_code"] == "CALL_UNKNOWN"
        assert (ProviderCall.objects.get().error_code, ProviderCall.objects.get().charged_micros) == ("TOO_LARGE", PRICE_MICROS)

    def test_the_kept_file_is_gone(self, project, stage, provider):
        for kind, charged in (("plain", 1), ("keyed", 2), ("jobs", 3)):
            stage(lambda context, kind=kind: context.paid_call(provider.call(kind, prompt=kind)))
            start(project)
            run_next()
            row = ProviderCall.objects.latest("created_at")
            media_path(row.reply_path).write_bytes(b"changed")
            start(project)
            task = run_next()
            assert task.status == ("failed" if kind == "plain" else "completed"), kind
            assert provider.paid == charged


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
        assert provider.arrived.wait(10)
        ledger._locks.clear()  # they stand for two processes
        act()
        provider.hold.set()
        thread.join()

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
            attempt = ledger._Attempt(provider.call("keyed"), task, row.wanted, transaction.atomic, lambda: False)
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


class TestWaiting:
    def test_goes_on_under_the_same_id(self, project, stage, provider):
        provider.works_for = 4
        stage(lambda context: context.paid_call(replace(provider.call("jobs"), poll_for_seconds=0.001)))
        start(project)
        assert run_next().message.startswith("Trying again in 5 s: lark is still working on the speech of line 12.")
        assert again().status == "retrying"
        assert again().status == "completed"
        assert (provider.requests["jobs"], provider.paid) == (1, 1)

    def test_ends_with_a_cancel(self, project, stage, provider):
        provider.works_for = 1_000_000

        def run(context: StageContext) -> bytes:
            looks = iter([False, False, True])
            own = replace(context, cancelled=lambda: next(looks))
            return own.paid_call(replace(provider.call("jobs"), poll_every_seconds=30.0))

        stage(run)
        start(project)
        run_next()
        assert ProviderCall.objects.get().state == "submitted"

    def test_an_error_of_the_question_is_not_one_of_the_call(self, project, stage, provider):
        def away(_: str) -> Reply:
            raise ProviderError("The service does not answer.", retryable=True)

        stage(lambda context: context.paid_call(replace(provider.call("jobs"), poll=away)))
        start(project)
        assert run_next().status == "retrying"
        stage(lambda context: context.paid_call(provider.call("jobs")))
        assert again().status == "completed"
        assert provider.paid == 1


class TestChoice:
    @pytest.fixture
    def lost(self, project, stage, provider) -> ProviderCall:
        provider.faults = ["lost"]
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        run_next()
        return ProviderCall.objects.get()

    def test_ask_again(self, lost, provider):
        task = call_ask_again(call_id=lost.pk)
        assert task is not None and task.status == "retrying"
        assert run_next().result_data == {"words": "Say it #2"}
        assert list(ProviderCall.objects.order_by("attempt").values_list("state", "choice")) == [
            ("unknown", "ask_again"),
            ("done", ""),
        ]
        assert provider.paid == 2

    def test_the_word_counts_once(self, lost, provider):
        provider.faults = ["lost"]
        call_ask_again(call_id=lost.pk)
        assert run_next().error["error_code"] == "CALL_UNKNOWN"
        with pytest.raises(BadInput, match="asked again already"):
            call_ask_again(call_id=lost.pk)
        assert provider.paid == 2

    def test_ask_again_when_the_task_cannot_be_retried_any_more(self, lost, project, provider):
        """The word is kept for the step that is started anew."""
        Task.objects.update(retry_count=3)
        assert call_ask_again(call_id=lost.pk) is None
        start(project)
        assert run_next().status == "completed"
        assert provider.paid == 2

    def test_leave(self, lost, provider):
        call_leave(call_id=lost.pk)
        lost.refresh_from_db()
        assert (lost.state, lost.choice) == ("unknown", "leave")
        task_retry(task_id=lost.task_id)
        assert run_next().error["error_code"] == "CALL_UNKNOWN"
        assert call_ask_again(call_id=lost.pk) is not None  # minds change
        assert run_next().status == "completed"

    def test_a_late_reply_makes_the_choice_idle(self, lost, provider):
        call_ask_again(call_id=lost.pk)
        stored = ledger._reply_store(b'{"words": "late"}')
        row = ProviderCall.objects.get()
        attempt = ledger._Attempt(provider.call("plain"), Task.objects.get(), row.wanted, transaction.atomic, lambda: False)
        attempt._settle(row, "done", reply_path=stored.path, reply_sha256=stored.sha256)
        assert run_next().result_data == {"words": "late"}
        assert provider.paid == 1

    def test_only_for_a_call_that_is_over(self, project, stage, provider):
        stage(lambda context: context.paid_call(replace(provider.call("jobs"), poll_for_seconds=0)))
        provider.works_for = 9
        start(project)
        run_next()
        with pytest.raises(BadInput, match="still being worked on"):
            call_ask_again(call_id=ProviderCall.objects.get().pk)
        with pytest.raises(BadInput):
            call_leave(call_id=ProviderCall.objects.get().pk)

    def test_a_reply_that_is_no_use_can_be_paid_for_again(self, project, stage, provider):
        provider.faults = ["garbage"]
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        assert run_next().status == "failed"
        call_ask_again(call_id=ProviderCall.objects.get().pk)
        assert run_next().status == "completed"
        assert provider.paid == 2


class TestDeletion:
    def test_replies_go_with_their_project_and_the_books_stay(self, project, stage, provider):
        stage(lambda context: context.paid_call(provider.call("plain")))
        start(project)
        run_next()
        path = media_path(ProviderCall.objects.get().reply_path)
        assert path.is_file()
        project_delete(project=project)
        row = ProviderCall.objects.get()
        assert not path.exists()
        assert (row.project, row.task, row.charged_micros, row.reply_path) == (None, None, PRICE_MICROS, "")
