"""Veo's clips, over Google's long-running operations. Source: https://ai.google.dev/gemini-api/docs/video

An operation is submitted, its name is written down before anything else happens, and it is asked after until it is done; an
attempt that dies in between goes on asking under the same name.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from videoflow.providers.net import ServiceRefused
from videoflow.providers.paid import CallLost, CallRefused, Reply, Submitted
from videoflow.providers.picturing.found import Made, NoPicture, Wish
from videoflow.providers.picturing.json_reading import address_read, objects_read, text_read
from videoflow.providers.picturing.making import Job, PictureMaker, WordsRefused
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_ASK_SECONDS = 60.0
_FETCH_SECONDS = 300.0
_CLIP_LIMIT_BYTES = 60_000_000
_SECONDS_OFFERED = (4, 6, 8)
_POLL_FOR_SECONDS = 1200.0
_NOT_FOUND = 404
_MOVED = frozenset({301, 302, 303, 307, 308})


@provider("images", "veo")
class Veo(PictureMaker):
    """Implements ``PictureMaking``, for clips of 4, 6 or 8 seconds in 16:9 or 9:16."""

    name = "veo"
    kinds = ("clip",)

    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        seconds = next((offered for offered in _SECONDS_OFFERED if offered >= wish.seconds), _SECONDS_OFFERED[-1])
        request: dict[str, Any] = {
            "instances": [{"prompt": prompt}],
            "parameters": {
                "aspectRatio": "9:16" if wish.shape == "9:16" else "16:9",
                "durationSeconds": seconds,
            },
        }

        def send(key: str) -> Submitted:
            path = f"/models/{self.model}:predictLongRunning"
            answer = self.access.client.request("POST", path, json=request, deadline_seconds=_ASK_SECONDS).json()
            name = text_read(answer, "name")
            if "/operations/" not in name:
                raise self.broken(Sentence("took the order, but gave it no name"))
            return Submitted(name)

        job = Job(wish.said, self.model, request, run, units=seconds, poll_for_seconds=_POLL_FOR_SECONDS)
        body = self.pay(job, send, self._poll)
        return Made(self._fetched(json.loads(body)), "clip", self.model)

    def _poll(self, name: str) -> Reply | None:
        """Return the finished operation; None while it works."""
        try:
            operation = self.access.client.request("GET", f"/{name}", deadline_seconds=_ASK_SECONDS).json()
        except ServiceRefused as error:
            if error.status == _NOT_FOUND:
                raise CallLost(Sentence("%(label)s does not know this order any more.", label=self.label)) from error
            raise
        if not isinstance(operation, dict) or operation.get("done") is not True:
            return None
        if isinstance(operation.get("error"), dict):
            told = text_read(operation, "error", "message")[:200]
            raise CallRefused(Sentence("%(label)s could not make this clip. It said: “%(told)s”.", label=self.label, told=told))
        return Reply(json.dumps(operation).encode(), remote_id=name)

    def _fetched(self, operation: Any) -> bytes:
        response = operation.get("response") if isinstance(operation, dict) else None
        samples = objects_read(response, "generateVideoResponse", "generatedSamples")
        address = next((address_read(sample, "video", "uri") for sample in samples), "")
        if not address:
            reasons = response.get("generateVideoResponse", {}) if isinstance(response, dict) else {}
            filtered = reasons.get("raiMediaFilteredReasons") if isinstance(reasons, dict) else None
            if filtered:
                raise WordsRefused(
                    Sentence("%(label)s made no clip of this line, because of its rules about content.", label=self.label)
                )
            raise NoPicture(Sentence("%(label)s finished, but there is no clip in its answer.", label=self.label))
        return self._file(address)

    def _file(self, address: str) -> bytes:
        """Return the clip; the key goes to the service's own address only, and no further where that sends us on."""
        client, base = self.access.client, urlsplit(self.access.connection.base_url)
        parts = urlsplit(address)
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc) and parts.path.startswith(f"{base.path}/"):
            path = f"{parts.path.removeprefix(base.path)}{f'?{parts.query}' if parts.query else ''}"
            answer = client.request(
                "GET",
                path,
                deadline_seconds=_FETCH_SECONDS,
                limit_bytes=_CLIP_LIMIT_BYTES,
                accept={200, *_MOVED},
                cancelled=self.access.cancelled,
            )
            if answer.status not in _MOVED:
                return answer.body
            address = address_read(answer.headers, "location")
        with TemporaryDirectory() as folder:
            out = Path(folder) / "clip"
            client.download(
                address, out, limit_bytes=_CLIP_LIMIT_BYTES, deadline_seconds=_FETCH_SECONDS, cancelled=self.access.cancelled
            )
            return out.read_bytes()
