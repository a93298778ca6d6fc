"""Publishing: hand the finished video to a target. The folder is one; its shape is every target's."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from videoflow.errors import BadInput
from videoflow.pipeline.channels.access import channels_of, sign_in
from videoflow.pipeline.channels.after import Change, publication_update
from videoflow.pipeline.channels.captions import tracks_of
from videoflow.pipeline.channels.journal import repetition_check
from videoflow.pipeline.channels.publishing import Wanted, youtube_publish
from videoflow.pipeline.exports import export_keep, exports_folder
from videoflow.pipeline.metadata import chapters_read, description_make, tags_make, text_normal, title_make
from videoflow.pipeline.models import Channel, Project, Publication, Video, YouTubeUpload
from videoflow.pipeline.publishing import (
    CATEGORIES,
    CATEGORY_USUAL,
    PLAYLIST_LIMIT,
    PublishChoice,
    preflight,
    publish_metadata,
)
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.thumbnails import DRAWN, PLACES, TEXT_LIMIT, ThumbnailChoice, base_known, thumbnail_bytes
from videoflow.providers.base import Chapter, Publisher, PublishRequest
from videoflow.providers.folder import FolderPublisher
from videoflow.providers.podcast import PodcastPublisher
from videoflow.providers.webhook import WebhookPublisher
from videoflow.providers.youtube.metadata import VideoFacts
from videoflow.sentences import Sentence
from videoflow.storage.base import media_storage

TEXT_MOST = 20_000
"""Characters; longer than any target takes, so that the list before the start says by how much a text is too long."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
TOLD = {"folder": Sentence("Exported to"), "webhook": Sentence("Handed to"), "podcast": Sentence("In the podcast:")}


class ThumbnailInput(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    base: str = Field(default=DRAWN, max_length=40, description="`drawn`, `frame-1` to `frame-3`, or a brought picture's id.")
    text: str = Field(default="", max_length=TEXT_LIMIT, description="Words on the picture.")
    place: str = Field(default="bottom-left", pattern=f"^({'|'.join(PLACES)})$")
    colour: str = Field(default="#ffffff", pattern="^#[0-9a-fA-F]{6}$")


class LocalizationInput(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(default="", max_length=TEXT_MOST, description="100 characters at most.")
    description: str = Field(default="", max_length=TEXT_MOST, description="5,000 bytes at most.")


class PublishInput(StageInput):
    target: Literal["folder", "youtube", "webhook", "podcast"] = "folder"
    channel: str = Field(default="", max_length=40, description="Id of a connected channel; empty: the only one.")
    again: bool = Field(default=False, description="Publish what is on the channel already once more.")
    update_of: int | None = Field(default=None, description="A publication on YouTube whose details are to be changed.")
    extras: bool = Field(
        default=True, description="With `update_of`: send thumbnail, captions and playlist too, where they were changed."
    )
    title: str = Field(default="", description="Empty: the script's title.")
    description: str = Field(default="", description="Empty: made from chapters, sources and credits.")
    tags: list[str] | None = Field(default=None, max_length=500, description="Empty: the script's keywords.")
    privacy: Literal["private", "unlisted", "public"] = "private"
    publish_at: AwareDatetime | None = Field(default=None, description="When a private video becomes public by itself.")
    audience: Literal["", "general", "kids"] = Field(default="", description="Whether it is made for kids; YouTube insists.")
    playlist: str = Field(default="", max_length=PLAYLIST_LIMIT)
    category: str = Field(default=CATEGORY_USUAL, pattern=f"^({'|'.join(CATEGORIES)})$", description="YouTube's number of it.")
    language: str = Field(default="", max_length=16, description="Empty: the project's.")
    licence: Literal["youtube", "creativeCommon"] = "youtube"
    contains_synthetic_media: bool = Field(default=True, description="Discloses altered or synthetic content.")
    notify_subscribers: bool = True
    embeddable: bool = True
    recorded_on: date | None = Field(default=None, description="The day of recording, as viewers may see it.")
    paid_promotion: bool = Field(default=False, description="Whether it shows paid placement, sponsoring or endorsement.")
    localizations: dict[Language, LocalizationInput] = Field(default_factory=dict, max_length=20, description="By language.")
    thumbnail: ThumbnailInput = Field(default_factory=ThumbnailInput)


def _video(project: Project) -> Video:
    found = project.videos.select_related("file", "thumbnail", "srt", "vtt", "script__task", "project").first()
    if found is None:
        raise StageNotReady("There is no finished video yet. Compose it first.")
    return found


def _choice(project: Project, video: Video, options: PublishInput) -> PublishChoice:
    """Return what was chosen, with what was left open filled from the script."""
    return PublishChoice(
        title=options.title or title_make(video.script),
        description=text_normal(options.description) or description_make(video),
        tags=tuple(tags_make(video.script) if options.tags is None else options.tags),
        privacy=options.privacy,
        publish_at=options.publish_at,
        audience=options.audience,
        playlist=options.playlist,
        category=options.category,
        language=options.language or project.language,
        licence=options.licence,
        contains_synthetic_media=options.contains_synthetic_media,
        notify_subscribers=options.notify_subscribers,
        is_embeddable=options.embeddable,
        recorded_on=options.recorded_on,
        has_paid_promotion=options.paid_promotion,
        localizations={name: (text.title, text.description) for name, text in options.localizations.items()},
        thumbnail=ThumbnailChoice(**options.thumbnail.model_dump()),
    )


def ready(project: Project, options: PublishInput) -> None:
    """Refuse what a target would refuse, while the user still stands at the form."""
    video = _video(project)
    checks = preflight(video, _choice(project, video, options), target=options.target)
    blocking = [check for check in checks if check.severity == "block"]
    if blocking and blocking[0].name == "quality":
        raise BadInput(blocking[0].sentence, code="QUALITY_BLOCKS")
    if blocking:
        raise BadInput(blocking[0].sentence, details={check.field: check.sentence for check in blocking})
    if not base_known(project, options.thumbnail.base):
        raise BadInput("The picture chosen for the thumbnail is not there any more.", details={"thumbnail": "unknown"})
    if options.update_of is not None:
        _published(project, options.update_of)
    elif options.target == "youtube":
        repetition_check(_channel(project, options), video, is_wanted=options.again)
    else:
        publisher_make(options.target, settings.VIDEOFLOW_DATA / "exports")


def _channel(project: Project, options: PublishInput) -> Channel:
    """Return the channel that was chosen, or the only one.

    Raises:
        BadInput: none is connected, none was chosen of several, or its permission is gone.
    """
    sign_in()
    known = list(channels_of(project))
    chosen = [row for row in known if str(row.pk) == options.channel] if options.channel else known
    if not chosen:
        unknown, none = Sentence("That channel is not connected."), Sentence("Connect a YouTube channel under Settings first.")
        raise BadInput(unknown if options.channel else none, code="CHANNEL_MISSING", details={"channel": "not connected"})
    if len(chosen) > 1:
        raise BadInput("Choose the channel.", code="CHANNEL_MISSING", details={"channel": "one of several"})
    if chosen[0].state == Channel.State.LOST:
        raise BadInput(
            Sentence("%(problem)s Connect “%(title)s” again under Settings.", problem=chosen[0].problem, title=chosen[0].title),
            code="CHANNEL_RECONNECT",
            details={"channel": "not connected any more"},
        )
    return chosen[0]


def _published(project: Project, publication_id: int) -> Publication:
    found = (
        Publication.objects.filter(pk=publication_id, video__project=project, target="youtube").select_related("channel").first()
    )
    if found is None or found.state == Publication.State.DELETED:
        raise BadInput("This publication is not on YouTube any more.", details={"update_of": "unknown"})
    return found


def publisher_make(target: str, exports: Path) -> Publisher:
    """Return the publisher of a target; ``exports`` is where one to a folder writes.

    Raises:
        BadInput: the operator has not set it up.
    """
    if target == "webhook":
        if not (settings.VIDEOFLOW_WEBHOOK_URL and settings.VIDEOFLOW_WEBHOOK_SECRET):
            raise BadInput(
                "The webhook is not set up. Set VIDEOFLOW_WEBHOOK_URL and VIDEOFLOW_WEBHOOK_SECRET.", code="TARGET_NOT_AVAILABLE"
            )
        return WebhookPublisher(settings.VIDEOFLOW_WEBHOOK_URL, settings.VIDEOFLOW_WEBHOOK_SECRET)
    return PodcastPublisher(exports) if target == "podcast" else FolderPublisher(exports, is_scratch=media_storage().is_remote)


def _thumbnail(context: StageContext, video: Video, choice: ThumbnailChoice) -> Path:
    if choice == ThumbnailChoice():
        path = asset_path(video.thumbnail)
        context.fetch([path])
        return path
    made = context.work_dir / "thumbnail.jpg"
    made.write_bytes(thumbnail_bytes(video, choice))
    return made


def run(context: StageContext) -> StageOutput:
    options: PublishInput = context.input
    if options.update_of is not None:
        return _update(context, options)
    video = _video(context.project)
    choice = _choice(context.project, video, options)
    if options.target == "youtube":
        return _youtube(context, options, video, choice)
    chosen = publish_metadata(choice)
    context.fetch(asset_path(asset) for asset in (video.file, video.srt, video.vtt))
    request = PublishRequest(
        video=asset_path(video.file),
        thumbnail=_thumbnail(context, video, choice.thumbnail),
        srt=asset_path(video.srt),
        vtt=asset_path(video.vtt),
        title=choice.title,
        description=choice.description,
        chapters=tuple(Chapter(chapter.start, chapter.title) for chapter in chapters_read(choice.description)),
        tags=choice.tags,
        language=choice.language,
        metadata={
            "publication_id": str(context.task.pk),
            "project_id": str(context.project.pk),
            "duration_seconds": round(video.seconds, 3),
            "sha256": video.file.sha256,
            "made_by": {"script": video.script.provider, "speech": "embedded", "pictures": "embedded", "music": "embedded"},
            **chosen,
            "thumbnail": asdict(choice.thumbnail),
            "sources": [{"label": entry["source_label"], "url": entry["url"]} for entry in video.script.evidence],
        },
    )
    publisher = publisher_make(options.target, exports_folder(context))
    published = publisher.publish(
        request, report=lambda share, message: context.report(share, message), cancelled=context.cancelled
    )
    kept = export_keep(context, published) if options.target in ("folder", "podcast") else {}

    def save() -> dict[str, Any]:
        publication = Publication.objects.create(
            video=video,
            task=context.task,
            target=options.target,
            state=Publication.State.PUBLISHED,
            remote_id=published.remote_id[:80],
            location=published.location,
            files=list(published.files),
            metadata={"title": request.title, "description": request.description, "tags": list(request.tags), **chosen, **kept},
        )
        return {"publication_id": publication.pk, "location": published.location, "files": list(published.files)}

    return StageOutput(Sentence("%(told)s %(location)s", told=TOLD[options.target], location=published.location), save)


def _facts(choice: PublishChoice) -> VideoFacts:
    return VideoFacts(
        title=choice.title,
        description=choice.description,
        tags=choice.tags,
        category=choice.category,
        language=choice.language,
        privacy=choice.privacy,
        publish_at=choice.publish_at,
        made_for_kids=choice.audience == "kids",
        contains_synthetic_media=choice.contains_synthetic_media,
        licence=choice.licence,
        is_embeddable=choice.is_embeddable,
        recorded_on=choice.recorded_on,
        has_paid_promotion=choice.has_paid_promotion,
        localizations=choice.localizations,
    )


def _youtube(context: StageContext, options: PublishInput, video: Video, choice: PublishChoice) -> StageOutput:
    channel = _channel(context.project, options)
    wanted = Wanted(
        channel=channel,
        video=video,
        facts=_facts(choice),
        thumbnail=_thumbnail(context, video, choice.thumbnail),
        captions=tracks_of(context.project, video),
        playlist=choice.playlist,
        notify=choice.notify_subscribers,
        is_repetition=options.again,
    )
    done = youtube_publish(context, wanted)
    at = _time_kept(done.facts.publish_at, done.stored)

    def save() -> dict[str, Any]:
        YouTubeUpload.objects.filter(pk=done.upload.pk).update(state=YouTubeUpload.State.DONE)
        publication = Publication.objects.create(
            video=video,
            task=context.task,
            target="youtube",
            state=_state(at),
            location=done.address,
            channel=channel,
            remote_id=done.upload.remote_id,
            publish_at=at,
            stored=done.stored,
            differences=done.differences,
            checked_at=timezone.now(),
            metadata={
                "title": choice.title,
                "description": choice.description,
                "tags": list(choice.tags),
                **publish_metadata(choice),
                "thumbnail": asdict(choice.thumbnail),
                "warnings": list(done.refused.values()),
                "refused": list(done.refused),
                "captions": done.captions,
            },
        )
        return {
            "publication_id": publication.pk,
            "location": done.address,
            "result_url": done.address,
            "remote_id": done.upload.remote_id,
            "differences": done.differences,
            "warnings": list(done.refused.values()),
        }

    return StageOutput(Sentence("On YouTube: %(address)s", address=done.address), save)


def _time_kept(at: datetime | None, stored: Mapping[str, Any]) -> datetime | None:
    """Return the time of publication, where YouTube has one: a video that it locked to private never becomes public by itself."""
    return at if stored["status"].get("publishAt") else None


def _state(at: datetime | None) -> Publication.State:
    return Publication.State.SCHEDULED if at else Publication.State.PUBLISHED


def _update(context: StageContext, options: PublishInput) -> StageOutput:
    """Send the details of a published video to YouTube anew."""
    assert options.update_of is not None
    publication = _published(context.project, options.update_of)
    choice = _choice(context.project, publication.video, options)
    dropped = frozenset(publication.metadata.get("localizations", {})) - set(choice.localizations)
    change = Change(replace(_facts(choice), languages_dropped=dropped))
    if options.extras:
        change = _with_extras(context, publication, choice, change)
    context.report(0.1, "Sending the details to YouTube")
    updated = publication_update(context, publication, change)

    def save() -> dict[str, Any]:
        at = _time_kept(choice.publish_at, updated.stored)
        metadata = {
            "title": choice.title,
            "description": choice.description,
            "tags": list(choice.tags),
            **publish_metadata(choice),
            "thumbnail": asdict(choice.thumbnail),
        }
        if options.extras:
            metadata |= {"warnings": list(updated.refused.values()), "refused": list(updated.refused)}
        Publication.objects.filter(pk=publication.pk).update(
            state=_state(at),
            publish_at=at,
            stored=updated.stored,
            differences=updated.differences,
            checked_at=timezone.now(),
            metadata=publication.metadata | metadata,
        )
        return {
            "publication_id": publication.pk,
            "location": publication.location,
            "differences": updated.differences,
            "warnings": list(updated.refused.values()),
        }

    return StageOutput("YouTube has the new details", save)


def _with_extras(context: StageContext, publication: Publication, choice: PublishChoice, change: Change) -> Change:
    """Add what differs beside the details, and what YouTube refused before."""
    before = publication.metadata
    refused = before.get("refused", [])
    is_picture = "thumbnail" in refused or asdict(choice.thumbnail) != before.get("thumbnail", asdict(ThumbnailChoice()))
    captions = tracks_of(context.project, publication.video)
    context.fetch(track.file for track in captions)
    is_playlist = "playlist" in refused or choice.playlist != before.get("playlist", "")
    return replace(
        change,
        thumbnail=_thumbnail(context, publication.video, choice.thumbnail) if is_picture else None,
        captions=captions,
        playlist=choice.playlist if is_playlist else None,
        playlist_left=before.get("playlist", ""),
    )


STAGE = Stage(
    name="youtube_upload",
    label=_("Publish"),
    order=50,
    queue="upload",
    component="youtube_uploader",
    input_schema=PublishInput,
    ready=ready,
    run=run,
    follows_by_itself=False,
)
