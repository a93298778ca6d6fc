"""Live progress inside a server process: one ear at Redis, one reader of rows, for however many sockets there are.

The rows are the truth. A bell brings the row that was just committed, and that is sent on when it is exactly the next one; else
the table is read, once for all sockets of the session. Every session is also looked at once a second, so a lost bell, or a Redis
that is away, costs a second at most.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from videoflow.sessions.accounts import sign_ins_alive
from videoflow.tasks.selectors import REPLAY_BATCH, events_after, heads_get
from videoflow.tasks.wakeup import BELL_CHANNEL

LOOK_SECONDS = 1.0  # a lost bell costs this much at most
LOOK_BATCH = 250  # sessions asked for in one query
DELIVER_BATCH = 32  # sessions read in one visit to the database thread
QUIET_SECONDS = 10.0  # without any bell for this long the connection to Redis is tested
CONNECT_SECONDS = 1.0
VOUCH_SECONDS = 60.0  # a socket's owner is looked at anew this often
VOUCH_BATCH = 16  # sockets looked at in one visit to the database thread
CLOSE_SECONDS = 1.0  # for a client that does not read
SIGNED_OUT = 4401
NOT_YOURS = 4404

logger = logging.getLogger(__name__)
Send = Callable[[str], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]
Rows = list[tuple[int, str]]


class Listener:
    """One socket's place in its session's stream; silent until ``seq``, the last number it has, is known.

    ``may_listen`` reads rows and says whether the session is still the listener's; ``sign_in`` is the key of the sign-in that
    the socket came with, empty for none.
    """

    __slots__ = ("close", "may_listen", "send", "seq", "session_id", "sign_in", "vouched_at")

    def __init__(self, session_id: UUID, send: Send, *, close: Close, may_listen: Callable[[], bool]) -> None:
        self.session_id = session_id
        self.send = send
        self.close = close
        self.may_listen = may_listen
        self.sign_in = ""
        self.vouched_at = time.monotonic()
        self.seq: int | None = None


class Exchange:
    """Hands the rows of many sessions out to the sockets of one event loop.

    It works while anybody listens; the last one to leave ends its tasks, its thread and its connections.
    """

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[Listener]] = {}
        self._behind: dict[UUID, None] = {}  # in the order in which they fell behind
        self._work = asyncio.Event()
        self._sending = asyncio.Lock()  # keeps a bell and a reading from crossing
        self._tasks: list[asyncio.Task[None]] = []
        self._pool: ThreadPoolExecutor | None = None

    def join(self, listener: Listener) -> None:
        """Let a socket take part; it hears nothing before ``start``. Join before reading the head, so that nothing is missed."""
        self._listeners.setdefault(listener.session_id, set()).add(listener)
        if not self._tasks:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="live-rows")
            self._tasks = [asyncio.create_task(part()) for part in (self._hear, self._deliver, self._look)]

    def start(self, listener: Listener, *, seq: int) -> None:
        """Send everything after ``seq`` from now on."""
        listener.seq = seq
        self._fell_behind(listener.session_id)

    def leave(self, listener: Listener) -> None:
        """Forget a socket; safe to call twice."""
        listeners = self._listeners.get(listener.session_id, set())
        listeners.discard(listener)
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
        """The least that a started socket of the session has; None when there is none."""
        return min((one.seq for one in self._listeners.get(session_id, ()) if one.seq is not None), default=None)

    async def _hear(self) -> None:
        """Listen for bells for ever; while Redis is away the look serves."""
        while True:
            client = redis_asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS)
            try:
                async with client.pubsub() as bells:
                    await asyncio.wait_for(bells.subscribe(BELL_CHANNEL), 2 * CONNECT_SECONDS)
                    await self._hear_until_cut(bells)
            except (RedisError, OSError, TimeoutError) as error:
                logger.info("no bells for now: %s", type(error).__name__)
            finally:
                with suppress(RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(LOOK_SECONDS)

    async def _hear_until_cut(self, bells: "redis_asyncio.client.PubSub") -> None:
        """Take bells until the connection fails; a silent one must answer a ping, or it counts as cut."""
        loop = asyncio.get_running_loop()
        is_tested = False
        while True:
            asked_at = loop.time()
            message = await bells.get_message(ignore_subscribe_messages=True, timeout=QUIET_SECONDS)
            if message is None and loop.time() - asked_at >= QUIET_SECONDS:
                if is_tested:
                    raise TimeoutError("Redis does not answer on the bells' connection")
                await asyncio.wait_for(bells.ping(), CONNECT_SECONDS)
                is_tested = True
                continue
            is_tested = False
            if message is not None and message["type"] == "message":
                await self._rung(message["data"])

    async def _rung(self, data: bytes) -> None:
        """Send the row that came with the bell to whom it is exactly the next one; for the others the table is read."""
        session, seq, row = data.decode().split(" ", 2)
        session_id, number = UUID(session), int(seq)
        if session_id in self._listeners:
            await self._hand_out(session_id, [(number, row)], only_next=True)
            has = self._seq(session_id)
            if has is not None and has < number:
                self._fell_behind(session_id)

    async def _look(self) -> None:
        """Compare every session's head with what its sockets have, and see who must go, spread over a second."""
        loop = asyncio.get_running_loop()
        while True:
            sessions = [session_id for session_id in self._listeners if self._seq(session_id) is not None]
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
        closing = [asyncio.wait_for(listener.close(code), CLOSE_SECONDS) for listener, code in codes.items()]
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                logger.error("a socket could not be closed", exc_info=result)
        for listener in codes:
            self.leave(listener)

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
                for seq, text in rows:
                    has = listener.seq
                    if has is None or seq <= has or (only_next and seq != has + 1):
                        continue
                    listener.seq = seq  # first, so that a socket that fails is not tried again with the same row
                    try:
                        await listener.send(text)
                    except Exception:
                        logger.exception("a socket could not be written to")
                        self.leave(listener)
                        break


def _rows(wanted: Mapping[UUID, int]) -> dict[UUID, Rows]:
    """Read what follows each session's number, as the texts that go over the socket."""
    try:
        return {
            session_id: [(row["seq"], json.dumps(row)) for row in events_after(session_id=session_id, seq=seq)]
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
