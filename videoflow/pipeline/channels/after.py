"""After the publication: edits sent back, what YouTube has now, and how the video does."""

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from videoflow.errors import VideoflowError
from videoflow.pipeline.channels.access import channel_lose, quota_told, reads_statistics, token_of, youtube_for
from videoflow.pipeline.channels.captions import Sent, Track, tracks_send, tracks_sent
from videoflow.pipeline.models import Channel, Publication, VideoStatistics
from videoflow.pipeline.stages.base import StageContext
from videoflow.providers.base import ProviderError
from videoflow.providers.youtube.analytics import Retention, retention_read
from videoflow.providers.youtube.api import YouTube
from videoflow.providers.youtube.errors import ReconnectNeeded, YouTubeRefused
from videoflow.providers.youtube.metadata import PARTS, VideoFacts, differences, limits_check, parts_of, stored_of, update_body

POLL_EVERY = (
    (timedelta(days=2), timedelta(hours=1)),
    (timedelta(days=14), timedelta(hours=6)),
    (timedelta(days=365), timedelta(days=1)),
)
"""(age up to, so often): counts move fast at first; a call serves fifty videos."""
KEPT = timedelta(days=30)
"""YouTube's terms let its figures be kept so long without being asked for anew."""
_AT_ONCE = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What a published video is to be; ``None`` for what stays as it is."""

    facts: VideoFacts
    thumbnail: Path | None = None
    captions: tuple[Track, ...] | None = None
    playlist: str | None = None
    """The title of the one that it is to stand in; empty for none."""
    playlist_left: str = ""
    """The one that it stood in before."""


@dataclass(frozen=True, slots=True)
class Updated:
    stored: dict[str, Any]
    differences: list[dict[str, str]]
    refused: dict[str, str]
    """What YouTube did not take beside the details, and why."""


def publication_update(context: StageContext, publication: Publication, change: Change) -> Updated:
    """Send a published video's changes to YouTube and return what it has then.

    Details first; a thumbnail, captions or a playlist that YouTube refuses are a warning each.

    Raises:
        ProviderError: the video is not there any more, or YouTube refuses the change.
        WaitUntil: today's allowance is used up.
    """
    facts = change.facts
    limits_check(facts)
    channel = publication.channel
    if channel is None or channel.state == Channel.State.LOST:
        raise ProviderError("The channel is not connected any more. Connect it again under Settings.", code="CHANNEL_RECONNECT")
    youtube = youtube_for(channel, context.cancelled)
    try:
        with quota_told():
            stored = _stored(youtube, publication)
            if differences(facts, stored):
                body = update_body(publication.remote_id, facts, stored)
                youtube.video_update(body, parts_of(body))
            refused = _extras_update(context, youtube, publication, change)
            stored = _stored(youtube, publication)
    except ReconnectNeeded as error:
        raise channel_lose(channel) from error
    return Updated(stored, [asdict(row) for row in differences(facts, stored)], refused)


def _extras_update(context: StageContext, youtube: YouTube, publication: Publication, change: Change) -> dict[str, str]:
    """Send what goes beside the details and return what YouTube refused of it, and why."""
    video_id, playlist, thumbnail = publication.remote_id, change.playlist, change.thumbnail
    refused: dict[str, str] = {}

    def keep(sent: Sent) -> None:
        publication.metadata = {**publication.metadata, "captions": sent}
        with context.fenced():
            Publication.objects.filter(pk=publication.pk).update(metadata=publication.metadata)

    def send(name: str, step: Callable[[], None]) -> None:
        context.check()
        try:
            step()
        except YouTubeRefused as error:
            if error.reason == "videoNotFound":
                raise _deleted(publication) from error
            refused[name] = str(error)

    def captions(tracks: tuple[Track, ...]) -> None:
        context.report(0.5, "Sending the captions")
        sent = tracks_sent(publication) or {}
        refused.update(tracks_send(youtube, video_id, tracks=tracks, sent=sent, keep=keep))

    if thumbnail is not None:
        send("thumbnail", lambda: youtube.thumbnail_set(video_id, thumbnail.read_bytes()))
    if change.captions is not None:
        tracks = change.captions
        send("captions", lambda: captions(tracks))
    if playlist is not None:
        send("playlist", lambda: _playlist_move(youtube, video_id, change.playlist_left, playlist))
    return refused


def _playlist_move(youtube: YouTube, video_id: str, left: str, entered: str) -> None:
    if entered:
        youtube.playlist_add(youtube.playlist_id(entered), video_id)
    if left and left != entered and (known := youtube.playlist_find(left)):
        youtube.playlist_leave(known, video_id)


def _stored(youtube: YouTube, publication: Publication) -> dict[str, Any]:
    video = youtube.video_get(publication.remote_id, ",".join(PARTS))
    if video is None:
        raise _deleted(publication)
    return stored_of(video)


def _deleted(publication: Publication) -> ProviderError:
    """Note that a published video is gone and return what its owner is told."""
    Publication.objects.filter(pk=publication.pk).update(state=Publication.State.DELETED, checked_at=timezone.now())
    return ProviderError(
        "This video is not at YouTube any more: somebody deleted it there. Publish again to upload it anew.", code="VIDEO_DELETED"
    )


def publications_poll() -> int:
    """Look at published videos whose time has come and return how many; called once an hour."""
    seen = 0
    for channel in Channel.objects.filter(state=Channel.State.CONNECTED):
        due = [row for row in channel.publications.exclude(state=Publication.State.DELETED) if row.remote_id and _is_due(row)]
        for start in range(0, len(due), _AT_ONCE):
            try:
                with quota_told():
                    _poll(channel, due[start : start + _AT_ONCE])
            except ReconnectNeeded:
                channel_lose(channel)
                break
            except VideoflowError as error:
                logger.info("the figures of %s were not fetched: %s", channel.channel_id, error.code)
                break
            seen += len(due[start : start + _AT_ONCE])
    VideoStatistics.objects.filter(fetched_at__lt=timezone.now() - KEPT).delete()
    return seen


class _Aside:
    """The look that is under way, if one is."""

    thread: threading.Thread | None = None


def publications_poll_aside() -> None:
    """Look at published videos in a thread of its own: who asks has other work, and YouTube may take its time."""
    if _Aside.thread is not None and _Aside.thread.is_alive():
        return

    def poll() -> None:
        try:
            publications_poll()
        except DatabaseError:
            logger.exception("published videos could not be looked at")
        finally:
            connection.close()

    _Aside.thread = threading.Thread(target=poll, name="publications", daemon=True)
    _Aside.thread.start()


def _is_due(publication: Publication) -> bool:
    now = timezone.now()
    age = now - publication.created_at
    if publication.publish_at and publication.publish_at > (publication.checked_at or publication.created_at):
        return now >= publication.publish_at or _passed(publication.checked_at, now, timedelta(days=1))
    return any(age <= limit and _passed(publication.checked_at, now, every) for limit, every in POLL_EVERY)


def _passed(since: datetime | None, now: datetime, least: timedelta) -> bool:
    return since is None or now - since >= least


def _retention(channel: Channel, publications: list[Publication]) -> dict[str, Retention]:
    """Return how long viewers stay; nothing where the channel does not allow it or YouTube does not tell."""
    if not reads_statistics(channel):
        return {}
    try:
        return retention_read(
            settings.VIDEOFLOW_YOUTUBE_ANALYTICS_URL,
            token=token_of(channel),
            video_ids=[row.remote_id for row in publications],
            first=min(row.created_at for row in publications).date(),
            last=timezone.now().date(),
        )
    except VideoflowError as error:
        logger.info("how long viewers of %s stay was not told: %s %s", channel.channel_id, error.code, error.details)
        return {}


def _poll(channel: Channel, publications: list[Publication]) -> None:
    found = youtube_for(channel).videos_get([row.remote_id for row in publications], "status,statistics")
    videos = {str(row["id"]): row for row in found}
    stays = _retention(channel, publications)
    now = timezone.now()
    with transaction.atomic():
        for publication in publications:
            video = videos.get(publication.remote_id)
            if video is None:
                Publication.objects.filter(pk=publication.pk).update(state=Publication.State.DELETED, checked_at=now)
                continue
            status, figures = video.get("status", {}), video.get("statistics", {})
            is_open = status.get("privacyStatus") != "private"
            state = Publication.State.PUBLISHED if is_open else publication.state
            stored = {**publication.stored, "status": status}
            Publication.objects.filter(pk=publication.pk).update(checked_at=now, stored=stored, state=state)
            stay = stays.get(publication.remote_id)
            if "viewCount" in figures:
                VideoStatistics.objects.create(
                    publication=publication,
                    views=int(figures["viewCount"]),
                    likes=_number(figures.get("likeCount")),
                    comments=_number(figures.get("commentCount")),
                    watched_seconds=stay.seconds if stay else None,
                    watched_percent=stay.percent if stay else None,
                    fetched_at=now,
                )


def _number(text: object) -> int | None:
    return int(str(text)) if text is not None and str(text).isdecimal() else None
