import asyncio
import json
import random
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from videoflow.sessions.services import COOKIE_NAME, sessions_owned
from videoflow.tasks.events import group_name
from videoflow.tasks.selectors import events_after, hello_get

LOOK_SECONDS = 1.0  # rows are looked for at least this often, so a lost bell costs a second at most
MAX_INCOMING_BYTES = 4096


class ProgressConsumer(AsyncWebsocketConsumer):
    """Send one session's events: ``hello``, the missed rows, then each row as it is committed.

    The bell is only a hint; what is sent always comes from the table, in order and without gaps. A stranger's handshake is
    refused before the upgrade.
    """

    session_id: UUID
    seq: int

    async def connect(self) -> None:
        self.looker: asyncio.Task[None] | None = None
        self.reading = asyncio.Lock()
        try:
            self.session_id = UUID(self.scope["url_route"]["kwargs"]["session_id"])
            after = self._after()
        except ValueError:
            await self.close()
            return
        if not await self._is_owner():
            await self.close()
            return
        # Joined before reading, so that nothing falls between the rows read and the first bell; without Redis the look serves.
        try:
            await asyncio.wait_for(self.channel_layer.group_add(group_name(self.session_id), self.channel_name), 1.0)
        except (OSError, TimeoutError):
            pass
        await self.accept()
        hello = await database_sync_to_async(hello_get)(session_id=self.session_id, after=after)
        self.seq = hello["seq"] if after is None or hello["reset"] else after
        await self.send(json.dumps(hello))
        await self._send_rows()
        self.looker = asyncio.create_task(self._look())

    def _after(self) -> int | None:
        values = parse_qs(self.scope["query_string"].decode("ascii", "replace")).get("after")
        if not values:
            return None
        after = int(values[0])
        if not 0 <= after < 2**63:
            raise ValueError(after)
        return after

    async def _is_owner(self) -> bool:
        headers = dict(self.scope["headers"])
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            cookies = SimpleCookie()
        cookie = cookies[COOKIE_NAME].value if COOKIE_NAME in cookies else ""
        scheme, _, bearer = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        bearer = bearer.strip() if scheme.lower() == "bearer" else ""

        def owned() -> bool:
            return sessions_owned(user=self.scope.get("user"), cookie=cookie, bearer=bearer).filter(pk=self.session_id).exists()

        return await database_sync_to_async(owned)()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS * (0.8 + 0.4 * random.random()))
            await self._send_rows()

    async def _send_rows(self) -> None:
        async with self.reading:
            while rows := await database_sync_to_async(events_after)(session_id=self.session_id, seq=self.seq):
                for row in rows:
                    await self.send(json.dumps(row))
                    self.seq = row["seq"]

    async def progress_bell(self, event: dict[str, Any]) -> None:
        if event["seq"] > self.seq:
            await self._send_rows()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or "") > MAX_INCOMING_BYTES or len(bytes_data or b"") > MAX_INCOMING_BYTES:
            await self.close(code=1009)
            return
        try:
            message = json.loads(text_data or "null")
        except ValueError:
            return
        if isinstance(message, dict) and message.get("type") == "ping":
            await self.send(json.dumps({"event_type": "pong"}))

    async def disconnect(self, code: int) -> None:
        if self.looker:
            self.looker.cancel()
        if hasattr(self, "session_id"):
            try:
                await asyncio.wait_for(self.channel_layer.group_discard(group_name(self.session_id), self.channel_name), 1.0)
            except (OSError, TimeoutError):
                pass
