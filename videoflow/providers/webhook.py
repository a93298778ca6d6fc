"""Hand a finished video to a service of the operator's: one signed request with the metadata, then the files, each signed."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from videoflow.errors import Cancelled
from videoflow.providers.base import CancelCheck, ProviderError, Published, PublishRequest, Report
from videoflow.providers.net import Answer, Client, Connection, ServiceError
from videoflow.providers.net.addresses import host_listed
from videoflow.sentences import Sentence

SIGNATURE = "X-Videoflow-Signature"
_PIECE_BYTES = 262_144
_TAKEN = (200, 201, 202, 204)
_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".srt": "application/x-subrip", ".vtt": "text/vtt"}
_ANSWER_SECONDS = 60.0
_SLOWEST_BYTES_PER_SECOND = 50_000
_ANSWER_LIMIT_BYTES = 100_000


def signature_make(secret: str, *, at: int, delivery: str, name: str, sha256: str) -> str:
    """Return ``t=…,v1=…``: the HMAC-SHA256 over the time, the delivery, the part's name and the SHA-256 of its bytes."""
    text = f"{at}.{delivery}.{name}.{sha256}"
    return f"t={at},v1={hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


class WebhookPublisher:
    """Send ``metadata.json`` and the files to one address, with the same delivery id however often it is repeated."""

    name = "webhook"

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.secret = secret

    def publish(self, request: PublishRequest, *, report: Report, cancelled: CancelCheck) -> Published:
        """Send everything; the metadata come first and name each file with its size and SHA-256, the last one ends the delivery.

        Raises:
            ProviderError: the other side does not take it, or does not answer.
            Cancelled: asked to stop.
        """
        delivery = str(request.metadata.get("publication_id", ""))
        files = {
            "video.mp4": request.video,
            "thumbnail.jpg": request.thumbnail,
            "captions.srt": request.srt,
            "captions.vtt": request.vtt,
        }
        facts = {name: (_digest(path), path.stat().st_size) for name, path in files.items()}
        metadata = {
            "title": request.title,
            "description": request.description,
            "tags": list(request.tags),
            "language": request.language,
            "files": {name: {"sha256": digest, "size_bytes": size} for name, (digest, size) in facts.items()},
            **request.metadata,
        }
        body = json.dumps(metadata, ensure_ascii=False).encode()
        report(0.02, "Announcing the video")
        first = self._send(delivery, "metadata.json", "application/json", body, hashlib.sha256(body).hexdigest(), cancelled)
        total, sent = sum(size for _, size in facts.values()), 0
        for name, path in files.items():
            digest, size = facts[name]
            report(0.05 + 0.9 * sent / total, Sentence("Sending %(name)s", name=name))
            self._send(delivery, name, _TYPES[Path(name).suffix], path, digest, cancelled)
            sent += size
        report(1.0, "Delivered")
        return Published(remote_id=_remote_id(first), location=urlsplit(self.base).netloc, files=tuple(files))

    def _send(self, delivery: str, name: str, kind: str, content: bytes | Path, digest: str, cancelled: CancelCheck) -> Answer:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        headers = {
            "Content-Type": kind,
            "Content-Length": str(size),
            "X-Videoflow-Delivery": delivery,
            "X-Videoflow-File": name,
            "X-Videoflow-Content-SHA256": digest,
            SIGNATURE: signature_make(self.secret, at=int(time.time()), delivery=delivery, name=name, sha256=digest),
        }
        client = Client(Connection("webhook", self.base, allowed_hosts=frozenset({host_listed(self.base)})))
        body = content if isinstance(content, bytes) else _pieces(content, cancelled)
        try:
            return client.request(
                "POST",
                self.path,
                content=body,
                headers=headers,
                deadline_seconds=_ANSWER_SECONDS + size / _SLOWEST_BYTES_PER_SECOND,
                limit_bytes=_ANSWER_LIMIT_BYTES,
                accept=_TAKEN,
                cancelled=cancelled,
            )
        except ServiceError as error:
            raise ProviderError(
                Sentence(
                    "The webhook did not take %(name)s (%(reason)s). Look at what receives it, then retry.",
                    name=name,
                    reason=error.status or Sentence("no answer"),
                ),
                code="WEBHOOK_FAILED",
                retryable=error.retryable,
                details={"status": error.status, "file": name},
            ) from error


def _pieces(path: Path, cancelled: CancelCheck) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            if cancelled():
                raise Cancelled("The delivery was cancelled.")
            yield piece


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remote_id(answer: Answer) -> str:
    """Return the id that the other side gave it, where it gave one."""
    try:
        value = json.loads(answer.body) if answer.body else {}
    except ValueError:
        return ""
    found = value.get("id", "") if isinstance(value, dict) else ""
    return str(found)[:80]
