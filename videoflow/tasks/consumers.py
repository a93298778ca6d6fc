import json
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from videoflow.sessions.services import COOKIE_NAME, sessions_owned
from videoflow.tasks.events import HelloMessage
from videoflow.tasks.live import Exchange, Listener, exchange
from videoflow.tasks.selectors import hello_get

MAX_INCOMING_BYTES = 4096


class ProgressConsumer(AsyncWebsocketConsumer):
    """Send one session's events: ``hello``, the missed rows, then each row as it is committed.

    A stranger's handshake is refused before the upgrade. The rows come through the process's exchange, not through a channel
    layer: that would cost a subscription, a queue and a task for every socket.
    """

    channel_layer_alias = "none"
    exchange: Exchange | None = None
    listener: Listener

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
        self.listener = Listener(session_id, self._send_text)
        self.exchange = exchange()
        self.exchange.join(self.listener)
        hello = await database_sync_to_async(self._hello)(session_id, after)
        if hello is None:
            await self.close()
            return
        await self.accept()
        await self.send(json.dumps(hello))
        self.exchange.start(self.listener, seq=hello["seq"] if after is None or hello["reset"] else after)

    async def _send_text(self, text: str) -> None:
        await super().send(text_data=text)

    def _after(self) -> int | None:
        values = parse_qs(self.scope["query_string"].decode("ascii", "replace")).get("after")
        if not values:
            return None
        after = int(values[0])
        if not 0 <= after < 2**63:
            raise ValueError(after)
        return after

    def _hello(self, session_id: UUID, after: int | None) -> HelloMessage | None:
        """Read the first message; None for a stranger."""
        headers = dict(self.scope["headers"])
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            cookies = SimpleCookie()
        cookie = cookies[COOKIE_NAME].value if COOKIE_NAME in cookies else ""
        scheme, _, bearer = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        bearer = bearer.strip() if scheme.lower() == "bearer" else ""
        owned = sessions_owned(user=self.scope.get("user"), cookie=cookie, bearer=bearer)
        return hello_get(session_id=session_id, after=after) if owned.filter(pk=session_id).exists() else None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len((text_data or "").encode()) > MAX_INCOMING_BYTES or len(bytes_data or b"") > MAX_INCOMING_BYTES:
            await self.close(code=1009)
            return
        try:
            message = json.loads(text_data or "null")
        except (ValueError, RecursionError):  # no JSON, or nested beyond reason
            return
        if isinstance(message, dict) and message.get("type") == "ping":
            await self.send(json.dumps({"event_type": "pong"}))
