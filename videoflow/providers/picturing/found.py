"""What services of pictures take and give: a wish made from what is said, what a search found, what a generator made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from videoflow.providers.base import CancelCheck, ProviderError
from videoflow.providers.picturing.licences import Licence
from videoflow.providers.registry import Access

PictureKind = Literal["image", "clip"]
Shape = Literal["16:9", "9:16", "1:1"]


class NoPicture(ProviderError):
    """The service has nothing for the words; ``details["queries"]`` has what it was asked."""

    code = "NO_PICTURE"


class PictureUnusable(ProviderError):
    """One picture cannot be shown: blank, black, tiny, damaged, or shown before. The next one may do."""

    code = "PICTURE_UNUSABLE"


@dataclass(frozen=True, slots=True)
class Query:
    """What a service is asked, from narrow to broad."""

    text: str
    is_broad: bool = False
    """Made from the topic of the video, because the line's own words found nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The picture that a scene needs."""

    said: str
    """What is heard while it is on screen."""
    queries: tuple[Query, ...]
    words: tuple[tuple[str, float], ...]
    """Words that the picture should have to do with, each with its weight, the weightiest first."""
    prompt: str
    """The same wish for a service that makes pictures."""
    shape: Shape
    width_px: int
    height_px: int
    """Of the frame that it will fill."""
    seconds: float
    kinds: tuple[PictureKind, ...] = ("image",)
    """What is wanted, the more welcome first."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Found:
    """One picture or clip that a search came up with; nothing of it has been loaded yet."""

    service: str
    source_id: str
    kind: PictureKind
    url: str = field(repr=False)
    """Where the file is; another host's, and not to be trusted."""
    page_url: str
    title: str
    """All that the service says about it: title, description, tags."""
    width_px: int
    height_px: int
    licence: Licence
    name: str = ""
    """What its author calls it, where a licence wants it named."""
    author: str = ""
    alt: str = ""
    """What it shows, for who cannot see it; empty where the service says nothing but words to search by."""
    seconds: float | None = None
    place: int = 0
    """Its place in the service's own order, from 0."""

    @property
    def key(self) -> str:
        """The same picture in every search."""
        return f"{self.service}:{self.kind}:{self.source_id}"


@dataclass(frozen=True, slots=True)
class Made:
    """One picture or clip that a service made for the wish."""

    content: bytes = field(repr=False)
    kind: PictureKind
    model: str
    source_id: str = ""
    credit: str = ""
    licence: str = ""


class PictureSearch(Protocol):
    """A service that has pictures."""

    name: str
    label: str
    kinds: tuple[PictureKind, ...]

    def search(self, query: str, *, kind: PictureKind, wish: Wish) -> tuple[Found, ...]:
        """Return what the service has for these words, in its own order; those of a refused licence too, where it tells them."""
        ...

    def load(self, found: Found, out: Path, *, cancelled: CancelCheck) -> None:
        """Write the file as the service sends it; it is still to be looked at.

        Raises:
            ProviderError: it did not come whole.
        """
        ...


class PictureMaking(Protocol):
    """A service that makes pictures from words."""

    name: str
    label: str
    kinds: tuple[PictureKind, ...]
    access: Access

    def make(self, wish: Wish, *, run: int) -> Made:
        """Return a picture for the wish; ``run`` counts the pictures asked for with the same words, from 1.

        Raises:
            ProviderError: it was refused, or what came is no picture.
        """
        ...


def tried(queries: Sequence[Query]) -> str:
    """Return the queries as one reads them: ``“harbour crane”, “harbour”``."""
    return ", ".join(f"“{query.text}”" for query in queries)
