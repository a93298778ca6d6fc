"""Nothing that may have been charged is asked for again by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline import ledger
from videoflow.pipeline.models import ProviderCall
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import media_path
from videoflow.pipeline.tests.ledger.stage_runs import again, run_next, start
from videoflow.pipeline.tests.paid_provider import PRICE_MICROS
from videoflow.pipeline.unknown_calls import call_ask_again, call_leave
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_retry

pytestmark = pytest.mark.django_db(transaction=True)


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
        attempt = ledger._Attempt(
            provider.call("plain"), ledger.payer_of(Task.objects.get()), row.wanted, transaction.atomic, lambda: False
        )
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
