"""Publishing: hand the finished video to a target. The folder is one; its shape is every target's."""

from typing import Any, Literal, cast

from django.conf import settings
from pydantic import Field

from videoflow.errors import BadInput
from videoflow.pipeline.metadata import (
    DESCRIPTION_LIMIT_BYTES,
    TAGS_LIMIT,
    TITLE_LIMIT,
    description_make,
    tags_length,
    tags_make,
    title_make,
)
from videoflow.pipeline.models import Project, Publication, Video
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput
from videoflow.pipeline.store import asset_path
from videoflow.providers.base import Chapter, Publisher, PublishRequest
from videoflow.providers.folder import FolderPublisher


class PublishInput(StageInput):
    target: Literal["folder", "youtube"] = "folder"
    title: str = Field(default="", description="Empty: the script's title.")
    description: str = Field(default="", description="Empty: made from chapters, sources and credits.")
    tags: list[str] | None = Field(default=None, max_length=100, description="Empty: the script's keywords.")


def _video(project: Project) -> Video:
    video = project.videos.select_related("file", "thumbnail", "srt", "vtt", "script").first()
    if video is None:
        raise StageNotReady("There is no finished video yet. Compose it first.")
    if video.quality.get("verdict") == "block":
        reasons = [str(found["message"]) for found in video.quality["findings"] if found["severity"] == "block"]
        raise BadInput(
            f"This video is not published as it is: {' '.join(reasons)} Mend that and compose it again.", code="QUALITY_BLOCKS"
        )
    return video


def ready(project: Project, options: PublishInput) -> None:
    """Refuse what a target would refuse, while the user still stands at the form."""
    _video(project)
    if options.target == "youtube":
        raise BadInput(
            "Publishing to YouTube is not built yet. Publish to a folder and upload from there.",
            code="TARGET_NOT_AVAILABLE",
            details={"target": "not available yet"},
        )
    if len(options.title) > TITLE_LIMIT:
        raise BadInput(
            f"The title has {len(options.title)} characters; {TITLE_LIMIT} are allowed.", details={"title": "too long"}
        )
    if any(sign in options.title + options.description for sign in "<>"):
        raise BadInput("Title and description cannot contain < or >.", details={"title": "contains < or >"})
    size = len(options.description.encode())
    if size > DESCRIPTION_LIMIT_BYTES:
        raise BadInput(
            f"The description has {size:,} bytes; {DESCRIPTION_LIMIT_BYTES:,} are allowed (an emoji counts as four).",
            details={"description": "too long"},
        )
    if options.tags is not None and tags_length(options.tags) > TAGS_LIMIT:
        raise BadInput(
            f"The tags have {tags_length(options.tags)} characters; {TAGS_LIMIT} are allowed.", details={"tags": "too long"}
        )


def publisher_make(target: str) -> Publisher:
    """Return the publisher of a target."""
    makers = {"folder": lambda: FolderPublisher(settings.VIDEOFLOW_DATA / "exports")}
    return cast(Publisher, makers[target]())


def run(context: StageContext) -> StageOutput:
    options: PublishInput = context.input
    video = _video(context.project)
    request = PublishRequest(
        video=asset_path(video.file),
        thumbnail=asset_path(video.thumbnail),
        srt=asset_path(video.srt),
        vtt=asset_path(video.vtt),
        title=options.title or title_make(video.script),
        description=options.description or description_make(video),
        chapters=tuple(Chapter(start, title) for start, title in video.chapters),
        tags=tuple(tags_make(video.script) if options.tags is None else options.tags),
        language=context.project.language,
        metadata={
            "publication_id": str(context.task.pk),
            "project_id": str(context.project.pk),
            "duration_seconds": round(video.seconds, 3),
            "sha256": video.file.sha256,
            "made_by": {"script": video.script.provider, "speech": "embedded", "pictures": "embedded", "music": "embedded"},
            "contains_synthetic_media": True,
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
            metadata={"title": request.title, "description": request.description, "tags": list(request.tags)},
        )
        return {"publication_id": publication.pk, "location": published.location, "files": list(published.files)}

    return StageOutput(f"Exported to {published.location}", save)


STAGE = Stage(
    name="youtube_upload",
    label="Publish",
    order=50,
    queue="upload",
    component="youtube_uploader",
    input_schema=PublishInput,
    ready=ready,
    run=run,
    follows_by_itself=False,
)
