"""An HTTP client light enough to load a server from the same machine: kept connections, whole answers, nothing followed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` by their lower-case names; of ``Set-Cookie`` each cookie's name and value are in ``cookies``."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls one server on this machine, each call on its own connection; connections are used again where the server allows."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", seconds: float = 30.0) -> None:
        self._host, self.port, self._seconds = host, port, seconds
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request and return its whole answer; ``body`` goes as JSON.

        Raises:
            OSError: the server cannot be reached or cut the connection.
            TimeoutError: the answer was not there in time.
        """
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self.port}", f"Content-Length: {len(content)}"]
        if content:
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode() + content
        async with asyncio.timeout(self._seconds):
            while self._idle:
                kept = self._idle.pop()
                if not kept[0].at_eof():  # the server has closed it meanwhile
                    break
                kept[1].close()
            else:
                kept = await asyncio.open_connection(self._host, self.port)
            return await self._exchange(*kept, request, has_body=method != "HEAD")

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, *, has_body: bool
    ) -> Answer:
        is_kept = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers, cookies = {}, {}
            for line in filter(None, head[1:]):
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
                if name.lower() == "set-cookie":
                    cookie, _, content = value.strip().partition(";")[0].partition("=")
                    cookies[cookie] = content
            status = int(head[0].split(" ")[1])
            if not has_body or status in {204, 304}:
                body = b""
            elif "content-length" in headers:
                body = await reader.readexactly(int(headers["content-length"]))
            else:
                raise ConnectionError(f"{head[0]}: an answer without a length")
            is_kept = headers.get("connection", "").lower() != "close"
            return Answer(status, headers, cookies, body)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server cut the connection") from error
        finally:
            if is_kept:
                self._idle.append((reader, writer))
            else:
                writer.close()

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()
