"""Requests to outside services: one deadline for all of it, a cap on bytes, no redirects, no retries, no secrets in errors."""

import contextlib
import hashlib
import io
import json as json_module
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urljoin

import httpx

from videoflow.providers.base import CancelCheck
from videoflow.providers.net.addresses import place_read
from videoflow.providers.net.connection import Connection
from videoflow.providers.net.errors import ServiceBroken, ServiceError, status_error
from videoflow.providers.net.faults import FAULTS, TooLarge, TooSlow, fault_error
from videoflow.providers.net.sockets import Exchange, current
from videoflow.providers.net.transport import transport
from videoflow.providers.services import service_label
from videoflow.sentences import Sentence

SLOWEST_BYTES_PER_SECOND = 500
SLOW_AFTER_SECONDS = 10.0
"""A body may begin slowly; from then on it must have come at the least rate on the whole."""
_ERROR_LIMIT_BYTES = 256_000
_UNPACKED_BYTES = 256_000
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_JSON_TYPES = ("application/json", "text/json")
_DECODERS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_USER_AGENT = "videoflow/1.0 (self-hosted studio{contact})"

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of an accepted status."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    seconds: float
    service: str = ""

    def json(self) -> Any:
        """Return the body's value.

        Raises:
            ServiceBroken: it is not JSON.
        """
        try:
            return json_module.loads(self.body)
        except (ValueError, RecursionError):
            label = service_label(self.service)
            raise ServiceBroken(
                Sentence("%(label)s answered with something that is not JSON.", label=label),
                service=self.service,
                status=self.status,
                reason="not_json",
            ) from None


@dataclass(frozen=True, slots=True)
class Downloaded:
    path: Path
    sha256: str
    size_bytes: int
    content_type: str
    """As the other side says, in small letters without parameters; sniff before you believe it."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of one request, for the health of services. ``outcome``: ``ok`` or the error's code."""

    service: str
    outcome: str
    seconds: float


class Client:
    """Talks to one service over one connection. ``headers`` (the credentials among them) go to its base address only."""

    def __init__(
        self,
        connection: Connection,
        headers: Mapping[str, str] = MappingProxyType({}),
        observe: Callable[[Observed], None] | None = None,
    ) -> None:
        self.connection = connection
        self._label = service_label(connection.service)
        contact = connection.options.get("contact")
        agent = _USER_AGENT.format(contact=f"; {contact}" if contact else "")
        self._plain = {"User-Agent": agent, "Accept-Encoding": "gzip, deflate"}
        self._headers = {**self._plain, **headers}
        self._observe = observe

    def request(
        self,
        method: Method,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: bytes | Iterable[bytes] | None = None,
        files: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_seconds: float = 60.0,
        limit_bytes: int = 8_000_000,
        accept: Collection[int] = (200,),
        cancelled: CancelCheck | None = None,
    ) -> Answer:
        """Return the answer to one request below the base address; redirects are not followed and nothing is tried again.

        Raises:
            ServiceUnreachable: nothing was sent.
            ServiceTimeout: no whole answer in time.
            ServiceBusy, ServiceRefused, ServiceBroken: by the status.
            Cancelled: ``cancelled`` said so.
        """
        url = f"{self.connection.base_url.rstrip('/')}/{path.lstrip('/')}"
        request = httpx.Request(
            method,
            url,
            params={name: value for name, value in (params or {}).items() if value is not None} or None,
            json=json,
            content=content,
            files=files,
            data=data,
            headers={**self._headers, **(headers or {})},
        )
        with self._exchange(deadline_seconds, cancelled) as exchange:
            began = time.monotonic()
            response = self._send(request, is_ours=True)
            with contextlib.closing(response):
                is_good = response.status_code in accept
                gathered = io.BytesIO()  # it gives its bytes away without a copy of them
                for part in self._parts(response, limit_bytes if is_good else _ERROR_LIMIT_BYTES, exchange):
                    gathered.write(part)
                body = gathered.getvalue()
            if not is_good:
                raise self._refusal(response, body)
            self._check_whole(response, has_body=bool(body))
            facts = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, facts, body, time.monotonic() - began, self.connection.service)

    def download(
        self,
        url: str,
        out: Path,
        *,
        limit_bytes: int,
        deadline_seconds: float,
        cancelled: CancelCheck | None = None,
    ) -> Downloaded:
        """Fetch a file from an address that somebody else named into ``out``, without credentials; each redirect is checked anew.

        Raises:
            ServiceUnreachable: the address is not allowed, or nobody is there.
            ServiceTimeout, ServiceBusy, ServiceRefused, ServiceBroken: as ``request``; also larger than ``limit_bytes``.
            Cancelled: ``cancelled`` said so.
        """
        with self._exchange(deadline_seconds, cancelled) as exchange:
            began = time.monotonic()
            for _ in range(_MOST_REDIRECTS + 1):
                response = self._send(httpx.Request("GET", url, headers=self._plain), is_ours=False)
                with contextlib.closing(response):
                    if response.status_code == 200:
                        digest, size = self._write(response, out, limit_bytes, exchange)
                        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
                        return Downloaded(out, digest, size, kind, time.monotonic() - began)
                    if response.status_code not in _REDIRECTS or not response.headers.get("location"):
                        body = b"".join(self._parts(response, _ERROR_LIMIT_BYTES, exchange))
                        raise self._refusal(response, body)
                    url = self._redirected(url, response.headers["location"])
            raise self._broken(Sentence("sent us from one address to the next without end"), "redirect_loop")

    def _redirected(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
        except ValueError:
            raise self._broken(Sentence("sent us to something that is no address"), "redirect") from None
        if url.startswith("https:") and not target.startswith("https:"):
            raise self._broken(Sentence("sent us to an address that is not encrypted"), "redirect")
        return target

    def _write(self, response: httpx.Response, out: Path, limit_bytes: int, exchange: Exchange) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with contextlib.ExitStack() as undo:
            undo.callback(out.unlink, missing_ok=True)
            with out.open("wb") as file:
                for part in self._parts(response, limit_bytes, exchange):
                    file.write(part)
                    digest.update(part)
                    size += len(part)
            self._check_whole(response, has_body=size > 0)
            if not size:
                raise self._broken(Sentence("sent an empty file"), "empty")
            undo.pop_all()
        return digest.hexdigest(), size

    def _send(self, request: httpx.Request, *, is_ours: bool) -> httpx.Response:
        """Send it over the pool that its host belongs to; the body is still to come."""
        place = place_read(str(request.url))
        allowed = self.connection.allowed_hosts
        is_listed = place.listed_as in allowed or (is_ours and place.listed_as == place_read(self.connection.base_url).listed_as)
        return transport(is_listed=is_listed).handle_request(request)

    def _parts(self, response: httpx.Response, limit_bytes: int, exchange: Exchange) -> Iterator[bytes]:
        """Yield the body, decoded here so that a small bomb never becomes large."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        announced = response.headers.get("content-length", "")
        if encoding == "identity" and announced.isdigit() and int(announced) > limit_bytes:
            raise TooLarge
        if encoding not in _DECODERS and encoding not in {"identity", ""}:
            raise self._broken(Sentence("packed its answer in a way that was not asked for"), "encoding")
        decoder = zlib.decompressobj(_DECODERS[encoding]) if encoding in _DECODERS else None
        size, came, began = 0, 0, time.monotonic()
        for raw in response.iter_raw():
            exchange.left()
            came += len(raw)
            passed = time.monotonic() - began
            if passed > SLOW_AFTER_SECONDS and came < passed * SLOWEST_BYTES_PER_SECOND:
                raise TooSlow
            for part in [raw] if decoder is None else _unpacked(decoder, raw):
                size += len(part)
                if size > limit_bytes:
                    raise TooLarge
                yield part
        if decoder is not None and came and not decoder.eof:
            raise zlib.error

    def _check_whole(self, response: httpx.Response, *, has_body: bool) -> None:
        """Refuse a body of which nobody can tell whether it came to its end; JSON says so itself."""
        headers = response.headers
        is_framed = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()
        if has_body and not is_framed and not headers.get("content-type", "").lower().startswith(_JSON_TYPES):
            raise self._broken(
                Sentence("did not say how long its answer is, so nobody knows whether it is whole"), "length_unknown"
            )

    def _refusal(self, response: httpx.Response, body: bytes) -> ServiceError:
        return status_error(
            service=self.connection.service,
            label=self._label,
            status=response.status_code,
            headers=response.headers,
            body=body,
            key=self.connection.key,
        )

    def _broken(self, what: str, reason: str) -> ServiceBroken:
        return ServiceBroken(
            Sentence("%(label)s %(what)s.", label=self._label, what=what), service=self.connection.service, reason=reason
        )

    @contextlib.contextmanager
    def _exchange(self, deadline_seconds: float, cancelled: CancelCheck | None) -> Iterator[Exchange]:
        """Watch over one exchange and say in our words what went wrong with it."""
        began = time.monotonic()
        exchange = Exchange(began + deadline_seconds, cancelled)
        token = current.set(exchange)
        outcome = ""  # a cancel and an error of ours say nothing about the service
        try:
            yield exchange
            outcome = "ok"
        except ServiceError as error:
            outcome = error.code
            raise
        except FAULTS as fault:
            told = fault_error(
                fault,
                service=self.connection.service,
                label=self._label,
                is_sent=exchange.is_sent,
                deadline_seconds=deadline_seconds,
            )
            outcome = told.code
            raise told from None
        finally:
            current.reset(token)
            if outcome and self._observe is not None:
                self._observe(Observed(self.connection.service, outcome, time.monotonic() - began))


def _unpacked(decoder: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """Yield what a piece of a packed body holds, little by little: a small piece may hold hundreds of megabytes."""
    part = b""
    while raw or len(part) == _UNPACKED_BYTES:  # what did not fit is still inside, also when all of the piece was taken
        part = decoder.decompress(raw, _UNPACKED_BYTES)
        raw = decoder.unconsumed_tail
        yield part
