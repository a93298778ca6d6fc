"""A WebSocket client small enough for thousands of connections in one process: text in, pongs out."""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
Hear = Callable[[bytes, float], None]


class Refused(ConnectionError):
    """The server did not switch to the WebSocket protocol."""


class ProgressSocket(asyncio.Protocol):
    """Calls ``hear(message, time of receipt)`` for every text message after the handshake."""

    def __init__(self, request: bytes, hear: Hear) -> None:
        self._request = request
        self._hear = hear
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if not self.opened.done():
            self.opened.set_exception(Refused("the connection was closed during the handshake"))

    def data_received(self, data: bytes) -> None:
        received_at = time.time()
        self._buffer += data
        if not self.is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            status = head.split(b"\r\n", 1)[0].decode("latin-1")
            if " 101 " not in f"{status} ":
                if not self.opened.done():
                    self.opened.set_exception(Refused(status))
                self.close()
                return
            self._buffer, self.is_open = rest, True
            if not self.opened.done():
                self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == _TEXT:
                self._hear(payload, received_at)
            elif kind == _PING:
                self._send(0x8A, payload)
            elif kind == _CLOSE:
                self.close()

    def _frame(self) -> tuple[int, bytes] | None:
        """Take one whole frame out of the buffer; a server's frames are not masked and ours are not split."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        if length == 126:
            if len(buffer) < 4:
                return None
            length, start = struct.unpack_from(">H", buffer, 2)[0], 4
        elif length == 127:
            if len(buffer) < 10:
                return None
            length, start = struct.unpack_from(">Q", buffer, 2)[0], 10
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[0] & 0x0F, buffer[start : start + length]

    def _send(self, first_byte: int, payload: bytes) -> None:
        assert self._transport
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._transport.write(bytes((first_byte, 0x80 | len(payload))) + mask + masked)

    def close(self) -> None:
        self.is_open = False
        if self._transport:
            self._transport.close()


async def progress_socket(*, port: int, session_id: str, bearer: str, hear: Hear, host: str = "127.0.0.1") -> ProgressSocket:
    """Open a session's progress socket with its owner's token.

    Raises:
        Refused: the server answered with something else than 101.
        TimeoutError: it did not answer within 30 s.
    """
    lines = (
        f"GET /ws/progress/{session_id} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {bearer}",
    )
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(lambda: ProgressSocket(request, hear), host, port)
    await asyncio.wait_for(asyncio.shield(protocol.opened), 30)
    return protocol
