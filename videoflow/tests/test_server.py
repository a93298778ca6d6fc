"""The bridge behind the real server, over real sockets."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest

from videoflow.asgi import origin_is_allowed
from videoflow.health.supervisor import listen

LIMIT_BYTES = 8 * 1024 * 1024
BUFFER_BYTES = 1024 * 1024  # of each side's kernel at most, whatever this machine's would give


@dataclass
class Echo:
    """The running server."""

    port: int
    folder: Path
    process: psutil.Process

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=240)
        connection.request(method, path, body, headers or {}, encode_chunked=not isinstance(body, bytes | None))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def raw(self, request: bytes) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=240)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        client.sendall(request)
        return client


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    folder = tmp_path_factory.mktemp("echo")
    listener = listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    descriptor = listener.fileno()
    process = subprocess.Popen(
        [sys.executable, "-m", "videoflow.tests.echo", str(descriptor), str(LIMIT_BYTES), str(folder)],
        pass_fds=[descriptor],
        env=dict(os.environ),
    )
    yield Echo(listener.getsockname()[1], folder, psutil.Process(process.pid))
    listener.close()
    process.terminate()
    assert process.wait(240) == 0


class TestRequests:
    def test_ok(self, echo: Echo) -> None:
        answer, content = echo.ask("GET", "/caf%C3%A9/a%20b?x=1&y=%C3%A9")
        facts = json.loads(content)
        assert answer.status == 200
        assert facts["path"].encode("latin-1").decode() == "/café/a b"
        assert facts["query"] == "x=1&y=%C3%A9"
        assert (facts["remote"], facts["scheme"], facts["length"]) == ("127.0.0.1", "http", "0")
        assert facts["headers"]["HTTP_HOST"] == f"127.0.0.1:{echo.port}"

    def test_duplicate_headers_both_ways(self, echo: Echo) -> None:
        client = echo.raw(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nX-Two: b\r\nCookie: m=1\r\nCookie: n=2\r\nConnection: close\r\n\r\n"
        )
        head, _, content = _read_all(client).partition(b"\r\n\r\n")
        facts = json.loads(content)
        assert facts["headers"]["HTTP_X_TWO"] == "a,b"
        assert facts["headers"]["HTTP_COOKIE"] == "m=1; n=2"
        assert head.lower().count(b"set-cookie:") == 2

    def test_forged_underscore_header_is_dropped(self, echo: Echo) -> None:
        _, content = echo.ask("GET", "/", headers={"X_Forwarded_Proto": "https"})
        assert "HTTP_X_FORWARDED_PROTO" not in json.loads(content)["headers"]

    def test_head_has_the_length_and_no_body(self, echo: Echo) -> None:
        answer, content = echo.ask("HEAD", "/")
        assert int(answer.headers["Content-Length"]) > 100
        assert content == b""

    def test_missing(self, echo: Echo) -> None:
        assert echo.ask("GET", "/missing")[0].status == 404

    def test_a_fall_is_a_500_and_the_server_goes_on(self, echo: Echo) -> None:
        answer, content = echo.ask("GET", "/fall")
        assert answer.status == 500
        assert b"fell" not in content
        assert echo.ask("GET", "/")[0].status == 200

    def test_slow_requests_run_beside_each_other(self, echo: Echo) -> None:
        clients = [echo.raw(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(2)]
        assert all(b"200 OK" in _read_all(client) for client in clients)


class TestBodies:
    @pytest.mark.parametrize("size_bytes", [0, 5, 3 * 1024 * 1024, LIMIT_BYTES])
    def test_arrives_whole(self, echo: Echo, size_bytes: int) -> None:
        body = os.urandom(size_bytes)
        _, content = echo.ask("POST", "/upload", body, {"Content-Type": "text/csv"})
        facts = json.loads(content)
        assert facts["sha256"] == hashlib.sha256(body).hexdigest()
        assert (facts["length"], facts["content_type"]) == (str(size_bytes), "text/csv")

    def test_chunked_arrives_whole(self, echo: Echo) -> None:
        pieces = [os.urandom(70_000) for _ in range(30)]
        _, content = echo.ask("POST", "/upload", iter(pieces), {"Transfer-Encoding": "chunked"})
        assert json.loads(content)["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()

    def test_over_the_limit_is_413(self, echo: Echo) -> None:
        answer, content = echo.ask("POST", "/upload", bytes(LIMIT_BYTES + 1))
        assert answer.status == 413
        assert json.loads(content)["error_code"] == "TOO_LARGE"
        assert "8 MB" in json.loads(content)["message"]

    def test_chunked_over_the_limit_is_413(self, echo: Echo) -> None:
        answer, _ = echo.ask("POST", "/upload", iter([bytes(1024 * 1024)] * 9), {"Transfer-Encoding": "chunked"})
        assert answer.status == 413

    @pytest.mark.parametrize(("accepts", "kind"), [("text/html", "text/html; charset=utf-8"), ("*/*", "application/json")])
    def test_a_body_that_the_disk_has_no_room_for_is_507(self, echo: Echo, accepts: str, kind: str) -> None:
        """The kernel's limit of a file's size stands for the disk's end."""
        usual = echo.process.rlimit(psutil.RLIMIT_FSIZE)
        echo.process.rlimit(psutil.RLIMIT_FSIZE, (2 * 1024 * 1024, usual[1]))
        try:
            answer, content = echo.ask("POST", "/", b"x" * (5 * 1024 * 1024), {"Accept": accepts})
        finally:
            echo.process.rlimit(psutil.RLIMIT_FSIZE, usual)
        assert (answer.status, answer.headers["Content-Type"]) == (507, kind)
        assert b"no room on the disk" in content or json.loads(content)["error_code"] == "DISK_FULL"
        assert list(echo.folder.iterdir()) == []
        assert echo.ask("POST", "/", b"x" * (5 * 1024 * 1024))[0].status == 200

    def test_endless_body_is_cut_off(self, echo: Echo) -> None:
        client = echo.raw(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        piece = bytes(1024 * 1024)
        with pytest.raises(OSError):  # reset or broken pipe, as the kernel likes
            for _ in range(200):
                client.sendall(piece)

    def test_client_that_leaves_within_its_body(self, echo: Echo) -> None:
        echo.raw(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nonly this").close()
        assert echo.ask("GET", "/")[0].status == 200


class TestLongAnswers:
    def test_arrives_whole(self, echo: Echo) -> None:
        answer, content = echo.ask("GET", "/long")
        assert len(content) == int(answer.headers["Content-Length"]) == 64 * 1024 * 1024

    def test_is_read_only_as_fast_as_the_client_takes_it(self, echo: Echo) -> None:
        """A client that reads nothing must not make the server hold 64 MiB; when it leaves, the file is closed."""
        closed = echo.folder / "closed"
        closed.unlink(missing_ok=True)
        before_bytes = echo.process.memory_info().rss
        clients = [echo.raw(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(2)]
        for client in clients:
            client.recv(1000)
        for _ in range(5):  # five more requests pass through the same event loop meanwhile
            assert echo.ask("GET", "/slow")[0].status == 200
        assert echo.process.memory_info().rss - before_bytes < 40 * 1024 * 1024
        for client in clients:
            client.close()
        deadline = time.monotonic() + 240
        while not (closed.exists() and closed.read_text()) and time.monotonic() < deadline:
            echo.ask("GET", "/")
        assert int(closed.read_text()) < 128


class TestSockets:
    def test_unknown_path_is_403_before_the_upgrade(self, echo: Echo) -> None:
        client = echo.raw(
            b"GET /ws/none HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 403")

    @pytest.mark.parametrize(
        ("size_bytes", "code", "seen"), [(5, 4404, 4404), (5, 1009, 1009), (5, 1000, 1000), (70_000, 1000, 1009)]
    )
    def test_the_client_hears_why_it_is_closed(self, echo: Echo, size_bytes: int, code: int, seen: int) -> None:
        client = echo.raw(
            f"GET /ws/close/{code} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        received = b""
        while b"\r\n\r\n" not in received:
            received += client.recv(4096)
        size = bytes([0x80 | size_bytes]) if size_bytes < 126 else bytes([0xFF]) + size_bytes.to_bytes(8, "big")
        client.sendall(b"\x81" + size + bytes(4) + b"x" * size_bytes)  # text, masked with zeros
        frame = received.partition(b"\r\n\r\n")[2]
        while len(frame) < 4:
            frame += client.recv(4096)
        client.close()
        assert (frame[0], int.from_bytes(frame[2:4], "big")) == (0x88, seen)


class TestOrigin:
    @pytest.mark.parametrize(
        ("headers", "is_allowed"),
        [
            ({"host": "localhost:8000", "origin": "http://localhost:8000"}, True),
            ({"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"}, True),
            ({"host": "[::1]:8000", "origin": "http://[::1]:8000"}, True),
            ({"host": "localhost", "origin": "https://localhost"}, True),
            ({"host": "LOCALHOST:8000", "origin": "http://localhost:8000"}, True),
            ({"host": "localhost:8000", "origin": "http://localhost:9000"}, False),
            ({"host": "localhost:8000", "origin": "http://localhost"}, False),
            ({"host": "localhost:8000", "origin": "http://127.0.0.1:8000"}, False),
            ({"host": "localhost:8000", "origin": "http://evil.example"}, False),
            ({"host": "evil.example:8000", "origin": "http://evil.example:8000"}, False),
            ({"host": "localhost:8000", "origin": "null"}, False),
            ({"host": "localhost:8000", "origin": "http://localhost:8000/path"}, False),
            ({"host": "localhost:8000", "origin": "http://localhost:8000@evil.example"}, False),
            ({"host": "localhost:8000", "origin": "http://localhost:99999"}, False),
            ({"host": "localhost:8000", "origin": "file://localhost:8000"}, False),
            ({"host": "localhost:8000", "origin": "https://studio.example"}, True),
            ({"host": "localhost:8000"}, False),
            ({"host": "localhost:8000", "authorization": "Bearer abc"}, True),
            ({"host": "localhost:8000", "authorization": "Bearer abc", "origin": "http://evil.example"}, False),
            ({"origin": "http://localhost:8000"}, False),
        ],
    )
    def test_table(self, settings: Any, headers: dict[str, str], is_allowed: bool) -> None:
        settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
        settings.VIDEOFLOW_ALLOWED_ORIGINS = ["https://studio.example"]
        assert origin_is_allowed([(name.encode(), value.encode()) for name, value in headers.items()]) is is_allowed

    def test_two_origins(self) -> None:
        pair = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil.example")]
        assert not origin_is_allowed(pair)


def _read_all(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    client.close()
    return b"".join(parts)
