import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db.models import QuerySet
from django.http.cookie import parse_cookie
from django.utils.translation import override

from videoflow.http import ROOM_EXTENSION
from videoflow.sessions.accounts import sign_ins_alive, user_of_sign_in
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME, bearer_read, sessions_owned
from videoflow.tasks.events import ENGLISH, HelloMessage, hello_said
from videoflow.tasks.live import Exchange, Listener, exchange
from videoflow.tasks.selectors import hello_get

MAX_INCOMING_BYTES = 4096
SOCKETS_PER_SESSION = 5  # tabs beyond that poll
MESSAGES_PER_MINUTE = 30  # our pages send four
TOO_LARGE = 1009
TOO_MANY = 1008


@dataclass(frozen=True, slots=True)
class Caller:
    """What a handshake brought to prove whose it is."""

    cookie: str = ""
    bearer: str = ""
    sign_in: str = ""
    """Key of the sign-in, as Django's session cookie has it."""

    def sessions(self) -> QuerySet[CreatorSession]:
        return sessions_owned(user=user_of_sign_in(self.sign_in), cookie=self.cookie, bearer=self.bearer)


class ProgressConsumer(AsyncWebsocketConsumer):
    """Send one session's events: ``hello``, the missed rows, then each row as it is committed.

    A stranger's handshake is refused before the upgrade. The rows come through the process's exchange, which is the one member
    of the channel layer's group: a membership of each socket's own would cost a subscription, a queue and a task.
    """

    channel_layer_alias = "none"
    exchange: Exchange | None = None
    listener: Listener
    room: asyncio.Event
    minute_from = 0.0
    messages = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # however it ends, a cancelled task included
            if self.exchange is not None:
                self.exchange.leave(self.listener)

    async def connect(self) -> None:
        try:
            session_id = UUID(self.scope["url_route"]["kwargs"]["session_id"])
            after = self._after()
        except ValueError:
            await self.close()
            return
        shared = exchange()
        if settings.VIDEOFLOW_RATE_LIMITS and shared.count(session_id) >= SOCKETS_PER_SESSION:
            await self.close()
            return
        caller = self._caller()
        self.room = self._room()
        self.listener = Listener(
            session_id,
            self._send_text,
            close=self._send_away,
            may_listen=lambda: caller.sessions().filter(pk=session_id).exists(),
            room=self.room,
        )
        self.listener.language = self._language()
        self.exchange = shared
        self.exchange.join(self.listener)
        hello = await database_sync_to_async(self._hello)(caller, after)
        if hello is None:
            await self.close()
            return
        await self.accept()
        await self.send(json.dumps(hello))
        self.exchange.start(self.listener, seq=hello["seq"] if after is None or hello["reset"] else after)

    def _room(self) -> asyncio.Event:
        """The server's word on whether the client reads; without it there is room without end."""
        given: Any = (self.scope.get("extensions") or {}).get(ROOM_EXTENSION)
        if given:
            return cast(asyncio.Event, given["room"])
        room = asyncio.Event()
        room.set()
        return room

    async def _send_text(self, text: str) -> None:
        await super().send(text_data=text)

    def _after(self) -> int | None:
        asked = self._query("after")
        if not asked:
            return None
        after = int(asked)
        if not 0 <= after < 2**63:
            raise ValueError(after)
        return after

    def _language(self) -> str:
        """The language that the page speaks; a program that names none gets English."""
        asked = self._query("language")
        return asked if asked in dict(settings.LANGUAGES) else ENGLISH

    def _query(self, name: str) -> str:
        return parse_qs(self.scope["query_string"].decode("ascii", "replace")).get(name, [""])[0]

    def _caller(self) -> Caller:
        headers = dict(self.scope["headers"])
        bearer = bearer_read(headers.get(b"authorization", b"").decode("latin-1"))
        if bearer:  # stands alone, as on pages
            return Caller(bearer=bearer)
        cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
        return Caller(cookie=cookies.get(COOKIE_NAME, ""), sign_in=cookies.get(settings.SESSION_COOKIE_NAME, ""))

    def _hello(self, caller: Caller, after: int | None) -> HelloMessage | None:
        """Read the first message; None for a stranger."""
        if not self.listener.may_listen():
            return None
        if caller.sign_in and sign_ins_alive([caller.sign_in]):
            self.listener.sign_in = caller.sign_in
        with override(self.listener.language):
            return hello_said(hello_get(session_id=self.listener.session_id, after=after))

    async def _send_away(self, code: int) -> None:
        await self.close(code=code)

    async def dispatch(self, message: Any) -> None:
        """Take a client's message here: Channels would first look after the database's connections, in another thread."""
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._is_too_many():
            await self.close(code=TOO_MANY)
            return
        if len((text_data or "").encode()) > MAX_INCOMING_BYTES or len(bytes_data or b"") > MAX_INCOMING_BYTES:
            await self.close(code=TOO_LARGE)
            return
        try:
            message = json.loads(text_data or "null")
        except (ValueError, RecursionError):  # no JSON, or nested beyond reason
            return
        if isinstance(message, dict) and message.get("type") == "ping" and self.room.is_set():
            await self.send(json.dumps({"event_type": "pong"}))

    def _is_too_many(self) -> bool:
        """Count a message of this minute."""
        now = time.monotonic()
        if now - self.minute_from >= 60:
            self.minute_from, self.messages = now, 0
        self.messages += 1
        return self.messages > MESSAGES_PER_MINUTE and settings.VIDEOFLOW_RATE_LIMITS
