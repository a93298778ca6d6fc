import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from videoflow.http import ROOM_EXTENSION
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME, session_create
from videoflow.tasks import live, services
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.routing import websocket_urlpatterns
from videoflow.tasks.tests.factories import claim_make, session_make, task_make
from videoflow.tasks.tests.sockets import PatientSocket

pytestmark = pytest.mark.django_db(transaction=True)
COOKIE = "browser-token"
application = URLRouter(websocket_urlpatterns)


def socket(session_id: object, *, cookie: str = COOKIE, query: str = "") -> PatientSocket:
    headers = [(b"cookie", f"{COOKIE_NAME}={cookie}".encode())]
    return PatientSocket(application, f"/ws/progress/{session_id}{query}", headers=headers)


async def receive(client: PatientSocket) -> dict[str, Any]:
    return json.loads(await client.receive_from(timeout=240))


async def closing(client: PatientSocket) -> int:
    """Wait until the server closes the socket, take leave as a server's other side does, and return the code."""
    message = await client.receive_output(timeout=240)
    assert message["type"] == "websocket.close"
    await client.disconnect()
    return int(message["code"])


@pytest.fixture
def session() -> CreatorSession:
    return session_make(COOKIE)


class TestProgressConsumer:
    async def test_ok(self, session):
        client = socket(session.pk)
        assert (await client.connect())[0]
        hello = await receive(client)
        assert (hello["event_type"], hello["seq"], hello["reset"], hello["tasks"]) == ("hello", 0, False, [])
        task = await sync_to_async(task_make)(session)
        event = await receive(client)
        assert (event["event_type"], event["seq"], event["task_id"]) == ("status_change", 1, str(task.pk))
        await client.disconnect()

    @pytest.mark.parametrize(
        ("query", "waiting", "spoke"),
        [
            ("", "Waiting for a free worker", "Spoke 3 of 40 lines"),
            ("?language=xx", "Waiting for a free worker", "Spoke 3 of 40 lines"),
            ("?language=de", "Wartet auf einen freien Arbeiter", "3 von 40 Zeilen gesprochen"),
        ],
        ids=["a program", "an unknown language", "a German page"],
    )
    @pytest.mark.parametrize("bells", [True, False], ids=["with bells", "from the table"])
    async def test_speaks_the_language_of_the_page(self, session, monkeypatch, query, waiting, spoke, bells):
        if not bells:
            monkeypatch.setattr(services, "bell_ring", lambda **_: None)
        claim = await sync_to_async(claim_make)(await sync_to_async(task_make)(session))
        await sync_to_async(Task.objects.filter(pk=claim.task_id).update)(message=services.WAITING)
        client = socket(session.pk, query=query)
        await client.connect()
        assert (await receive(client))["tasks"][0]["message"] == waiting
        message = Sentence("Spoke %(done)s of %(lines)s lines", done=3, lines=40)
        await sync_to_async(services.task_progress)(claim=claim, percent=7, message=message)
        event = await receive(client)
        assert (event["message"], event["progress"]) == (spoke, 7)
        await client.disconnect()

    async def test_replays_what_was_missed_then_goes_live(self, session):
        task = await sync_to_async(task_make)(session)
        claim = await sync_to_async(claim_make)(task)
        client = socket(session.pk, query="?after=1")
        await client.connect()
        assert (await receive(client))["seq"] == 2
        assert (await receive(client))["seq"] == 2
        await sync_to_async(services.task_complete)(claim=claim, message="done", result_data={})
        event = await receive(client)
        assert (event["seq"], event["event_type"]) == (3, "completion")
        await client.disconnect()

    async def test_a_bell_that_never_rings_costs_a_second_at_most(self, session, monkeypatch):
        monkeypatch.setattr(services, "bell_ring", lambda **_: None)
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        await sync_to_async(task_make)(session)
        assert (await receive(client))["seq"] == 1
        await client.disconnect()

    @pytest.mark.parametrize("after", [99, 1])
    async def test_resets_when_after_cannot_be_continued(self, session, after):
        await sync_to_async(task_make)(session)
        await sync_to_async(task_make)(session)
        if after == 1:
            await ProgressEvent.objects.filter(seq=2).adelete()
        client = socket(session.pk, query=f"?after={after}")
        await client.connect()
        hello = await receive(client)
        assert (hello["reset"], hello["seq"]) == (True, 2)
        await client.disconnect()

    @pytest.mark.parametrize("case", ["stranger", "unknown", "not a uuid", "bad after"])
    async def test_refuses_before_the_upgrade(self, session, case):
        client = {
            "stranger": socket(session.pk, cookie="somebody else"),
            "unknown": socket("00000000-0000-4000-8000-000000000000"),
            "not a uuid": socket("nonsense"),
            "bad after": socket(session.pk, query="?after=x"),
        }[case]
        assert not (await client.connect())[0]

    async def test_hears_nothing_of_another_session(self, session):
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        await sync_to_async(task_make)()
        assert await client.receive_nothing(timeout=1.5)
        await client.disconnect()

    async def test_answers_ping_and_ignores_the_rest(self, session):
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        await client.send_to(text_data="{nonsense")
        await client.send_to(text_data='{"type": "ping"}')
        assert await receive(client) == {"event_type": "pong"}
        await client.disconnect()

    async def test_closes_on_a_message_over_4_kib(self, session):
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        await client.send_to(text_data="x" * 4097)
        assert await closing(client) == 1009

    async def test_a_sixth_socket_of_a_session_is_refused_until_one_leaves(self, session):
        clients = [socket(session.pk) for _ in range(5)]
        for client in clients:
            assert (await client.connect())[0]
        assert not (await socket(session.pk).connect())[0]
        await clients[0].disconnect()
        again = socket(session.pk)
        assert (await again.connect())[0]
        for client in [*clients[1:], again]:
            await client.disconnect()

    async def test_closes_on_the_31st_message_of_a_minute(self, session):
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        for _ in range(30):
            await client.send_to(text_data='{"type": "ping"}')
            assert await receive(client) == {"event_type": "pong"}
        await client.send_to(text_data='{"type": "ping"}')
        assert await closing(client) == 1008

    async def test_without_rate_limits_neither(self, session, settings):
        settings.VIDEOFLOW_RATE_LIMITS = False
        clients = [socket(session.pk) for _ in range(6)]
        for client in clients:
            assert (await client.connect())[0]
        await receive(clients[0])
        for _ in range(31):
            await clients[0].send_to(text_data='{"type": "ping"}')
            assert await receive(clients[0]) == {"event_type": "pong"}
        for client in clients:
            await client.disconnect()

    async def test_no_pong_to_a_client_that_does_not_read(self, session):
        client = socket(session.pk)
        room = asyncio.Event()
        client.scope["extensions"] = {ROOM_EXTENSION: {"room": room}}
        await client.connect()
        await receive(client)
        await client.send_to(text_data='{"type": "ping"}')
        assert await client.receive_nothing(timeout=0.3)
        room.set()
        await client.send_to(text_data='{"type": "ping"}')
        assert await receive(client) == {"event_type": "pong"}
        await client.disconnect()

    async def test_hello_has_the_task_as_the_contract_says(self, session):
        task = await sync_to_async(task_make)(session)
        client = socket(session.pk)
        await client.connect()
        message = (await receive(client))["tasks"][0]
        stored = await Task.objects.aget(pk=task.pk)
        assert set(message) == {
            "task_id", "session_id", "project_id", "task_type", "status", "priority", "progress", "message", "input_data",
            "result_data", "created_at", "started_at", "completed_at", "retry_count", "estimated_seconds_remaining", "error",
        }  # fmt: skip
        assert (message["status"], message["priority"]) == (stored.status, "normal")
        await client.disconnect()


class TestWhoMayGoOnListening:
    @pytest.fixture
    def user(self) -> User:
        return User.objects.create_user("ana")

    @pytest.fixture
    def browser(self, user, client) -> Client:
        client.force_login(user)
        return client

    def signed_in(self, session: CreatorSession, browser: Client) -> PatientSocket:
        cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
        return PatientSocket(application, f"/ws/progress/{session.pk}", headers=[(b"cookie", cookie.encode())])

    async def test_a_signed_in_user_hears_their_session(self, user, browser):
        client = self.signed_in(await sync_to_async(session_create)(user=user), browser)
        assert (await client.connect())[0]
        assert (await receive(client))["event_type"] == "hello"
        await client.disconnect()

    async def test_a_sign_in_of_somebody_else_does_not_help(self, session, browser):
        assert not (await self.signed_in(session, browser).connect())[0]

    async def test_signing_out_closes_the_sockets_of_that_browser_only(self, user, browser):
        session = await sync_to_async(session_create)(user=user)
        other = Client()
        await sync_to_async(other.force_login)(user)
        here, there = self.signed_in(session, browser), self.signed_in(session, other)
        for socket_ in (here, there):
            await socket_.connect()
            await receive(socket_)
        assert (await sync_to_async(browser.post)("/sign-out/")).status_code == 302
        assert await closing(here) == 4401
        await sync_to_async(task_make)(session)
        assert (await receive(there))["seq"] == 1
        assert await here.receive_nothing(timeout=0.5)
        await there.disconnect()

    async def test_signing_out_closes_the_last_socket_too(self, user, browser):
        client = self.signed_in(await sync_to_async(session_create)(user=user), browser)
        await client.connect()
        await receive(client)
        await sync_to_async(browser.post)("/sign-out/")
        assert await closing(client) == 4401

    async def test_a_sign_in_that_has_ended_opens_nothing(self, user, browser):
        session = await sync_to_async(session_create)(user=user)
        client = self.signed_in(session, browser)
        await sync_to_async(browser.logout)()
        assert not (await client.connect())[0]

    async def test_a_session_that_changed_hands_is_noticed(self, session, user, monkeypatch):
        monkeypatch.setattr(live, "VOUCH_SECONDS", 0.0)
        client = socket(session.pk)
        await client.connect()
        await receive(client)
        assert await client.receive_nothing(timeout=1.5)
        await CreatorSession.objects.filter(pk=session.pk).aupdate(user=user)
        assert await closing(client) == 4404

    async def test_a_user_who_was_shut_out_is_noticed(self, user, browser, monkeypatch):
        monkeypatch.setattr(live, "VOUCH_SECONDS", 0.0)
        client = self.signed_in(await sync_to_async(session_create)(user=user), browser)
        await client.connect()
        await receive(client)
        await User.objects.aupdate(is_active=False)
        assert await closing(client) == 4404

    async def test_where_signing_in_is_required_a_cookie_alone_opens_nothing(self, session, settings):
        settings.VIDEOFLOW_REQUIRE_LOGIN = True
        assert not (await socket(session.pk).connect())[0]

    async def test_a_stale_sign_in_beside_a_good_cookie_does_no_harm(self, session):
        cookie = f"{COOKIE_NAME}={COOKIE}; {settings.SESSION_COOKIE_NAME}=stale"
        client = PatientSocket(application, f"/ws/progress/{session.pk}", headers=[(b"cookie", cookie.encode())])
        assert (await client.connect())[0]
        await receive(client)
        assert await client.receive_nothing(timeout=1.5)
        await client.disconnect()
