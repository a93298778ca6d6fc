"""What the workflow page remembers: a state per component and one for the workflow, each with a revision."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from videoflow.errors import VideoflowError
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession, UIState, WorkflowState
from videoflow.sessions.state_cache import state_read, states_void

State = TypeVar("State", UIState, WorkflowState)


class StaleRevision(VideoflowError):
    """The state was saved by somebody else meanwhile; ``stored`` is what they saved, None when there is nothing yet."""

    code = "STALE_REVISION"

    def __init__(self, stored: UIState | WorkflowState | None) -> None:
        super().__init__(Sentence("This was changed somewhere else meanwhile. Look at the stored state, then save again."))
        self.stored = stored


def ui_state_get(*, session: CreatorSession, component_name: str) -> UIState | None:
    """Return a component's state, None when there is none; at least as new as the given row of the session."""
    rows = UIState.objects.filter(session=session, component_name=component_name)
    return state_read(session=session, name=component_name, rows=rows)


def ui_state_save(
    *, session: CreatorSession, component_name: str, changes: Mapping[str, Any], revisions: Collection[int] | None = None
) -> UIState:
    """Save the given fields, the others stay; with ``revisions`` only if the stored revision is one of them (0: none stored).

    Raises:
        StaleRevision: it is not.
    """
    rows = UIState.objects.filter(session=session, component_name=component_name)
    return _save(session, rows, changes, revisions, lambda: UIState(session=session, component_name=component_name))


def workflow_get(*, session: CreatorSession) -> WorkflowState:
    """Return the session's workflow state; an unsaved one with revision 0 when there is none yet."""
    stored = state_read(session=session, name="workflow", rows=WorkflowState.objects.filter(session=session))
    return stored or WorkflowState(session=session, updated_at=session.created_at)


def workflow_save(
    *, session: CreatorSession, changes: Mapping[str, Any], revisions: Collection[int] | None = None
) -> WorkflowState:
    """Save the given fields as ``ui_state_save`` does.

    Raises:
        StaleRevision: the stored revision is none of ``revisions``.
    """
    rows = WorkflowState.objects.filter(session=session)
    return _save(session, rows, changes, revisions, lambda: WorkflowState(session=session))


def _save(
    session: CreatorSession,
    rows: QuerySet[State],
    changes: Mapping[str, Any],
    revisions: Collection[int] | None,
    make: Callable[[], State],
) -> State:
    """Change the one row by a guarded UPDATE, or insert it with revision 1; cached states are void from the same commit on."""
    with transaction.atomic():
        guarded = rows if revisions is None else rows.filter(revision__in=revisions)
        facts = {**changes, "updated_at": timezone.now()}
        state = rows.get() if guarded.update(revision=F("revision") + 1, **facts) else _insert(rows, facts, revisions, make)
        states_void(session=session)
    return state


def _insert(
    rows: QuerySet[State], facts: Mapping[str, Any], revisions: Collection[int] | None, make: Callable[[], State]
) -> State:
    if revisions is not None and (0 not in revisions or rows.exists()):
        raise StaleRevision(rows.first())
    state = make()
    state.revision = 1
    for name, value in facts.items():
        setattr(state, name, value)
    try:
        with transaction.atomic():
            state.save(force_insert=True)
    except IntegrityError:  # somebody else's insert came first
        if revisions is not None:
            raise StaleRevision(rows.first()) from None
        rows.update(revision=F("revision") + 1, **facts)
        state = rows.get()
    return state
