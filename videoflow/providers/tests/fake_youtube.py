"""YouTube and Google's sign-in on this machine: RFC-true resumable uploads, quota, processing, and faults from a script.

Every request is held against YouTube's own description of its API; what breaks it is kept in ``complaints``, which a test
expects to stay empty.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from videoflow.providers.tests.fake_youtube_api import Api
from videoflow.providers.tests.fake_youtube_world import Session, World
from videoflow.providers.tests.youtube_rules import request_faults

GRANULE = 262_144


class Dropped(Exception):
    """The connection is closed without another word."""


@dataclass
class Refusal(Exception):
    status: int
    reason: str
    message: str = ""
    domain: str = "youtube"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"
    timeout = 20

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET

    @property
    def world(self) -> World:
        return self.server.world

    def _serve(self) -> None:
        address = urlsplit(self.path)
        with world_lock:
            self.world.wire_bytes += len(self.requestline) + len(str(self.headers)) + int(self.headers.get("Content-Length") or 0)
        self.query = parse_qs(address.query, keep_blank_values=True)
        self.operation = _operation(self.command, address.path, self.query, self.headers.get("Content-Range", ""))
        try:
            self._faulty(self.world.fault_take(self.operation), address.path)
        except Dropped:
            self.close_connection = True
            self.connection.close()
            self.world.requests.append((self.operation, self.path, 0))
        except Refusal as refusal:
            self._body()
            entry = {"message": refusal.message or refusal.reason, "domain": refusal.domain, "reason": refusal.reason}
            error = {"code": refusal.status, "message": entry["message"], "errors": [entry]}
            self._answer(refusal.status, {"error": error})

    def _faulty(self, kind: str, path: str) -> None:
        name, _, argument = kind.partition(":")
        if name == "reset":
            raise Dropped
        if name.isdecimal():
            reason = {"500": "internalError", "503": "backendError", "401": "authError"}.get(name, "backendError")
            if name == "401":
                self.world.access_tokens.clear()
            self._body()
            headers = {"Retry-After": argument} if argument else {}
            entry = {"message": reason, "domain": "global", "reason": reason}
            self._answer(int(name), {"error": {"code": int(name), "message": reason, "errors": [entry]}}, headers)
            return
        refusals = {
            "quota": Refusal(403, "quotaExceeded", "You have exceeded your quota.", "youtube.quota"),
            "day": Refusal(
                429,
                "rateLimitExceeded",
                "Quota exceeded for quota metric 'Video Uploads' and limit 'Video Uploads per day'",
                "global",
            ),
            "rate": Refusal(403, "rateLimitExceeded", "Slow down.", "usageLimits"),
            "upload-limit": Refusal(400, "uploadLimitExceeded", "The user has exceeded the number of videos they may upload."),
            "forbidden": Refusal(403, "forbidden"),
        }
        if name in refusals:
            raise refusals[name]
        if name == "html":
            self._body()
            self._send(200, b"<html>Sign in</html>", "text/html")
            return
        if self.operation in ("chunk", "ask"):
            self._session(name, argument)
        elif path in ("/token", "/revoke"):
            self._sign_in(path)
        elif path == "/auth":
            self._consent()
        else:
            self._api(path, name)

    # Resumable upload

    def _session(self, fault: str, argument: str) -> None:
        world = self.world
        session = world.sessions.get(self.query.get("upload_id", [""])[0])
        self._owner()
        if fault in ("expire", "gone") and session and not session.video_id:
            session.is_gone = True
        if session is None or session.is_gone:
            self._body()
            self._send(410 if fault == "gone" else 404, b"Not Found", "text/plain")
            return
        content_range = self.headers.get("Content-Range", "")
        if content_range.startswith("bytes */"):
            self._body()
            if int(content_range.rpartition("/")[2]) != session.total:
                world.complaints.append(f"asked about another size: {content_range}")
        else:
            self._store(session, content_range, fault, argument)
        if fault == "no-range" and not session.video_id:
            session.stored.clear()
        with world_lock:
            is_whole = len(session.stored) == session.total and not session.video_id
            if is_whole:
                world.video_add(session)
        if session.video_id:
            if fault in ("lost", "lost-expire"):
                session.is_gone = fault == "lost-expire"
                raise Dropped
            self._answer(201 if len(session.video_id) % 2 else 200, _shown(world.videos[session.video_id], {"snippet", "status"}))
            return
        headers = {"Range": f"bytes=0-{len(session.stored) - 1}"} if session.stored else {}
        if world.rotate_location:
            headers["Location"] = f"{self.server.address}{self.path}"
        self._send(308, b"", "text/plain", headers)

    def _store(self, session: Session, content_range: str, fault: str, argument: str) -> None:
        """Take the bytes of a chunk as far as they come, and as far as the fault lets them be kept."""
        span, _, total = content_range.removeprefix("bytes ").partition("/")
        start, _, end = span.partition("-")
        length = int(end) - int(start) + 1
        if int(total) != session.total or length != int(self.headers["Content-Length"]):
            self.world.complaints.append(f"wrong range {content_range}")
        if int(end) + 1 != session.total and length % GRANULE:
            self.world.complaints.append(f"{length} bytes are no multiple of 256 KiB")
        if int(start) > len(session.stored) and not session.video_id:
            self.world.complaints.append(f"a gap: {content_range} after {len(session.stored)}")
        keep = length
        if fault == "cut":
            keep = int(length * float(argument))
        elif fault == "short":
            keep = int(length * float(argument)) // GRANULE * GRANULE
        received = b""
        while len(received) < (keep if fault == "cut" else length):
            block = self.rfile.read1(min(65_536, length - len(received)))
            if not block:
                break
            received += block
        with world_lock:
            self.world.body_bytes += len(received)
            if not session.video_id and int(start) <= len(session.stored):
                fresh = received[:keep][len(session.stored) - int(start) :]
                session.stored += fresh
        if fault == "cut" or len(received) < (keep if fault == "cut" else length):
            if len(session.stored) == session.total and not session.video_id:
                self.world.video_add(session)
            raise Dropped

    # Sign-in

    def _consent(self) -> None:
        query = {name: values[0] for name, values in self.query.items()}
        needed = {"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method"}
        self.world.complaints += [f"consent without {name}" for name in sorted(needed - set(query))]
        code = f"4/{secrets.token_urlsafe(30)}"
        self.world.codes[code] = query
        joined = "&" if "?" in query["redirect_uri"] else "?"
        self._send(302, b"", "text/plain", {"Location": f"{query['redirect_uri']}{joined}state={query['state']}&code={code}"})

    def _sign_in(self, path: str) -> None:
        world = self.world
        form = {name: values[0] for name, values in parse_qs(self._body().decode()).items()}
        if path == "/revoke":
            known = world.refresh_tokens.pop(form.get("token", ""), None)
            self._answer(200 if known else 400, {} if known else {"error": "invalid_token"})
            return
        if form.get("client_secret") != "fake-client-secret":
            self._answer(401, {"error": "invalid_client"})
        elif form.get("grant_type") == "refresh_token":
            channel = world.refresh_tokens.get(form.get("refresh_token", ""))
            if channel is None:
                self._answer(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
                return
            token = world.token_make(channel)
            self._answer(200, {"access_token": token, "expires_in": 3599, "scope": world.scope, "token_type": "Bearer"})
        else:
            asked = world.codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if (
                asked is None
                or asked["code_challenge"] != _base64url(digest)
                or asked["redirect_uri"] != form.get("redirect_uri")
            ):
                self._answer(400, {"error": "invalid_grant"})
                return
            refresh = f"1//0{secrets.token_urlsafe(48)}"
            world.refresh_tokens[refresh] = world.channel
            token = world.token_make(world.channel)
            answer = {"access_token": token, "expires_in": 3599, "refresh_token": refresh, "scope": world.scope}
            self._answer(200, {**answer, "token_type": "Bearer"})

    # The API

    def _owner(self) -> str:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.world.access_tokens:
            raise Refusal(401, "authError", "Invalid Credentials", "global")
        return self.world.access_tokens[token]

    def _api(self, path: str, fault: str) -> None:
        channel = self._owner()
        raw = self._body()
        kind = self.headers.get("Content-Type", "")
        body: Any = json.loads(raw) if kind.startswith("application/json") and raw else None
        media = b""
        if kind.startswith("multipart/related"):
            message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
            first, second = message.iter_parts()
            body, media = json.loads(first.get_content()), second.get_content()
        elif path.endswith("thumbnails/set"):
            media = raw
        query = {name: values for name, values in self.query.items() if name != "upload_id"}
        self.world.complaints += [f"{self.command} {path}: {fault}" for fault in request_faults(self.command, path, query, body)]
        status, answer, headers = self.server.api.answer(self.command, path, self.query, body, media, channel, self.headers)
        if fault == "lost":
            raise Dropped
        self._answer(status, answer, headers)

    # Bytes

    def _body(self) -> bytes:
        if getattr(self, "_read", None) is self.path:
            return b""
        self._read = self.path
        left, parts = int(self.headers.get("Content-Length") or 0), []
        while left > 0 and (block := self.rfile.read1(min(65_536, left))):
            parts.append(block)
            left -= len(block)
        return b"".join(parts)

    def _answer(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode() if value is not None else b"", "application/json; charset=UTF-8", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.world.requests.append((self.operation, self.path, status))
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


world_lock = threading.Lock()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _operation(verb: str, path: str, query: dict[str, list[str]], content_range: str) -> str:
    """Return the name under which faults are ordered."""
    if verb == "PUT" and "upload_id" in query:
        return "ask" if content_range.startswith("bytes */") else "chunk"
    if path == "/upload/youtube/v3/videos":
        return "begin"
    names = {"GET": "list", "POST": "insert", "PUT": "update", "DELETE": "delete"}
    return path.rpartition("/")[2] if path in ("/token", "/revoke", "/auth") else f"{path.split('/v3/')[-1]}.{names[verb]}"


def _shown(video: dict[str, Any], parts: set[str]) -> dict[str, Any]:
    return {"kind": "youtube#video", "id": video["id"], **{part: video[part] for part in parts if part in video}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = world
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.api = Api(world, self.address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what many tests are about."""


@contextmanager
def youtube(world: World | None = None) -> Iterator[tuple[World, str]]:
    """Run the fake; yields its world and its address."""
    known = world or World()
    server = _Server(known)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield known, server.address
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
