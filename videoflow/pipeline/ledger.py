"""Calls that cost money: written down before they are made, their replies kept, so that nothing is paid for twice unasked.

What is known of the world is committed in this order: the intent (before the network), the provider's id of the job, the reply.
Whatever dies between two of them leaves a row from which the next attempt goes on: it polls, or repeats with the same key where
the provider answers that with the same work, or looks for the job by its mark; where none of this is possible the call is
``unknown`` and only a person decides whether to ask again.
"""

import contextlib
import hashlib
import json
import logging
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakValueDictionary

from django.conf import settings
from django.db import IntegrityError, OperationalError, close_old_connections, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, VideoflowError
from videoflow.pipeline.budget import budget_reserve, owner_name
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.store import StoredFile, file_store, files_fetch, media_path, room_check
from videoflow.providers.paid import CallLost, CallRefused, PaidCall, Reply, Submitted
from videoflow.providers.paid import request_hash as request_hash
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession
from videoflow.storage.base import FileLost
from videoflow.tasks.models import Task

REPLY_LIMIT_BYTES = 64_000_000
POLL_GROWTH = 1.5
POLL_LONGEST_SECONDS = 15.0
CANCEL_LOOK_SECONDS = 0.5
WRITE_TRIES = 3  # of a fact that was paid for, each waiting for the database as long as any write does

logger = logging.getLogger(__name__)
State = ProviderCall.State
_locks: "WeakValueDictionary[str, _Lock]" = WeakValueDictionary()
_locks_guard = threading.Lock()


class CallUnknown(VideoflowError):
    """The call may have been charged and its reply is lost; ``details`` has ``call_id`` and the ``choices``."""

    code = "CALL_UNKNOWN"


class _Moved(Exception):
    """The call has got on since it was read; look again."""


class _Lock:
    """One for each wanted result, so that two threads of a stage that ask for the same pay once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a call is made: a task's stage, or an act on a page such as listening to a voice, which has no task."""

    session: CreatorSession
    stage: str
    project: Project | None = None
    task: Task | None = None

    @property
    def fence(self) -> int:
        return self.task.fence if self.task else 0


def payer_of(task: Task) -> Payer:
    """Return the payer that a task's stage is."""
    return Payer(task.project.session, task.task_type, task.project, task)


def paid_directly(payer: Payer, *, cancelled: Callable[[], bool] = lambda: False) -> Callable[[PaidCall], bytes]:
    """Return ``pay`` for an act without a task; the same wanted result is paid for once here too."""
    return lambda call: paid_reply(call, payer=payer, fenced=transaction.atomic, cancelled=cancelled)


def paid_reply(
    call: PaidCall, *, payer: Payer, fenced: Callable[[], AbstractContextManager[None]], cancelled: Callable[[], bool]
) -> bytes:
    """Return the reply to a call: the kept one if there is one, else that of the call made now.

    ``fenced`` opens a transaction that only commits while the task is ours.

    Raises:
        BadInput: the budget does not reach; nothing was asked.
        CallRefused: the provider said no; nothing is charged, and the next attempt asks anew.
        CallUnknown: the call may have been charged and its reply is lost; a person decides.
        Cancelled: the task was cancelled or taken over.
        VideoflowError: ``retryable``; the next attempt goes on where this one stopped.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a call that costs money inside a transaction: its intent could be rolled back")
    wanted = _wanted(call, payer)
    with _locks_guard:
        held = _locks.setdefault(wanted, _Lock())
    with held.lock:
        return _Attempt(call, payer, wanted, fenced, cancelled).reply()


def _wanted(call: PaidCall, payer: Payer) -> str:
    """Return what stands for one wanted result in every attempt at it, whichever stage wants it: a line is paid for once."""
    whose = str(payer.project.pk) if payer.project else owner_name(payer.session)
    facts = (whose, call.provider, call.purpose, call.request_hash, call.run)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One claim's work on one wanted result."""

    call: PaidCall
    payer: Payer
    wanted: str
    fenced: Callable[[], AbstractContextManager[None]]
    cancelled: Callable[[], bool]

    def reply(self) -> bytes:
        while True:
            row = ProviderCall.objects.filter(wanted=self.wanted).order_by("-attempt").first()
            with contextlib.suppress(_Moved):
                return self._send(self._begin(1)) if row is None else self._go_on(row)

    def _go_on(self, row: ProviderCall) -> bytes:
        is_over = row.state not in ProviderCall.OPEN
        if row.state == State.FAILED or (is_over and row.choice == ProviderCall.Choice.ASK_AGAIN):
            return self._send(self._begin(row.attempt + 1))
        if row.state == State.UNKNOWN:
            raise self._unknown(row)
        if row.state == State.DONE:
            kept = _reply_read(row)
            if kept is not None:
                return kept
            logger.error("the kept reply of call %s is gone", row.pk)
        if row.remote_id and self.call.poll:
            return self._poll(self._take_over(row))
        if self._is_repeatable(row):
            return self._send(self._take_over(row))
        answer = self.call.find(row.key) if self.call.find else None
        if answer is not None:
            return self._take(self._take_over(row), answer)
        with self.fenced():  # it stays the other's: should the reply come to them after all, they write it down
            if not _same(row).filter(state=row.state).update(state=State.UNKNOWN, choice="", ended_at=timezone.now()):
                raise _Moved
        raise self._unknown(row)

    def _begin(self, attempt: int) -> ProviderCall:
        """Write the intent down; only whoever owns the task may."""
        room_check(REPLY_LIMIT_BYTES)  # a reply that is paid for must find its place
        call, payer = self.call, self.payer
        try:
            with self.fenced():
                reserved = budget_reserve(call=call, session=payer.session, project=payer.project)
                return ProviderCall.objects.create(
                    key=f"{self.wanted}-{attempt}",
                    wanted=self.wanted,
                    owner=owner_name(payer.session),
                    project=payer.project,
                    task=payer.task,
                    fence=payer.fence,
                    stage=payer.stage,
                    purpose=call.purpose,
                    request_hash=call.request_hash,
                    run=call.run,
                    attempt=attempt,
                    provider=call.provider,
                    model=call.model,
                    capability=call.capability,
                    reserved_micros=reserved,
                    currency=call.currency,
                )
        except IntegrityError:
            raise Cancelled("Somebody else makes this call already.") from None

    def _take_over(self, row: ProviderCall) -> ProviderCall:
        """Make a call that another attempt has left ours; from then on nothing it still does is written."""
        with self.fenced():
            if not _same(row).filter(state=row.state).update(task=self.payer.task, fence=self.payer.fence):
                raise _Moved
        row.task, row.fence = self.payer.task, self.payer.fence
        return row

    def _is_repeatable(self, row: ProviderCall) -> bool:
        life = self.call.key_life
        return life is not None and timezone.now() < row.created_at + life

    def _send(self, row: ProviderCall) -> bytes:
        crash_point("paid_call", "intended")
        _connection_lend()
        try:
            answer = self.call.send(row.key)
        except CallRefused as error:
            self._settle(row, State.FAILED, error=error, charged_micros=0)
            raise
        except Exception as error:  # whatever went wrong on the way, the work may have been done
            logger.warning("call %s came to no answer: %s", row.pk, type(error).__name__)
            if self._is_repeatable(row):
                if isinstance(error, VideoflowError):
                    raise
                raise VideoflowError(
                    Sentence(
                        "%(provider)s did not answer about the %(purpose)s. Asking again costs nothing more.",
                        provider=self.call.provider,
                        purpose=self.call.purpose,
                    ),
                    code="PROVIDER_FAILED",
                    retryable=True,
                ) from error
            found = self.call.find(row.key) if self.call.find else None
            if found is None:
                self._lose(row, error)
            answer = found
        crash_point("paid_call", "answered")
        return self._take(row, answer)

    def _take(self, row: ProviderCall, answer: Reply | Submitted) -> bytes:
        if isinstance(answer, Reply):
            return self._keep(row, answer)
        self._settle(row, State.SUBMITTED, remote_id=answer.remote_id, submitted_at=timezone.now())
        row.remote_id = answer.remote_id
        crash_point("paid_call", "submitted")
        return self._poll(row)

    def _poll(self, row: ProviderCall) -> bytes:
        """Ask until the work is done; whatever ends this early, the next attempt asks on under the same id."""
        if self.call.poll is None:
            self._lose(row)
        pause, waited = self.call.poll_every_seconds, 0.0
        while True:
            _connection_lend()
            try:
                answer = self.call.poll(row.remote_id)
            except CallRefused as error:
                self._settle(row, State.FAILED, error=error, charged_micros=0)
                raise
            except CallLost as error:
                self._lose(row, error)
            if answer is not None:
                return self._keep(row, answer)
            if waited >= self.call.poll_for_seconds:
                raise VideoflowError(
                    Sentence(
                        "%(provider)s is still working on the %(purpose)s. Nothing is paid for twice: this goes on "
                        "waiting for the same work.",
                        provider=self.call.provider,
                        purpose=self.call.purpose,
                    ),
                    code="CALL_PENDING",
                    retryable=True,
                )
            self._wait(pause)
            waited += max(pause, 0.001)
            pause = min(pause * POLL_GROWTH, POLL_LONGEST_SECONDS)

    def _wait(self, seconds: float) -> None:
        end = threading.Event()
        while True:
            if self.cancelled():
                raise Cancelled("The work was cancelled.")
            if seconds <= 0:
                return
            end.wait(min(seconds, CANCEL_LOOK_SECONDS))
            seconds -= CANCEL_LOOK_SECONDS

    def _keep(self, row: ProviderCall, reply: Reply) -> bytes:
        facts: dict[str, Any] = {"charged_micros": reply.charged_micros, "remote_id": reply.remote_id or row.remote_id}
        if len(reply.body) > REPLY_LIMIT_BYTES:
            limit = f"{REPLY_LIMIT_BYTES // 1_000_000} MB"
            self._lose(
                row,
                VideoflowError(Sentence("The reply was larger than %(limit)s and was not kept.", limit=limit), code="TOO_LARGE"),
                **facts,
            )
        stored = _reply_store(reply.body)
        crash_point("paid_call", "stored")
        self._settle(
            row,
            State.DONE,
            reply_path=stored.path,
            reply_sha256=stored.sha256,
            reply_bytes=stored.size_bytes,
            reply_type=reply.content_type[:120],
            **facts,
        )
        crash_point("paid_call", "kept")
        return reply.body

    def _lose(self, row: ProviderCall, error: Exception | None = None, **facts: Any) -> NoReturn:
        """Note that nobody knows what became of the call, and say so."""
        self._settle(row, State.UNKNOWN, error=error, **facts)
        if isinstance(error, Cancelled):
            raise error
        raise self._unknown(row) from error

    def _settle(self, row: ProviderCall, state: str, *, error: Exception | None = None, **facts: Any) -> None:
        """Write down what became of a call, as long as nobody has taken it over; tried again while the database is busy."""
        if error is not None:
            is_told = isinstance(error, VideoflowError)  # the text of any other may hold anything
            facts["error_code"] = getattr(error, "code", "") if is_told else type(error).__name__
            facts["error"] = str(error) if is_told else ""
        if state not in ProviderCall.OPEN:
            facts["ended_at"] = timezone.now()
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                # Outside of a transaction SQLite itself waits for its turn and holds the connection meanwhile; a thread that is
                # writing, and whose garbage collection comes to something of that connection, would wait for us as we for it.
                with transaction.atomic():
                    is_ours = _same(row).update(state=state, choice="", **facts) > 0
                if not is_ours:
                    break
                row.state = state
                return
            except OperationalError:
                if not tries_left:
                    raise
                logger.warning("the database is busy; call %s is written again", row.pk)
                close_old_connections()
        raise Cancelled("Somebody else goes on with this call.")

    def _unknown(self, row: ProviderCall) -> CallUnknown:
        return CallUnknown(
            Sentence(
                "%(provider)s was asked for the %(purpose)s, and the answer was lost; it may have charged for "
                "it. Ask again and perhaps pay twice, or leave it.",
                provider=self.call.provider,
                purpose=self.call.purpose,
            ),
            details={
                "call_id": str(row.pk),
                "provider": row.provider,
                "purpose": row.purpose,
                "reserved_micros": row.reserved_micros,
                "currency": row.currency,
                "choices": [choice.value for choice in ProviderCall.Choice],
            },
        )


def _same(row: ProviderCall) -> "QuerySet[ProviderCall]":
    """Return the call as long as nobody has taken it over since it was read."""
    return ProviderCall.objects.filter(Q(task=row.task_id), pk=row.pk, fence=row.fence)


def _connection_lend() -> None:
    """Let other threads have the database's connection while this one waits for a service, where they share a pool of them."""
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close()


def _reply_store(body: bytes) -> StoredFile:
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".reply") as draft:
        draft.write(body)
        draft.flush()
        return file_store(Path(draft.name))


def _reply_read(row: ProviderCall) -> bytes | None:
    """Return a kept reply; None when its file is gone or not what was kept."""
    try:
        path = media_path(row.reply_path)
        files_fetch([path] if row.reply_path else [])
        body = path.read_bytes() if row.reply_path else b""
    except (OSError, FileLost):
        return None
    return body if hashlib.sha256(body).hexdigest() == row.reply_sha256 else None
