import asyncio
import gc
import json
import weakref
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter

from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME
from videoflow.tasks import live, services, wakeup
from videoflow.tasks.garbage import COLLECT_AFTER, Garbage
from videoflow.tasks.routing import websocket_urlpatterns
from videoflow.tasks.selectors import events_after
from videoflow.tasks.tests.factories import claim_make, session_make, task_make
from videoflow.tasks.tests.sockets import PatientSocket

pytestmark = pytest.mark.django_db(transaction=True)
COOKIE = "browser-token"
application = URLRouter(websocket_urlpatterns)


async def opened(session: CreatorSession) -> PatientSocket:
    headers = [(b"cookie", f"{COOKIE_NAME}={COOKIE}".encode())]
    client = PatientSocket(application, f"/ws/progress/{session.pk}", headers=headers)
    assert (await client.connect())[0]
    assert (await received(client))["event_type"] == "hello"
    return client


async def received(client: PatientSocket) -> dict[str, Any]:
    return json.loads(await client.receive_from(timeout=240))


@pytest.fixture
def session() -> CreatorSession:
    return session_make(COOKIE)


def three_rows(session: CreatorSession) -> None:
    claim = claim_make(task_make(session))
    services.task_complete(claim=claim, message="done", result_data={})


class Knot:
    """Holds itself, so that only the collector can end it."""

    def __init__(self) -> None:
        self.me = self


class Client:
    """A socket without a server, that reads or does not."""

    def __init__(self, session: CreatorSession) -> None:
        self.seqs: list[int] = []
        self.code: int | None = None
        self.closed = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.listener = live.Listener(session.pk, self.send, close=self.close, may_listen=lambda: True, room=self.room)
        live.exchange().join(self.listener)
        live.exchange().start(self.listener, seq=0)

    async def send(self, text: str) -> None:
        self.seqs.append(json.loads(text)["seq"])

    async def close(self, code: int) -> None:
        self.code = code
        self.closed.set()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(240):
            while len(self.seqs) < count:
                await asyncio.sleep(0.02)
        assert self.seqs == list(range(1, count + 1))

    def leave(self) -> None:
        live.exchange().leave(self.listener)


class TestExchange:
    async def test_two_sockets_of_a_session_get_each_row_once(self, session):
        clients = [await opened(session), await opened(session)]
        await sync_to_async(three_rows)(session)
        for client in clients:
            assert [(await received(client))["seq"] for _ in range(3)] == [1, 2, 3]
            assert await client.receive_nothing(timeout=1.3)  # a look later nothing comes twice
            await client.disconnect()

    @pytest.mark.parametrize("lost", [{1}, {2}, {1, 2}, {3}])
    async def test_lost_bells_leave_no_gap(self, session, monkeypatch, lost):
        ring = wakeup.bell_ring
        monkeypatch.setattr(services, "bell_ring", lambda **bell: None if bell["seq"] in lost else ring(**bell))
        client = await opened(session)
        await sync_to_async(three_rows)(session)
        assert [(await received(client))["seq"] for _ in range(3)] == [1, 2, 3]
        await client.disconnect()

    async def test_what_the_bell_brings_is_what_the_table_has(self, session):
        client = await opened(session)
        await sync_to_async(three_rows)(session)
        heard = [await received(client) for _ in range(3)]
        assert heard == await sync_to_async(events_after)(session_id=session.pk, seq=0)
        await client.disconnect()

    async def test_without_redis_the_look_serves(self, session, settings):
        layer = settings.CHANNEL_LAYERS["default"]
        nowhere = {"hosts": [{"address": "unix:///nowhere/redis.sock"}]}
        settings.CHANNEL_LAYERS = {"default": layer | {"CONFIG": layer["CONFIG"] | nowhere}}
        client = await opened(session)
        await sync_to_async(three_rows)(session)
        assert [(await received(client))["seq"] for _ in range(3)] == [1, 2, 3]
        await client.disconnect()

    async def test_the_last_one_to_leave_ends_its_tasks(self, session):
        clients = [await opened(session), await opened(session)]
        await clients[0].disconnect()
        assert live.exchange()._tasks
        await clients[1].disconnect()
        assert not live.exchange()._tasks

    async def test_a_client_that_does_not_read_gets_the_rest_once_it_does(self, session):
        slow, quick = Client(session), Client(session)
        await sync_to_async(three_rows)(session)
        await quick.has(3)
        slow.room.clear()
        await sync_to_async(three_rows)(session)
        await quick.has(6)
        assert slow.seqs == [1, 2, 3]
        slow.room.set()
        await slow.has(6)
        slow.leave()
        quick.leave()

    async def test_a_client_that_never_reads_is_sent_away_and_holds_nobody_up(self, session, monkeypatch):
        monkeypatch.setattr(live, "SLOW_SECONDS", 0.2)
        slow, quick = Client(session), Client(session)
        slow.room.clear()
        await sync_to_async(three_rows)(session)
        await quick.has(3)
        async with asyncio.timeout(240):
            await slow.closed.wait()
        assert (slow.code, slow.seqs) == (live.TOO_SLOW, [])
        assert live.exchange().count(session.pk) == 1
        quick.leave()


class TestGarbage:
    def test_collects_once_as_many_closed_as_are_open(self):
        one = Garbage()
        for _ in range(COLLECT_AFTER):
            one.opened()
            one.closed()
        frozen = gc.get_freeze_count()
        assert frozen > 0
        assert not one.tend(open_count=COLLECT_AFTER + 1)
        assert one.tend(open_count=COLLECT_AFTER)
        assert not one.tend(open_count=0)

    def test_what_was_set_aside_is_collected_too(self):
        one = Garbage()
        knot = Knot()
        gone = weakref.ref(knot)
        one.opened()  # sets the knot aside
        del knot
        gc.collect()
        assert gone() is not None
        for _ in range(COLLECT_AFTER):
            one.closed()
        one.tend(open_count=0)
        assert gone() is None
