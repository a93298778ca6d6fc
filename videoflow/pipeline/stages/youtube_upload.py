"""Publishing: hand the finished video to a target. The folder is one; its shape is every target's."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from videoflow.errors import BadInput
from videoflow.pipeline.metadata import chapters_read, description_make, tags_make, text_normal, title_make
from videoflow.pipeline.models import Project, Publication, Video
from videoflow.pipeline.publishing import CATEGORIES, CATEGORY_USUAL, PLAYLIST_LIMIT, PublishChoice, preflight, publish_metadata
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.thumbnails import DRAWN, PLACES, TEXT_LIMIT, ThumbnailChoice, base_known, thumbnail_bytes
from videoflow.providers.base import Chapter, Publisher, PublishRequest
from videoflow.providers.folder import FolderPublisher


class ThumbnailInput(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    base: str = Field(default=DRAWN, max_length=40, description="`drawn`, `frame-1` to `frame-3`, or a brought picture's id.")
    text: str = Field(default="", max_length=TEXT_LIMIT, description="Words on the picture.")
    place: str = Field(default="bottom-left", pattern=f"^({'|'.join(PLACES)})$")
    colour: str = Field(default="#ffffff", pattern="^#[0-9a-fA-F]{6}$")


class PublishInput(StageInput):
    target: Literal["folder", "youtube"] = "folder"
    title: str = Field(default="", description="Empty: the script's title.")
    description: str = Field(default="", description="Empty: made from chapters, sources and credits.")
    tags: list[str] | None = Field(default=None, max_length=100, description="Empty: the script's keywords.")
    privacy: Literal["private", "unlisted", "public"] = "private"
    publish_at: AwareDatetime | None = Field(default=None, description="When a private video becomes public by itself.")
    audience: Literal["", "general", "kids"] = Field(default="", description="Whether it is made for kids; YouTube insists.")
    playlist: str = Field(default="", max_length=PLAYLIST_LIMIT)
    category: str = Field(default=CATEGORY_USUAL, pattern=f"^({'|'.join(CATEGORIES)})$", description="YouTube's number of it.")
    language: str = Field(default="", max_length=16, description="Empty: the project's.")
    licence: Literal["youtube", "creativeCommon"] = "youtube"
    contains_synthetic_media: bool = Field(default=True, description="Discloses altered or synthetic content.")
    notify_subscribers: bool = True
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
        thumbnail=ThumbnailChoice(**options.thumbnail.model_dump()),
    )


def ready(project: Project, options: PublishInput) -> None:
    """Refuse what a target would refuse, while the user still stands at the form."""
    video = _video(project)
    checks = preflight(video, _choice(project, video, options), target=options.target)
    blocking = [check for check in checks if check.severity == "block"]
    if blocking and blocking[0].name == "quality":
        raise BadInput(blocking[0].sentence, code="QUALITY_BLOCKS")
    if options.target == "youtube":
        raise BadInput(
            "Publishing to YouTube is not built yet. Publish to a folder and upload from there.",
            code="TARGET_NOT_AVAILABLE",
            details={"target": "not available yet"},
        )
    if blocking:
        raise BadInput(blocking[0].sentence, details={check.field: check.sentence for check in blocking})
    if not base_known(project, options.thumbnail.base):
        raise BadInput("The picture chosen for the thumbnail is not there any more.", details={"thumbnail": "unknown"})


def publisher_make(target: str) -> Publisher:
    """Return the publisher of a target."""
    makers = {"folder": lambda: FolderPublisher(settings.VIDEOFLOW_DATA / "exports")}
    return cast(Publisher, makers[target]())


def _thumbnail(context: StageContext, video: Video, choice: ThumbnailChoice) -> Path:
    if choice == ThumbnailChoice():
        return asset_path(video.thumbnail)
    made = context.work_dir / "thumbnail.jpg"
    made.write_bytes(thumbnail_bytes(video, choice))
    return made


def run(context: StageContext) -> StageOutput:
    options: PublishInput = context.input
    video = _video(context.project)
    choice = _choice(context.project, video, options)
    chosen = publish_metadata(choice)
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
    publisher = publisher_make(options.target)
    published = publisher.publish(
        request, report=lambda share, message: context.report(share, message), cancelled=context.cancelled
    )

    def save() -> dict[str, Any]:
        publication = Publication.objects.create(
            video=video,
            task=context.task,
            target=options.target,
            state=Publication.State.PUBLISHED,
            location=published.location,
            files=list(published.files),
            metadata={"title": request.title, "description": request.description, "tags": list(request.tags), **chosen},
        )
        return {"publication_id": publication.pk, "location": published.location, "files": list(published.files)}

    return StageOutput(f"Exported to {published.location}", save)


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
