"""Every kind of key the studio keeps in Redis: who owns it, how long it lives, what is lost when it goes.

The same table stands in ``docs/operations.md``. Nothing in Redis is the only copy of anything: the rows are the truth.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from videoflow.sessions.state_cache import TTL_SECONDS

if TYPE_CHECKING:
    from redis import Redis

OUR_PREFIX = "videoflow:"
_BATCH = 500
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key; ``ttl_seconds`` is the longest life it may have, None when it has no end of its own."""

    name: str
    pattern: re.Pattern[str]
    owner: str
    ttl_seconds: int | None
    loss: str


KINDS = (
    Kind(
        "rate",
        re.compile(r"videoflow:rate:.+"),
        "videoflow.api.limits",
        120,
        "A minute's counts; each process counts by itself meanwhile.",
    ),
    Kind(
        "states",
        re.compile(r"videoflow:1:state:[0-9a-f-]{36}:[a-z_]+"),
        "videoflow.sessions.state_cache, through Django's cache (django-redis)",
        TTL_SECONDS,
        "Nothing: states are read from their rows again.",
    ),
    Kind(
        "wake-ups",
        re.compile(r"videoflow:(io|cpu|upload)(\x06\x16\d+)?"),
        "videoflow.tasks.wakeup, through Celery",
        None,
        "Hints only; the dispatcher sends them again within a minute. Emptied by the workers as they read.",
    ),
    Kind(
        "wake-ups in hand",
        re.compile(r"videoflow:unacked(_index|_mutex)?"),
        "Celery's worker",
        None,
        "Nothing: the row of the task is claimed by then. Emptied when the worker has heard them.",
    ),
    Kind(
        "bindings",
        re.compile(r"videoflow:_kombu\.binding(_permanent)?\.(io|cpu|upload)"),
        "Celery's broker (kombu)",
        None,
        "Nothing: made again by the next process that connects. One or two small keys a queue.",
    ),
)


@dataclass(slots=True)
class KindFigures:
    """What a kind holds now."""

    keys: int = 0
    size_bytes: int = 0
    eternal: int = 0
    """Keys without an end of their own."""
    longest_ttl_seconds: int = 0
    overlong: list[str] = field(default_factory=list)
    """The first keys that break the promise of the table."""


@dataclass(slots=True)
class Report:
    kinds: dict[str, KindFigures] = field(default_factory=lambda: {kind.name: KindFigures() for kind in KINDS})
    unknown: list[str] = field(default_factory=list)
    """The first keys under our prefix that no line of the table covers."""
    unknown_count: int = 0
    foreign: list[str] = field(default_factory=list)
    """The first keys of others, when the Redis is shared."""
    foreign_count: int = 0

    @property
    def is_well(self) -> bool:
        return not self.unknown_count and not any(figures.overlong for figures in self.kinds.values())


def kind_of(key: str) -> Kind | None:
    """Return the line of the table that covers a key."""
    return next((kind for kind in KINDS if kind.pattern.fullmatch(key)), None)


def redis_read(client: "Redis") -> Report:
    """Look at every key once, in batches; keys that go meanwhile are left out.

    Raises:
        RedisError: Redis does not answer.
    """
    report = Report()
    for keys in _batches(client):
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=5)
            pipeline.ttl(key)
        answers = pipeline.execute()
        for key, size_bytes, ttl in zip(keys, answers[::2], answers[1::2], strict=True):
            if ttl != -2 and size_bytes is not None:
                _count(report, key.decode("utf-8", "backslashreplace"), size_bytes, ttl)
    return report


def _batches(client: "Redis") -> Iterator[list[bytes]]:
    seen: set[bytes] = set()  # SCAN may name a key twice
    batch: list[bytes] = []
    for key in client.scan_iter(count=_BATCH):
        if key in seen:
            continue
        seen.add(key)
        batch.append(key)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(report: Report, key: str, size_bytes: int, ttl: int) -> None:
    kind = kind_of(key)
    if kind is None:
        if key.startswith(OUR_PREFIX):
            report.unknown_count += 1
            report.unknown += [key] * (len(report.unknown) < _NAMED)
        else:
            report.foreign_count += 1
            report.foreign += [key] * (len(report.foreign) < _NAMED)
        return
    figures = report.kinds[kind.name]
    figures.keys += 1
    figures.size_bytes += size_bytes
    figures.eternal += ttl == -1
    figures.longest_ttl_seconds = max(figures.longest_ttl_seconds, ttl)
    if kind.ttl_seconds is not None and not 0 <= ttl <= kind.ttl_seconds and len(figures.overlong) < _NAMED:
        figures.overlong.append(key)
