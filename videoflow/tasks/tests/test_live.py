import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME
from videoflow.tasks import live, services, wakeup
from videoflow.tasks.routing import websocket_urlpatterns
from videoflow.tasks.selectors import events_after
from videoflow.tasks.tests.factories import claim_make, session_make, task_make

pytestmark = pytest.mark.django_db(transaction=True)
COOKIE = "browser-token"
application = URLRouter(websocket_urlpatterns)


async def opened(session: CreatorSession) -> WebsocketCommunicator:
    headers = [(b"cookie", f"{COOKIE_NAME}={COOKIE}".encode())]
    client = WebsocketCommunicator(application, f"/ws/progress/{session.pk}", headers=headers)
    assert (await client.connect(timeout=10))[0]
    assert (await received(client))["event_type"] == "hello"
    return client


async def received(client: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await client.receive_from(timeout=5))


@pytest.fixture
def session() -> CreatorSession:
    return session_make(COOKIE)


def three_rows(session: CreatorSession) -> None:
    claim = claim_make(task_make(session))
    services.task_complete(claim=claim, message="done", result_data={})


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
        settings.REDIS_URL = "unix:///nowhere/redis.sock"
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
