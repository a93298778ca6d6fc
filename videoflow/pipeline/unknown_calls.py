"""Calls that a person should know of: what is decided where a reply is lost or of no use, and what is still being made."""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_retry

_State = ProviderCall.State
_Choice = ProviderCall.Choice


def calls_unknown(project: Project, stage: str) -> list[ProviderCall]:
    """Return a stage's calls of which nobody knows the end and which were not asked again, the oldest first; one query."""
    newer = ProviderCall.objects.filter(wanted=OuterRef("wanted"), attempt__gt=OuterRef("attempt")).order_by()
    calls = project.provider_calls.filter(~Exists(newer), stage=stage, state=_State.UNKNOWN)
    return list(calls.exclude(choice=_Choice.ASK_AGAIN).order_by("created_at"))


def calls_at_work(project: Project, stage: str) -> list[ProviderCall]:
    """Return a stage's orders that a service has taken on and goes on with whatever becomes of the task; one query."""
    calls = project.provider_calls.filter(stage=stage, state=_State.SUBMITTED).exclude(remote_id="")
    return list(calls.order_by("created_at"))


def _decide(call_id: UUID, choice: _Choice, *states: _State) -> ProviderCall:
    """Write the choice down at the newest attempt; a choice that was acted on stays."""
    with transaction.atomic():
        call = ProviderCall.objects.get(pk=call_id)
        if ProviderCall.objects.filter(wanted=call.wanted, attempt__gt=call.attempt).exists():
            raise BadInput("This was asked again already. Decide about the newest call.", code="CALL_DECIDED")
        if not ProviderCall.objects.filter(pk=call_id, state__in=states).update(choice=choice):
            sentence = (
                Sentence("This call is still being worked on; there is nothing to decide yet.")
                if call.state in ProviderCall.OPEN
                else Sentence("There is nothing to decide about this call.")
            )
            raise BadInput(sentence, code="CALL_NOT_DECIDABLE")
    return call


def call_ask_again(*, call_id: UUID) -> Task | None:
    """Let the provider be asked again, which may be paid for twice, and retry the task that waits for it.

    Return that task; None when it cannot be retried any more, so that the step must be started anew, which then asks.

    Raises:
        BadInput: the call is still being worked on, or was asked again already.
    """
    call = _decide(call_id, _Choice.ASK_AGAIN, _State.UNKNOWN, _State.DONE)
    if call.task_id is None:
        return None
    try:
        return task_retry(task_id=call.task_id)
    except VideoflowError:
        return None


def call_leave(*, call_id: UUID) -> None:
    """Note that the provider is not to be asked again; the task stays as it failed.

    Raises:
        BadInput: nothing is unknown about the call.
    """
    _decide(call_id, _Choice.LEAVE, _State.UNKNOWN)
