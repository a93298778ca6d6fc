"""The one pool of connections of this process, as httpx's transport."""

import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from typing import cast

import certifi
import httpcore
import httpx

from videoflow.providers.net.sockets import Dialler

_IDLE_SECONDS = 3.0
"""Below the five seconds after which uvicorn and node close an idle connection: a request that meets that closing is lost."""
_MOST_CONNECTIONS = 40


class _Body(httpx.SyncByteStream):
    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        if hasattr(self._parts, "close"):
            self._parts.close()


class Transport(httpx.BaseTransport):
    """httpx over connections of ours; it follows nothing, knows no proxy and never tries again."""

    def __init__(self, *, is_listed: bool, trust: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_CONNECTIONS // 2,
            keepalive_expiry=_IDLE_SECONDS,
            retries=0,
            network_backend=Dialler(is_listed=is_listed),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=cast(Iterable[bytes], request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status, headers=answer.headers, stream=_Body(cast(Iterable[bytes], answer.stream))
        )


@cache
def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()  # the system's, with SSL_CERT_FILE and SSL_CERT_DIR
    context.load_verify_locations(cafile=certifi.where())
    return context


@cache
def transport(*, is_listed: bool) -> httpx.BaseTransport:
    """Return the process's transport: one for what the operator listed, one that reaches public addresses only.

    They share no connection, so nobody can use one to a private address that somebody else was allowed to open.
    """
    return Transport(is_listed=is_listed, trust=_trust())
