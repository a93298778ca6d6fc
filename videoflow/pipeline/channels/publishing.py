"""One video on its way to one channel: uploaded private, looked at until it is processed, then given all that was chosen."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput, VideoflowError, WaitUntil
from videoflow.pipeline.channels.access import channel_lose, quota_left, quota_limits, quota_told, youtube_for
from videoflow.pipeline.channels.captions import Sent, Track, track_put
from videoflow.pipeline.channels.journal import RowJournal, upload_take
from videoflow.pipeline.channels.slots import slot_next, zone_of
from videoflow.pipeline.models import Channel, Publication, Video, YouTubeUpload
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import asset_path
from videoflow.providers.base import ProviderError
from videoflow.providers.youtube.api import CaptionTrack, YouTube
from videoflow.providers.youtube.errors import QuotaSpent, ReconnectNeeded, YouTubeBusy, YouTubeRefused
from videoflow.providers.youtube.metadata import (
    PARTS,
    VideoFacts,
    differences,
    insert_body,
    limits_check,
    moment,
    parts_of,
    stored_of,
    update_body,
)
from videoflow.providers.youtube.quota import publish_cost
from videoflow.providers.youtube.upload import Pace, Transfer, UploadUnsure
from videoflow.sentences import Sentence, sentences_joined

AWAY_WAITS = (timedelta(seconds=20), timedelta(minutes=15))
AWAY_LONGEST = timedelta(days=3)
LONG_WAIT = timedelta(minutes=20)
PROCESSING_LONGEST = timedelta(hours=12)
PROCESSING_WAITS = (timedelta(seconds=15), timedelta(minutes=5))
THUMBNAIL_LIMIT_BYTES = 2_097_152
_PARTS = f"{','.join(PARTS)},processingDetails"
_FAILURES = {
    "conversion": Sentence("could not convert the video"),
    "invalidFile": Sentence("does not know the file's format"),
    "emptyFile": Sentence("found the file empty"),
    "tooSmall": Sentence("found the file too small"),
    "codec": Sentence("does not know the codec"),
    "uploadAborted": Sentence("did not get the whole file"),
    "copyright": Sentence("rejected it: copyright"),
    "duplicate": Sentence("rejected it: the same video is on the channel already"),
    "inappropriate": Sentence("rejected it: inappropriate content"),
    "length": Sentence("rejected it: too long for this channel"),
    "termsOfUse": Sentence("rejected it: against the terms of use"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is published, how it is to be seen, and what goes along."""

    channel: Channel
    video: Video
    facts: VideoFacts
    thumbnail: Path
    captions: tuple[Track, ...] = ()
    playlist: str = ""
    notify: bool = True
    is_repetition: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What is at YouTube now."""

    upload: YouTubeUpload
    facts: VideoFacts
    stored: dict[str, Any]
    differences: list[dict[str, str]]
    refused: dict[str, str]
    """What YouTube did not take, and why: {step: sentence}."""
    captions: Sent
    """The captions that YouTube took."""

    @property
    def address(self) -> str:
        return f"https://youtu.be/{self.upload.remote_id}"


def pace() -> Pace:
    """Return how long an upload waits for what; tests put another in its place."""
    return Pace(chunk_bytes=settings.VIDEOFLOW_YOUTUBE_CHUNK_BYTES)


def youtube_publish(context: StageContext, wanted: Wanted) -> Done:
    """Bring a video to its channel, exactly once, and return what is there.

    Raises:
        WaitUntil: processing, an allowance that is used up, or an outage; everything is kept.
        UploadUnsure, BadInput, ProviderError: a person has to do something.
    """
    limits_check(wanted.facts)
    file = asset_path(wanted.video.file)
    context.fetch([file, *(track.file for track in wanted.captions)])
    _unchanged_check(file, wanted.video)
    upload = upload_take(
        channel=wanted.channel,
        video=wanted.video,
        task=context.task,
        is_repetition=wanted.is_repetition,
        fenced=context.fenced,
    )
    journal = RowJournal(upload, context.fenced)
    youtube = youtube_for(wanted.channel, context.cancelled)
    with _zone_told(wanted.channel), quota_told(), _away_waits(upload), _reconnect_told(wanted.channel):
        if not upload.remote_id:
            _allowance_check(wanted)
            _transfer(context, wanted, youtube, journal, file)
            crash_point("youtube", "uploaded")
        context.report(0.9, "Uploaded; YouTube is processing it")
        _processed(youtube, journal)
        facts = _on_time(wanted.facts, wanted.channel, youtube, journal)
        _extras(context, wanted, youtube, journal)
        context.report(0.97, "Setting visibility and details")
        stored = _settings(youtube, journal, facts)
    found = [asdict(row) for row in differences(facts, stored)]
    refused = {step: sentence for step, sentence in upload.steps.items() if sentence}
    taken = {track.language: track.sha256 for track in wanted.captions if upload.steps.get(_captions_step(track)) == ""}
    return Done(upload, facts, stored, found, refused, taken)


def _unchanged_check(file: Path, video: Video) -> None:
    """Refuse a file that is not what was composed."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as reader:
            while block := reader.read(4 * 1024 * 1024):
                digest.update(block)
    except OSError:
        raise BadInput("The video's file is not there any more. Compose it again.", code="FILE_CHANGED") from None
    if digest.hexdigest() != video.file.sha256:
        raise BadInput("The video's file was changed after it was composed. Compose it again.", code="FILE_CHANGED")


def _allowance_check(wanted: Wanted) -> None:
    """Wait for another day rather than begin what today's allowance cannot end."""
    cost = publish_cost(thumbnail=True, captions=len(wanted.captions), playlist=bool(wanted.playlist))
    left, limits = quota_left(), quota_limits()
    for bucket, units in cost.items():
        if left[bucket] < min(units, limits[bucket]):
            raise QuotaSpent(bucket, now=timezone.now(), is_told=False)


def _transfer(context: StageContext, wanted: Wanted, youtube: YouTube, journal: RowJournal, file: Path) -> None:
    upload = journal.upload
    began, first = time.monotonic(), [-1]

    def report(stored: int) -> None:
        if first[0] < 0:
            first[0] = stored
        rate = (stored - first[0]) / max(0.1, time.monotonic() - began)
        sizes = {"stored": f"{stored / 1e6:.1f}", "size": f"{upload.size_bytes / 1e6:.1f}"}
        context.report(
            0.02 + 0.86 * stored / upload.size_bytes,
            Sentence("Uploading: %(stored)s of %(size)s MB, %(rate)s MB/s", **sizes, rate=f"{rate / 1e6:.2f}"),
        )

    transfer = Transfer(
        youtube,
        journal,
        file=file,
        body=insert_body(wanted.facts, upload.marker),
        marker=upload.marker,
        uploads_playlist=wanted.channel.uploads_playlist,
        notify=wanted.notify,
        pace=pace(),
        report=report,
        cancelled=context.cancelled,
    )
    try:
        transfer.run()
    except UploadUnsure as error:
        journal.state(YouTubeUpload.State.UNSURE)
        error.details["upload_id"] = str(upload.pk)
        raise


@contextmanager
def _zone_told(channel: Channel) -> Iterator[None]:
    """Say when a long wait ends, in the time zone of the channel."""
    try:
        yield
    except WaitUntil as error:
        if error.until - timezone.now() < LONG_WAIT:
            raise
        at = date_format(timezone.localtime(error.until, zone_of(channel)), "j M, H:i")
        message = Sentence("%(reason)s It goes on after %(time)s (%(zone)s).", reason=error, time=at, zone=channel.time_zone)
        raise WaitUntil(message, until=error.until, code=error.code, details=error.details) from error


@contextmanager
def _away_waits(upload: YouTubeUpload) -> Iterator[None]:
    """Wait out an outage, for days if need be: an upload session lives for a week."""
    try:
        yield
    except YouTubeBusy as error:
        now = timezone.now()
        if now - upload.begun_at > AWAY_LONGEST:
            raise
        shortest, longest = AWAY_WAITS
        until = now + min(longest, max(shortest, (now - upload.begun_at) / 4))
        raise WaitUntil(Sentence("%(error)s Everything is kept.", error=error), until=until, code="YOUTUBE_AWAY") from error


@contextmanager
def _reconnect_told(channel: Channel) -> Iterator[None]:
    """Note on the channel that its permission is gone."""
    try:
        yield
    except ReconnectNeeded as error:
        if "channel" in error.details:
            raise
        raise channel_lose(channel) from error


def _processed(youtube: YouTube, journal: RowJournal) -> None:
    """Return once YouTube has processed the video.

    Raises:
        WaitUntil: it has not yet.
        ProviderError: it failed, was rejected, or somebody deleted it.
    """
    upload = journal.upload
    if upload.state in (YouTubeUpload.State.CHECKED, YouTubeUpload.State.DONE):
        return
    video = youtube.video_get(upload.remote_id, "status,processingDetails")
    if video is None:
        _deleted(journal)
    status = video.get("status", {})
    state = status.get("uploadStatus", "")
    if state in ("failed", "rejected", "deleted"):
        reason = str(status.get("failureReason") or status.get("rejectionReason") or "")
        journal.step_done("deleted", Sentence("YouTube %(reason)s", reason=_FAILURES.get(reason, reason or state)))
        journal.state(YouTubeUpload.State.DONE)
        raise ProviderError(
            Sentence(
                "YouTube %(reason)s. It is not published.",
                reason=_FAILURES.get(reason, Sentence("did not take the video (%(reason)s)", reason=reason or state)),
            ),
            code="YOUTUBE_REJECTED",
            details={"reason": reason, "video": upload.remote_id},
        )
    if state != "processed":
        raise _processing_wait(upload, video.get("processingDetails", {}))
    journal.state(YouTubeUpload.State.CHECKED)
    journal.note("processed", Sentence("YouTube has processed the video."))
    crash_point("youtube", "read_back")


def _processing_wait(upload: YouTubeUpload, details: dict[str, Any]) -> VideoflowError:
    now = timezone.now()
    since = now - (upload.uploaded_at or now)
    if since > PROCESSING_LONGEST:
        return ProviderError(
            Sentence(
                "YouTube has not processed the video in %(hours)s hours; it stays private. Retry to look again.",
                hours=f"{PROCESSING_LONGEST.total_seconds() / 3600:.0f}",
            ),
            code="YOUTUBE_PROCESSING",
        )
    progress = details.get("processingProgress") or {}
    shortest, longest = PROCESSING_WAITS
    until = now + min(longest, max(shortest, since / 3))
    message = Sentence("YouTube is processing the video; it stays private until that has been seen.")
    if progress.get("partsTotal"):
        message = Sentence(
            "YouTube is processing the video, %(done)s of %(parts)s parts; it stays private until that has been seen.",
            done=progress.get("partsProcessed"),
            parts=progress.get("partsTotal"),
        )
    return WaitUntil(message, until=until, code="YOUTUBE_PROCESSING")


def _deleted(journal: RowJournal) -> NoReturn:
    journal.step_done("deleted", Sentence("the video is not at YouTube any more"))
    journal.state(YouTubeUpload.State.DONE)
    raise ProviderError(
        "The video is not at YouTube any more: somebody deleted it there. Publish again to upload it anew.", code="VIDEO_DELETED"
    )


def _on_time(facts: VideoFacts, channel: Channel, youtube: YouTube, journal: RowJournal) -> VideoFacts:
    """Return the facts with a time of publication that is still to come, by the channel's rule when it was missed."""
    if facts.publish_at is None or facts.publish_at > youtube.now() + timedelta(minutes=1):
        return facts
    rule, chosen = channel.missed_rule, _missed(channel, youtube.now())
    if rule == Channel.MissedRule.PUBLISH:
        journal.note("missed", Sentence("The time of publication had passed; it is published now."))
        return replace(facts, publish_at=None, privacy="public")
    if rule == Channel.MissedRule.NEXT and chosen is not None:
        journal.note("missed", Sentence("The time of publication had passed; the next slot is %(time)s.", time=moment(chosen)))
        return replace(facts, publish_at=chosen)
    missed: str = Sentence("The time of publication had passed, so the video stays private. Choose another time.")
    journal.step_done("schedule", sentences_joined(missed, _clock_told(youtube.skew)))
    return replace(facts, publish_at=None, privacy="private")


def _clock_told(skew: timedelta) -> str:
    """Say that this machine's clock is wrong, where YouTube's is a minute away from it."""
    minutes = round(abs(skew.total_seconds()) / 60)
    if not minutes:
        return ""
    if skew > timedelta(0):
        return Sentence("The clock of the studio's machine is %(minutes)s minutes slow: set it right.", minutes=minutes)
    return Sentence("The clock of the studio's machine is %(minutes)s minutes fast: set it right.", minutes=minutes)


def _missed(channel: Channel, now: datetime) -> datetime | None:
    taken = Publication.objects.filter(channel=channel, publish_at__gt=now).values_list("publish_at", flat=True)
    return slot_next(channel, after=now + timedelta(minutes=5), taken={at for at in taken if at})


def _captions_step(track: Track) -> str:
    return f"captions {track.language}"


def _extras(context: StageContext, wanted: Wanted, youtube: YouTube, journal: RowJournal) -> None:
    """Thumbnail, captions and playlist: each once, and none of them worth losing the video for."""
    video_id = journal.upload.remote_id

    def playlist() -> None:
        youtube.playlist_add(youtube.playlist_id(wanted.playlist), video_id)

    def thumbnail() -> None:
        picture = wanted.thumbnail.read_bytes()
        if len(picture) > THUMBNAIL_LIMIT_BYTES:
            raise YouTubeRefused("The thumbnail is larger than 2 MB, so YouTube would not take it.", reason="size", status=400)
        youtube.thumbnail_set(video_id, picture)

    @cache
    def there() -> list[CaptionTrack]:
        return youtube.captions_of(video_id)

    def captions(track: Track) -> Callable[[], None]:
        return lambda: track_put(youtube, video_id, track, there())

    steps: dict[str, Callable[[], None]] = {"thumbnail": thumbnail}
    steps |= {_captions_step(track): captions(track) for track in wanted.captions}
    if wanted.playlist:
        steps["playlist"] = playlist
    for name, step in steps.items():
        context.check()
        if name in journal.upload.steps:
            continue
        context.report(0.93, Sentence("Adding %(name)s", name=name))
        try:
            step()
        except YouTubeRefused as error:
            if error.reason == "videoNotFound":
                _deleted(journal)
            journal.step_done(name, str(error))
        else:
            crash_point("youtube", "extra_sent")
            journal.step_done(name)
        crash_point("youtube", "extra_kept")


def _settings(youtube: YouTube, journal: RowJournal, facts: VideoFacts) -> dict[str, Any]:
    """Give the video its visibility and details unless it has them, and return what YouTube has then."""
    video_id = journal.upload.remote_id
    stored = youtube.video_get(video_id, _PARTS)
    if stored is None:
        _deleted(journal)
    if "settings" not in journal.upload.steps or differences(facts, stored):
        body = update_body(video_id, facts, stored)
        crash_point("youtube", "settings_wanted")
        youtube.video_update(body, parts_of(body))
        crash_point("youtube", "settings_sent")
        journal.step_done("settings")
        crash_point("youtube", "settings_kept")
        stored = youtube.video_get(video_id, _PARTS)
    if stored is None:
        _deleted(journal)
    return stored_of(stored)
