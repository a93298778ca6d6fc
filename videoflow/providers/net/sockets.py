"""Sockets that keep one deadline for a whole exchange, end soon when asked to, and go nowhere that is not allowed.

httpx's own timeouts start again with each byte, so a service that drips one a second is waited for without end; and it resolves
a name after anybody could have checked it. Both are settled here, below its connection pool.
"""

import contextlib
import contextvars
import select
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

from videoflow.errors import Cancelled
from videoflow.providers.base import CancelCheck
from videoflow.providers.net.addresses import addresses_of

CONNECT_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 30
LOOK_SECONDS = 0.25  # a cancel is seen this soon


class DeadlineOver(Exception):
    """The exchange took longer than it may."""


@dataclass(slots=True)
class Exchange:
    """One request on its way; the sockets of this thread look at it before each wait."""

    ends: float
    """On the monotonic clock."""
    cancelled: CancelCheck | None = None
    is_sent: bool = False
    """Whether anything of the request has left: from then on it may have been carried out."""

    def left(self) -> float:
        """Return the seconds to wait now.

        Raises:
            Cancelled: the work should stop.
            DeadlineOver: there are none.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The work was cancelled.")
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise DeadlineOver
        return min(seconds, LOOK_SECONDS)


current: contextvars.ContextVar[Exchange] = contextvars.ContextVar("exchange")


class Stream(httpcore.NetworkStream):
    """A connected socket that never blocks longer than the current exchange allows."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0.0)
        self._socket = sock

    def _wait(self, *, writing: bool = False, until: float | None = None) -> None:
        exchange = current.get()
        while True:
            seconds = exchange.left()
            if until is not None:
                seconds = min(seconds, until - time.monotonic())
                if seconds <= 0:
                    raise httpcore.ConnectTimeout
            events = select.poll()
            events.register(self._socket, select.POLLOUT if writing else select.POLLIN)
            if events.poll(seconds * 1000):
                return

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                return self._socket.recv(max_bytes)
            except ssl.SSLWantWriteError:
                self._wait(writing=True)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait()
            except OSError as error:
                raise httpcore.ReadError(type(error).__name__) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = current.get()
        rest = memoryview(buffer)
        while rest:
            exchange.left()
            try:
                sent = self._socket.send(rest)
            except ssl.SSLWantReadError:
                self._wait()
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(writing=True)
            except OSError as error:
                raise httpcore.WriteError(type(error).__name__) from error
            else:
                exchange.is_sent = True
                rest = rest[sent:]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + CONNECT_SECONDS
        try:
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname, do_handshake_on_connect=False)
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(type(error).__name__) from error
        stream = Stream(secured)
        with contextlib.ExitStack() as undo:
            undo.callback(stream.close)
            stream._handshake(secured, until)
            undo.pop_all()
        return stream

    def _handshake(self, secured: ssl.SSLSocket, until: float) -> None:
        while True:
            try:
                secured.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._wait(until=until)
            except ssl.SSLWantWriteError:
                self._wait(writing=True, until=until)
            except ssl.SSLCertVerificationError as error:
                raise CertificateWrong(error.verify_message) from error
            except OSError as error:
                raise httpcore.ConnectError(type(error).__name__) from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # the pool asks whether an idle connection was closed at the other end
            events = select.poll()
            events.register(self._socket, select.POLLIN)
            return bool(events.poll(0))
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "server_addr":
            return self._socket.getpeername()
        return None


class CertificateWrong(Exception):
    """The other side's certificate is not to be trusted for this name."""


class Dialler(httpcore.NetworkBackend):
    """Connects to checked addresses only. ``is_listed``: the hosts of this pool are those that the operator named."""

    def __init__(self, *, is_listed: bool) -> None:
        self.is_listed = is_listed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        exchange = current.get()
        until = min(exchange.ends, time.monotonic() + CONNECT_SECONDS)
        exchange.left()
        addresses = addresses_of(host, port, is_listed=self.is_listed, wait_seconds=max(0.0, until - time.monotonic()))
        failure: Exception | None = None
        for number, address in enumerate(addresses):
            now = time.monotonic()
            share = now + (until - now) / (len(addresses) - number)  # one that swallows packets leaves time for the next
            try:
                return self._connect(address, port, share)
            except (OSError, httpcore.ConnectTimeout) as error:
                failure = error
        raise httpcore.ConnectError(type(failure).__name__) from failure

    def _connect(self, address: str, port: int, until: float) -> Stream:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.ExitStack() as undo:
            undo.callback(sock.close)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a model may think for minutes without a byte
            if hasattr(socket, "TCP_KEEPIDLE"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS)
            stream = Stream(sock)
            try:
                sock.connect((address, port))
            except BlockingIOError:
                stream._wait(writing=True, until=until)
                refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if refused:
                    raise OSError(refused, "no connection") from None
            undo.pop_all()
        return stream
