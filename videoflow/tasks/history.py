"""A task's past, attempt by attempt, read from its events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from videoflow.tasks.models import ProgressEvent, Task


@dataclass(slots=True)
class Moment:
    """One event, or a run of progress reports folded into one line."""

    at: datetime
    kind: str
    status: str
    message: str
    percent: int
    seq: int
    code: str = ""
    """The error code, where the event carries one."""
    reports: int = 1
    first_percent: int = 0


@dataclass(slots=True)
class Attempt:
    """What happened from one claim to the next; number 0 is the wait before the first."""

    number: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = "running"
    moments: list[Moment] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


def attempts_of(events: Iterable[ProgressEvent]) -> list[Attempt]:
    """Return the attempts in order, from the events of one task in order of ``seq``.

    A claim's event names its attempt; the first event after it that leaves ``in_progress`` ends it. What follows, waiting for the
    next claim, is still shown below the attempt that led to it.
    """
    attempts: list[Attempt] = []
    for event in events:
        number = event.data.get("attempt") if event.event_type == ProgressEvent.Type.STATUS_CHANGE else None
        if number is not None and event.status == Task.Status.IN_PROGRESS:
            attempts.append(Attempt(number, event.created_at))
        elif not attempts:
            attempts.append(Attempt(0, event.created_at, outcome="waiting"))
        current = attempts[-1]
        if number is None and current.number and current.ended_at is None and event.status != Task.Status.IN_PROGRESS:
            current.ended_at, current.outcome = event.created_at, event.status
        _moment_add(current, event)
    for before, after in pairwise(attempts):
        if before.ended_at is None:  # the wait, or a claim whose end left no event
            before.ended_at = after.started_at
    return attempts


def _moment_add(attempt: Attempt, event: ProgressEvent) -> None:
    last = attempt.moments[-1] if attempt.moments else None
    is_report = event.event_type == ProgressEvent.Type.PROGRESS_UPDATE
    if is_report and last is not None and last.kind == event.event_type:
        last.reports += 1
        last.at, last.message, last.percent, last.seq = event.created_at, event.message, event.progress, event.seq
        return
    attempt.moments.append(
        Moment(
            at=event.created_at,
            kind=event.event_type,
            status=event.status,
            message=event.message,
            percent=event.progress,
            seq=event.seq,
            code=str(event.data.get("error_code", "")),
            first_percent=event.progress,
        )
    )
