"""Live progress inside a server process: one ear at Redis, one reader of rows, for however many sockets there are.

The rows are the truth. A bell brings the row that was just committed, and that is sent on when it is exactly the next one; else
the table is read, once for all sockets of the session. Every session is also looked at once a second, so a lost bell, or a Redis
that is away, costs a second at most.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, close_old_connections, connection

from videoflow.sessions.accounts import sign_ins_alive
from videoflow.tasks.bells import Ear
from videoflow.tasks.events import ENGLISH, row_said, row_text
from videoflow.tasks.garbage import garbage
from videoflow.tasks.selectors import REPLAY_BATCH, events_after, heads_get

LOOK_SECONDS = 1.0  # a lost bell costs this much at most
LOOK_BATCH = 100  # sessions asked for in one query: a thread that reads more holds the sockets up
DELIVER_BATCH = 32  # sessions read in one visit to the database thread
VOUCH_SECONDS = 60.0  # a socket's owner is looked at anew this often
VOUCH_BATCH = 16  # sockets looked at in one visit to the database thread
CLOSE_SECONDS = 1.0  # for a client that does not read
SLOW_SECONDS = 60.0  # a client that has not read what was sent for this long is sent away
TOO_SLOW = 1013
SIGNED_OUT = 4401
NOT_YOURS = 4404

logger = logging.getLogger(__name__)
Send = Callable[[str], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]
Rows = list[tuple[int, str]]


class Listener:
    """One socket's place in its session's stream; silent until ``seq``, the last number it has, is known.

    ``may_listen`` reads rows and says whether the session is still the listener's; ``sign_in`` is the key of the sign-in that
    the socket came with, empty for none; ``language`` is that of its reader. ``room`` is set while the client reads what it is
    sent; one that does not gets nothing more, and reads on from the table later.
    """

    __slots__ = ("close", "language", "may_listen", "room", "send", "seq", "session_id", "sign_in", "vouched_at", "waiting")

    def __init__(
        self, session_id: UUID, send: Send, *, close: Close, may_listen: Callable[[], bool], room: asyncio.Event
    ) -> None:
        self.session_id = session_id
        self.send = send
        self.close = close
        self.may_listen = may_listen
        self.room = room
        self.language = ENGLISH
        self.waiting: asyncio.Task[None] | None = None
        self.sign_in = ""
        self.vouched_at = time.monotonic()
        self.seq: int | None = None


class Exchange:
    """Hands the rows of many sessions out to the sockets of one event loop.

    It reads while anybody listens; the last one to leave ends its tasks, its thread and its connection to the database.
    """

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[Listener]] = {}
        self._behind: dict[UUID, None] = {}  # in the order in which they fell behind
        self._work = asyncio.Event()
        self._sending = asyncio.Lock()  # keeps a bell and a reading from crossing
        self._tasks: list[asyncio.Task[None]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._ear = Ear(self._rung)

    def join(self, listener: Listener) -> None:
        """Let a socket take part; it hears nothing before ``start``. Join before reading the head, so that nothing is missed."""
        self._listeners.setdefault(listener.session_id, set()).add(listener)
        garbage.opened()
        self._ear.open()
        if not self._tasks:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="live-rows")
            self._tasks = [asyncio.create_task(part()) for part in (self._deliver, self._look)]

    def count(self, session_id: UUID) -> int:
        """Return how many sockets a session has here."""
        return len(self._listeners.get(session_id, ()))

    def start(self, listener: Listener, *, seq: int) -> None:
        """Send everything after ``seq`` from now on."""
        listener.seq = seq
        self._fell_behind(listener.session_id)

    def leave(self, listener: Listener) -> None:
        """Forget a socket; safe to call twice."""
        listeners = self._listeners.get(listener.session_id, set())
        if listener in listeners:
            listeners.remove(listener)
            garbage.closed()
        if listener.waiting is not None:
            listener.waiting.cancel()
        if not listeners:
            self._listeners.pop(listener.session_id, None)
        if not self._listeners and self._pool is not None:
            for task in self._tasks:
                task.cancel()
            self._pool.submit(connection.close)
            self._pool.shutdown(wait=False)
            self._tasks, self._pool = [], None
            self._behind.clear()

    def _fell_behind(self, session_id: UUID) -> None:
        self._behind[session_id] = None
        self._work.set()

    def _seq(self, session_id: UUID) -> int | None:
        """The least that a started socket of the session has, those left out that do not read; None when there is none."""
        listeners = self._listeners.get(session_id, ())
        return min((one.seq for one in listeners if one.seq is not None and one.waiting is None), default=None)

    async def _rung(self, session_id: UUID, seq: int, row: str) -> None:
        """Send the row that came with the bell to whom it is exactly the next one; for the others the table is read."""
        if session_id in self._listeners:
            await self._hand_out(session_id, [(seq, row)], only_next=True)
            has = self._seq(session_id)
            if has is not None and has < seq:
                self._fell_behind(session_id)

    async def _look(self) -> None:
        """Compare every session's head with what its sockets have, and see who must go, spread over a second."""
        loop = asyncio.get_running_loop()
        while True:
            sessions = list(self._listeners)
            batches = [sessions[start : start + LOOK_BATCH] for start in range(0, len(sessions), LOOK_BATCH)]
            for batch in batches or [[]]:
                await asyncio.sleep(LOOK_SECONDS / max(1, len(batches)))
                try:
                    heads = await loop.run_in_executor(self._pool, _heads, batch)
                    await self._send_away(batch)
                except DatabaseError:
                    logger.exception("the heads could not be read")
                    continue
                for session_id, head in heads.items():
                    has = self._seq(session_id)
                    if has is not None and has < head:
                        self._fell_behind(session_id)
            garbage.tend(open_count=len(sessions))

    async def _send_away(self, session_ids: list[UUID]) -> None:
        """Close the sockets whose sign-in has ended, and those whose session is no longer theirs."""
        now = time.monotonic()
        listeners = [one for session_id in session_ids for one in self._listeners.get(session_id, ()) if one.seq is not None]
        signed_in = {one.sign_in for one in listeners if one.sign_in}
        due = [one for one in listeners if now - one.vouched_at >= VOUCH_SECONDS][:VOUCH_BATCH]
        if not signed_in and not due:
            return
        alive, strangers = await asyncio.get_running_loop().run_in_executor(self._pool, _vouch, signed_in, due)
        for one in due:
            one.vouched_at = now
        codes = dict.fromkeys(strangers, NOT_YOURS)
        codes |= {one: SIGNED_OUT for one in listeners if one.sign_in and one.sign_in not in alive}
        for listener in codes:
            listener.seq = None  # silent from now on; it leaves last, for the last one to leave ends this task
        await asyncio.gather(*(_close(listener, code) for listener, code in codes.items()))
        for listener in codes:
            self.leave(listener)

    async def _wait_for_room(self, listener: Listener) -> None:
        """Let a client that does not read go on once it does; one that takes too long is sent away."""
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await listener.room.wait()
        except TimeoutError:
            listener.seq = None
            await _close(listener, TOO_SLOW)
            listener.waiting = None
            self.leave(listener)
        else:
            listener.waiting = None
            self._fell_behind(listener.session_id)

    async def _deliver(self) -> None:
        """Read what is missing and send it, many sessions a visit; whoever has more to come waits for the next round."""
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            self._work.clear()
            while self._behind:
                chosen = list(self._behind)[:DELIVER_BATCH]
                wanted = {session_id: seq for session_id in chosen if (seq := self._seq(session_id)) is not None}
                for session_id in chosen:
                    del self._behind[session_id]
                if not wanted:
                    continue
                try:
                    found = await loop.run_in_executor(self._pool, _rows, wanted)
                except DatabaseError:
                    logger.exception("the rows could not be read")
                    await asyncio.sleep(LOOK_SECONDS)
                    self._behind |= dict.fromkeys(wanted)
                    continue
                for session_id, rows in found.items():
                    await self._hand_out(session_id, rows)
                    if len(rows) >= REPLAY_BATCH:
                        self._behind[session_id] = None

    async def _hand_out(self, session_id: UUID, rows: Rows, *, only_next: bool = False) -> None:
        """Send rows to the session's sockets, to each what it lacks; a gap is passed over only where the table has it too."""
        async with self._sending:
            for listener in list(self._listeners.get(session_id, ())):
                for seq, row in rows:
                    has = listener.seq
                    if has is None or seq <= has or (only_next and seq != has + 1):
                        continue
                    if not listener.room.is_set():
                        listener.waiting = listener.waiting or asyncio.create_task(self._wait_for_room(listener))
                        break
                    listener.seq = seq  # first, so that a socket that fails is not tried again with the same row
                    try:
                        await listener.send(row_said(row, listener.language))
                    except Exception:  # of whatever kind: one socket's failing must not end the delivery to all others
                        logger.exception("a socket could not be written to")
                        self.leave(listener)
                        break


async def _close(listener: Listener, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await listener.close(code)
    except Exception:  # of whatever kind: it is gone either way, and the others are still to be closed
        logger.exception("a socket could not be closed")


def _rows(wanted: Mapping[UUID, int]) -> dict[UUID, Rows]:
    """Read what follows each session's number, as ``row_text`` gives it."""
    try:
        return {
            session_id: [(row["seq"], row_text(row)) for row in events_after(session_id=session_id, seq=seq)]
            for session_id, seq in wanted.items()
        }
    except DatabaseError:
        connection.close()  # a broken one must not be used again
        raise


def _heads(session_ids: list[UUID]) -> dict[UUID, int]:
    close_old_connections()
    return heads_get(session_ids=session_ids) if session_ids else {}


def _vouch(sign_ins: set[str], listeners: list[Listener]) -> tuple[set[str], list[Listener]]:
    """Return the sign-ins that still hold, and those listeners whose session is no longer theirs."""
    alive = sign_ins_alive(sign_ins) if sign_ins else set()
    return alive, [one for one in listeners if not one.may_listen()]


_exchanges: "WeakKeyDictionary[asyncio.AbstractEventLoop, Exchange]" = WeakKeyDictionary()
_exchanges_lock = threading.Lock()


def exchange() -> Exchange:
    """Return the running event loop's exchange; a server has one."""
    loop = asyncio.get_running_loop()
    with _exchanges_lock:
        return _exchanges.setdefault(loop, Exchange())
