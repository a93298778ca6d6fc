"""A call that costs money is written down first, and its reply is given again."""

import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction

from videoflow.errors import DiskFull
from videoflow.pipeline import ledger
from videoflow.pipeline.models import ProviderCall
from videoflow.pipeline.services import project_delete
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import media_path
from videoflow.pipeline.tests.ledger.stage_runs import again, run_next, start
from videoflow.pipeline.tests.paid_provider import PRICE_MICROS
from videoflow.providers.base import ProviderError
from videoflow.providers.paid import CallRefused, Reply
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_retry

pytestmark = pytest.mark.django_db(transaction=True)


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
