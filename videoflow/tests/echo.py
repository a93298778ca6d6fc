"""A small WSGI application behind the real bridge and server: ``python -m videoflow.tests.echo FD LIMIT FOLDER``."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.urls import path

from videoflow.asgi import Entry, HttpBridge, SocketGate
from videoflow.health.server import StudioServer, endpoints_for

LONG_PIECES = 256
LONG_PIECE = b"v" * (256 * 1024)


class Long:
    """64 MiB that write down how far they were read and that they were closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(LONG_PIECES):
            self._sent += 1
            yield LONG_PIECE

    def close(self) -> None:
        (self._folder / "closed").write_text(str(self._sent))


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what was understood of the request."""
    asked = environ["PATH_INFO"]
    if asked == "/long":
        start_response("200 OK", [("Content-Type", "video/mp4"), ("Content-Length", str(LONG_PIECES * len(LONG_PIECE)))])
        return Long(Path(sys.argv[3]))
    if asked == "/fall":
        raise RuntimeError("the application fell")
    if asked == "/slow":
        time.sleep(0.5)
    body = environ["wsgi.input"].read()
    answer = {
        "method": environ["REQUEST_METHOD"],
        "path": asked,
        "query": environ["QUERY_STRING"],
        "length": environ["CONTENT_LENGTH"],
        "sha256": hashlib.sha256(body).hexdigest(),
        "headers": {name: value for name, value in environ.items() if name.startswith("HTTP_")},
        "content_type": environ.get("CONTENT_TYPE", ""),
        "remote": environ.get("REMOTE_ADDR"),
        "scheme": environ["wsgi.url_scheme"],
    }
    content = json.dumps(answer).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    headers += [("Set-Cookie", "one=1"), ("Set-Cookie", "two=2")]
    start_response("404 Not Found" if asked == "/missing" else "200 OK", headers)
    return [content]


async def close_with(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Accept a socket and close it, as soon as it says anything, with the code in its path."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    await send({"type": "websocket.close", "code": scope["url_route"]["kwargs"]["code"]})


def main(descriptor: int, limit_bytes: int, folder: str) -> None:
    bridge = HttpBridge(echo, max_body_bytes=limit_bytes, spool_directory=folder, threads=2)
    StudioServer(
        Entry(http=bridge, websocket=SocketGate([path("ws/close/<int:code>", close_with)])),
        endpoints=endpoints_for(host="", port=0, descriptor=descriptor),
        max_body_bytes=limit_bytes,
        spool_directory=folder,
    ).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
