"""Daphne with habits of ours: bodies stay in a file, oversized ones are refused, answers and sockets keep the client's pace.

Daphne itself copies a received body into memory in one go and writes answers into an unbounded buffer: an upload or a
download of 500 MB would cost 500 MB.
"""

import asyncio
import io
import logging
import math
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from twisted.web import http
from zope.interface import implementer  # type: ignore[import-untyped]

from videoflow.errors import disk_full_read
from videoflow.health.sockets import sockets_counted_by
from videoflow.http import BODY_EXTENSION, ROOM_EXTENSION, disk_full_answer, too_large_body

_IN_MEMORY_BYTES = 1024 * 1024
_WEBSOCKET_MESSAGE_BYTES = 64 * 1024
"""Consumers close at 4 KiB with 1009; the protocol's own limit only bounds what is buffered before they see it."""
_TOO_BIG = 1009

_TIMEOUT_SECONDS = 2.0
"""Each connection is looked after this often, as in Daphne."""
_TIMEOUT_STEPS = 40

logger = logging.getLogger(__name__)


@implementer(IPushProducer)
class _Pace:
    """Tell the sender when the client's buffer has room; a client that left has room for everything."""

    def __init__(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()

    def pauseProducing(self) -> None:  # noqa: N802
        self.has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self.has_room.set()

    def stopProducing(self) -> None:  # noqa: N802
        self.has_room.set()


class StudioRequest(WebRequest):  # type: ignore[misc]
    """A request whose body is spooled to the data folder up to a limit, and dropped beyond it."""

    pace: _Pace | None = None
    received_bytes = 0
    is_too_large = False
    is_without_room = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        server: StudioServer = self.server
        self.is_too_large = length is not None and length > server.max_body_bytes
        self.content = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=server.spool_directory)  # noqa: SIM115

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        server: StudioServer = self.server
        self.received_bytes += len(data)
        if self.received_bytes > server.max_body_bytes:
            self.is_too_large = True
        if not self.is_too_large:
            self._keep(data)
        elif self.received_bytes > 2 * server.max_body_bytes:
            # Clients read an answer only after sending all; one that goes on and on is cut off.
            self.channel.abortConnection()

    def _keep(self, data: bytes) -> None:
        """Write on to the body until the disk is full; what was written is given back then."""
        if self.is_without_room:
            return
        try:
            self.content.write(data)
            self.content.flush()
        except OSError as error:
            if disk_full_read(error) is None:
                raise
            self.is_without_room = True
            with suppress(OSError):  # closing tries once more to write
                self.content.close()
            self.content = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115

    def process(self) -> None:
        if self.is_too_large:
            self._refuse(413, "application/json", too_large_body(self.server.max_body_bytes))
        elif self.is_without_room:
            logger.error("the disk is full: %r %r is refused", self.method, self.path)
            for_people = b"text/html" in (self.getHeader(b"accept") or b"")
            self._refuse(507, *disk_full_answer(for_people=for_people))
        else:
            super().process()

    def _refuse(self, status: int, kind: str, content: bytes) -> None:
        self.request_start = 0.0
        self.setResponseCode(status)
        self.setHeader(b"content-type", kind.encode())
        self.setHeader(b"content-length", str(len(content)).encode())
        self.write(content)
        self.finish()

    def keep_pace(self) -> _Pace:
        """The pace of this connection, listening to its buffer from the first call on."""
        if self.pace is None:
            self.pace = _Pace()
            self.registerProducer(self.pace, True)  # noqa: FBT003
        return self.pace

    def finish(self) -> None:
        if self.pace is not None and self.producer is not None:
            self.unregisterProducer()
        super().finish()


class _Factory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        protocol: Any = http.HTTPFactory.buildProtocol(self, addr)
        protocol.requestFactory = StudioRequest
        return protocol


class StudioServer(Server):  # type: ignore[misc]
    """Serve an ASGI application on one address or one inherited listening socket until SIGTERM."""

    def __init__(self, application: Any, *, endpoints: list[str], max_body_bytes: int, spool_directory: str) -> None:
        self.max_body_bytes = max_body_bytes
        self.spool_directory = spool_directory
        super().__init__(
            application,
            endpoints=endpoints,
            websocket_max_message_size=_WEBSOCKET_MESSAGE_BYTES,
            websocket_max_frame_size=_WEBSOCKET_MESSAGE_BYTES,
            application_close_timeout=30,
            server_name="",
        )
        sockets_counted_by(self.socket_count)

    def socket_count(self) -> int:
        """Return the open sockets; the copy of the keys keeps the event loop's changes out of the count."""
        return sum(isinstance(protocol, WebSocketProtocol) for protocol in list(self.connections))

    @property
    def http_factory(self) -> HTTPFactory:
        return self._http_factory

    @http_factory.setter
    def http_factory(self, _: HTTPFactory) -> None:
        self._http_factory = _Factory(self)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "http":
            # The bridge reads the file itself; Daphne finds an empty body to copy into its queue.
            scope["extensions"] = {BODY_EXTENSION: {"file": protocol.content}}
            protocol.content = io.BytesIO()
        else:
            pace = _Pace()
            protocol.transport.unregisterProducer()  # the HTTP channel that the socket came through
            protocol.transport.registerProducer(pace, True)  # noqa: FBT003
            scope["extensions"] = {ROOM_EXTENSION: {"room": pace.has_room}}
        return super().create_application(protocol, scope)

    @property
    def ws_factory(self) -> Any:
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, factory: Any) -> None:
        factory.setProtocolOptions(failByDrop=False)  # say 1009 or 1007 before the connection goes
        self._ws_factory = factory

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close" and message.get("code") == _TOO_BIG and protocol in self.connections:
            # Applications close with 1000 or from 3000 on, says the protocol's own check; the contract says 1009.
            protocol.sendCloseFrame(code=_TOO_BIG)
            return
        await super().handle_reply(protocol, message)
        is_open = protocol in self.connections and not self.connections[protocol].get("disconnected")
        if is_open and message["type"] == "http.response.body" and message.get("more_body"):
            await protocol.keep_pace().has_room.wait()

    def timeout_checker(self, waiting: Sequence[Any] = ()) -> None:
        """Look after timeouts and pings, a few connections at a time: 2,000 pings in a row hold every event up."""
        waiting = waiting or list(self.connections)
        now = max(1, math.ceil(len(self.connections) / _TIMEOUT_STEPS))
        for protocol in waiting[:now]:
            if protocol in self.connections:
                protocol.check_timeouts()
        reactor.callLater(_TIMEOUT_SECONDS / _TIMEOUT_STEPS, self.timeout_checker, waiting[now:])  # type: ignore[arg-type]

    def listen_error(self, failure: Any) -> None:
        logger.critical("cannot listen: %s", failure.getErrorMessage())
        raise SystemExit(1)


def endpoints_for(*, host: str, port: int, descriptor: int | None = None) -> list[str]:
    """Twisted's description of where to listen: an address, or a listening socket that was handed over."""
    if descriptor is not None:
        return list(build_endpoint_description_strings(file_descriptor=descriptor))
    return list(build_endpoint_description_strings(host=host, port=port))
