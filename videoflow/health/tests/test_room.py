import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from videoflow.health.supervisor import listen

HANDSHAKE = (
    b"GET /ws/any HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BUFFER_BYTES = 1024 * 1024  # of each side; whatever this machine's kernel would give
LIMIT_BYTES = 16 * 1024 * 1024  # what the kernel buffers on loopback, and 64 KiB of our own


@pytest.fixture
def talker(tmp_path: Path) -> Iterator[tuple[int, psutil.Process]]:
    listener = listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    descriptor = listener.fileno()
    process = subprocess.Popen(
        [sys.executable, "-m", "videoflow.health.tests.talker", str(descriptor), str(tmp_path)],
        pass_fds=[descriptor],
        env=dict(os.environ),
    )
    yield listener.getsockname()[1], psutil.Process(process.pid)
    listener.close()
    process.terminate()
    process.wait(240)


def test_a_client_that_does_not_read_is_not_written_to_without_end(talker: tuple[int, psutil.Process], tmp_path: Path) -> None:
    port, process = talker
    client = socket.socket()
    client.settimeout(240)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    client.connect(("127.0.0.1", port))
    client.sendall(HANDSHAKE)
    full = tmp_path / "full"
    deadline = time.monotonic() + 240
    while not (full.exists() and full.read_text()):
        assert time.monotonic() < deadline, "the server never noticed"
        assert process.memory_info().rss < 400 * 1024 * 1024
        time.sleep(0.02)
    assert int(full.read_text()) * 4096 < LIMIT_BYTES
    tail = b""
    while b"room again" not in tail:  # once the client reads there is room again
        part = client.recv(1024 * 1024)
        assert part
        tail = tail[-32:] + part
    client.close()
