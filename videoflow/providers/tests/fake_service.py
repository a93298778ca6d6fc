"""A strict service on this machine whose faults are scripted: what a client must survive, one fault for each request.

Each service's own routes stand beside its tests: ``fake.route("POST", "/v1/chat/completions")(answer)``.
"""

import contextlib
import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

Fault = Literal[
    "429-seconds", "429-date", "500", "502-html", "reset", "lost", "drip", "truncated", "wrong-json", "200-error", "null-fields",
    "huge", "slow", "empty", "redirect", "bomb",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
CHARGED: frozenset[str] = frozenset(
    {"reset", "lost", "drip", "truncated", "wrong-json", "200-error", "null-fields", "huge", "slow", "empty", "bomb"}
)
"""Faults that come after the work was done: the route's answer was made, and a real service would charge for it."""
HUGE_BYTES = 1_000_000_000
_BLOCK = bytes(65_536)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    groups: tuple[str, ...] = ()
    """What the route's pattern caught in the path."""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; a dictionary or a list becomes JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        given = {name.lower(): value for name, value in self.headers.items()}.get("content-type")
        return given or ("application/octet-stream" if isinstance(self.body, bytes) else "application/json")


Answer = Callable[[Asked], "Told | dict[str, Any] | list[Any] | bytes"]


class FakeService:
    """The server, its routes and its queue of faults; ``with FakeService() as fake``. Leaving checks that nothing was wrong.

    A route that raises AssertionError says that the client's request is wrong: the answer is 400 and the test fails at the end.
    """

    def __init__(self, *, drip_seconds: float = 1.0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Asked] = []
        self.answered: Counter[str] = Counter()
        """Times a route's work was done, by its method: what a service that charges for each POST would charge for."""
        self.faulted: Counter[str] = Counter()
        self.problems: list[str] = []
        self.drip_seconds = drip_seconds
        self.takes_seconds: Callable[[Asked], float] = lambda asked: 0.0
        """How long the work for a request takes, beside that for others."""
        self.ending = threading.Event()
        self._faults: deque[str] = deque()
        self._routes: list[tuple[str, re.Pattern[str], Answer]] = []
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Keep the tests' output to themselves."""

            def handle_one_request(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle_one_request()
                    return
                self.close_connection = True

            def do(self) -> None:
                fake._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> "FakeService":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close()
        if kind is None:
            assert not self.problems, self.problems

    def close(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def route(self, method: str, pattern: str) -> Callable[[Answer], Answer]:
        """Answer requests whose whole path matches the regular expression; the newest route is looked at first."""

        def put(answer: Answer) -> Answer:
            self._routes.insert(0, (method, re.compile(pattern), answer))
            return answer

        return put

    def fault(self, *names: Fault | Literal[""]) -> None:
        """Let the next requests end so, one each, an empty name well; after them all is well again."""
        assert set(names) <= {*FAULTS, ""}, names
        self._faults.extend(names)

    def faults_clear(self) -> None:
        self._faults.clear()

    @property
    def faults_left(self) -> int:
        return len(self._faults)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(
            method=handler.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in handler.headers.items()},
            body=handler.rfile.read(int(handler.headers.get("Content-Length") or 0)),
        )
        with self._lock:
            self.requests.append(asked)
            fault = self._faults.popleft() if self._faults else ""
            if fault:
                self.faulted[fault] += 1
            told = self._answer(asked) if not fault or fault in CHARGED else Told()
        self.ending.wait(self.takes_seconds(asked))
        if fault:
            self._misbehave(handler, fault, told)
        else:
            _write(handler, told)

    def _answer(self, asked: Asked) -> Told:
        for method, pattern, answer in self._routes:
            match = pattern.fullmatch(asked.path)
            if method == asked.method and match:
                facts = Asked(asked.method, asked.path, asked.query, asked.headers, asked.body, match.groups())
                try:
                    told = answer(facts)
                except (AssertionError, KeyError, TypeError, ValueError) as error:
                    self.problems.append(f"{asked.method} {asked.path}: {type(error).__name__} {error}")
                    return Told({"error": {"message": "The request is wrong.", "code": "bad_request"}}, 400)
                told = told if isinstance(told, Told) else Told(told)
                if told.status < 300:
                    self.answered[method] += 1
                return told
        self.problems.append(f"{asked.method} {asked.path}: no such route")
        return Told({"error": {"message": "There is no such page.", "code": "not_found"}}, 404)

    def _misbehave(self, handler: BaseHTTPRequestHandler, fault: str, told: Told) -> None:
        content = told.content
        match fault:
            case "429-seconds":
                _write(handler, Told({"error": {"code": "rate_limit_exceeded"}}, 429, {"Retry-After": "1"}))
            case "429-date":
                moment = formatdate(time.time() + 2, usegmt=True)
                _write(handler, Told({"error": {"code": "rate_limit_exceeded"}}, 429, {"Retry-After": moment}))
            case "500":
                _write(handler, Told({"error": {"message": "It broke.", "code": "server_error"}}, 500))
            case "502-html":
                page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
                _write(handler, Told(page, 502, {"Content-Type": "text/html"}))
            case "redirect":
                _write(handler, Told(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}))
            case "lost":
                _cut(handler)
            case "reset":
                _head(handler, told, len(content) + 10)
                handler.wfile.write(content[: len(content) // 2])
                _cut(handler)
            case "truncated":
                _head(handler, told, len(content) + 10)
                handler.wfile.write(content[: max(0, len(content) - 1)])
                handler.close_connection = True
            case "drip":
                _head(handler, told, max(len(content), 100_000))
                self._slowly(handler, content or b" ")
            case "huge":
                _head(handler, told, None)
                self._without_end(handler)
            case "bomb":
                _write(handler, Told(_bomb(), told.status, {"Content-Type": told.content_type, "Content-Encoding": "gzip"}))
            case "slow":
                self.ending.wait(60)
                handler.close_connection = True
            case "empty":
                _write(handler, Told(b"", told.status, {"Content-Type": told.content_type}))
            case "wrong-json":
                _write(handler, Told(b'{"half": [1, 2', told.status, {"Content-Type": told.content_type}))
            case "200-error":
                _write(handler, Told({"error": {"code": 502, "message": "The service behind this one failed."}}))
            case "null-fields":
                is_json = told.content_type.startswith("application/json")
                body = _nulled(json.loads(content)) if is_json else {"data": None}
                _write(handler, Told(json.dumps(body).encode(), told.status, {"Content-Type": "application/json"}))
            case _:
                raise AssertionError(fault)

    def _slowly(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.close_connection = True
        for position in range(100_000):
            handler.wfile.write(content[position % len(content) : position % len(content) + 1])
            if self.ending.wait(self.drip_seconds):
                return

    def _without_end(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for _ in range(HUGE_BYTES // len(_BLOCK)):
            if self.ending.is_set():
                return
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK))
        handler.wfile.write(b"0\r\n\r\n")


def _head(handler: BaseHTTPRequestHandler, told: Told, length: int | None) -> None:
    """Write status and headers; without a length the body comes in chunks."""
    handler.send_response(told.status)
    for name, value in told.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            handler.send_header(name, value)
    handler.send_header("Content-Type", told.content_type)
    if length is None:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def _write(handler: BaseHTTPRequestHandler, told: Told) -> None:
    content = told.content
    _head(handler, told, len(content))
    handler.wfile.write(content)


def _cut(handler: BaseHTTPRequestHandler) -> None:
    """End the connection as a cut line does: with a reset instead of a goodbye."""
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def _nulled(value: Any, depth: int = 0) -> Any:
    """Return the same shape with every single value empty."""
    if isinstance(value, dict):
        return {name: _nulled(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_nulled(part, depth + 1) for part in value[:3]]
    return None


@cache
def _bomb() -> bytes:
    """Return some 200 kB that unpack to 200 MB."""
    return gzip.compress(bytes(200_000_000), 1)
