"""What every live source is asked for and gives: the same table of rows as a file, read a moment ago."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol

from videoflow.providers.base import CancelCheck, Report
from videoflow.providers.embedded_trends import TrendTable
from videoflow.providers.net import ServiceBroken
from videoflow.providers.services import service_label
from videoflow.providers.youtube.quota import Bucket
from videoflow.sentences import Sentence

WINDOW_DAYS: Mapping[str, int] = {"weekly": 7, "monthly": 30}
COUNT_MOST = 10**15
DEADLINE_SECONDS = 30.0


LIVE_SOURCES = ("youtube", "google_trends", "wikimedia", "hackernews", "rss")
"""Keys of the catalogue of services, as they are offered."""
FEEDS_SOURCE = "rss"
"""The one that asks the addresses a creator gives."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A count of a video that was taken on a day before."""

    video_id: str
    day: str
    views: int
    likes: int
    comments: int


@dataclass(frozen=True, slots=True)
class LiveWish:
    """What is wanted of a source at a moment (aware); ``spend`` books quota before a call."""

    window: Literal["weekly", "monthly"]
    now: datetime
    folder: Path
    """Scratch space for what is fetched."""
    region: str = "US"
    language: str = "en"
    categories: Sequence[str] = ()
    feeds: Sequence[str] = ()
    spend: Callable[[Bucket, int], None] = lambda bucket, cost: None
    snapshots: Callable[[Sequence[str]], Sequence[Snapshot]] = lambda video_ids: ()
    report: Report = lambda share, message: None
    cancelled: CancelCheck = lambda: False

    @property
    def today(self) -> date:
        """The day in UTC."""
        return self.now.astimezone(UTC).date()

    @property
    def days(self) -> int:
        return WINDOW_DAYS[self.window]


class LiveTrends(Protocol):
    def table(self, wish: LiveWish) -> TrendTable:
        """Return what the source lists.

        Raises:
            BadInput: what is wanted makes no sense there, or it lists nothing.
            ServiceError: it could not be asked, or its answer is none.
        """
        ...


def no_answer(service: str, what: str) -> NoReturn:
    """Refuse an answer that lacks what it must have."""
    raise ServiceBroken(
        Sentence("%(label)s answered without %(what)s.", label=service_label(service), what=what),
        service=service,
        status=200,
        reason="no_answer",
    )


def objects(value: Any, service: str, what: str) -> list[dict[str, Any]]:
    """Return the objects of a list; an answer without the list is refused."""
    if not isinstance(value, list):
        no_answer(service, what)
    return [entry for entry in value if isinstance(entry, dict)]


def text_of(value: Any, most: int = 300) -> str:
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


def count_of(value: Any) -> int:
    """Return a count that is a number or digits; 0 for anything else."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return 0
    if isinstance(value, int | float):
        return int(value) if 0 <= value <= COUNT_MOST else 0
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15 else 0
