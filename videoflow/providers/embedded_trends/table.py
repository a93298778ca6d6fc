"""What was read from a trending file: rows, and why the others were left out."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

SourceKind = Literal["trending_csv", "studio_export", "mapped_table", "rss", "youtube_api", "pageviews", "stories"]
Dating = Literal["counted", "published", "period", "file"]
"""What ``TrendRow.date`` is: the day of the count, the day of publication, the end of an export's period, or the day of the
file itself.
"""


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One video on one day. ``date`` and ``published_at`` are ISO; ``tags_text`` is ``|``-separated; ``summary`` at most 240
    characters.
    """

    video_id: str
    title: str
    channel: str
    category_id: str
    published_at: str
    date: str
    tags_text: str
    views: int
    likes: int
    comments: int
    url: str
    summary: str
    term: str = ""
    """The search term of a trends feed that this row stands for or reports on."""

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(filter(None, (tag.strip().strip('"') for tag in self.tags_text.split("|"))))


@dataclass(frozen=True, slots=True)
class TrendTable:
    """A trending file, read. ``columns`` maps our field to the file's column; ``left_out`` a reason to a number of rows."""

    rows: tuple[TrendRow, ...]
    rows_read: int
    left_out: Mapping[str, int]
    source_kind: SourceKind
    source_label: str
    columns: Mapping[str, str]
    encoding: str
    measure: str
    dating: Dating
    period_start: str = ""
    """First day of an export's period (ISO) when the file tells it."""
    has_views: bool = True


@dataclass(slots=True)
class RowCollector:
    """Gather rows while a file streams by: one row per video and day, the rest counted by reason."""

    rows_read: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    _rows: dict[tuple[str, str], TrendRow] = field(default_factory=dict)
    _made: dict[int, str] = field(default_factory=dict)
    _shared: dict[str, str] = field(default_factory=dict)

    def share(self, text: str) -> str:
        """Return the one copy of a text: titles and tags come back on every day of a video."""
        return self._shared.setdefault(text, text)

    def share_made(self, source: str, make: Callable[[str], str]) -> str:
        """Return what ``make`` makes of a text, made once: a video brings its description along on every day."""
        number = hash(source)  # the text itself, kilobytes of a description, is not kept
        if number not in self._made:
            self._made[number] = self.share(make(source))
        return self._made[number]

    def refuse(self, reason: str) -> None:
        self.left_out[reason] += 1

    def add(self, row: TrendRow) -> None:
        key = (row.video_id, row.date)
        known = self._rows.get(key)
        if known is not None:
            self.left_out["the same video twice on one day (the higher count was kept)"] += 1
            if known.views >= row.views:
                return
        self._rows[key] = row

    def rows(self) -> tuple[TrendRow, ...]:
        return tuple(self._rows.values())


def video_id_made(title: str, channel: str) -> str:
    """Return a stable id for a video whose source gives none."""
    return "t-" + hashlib.sha1(f"{title}\n{channel}".encode()).hexdigest()[:12]
