"""What all makers of pictures share: sizes, seeds, the book of paid calls, and the second try with milder words."""

import base64
import binascii
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from videoflow.errors import BadInput
from videoflow.providers.net import Patience, ServiceBroken, as_paid, gate_of
from videoflow.providers.paid import CallRefused, PaidCall, Reply, Submitted, request_hash
from videoflow.providers.picturing.found import Made, NoPicture, PictureKind, Shape, Wish
from videoflow.providers.registry import Access
from videoflow.providers.services import service_label
from videoflow.sentences import Sentence

PICTURE_LIMIT_BYTES = 24_000_000
MAKE_SECONDS = 180.0
ANSWER_LIMIT_BYTES = 32_000_000
"""A picture of the largest size as base64, and what stands around it."""
_PURPOSE_WORDS = 8
_LEAST_PICTURE_BYTES = 64
_REFUSED_WORDS = frozenset({"moderation_blocked", "content_policy_violation", "content_filter"})
_SIZES: Mapping[Shape, tuple[int, int]] = {"16:9": (1536, 864), "9:16": (864, 1536), "1:1": (1024, 1024)}
"""Sides that are multiples of 16, which every maker wants."""
_SIDES = range(256, 4097)


class WordsRefused(NoPicture):
    """The service does not draw this, for what it calls its policy; milder words may do."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to a maker. ``facts`` and ``model`` decide the picture; ``run`` asks for another one of the same."""

    said: str
    model: str
    facts: Mapping[str, Any]
    run: int
    is_free: bool = False
    """Made again with the same seed it is the same and costs nothing, so that a lost answer is simply asked for again."""
    units: float = 1.0
    """Pictures, or seconds of a clip: what the price counts."""
    poll_for_seconds: float = 900.0


class PictureMaker(ABC):
    """A service that makes pictures from words; what it is asked for goes through the book of paid calls."""

    name: str
    kinds: tuple[PictureKind, ...] = ("image",)

    def __init__(self, access: Access) -> None:
        self.access = access
        self.label = service_label(self.name)
        self._patience = Patience(gate_of(access.connection))

    def make(self, wish: Wish, *, run: int) -> Made:
        """Return a picture for the wish; where its words are refused, one for its telling words alone is asked for, once."""
        try:
            return self.made(wish, wish.prompt, run)
        except WordsRefused:
            return self.made(wish, mild_prompt(wish), run)

    @abstractmethod
    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        """Return what one request for these words gives."""

    @property
    def model(self) -> str:
        """Return the model.

        Raises:
            BadInput: none is chosen.
        """
        if not self.access.connection.model:
            raise BadInput(
                Sentence("No model is chosen for the pictures of %(label)s. Choose one in the settings.", label=self.label)
            )
        return self.access.connection.model

    def pay(self, job: Job, send: Callable[[str], Reply | Submitted], poll: Callable[[str], Reply | None] | None = None) -> bytes:
        """Return the raw reply to a job; the one that is kept, where it was paid for before. Waits where the service is busy.

        Raises:
            WordsRefused: the service does not draw this.
            ProviderError: as the book of paid calls raises it.
        """
        words = " ".join(job.said.split()[:_PURPOSE_WORDS])
        call = PaidCall(
            provider=self.name,
            model=job.model,
            capability="images",
            purpose=Sentence("picture for “%(words)s…”", words=words),
            request_hash=request_hash(**{**job.facts, "model": job.model}),
            send=as_paid(send),
            poll=poll,
            key_life=timedelta(days=1) if job.is_free else None,
            units=job.units,
            run=job.run,
            poll_for_seconds=job.poll_for_seconds,
        )
        try:
            return self._patience.ask(lambda: self.access.pay(call), self.access.cancelled)
        except CallRefused as error:
            if error.details.get("reason") in _REFUSED_WORDS:
                raise WordsRefused(str(error)) from error
            raise

    def broken(self, what: str) -> ServiceBroken:
        """Return the error for an answer that is none."""
        return ServiceBroken(
            Sentence("%(label)s %(what)s.", label=self.label, what=what), service=self.name, reason="no_picture", retryable=False
        )

    def picture_bytes(self, text: str) -> bytes:
        """Return the picture that base64 text stands for, with or without the ``data:`` in front.

        Raises:
            ServiceBroken: it stands for none.
        """
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not _LEAST_PICTURE_BYTES <= len(content) <= PICTURE_LIMIT_BYTES:
            raise self.broken(Sentence("answered, but there is no picture in the answer"))
        return content


def size_of(shape: Shape, options: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height; ``options["size"]`` (``1536x1024``) comes first, turned where the video stands upright.

    Raises:
        BadInput: the option cannot be read.
    """
    text = str(options.get("size") or "")
    if not text:
        return _SIZES[shape]
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) in _SIDES and int(height) in _SIDES):
        raise BadInput(Sentence("“%(text)s” is no size of a picture; write it as 1536x1024.", text=text[:40]))
    low, high = sorted((int(width), int(height)))
    return (low, high) if shape == "9:16" else (high, low)


def seed_of(prompt: str, run: int) -> int:
    """Return a seed that is the same for the same request, so that asking again gives the same picture."""
    return int.from_bytes(hashlib.sha256(f"{run}/{prompt}".encode()).digest()[:4], "big") >> 1


def mild_prompt(wish: Wish) -> str:
    """Return a prompt of nothing but the scene's telling words, without the sentence."""
    shown = ", ".join(word for word, _ in wish.words[:3]) or wish.queries[-1].text
    return f"A calm, friendly editorial photograph about: {shown}. No people, no letters, no logos."
