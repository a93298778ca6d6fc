"""Asking a live source of trends for a stage: its quota booked, its answer kept for a while, its counts remembered for growth."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from django.conf import settings
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.channels.access import quota_spend, quota_told
from videoflow.pipeline.connections import Choice, connection_for, owner_of, provider_open
from videoflow.pipeline.models import Project, TrendSnapshot
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import cache_dir
from videoflow.providers.embedded_trends import TrendRow, TrendTable
from videoflow.providers.live_trends import FEEDS_SOURCE, LiveTrends, LiveWish, Snapshot
from videoflow.providers.youtube.quota import Bucket

FRESH = {
    "youtube": timedelta(hours=6),
    "google_trends": timedelta(hours=1),
    "wikimedia": timedelta(hours=6),
    "hackernews": timedelta(hours=1),
    "rss": timedelta(minutes=15),
}
"""So long an answer is used again instead of asking anew."""
KEPT = timedelta(days=30)
"""YouTube's terms let its data stand for 30 days without being refreshed; nothing of any source is kept for longer."""
_VERSION = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveQuestion:
    """What is asked of a live source."""

    service: str
    window: Literal["weekly", "monthly"]
    region: str = "US"
    language: str = "en"
    categories: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


def question_check(project: Project, question: LiveQuestion) -> None:
    """Refuse at the form what could not be asked.

    Raises:
        BadInput: the key is missing, or a country or a feed.
    """
    if question.service == FEEDS_SOURCE and not question.feeds:
        raise BadInput("Give the address of at least one feed.", code="FEEDS_MISSING", details={"feeds": "missing"})
    connection_for(owner=owner_of(project), service=question.service, capability="trends")


def live_table(context: StageContext, question: LiveQuestion) -> TrendTable:
    """Return what the source lists, asked now or a short while ago.

    Raises:
        BadInput, ProviderError: as the source refuses.
        QuotaSpent: the day's allowance of the source is used up.
    """
    now = timezone.now()
    file = _kept_file(context.project, question)
    kept = _kept_read(file, now, question.service)
    if kept is not None:
        return kept
    _sweep(now)
    client = _client_of(context.project, question.service)

    def spend(bucket: Bucket, cost: int) -> None:
        quota_spend(bucket, cost, client=client)

    wish = LiveWish(
        window=question.window,
        now=now,
        folder=context.work_dir,
        region=question.region,
        language=question.language,
        categories=question.categories,
        feeds=question.feeds,
        spend=spend,
        snapshots=lambda video_ids: _snapshots(question.service, video_ids, now),
        report=lambda share, message: context.report(0.05 + 0.45 * share, message),
        cancelled=context.cancelled,
    )
    source = cast(
        LiveTrends,
        provider_open(
            context.project, "trends", pay=context.paid_call, cancelled=context.cancelled, choice=Choice(question.service)
        ),
    )
    with quota_told(client=client):
        table = source.table(wish)
    context.check()
    _snapshots_keep(question.service, table, wish.today)
    _kept_write(file, table, now)
    return table


def _client_of(project: Project, service: str) -> str:
    """Return what stands for the API project whose allowance is spent: a hash of the key; empty where there is none."""
    key = connection_for(owner=owner_of(project), service=service, capability="trends").key
    return api_client(key) if key else ""


def api_client(key: str) -> str:
    """Return the hash of a key under which its allowance is counted."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


# Kept answers ------------------------------------------------------------------------------------------------------------


def _kept_file(project: Project, question: LiveQuestion) -> Path:
    """Return where an answer is kept; one to a key of the creator's own is found by the same creator only."""
    facts: dict[str, Any] = {**asdict(question), "client": _client_of(project, question.service), "version": _VERSION}
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return cache_dir("trends") / f"{name}.json"


def _kept_read(file: Path, now: datetime, service: str) -> TrendTable | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if not timedelta(0) <= now - datetime.fromisoformat(kept["fetched_at"]) < FRESH[service]:
            return None
        facts = kept["table"]
        rows = tuple(TrendRow(**row) for row in facts.pop("rows"))
        return TrendTable(rows=rows, **facts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("a kept answer of %s could not be read: %s", service, type(error).__name__)
        return None


def _kept_write(file: Path, table: TrendTable, now: datetime) -> None:
    draft = file.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps({"fetched_at": now.isoformat(), "table": asdict(table)}, ensure_ascii=False), encoding="utf-8")
    draft.replace(file)


def _sweep(now: datetime) -> None:
    """Delete what is older than 30 days."""
    for file in cache_dir("trends").iterdir():
        if file.stat().st_mtime < (now - KEPT).timestamp():
            file.unlink(missing_ok=True)
    TrendSnapshot.objects.filter(day__lt=(now - KEPT).date()).delete()


# Counts of days before ---------------------------------------------------------------------------------------------------


def _snapshots(service: str, video_ids: Sequence[str], now: datetime) -> list[Snapshot]:
    rows = TrendSnapshot.objects.filter(service=service, video_id__in=video_ids, day__gte=(now - KEPT).date())
    return [Snapshot(row.video_id, row.day.isoformat(), row.views, row.likes, row.comments) for row in rows]


def _snapshots_keep(service: str, table: TrendTable, today: date) -> None:
    if table.source_kind != "youtube_api":
        return  # the others give their days themselves
    rows = [
        TrendSnapshot(service=service, video_id=row.video_id, day=today, views=row.views, likes=row.likes, comments=row.comments)
        for row in table.rows
        if row.date == today.isoformat()
    ]
    TrendSnapshot.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["service", "video_id", "day"],
        update_fields=["views", "likes", "comments"],
        batch_size=200,
    )


def shows_derived(service: str) -> bool:
    """Say whether scores and growth of our own making may stand beside a source's figures."""
    return service != "youtube" or bool(settings.VIDEOFLOW_YOUTUBE_DERIVED_METRICS)
