"""Gemini's pictures. Source: https://ai.google.dev/gemini-api/docs/image-generation"""

import json
from typing import Any

from videoflow.providers.paid import Reply
from videoflow.providers.picturing.found import Made, NoPicture, Wish
from videoflow.providers.picturing.json_reading import objects_read, text_read
from videoflow.providers.picturing.making import ANSWER_LIMIT_BYTES, MAKE_SECONDS, Job, PictureMaker, WordsRefused
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_REFUSALS = frozenset(
    {"IMAGE_SAFETY", "SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "IMAGE_RECITATION"}
)
_SIZES = ("1K", "2K", "4K")


@provider("images", "gemini")
class GeminiImages(PictureMaker):
    """Implements ``PictureMaking``. Options: ``size`` (``1K``, ``2K``, ``4K``). What it makes carries an unseen mark, SynthID."""

    name = "gemini"

    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        size = str(self.access.connection.options.get("size") or "")
        image: dict[str, Any] = {"aspectRatio": wish.shape, **({"imageSize": size} if size in _SIZES else {})}
        request: dict[str, Any] = {
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": image},
        }

        def send(key: str) -> Reply:
            answer = self.access.client.request(
                "POST",
                f"/models/{self.model}:generateContent",
                json=request,
                deadline_seconds=MAKE_SECONDS,
                limit_bytes=ANSWER_LIMIT_BYTES,
            )
            return Reply(answer.body)

        return Made(self._picture(self.pay(Job(wish.said, self.model, request, run), send)), "image", self.model)

    def _picture(self, body: bytes) -> bytes:
        try:
            answer = json.loads(body)
        except ValueError:
            raise self.broken(Sentence("answered with something that is not JSON")) from None
        candidates = objects_read(answer, "candidates")
        for candidate in candidates:
            for part in objects_read(candidate, "content", "parts"):  # text stands before, between and after the picture
                encoded = text_read(part, "inlineData", "data")
                if encoded and text_read(part, "inlineData", "mimeType").startswith("image/") and not part.get("thought"):
                    return self.picture_bytes(encoded)
        reason = text_read(answer, "promptFeedback", "blockReason") or next(
            (text_read(candidate, "finishReason") for candidate in candidates), ""
        )
        why = reason[:60] or Sentence("it gave no reason")
        sentence = Sentence("%(label)s made no picture of this line (%(reason)s).", label=self.label, reason=why)
        raise WordsRefused(sentence) if reason in _REFUSALS else NoPicture(sentence)
