"""OpenAI's pictures. Source: https://platform.openai.com/docs/api-reference/images/create"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from videoflow.providers.paid import Reply
from videoflow.providers.picturing.found import Made, Wish
from videoflow.providers.picturing.json_reading import address_read, objects_read, text_read
from videoflow.providers.picturing.making import ANSWER_LIMIT_BYTES, MAKE_SECONDS, PICTURE_LIMIT_BYTES, Job, PictureMaker, size_of
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_PROMPT_LIMIT = 32_000
_COMPRESSION = 90


@provider("images", "openai")
class OpenAiImages(PictureMaker):
    """Implements ``PictureMaking``. Options: ``size`` (``1536x864``), ``quality`` (``low``, ``medium``, ``high``)."""

    name = "openai"

    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        options = self.access.connection.options
        width, height = size_of(wish.shape, options)
        request: dict[str, Any] = {
            "model": self.model,
            "prompt": prompt[:_PROMPT_LIMIT],
            "n": 1,
            "size": f"{width}x{height}",
            "quality": str(options.get("quality") or "low"),
            "output_format": "jpeg",
            "output_compression": _COMPRESSION,
        }

        def send(key: str) -> Reply:
            answer = self.access.client.request(
                "POST",
                "/images/generations",
                json=request,
                deadline_seconds=MAKE_SECONDS,
                limit_bytes=ANSWER_LIMIT_BYTES,
            )
            return Reply(answer.body)

        body = self.pay(Job(wish.said, self.model, request, run), send)
        return Made(self._picture(body), "image", self.model)

    def _picture(self, body: bytes) -> bytes:
        try:
            answer = json.loads(body)
        except ValueError:
            raise self.broken(Sentence("answered with something that is not JSON")) from None
        row = next(iter(objects_read(answer, "data")), {})
        if encoded := text_read(row, "b64_json"):
            return self.picture_bytes(encoded)
        address = address_read(row, "url")  # other servers of this dialect keep the picture for a while
        if not address:
            raise self.broken(Sentence("answered, but there is no picture in the answer"))
        with TemporaryDirectory() as folder:
            out = Path(folder) / "picture"
            self.access.client.download(
                address,
                out,
                limit_bytes=PICTURE_LIMIT_BYTES,
                deadline_seconds=MAKE_SECONDS,
                cancelled=self.access.cancelled,
            )
            return out.read_bytes()
