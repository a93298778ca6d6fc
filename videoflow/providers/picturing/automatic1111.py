"""A Stable Diffusion server of one's own (AUTOMATIC1111, started with ``--api``).

Source: https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API
"""

import json
from typing import Any

from videoflow.providers.paid import Reply
from videoflow.providers.picturing.found import Made, Wish
from videoflow.providers.picturing.json_reading import at_path
from videoflow.providers.picturing.making import ANSWER_LIMIT_BYTES, Job, PictureMaker, seed_of, size_of
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_STEPS = 25
_DEFAULT_SIZE = "1024x576"
_MAKE_SECONDS = 600.0  # a laptop without a fast graphics card takes minutes
NOT_WANTED = "text, letters, watermark, logo, signature, border, collage, deformed, blurry"


@provider("images", "automatic1111")
class Automatic1111(PictureMaker):
    """Implements ``PictureMaking``. Options: ``size``, ``steps``, ``negative_prompt``; ``model`` is a checkpoint's name."""

    name = "automatic1111"

    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        connection = self.access.connection
        width, height = size_of(wish.shape, {"size": connection.options.get("size") or _DEFAULT_SIZE})
        request: dict[str, Any] = {
            "prompt": prompt,
            "negative_prompt": str(connection.options.get("negative_prompt") or NOT_WANTED),
            "steps": max(1, min(150, int(connection.options.get("steps") or _STEPS))),
            "width": width // 8 * 8,
            "height": height // 8 * 8,
            "seed": seed_of(prompt, run),
            "batch_size": 1,
        }
        if connection.model:
            request |= {"override_settings": {"sd_model_checkpoint": connection.model}}

        def send(key: str) -> Reply:
            answer = self.access.client.request(
                "POST", "/sdapi/v1/txt2img", json=request, deadline_seconds=_MAKE_SECONDS, limit_bytes=ANSWER_LIMIT_BYTES
            )
            return Reply(answer.body, charged_micros=0)

        body = self.pay(Job(wish.said, connection.model, request, run, is_free=True), send)
        try:
            images = at_path(json.loads(body), "images")
        except ValueError:
            raise self.broken(Sentence("answered with something that is not JSON")) from None
        if not (isinstance(images, list) and images and isinstance(images[0], str)):
            raise self.broken(Sentence("answered, but there is no picture in the answer"))
        return Made(self.picture_bytes(images[0]), "image", connection.model or self.label)
