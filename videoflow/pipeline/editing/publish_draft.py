"""The uploader's form as its creator left it. Only what differs from the suggestion is kept, so the rest follows the script."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.utils.dateparse import parse_date, parse_datetime

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.editing.parts import PARTS
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.metadata import Section, chapters_put, tags_read, text_normal, title_read
from videoflow.pipeline.models import Asset, Project, Video
from videoflow.pipeline.publishing import LANGUAGES, PublishChoice, suggestion
from videoflow.pipeline.store import file_store, room_check, work_dir
from videoflow.pipeline.thumbnails import (
    SIZE_PX,
    UPLOAD_LIMIT_BYTES,
    ThumbnailChoice,
    picture_shaped,
    thumbnail_pictures,
)
from videoflow.sentences import Sentence

Values = dict[str, Any]
PICTURES_MOST = 8


class StaleDraft(VideoflowError):
    """Somebody else has saved the form meanwhile."""

    code = "STALE_REVISION"


def draft_values(project: Project, video: Video) -> Values:
    """Return every field of the form: the suggestion, and over it what the creator chose."""
    return {**suggestion(project, video), **project.publish_draft}


def draft_save(*, project: Project, video: Video, values: Mapping[str, Any], revision: int | None = None) -> bool:
    """Keep the form's fields, all or some of them, and say whether anything changed; ``project`` is up to date after it.

    A change is one step that can be undone.

    Raises:
        StaleDraft: the form was saved since ``revision``.
    """
    with edit(project, "publish", _label(values)):
        suggested = suggestion(project, video)
        kept = project.publish_draft | dict(values)
        fresh = {name: value for name, value in kept.items() if suggested.get(name) != value}
        if fresh == project.publish_draft:
            return False
        if revision is not None and revision != project.publish_revision:
            raise StaleDraft("This was changed elsewhere meanwhile. Compare, then keep one.")
        PARTS["publish"].write(project, {"publish_draft": fresh})
    return True


def _label(values: Mapping[str, Any]) -> Sentence:
    labels = {
        "title": Sentence("Change the title to publish with"),
        "description": Sentence("Change the description to publish with"),
        "tags": Sentence("Change the tags to publish with"),
    }
    whole = Sentence("Change what to publish with")
    return labels.get(next(iter(values)), whole) if len(values) == 1 else whole


def draft_chapters_put(*, project: Project, video: Video, chapters: Sequence[Section] | None = None) -> bool:
    """Write chapters into the description in the place of those that are there; the video's own, unless others are given."""
    if chapters is None:
        chapters = [Section(start, title) for start, title in video.chapters]
    description = chapters_put(str(draft_values(project, video)["description"]), chapters)
    return draft_save(project=project, video=video, values={"description": description})


def choice_of(values: Mapping[str, Any]) -> PublishChoice:
    """Return what the form's fields choose."""
    return PublishChoice(
        title=title_read(values["title"]),
        description=text_normal(values["description"]).strip(),
        tags=tuple(tags_read(values["tags"])),
        privacy=values["privacy"],
        publish_at=parse_datetime(values["publish_at"]) if values["publish_at"] else None,
        audience=values["audience"],
        playlist=values["playlist"],
        category=values["category"],
        language=values["language"],
        licence=values["licence"],
        contains_synthetic_media=values["synthetic"],
        notify_subscribers=values["notify"],
        is_embeddable=values["embeddable"],
        recorded_on=parse_date(values["recorded_on"]) if values["recorded_on"] else None,
        has_paid_promotion=values["paid"],
        localizations=_localizations(values),
        thumbnail=thumbnail_of(values),
    )


def _localizations(values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return title and description in the languages where somebody wrote one of them."""
    found = {
        code: (title_read(values[f"title_{code}"]), text_normal(values[f"description_{code}"]).strip()) for code in LANGUAGES
    }
    return {code: texts for code, texts in found.items() if any(texts)}


def thumbnail_of(values: Mapping[str, Any]) -> ThumbnailChoice:
    return ThumbnailChoice(values["thumb_base"], values["thumb_text"], values["thumb_position"], values["thumb_colour"])


def input_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the publish stage's input."""
    choice = choice_of(values)
    return {
        "target": values["target"],
        "channel": values["channel"] if values["target"] == "youtube" else "",
        "again": values["again"],
        "title": choice.title,
        "description": choice.description,
        "tags": list(choice.tags),
        "privacy": choice.privacy,
        "publish_at": choice.publish_at.isoformat() if choice.publish_at else None,
        "audience": choice.audience,
        "playlist": choice.playlist,
        "category": choice.category,
        "language": choice.language,
        "licence": choice.licence,
        "contains_synthetic_media": choice.contains_synthetic_media,
        "notify_subscribers": choice.notify_subscribers,
        "embeddable": choice.is_embeddable,
        "recorded_on": choice.recorded_on.isoformat() if choice.recorded_on else None,
        "paid_promotion": choice.has_paid_promotion,
        "localizations": {name: {"title": title, "description": text} for name, (title, text) in choice.localizations.items()},
        "thumbnail": {
            "base": choice.thumbnail.base,
            "text": choice.thumbnail.text,
            "place": choice.thumbnail.place,
            "colour": choice.thumbnail.colour,
        },
    }


def picture_add(*, project: Project, name: str, size_bytes: int, content: Callable[[], bytes]) -> Asset:
    """Keep a picture that the creator brought for the thumbnail, cut to its shape.

    Raises:
        BadInput: it is no picture, too small or too large, or there are eight already.
        DiskFull: there is no room.
    """
    if size_bytes > UPLOAD_LIMIT_BYTES:
        raise BadInput(
            Sentence(
                "“%(name)s” is larger than %(megabytes)s MB. Make the picture smaller.",
                name=name[:80],
                megabytes=UPLOAD_LIMIT_BYTES // 1_000_000,
            )
        )
    if len(thumbnail_pictures(project)) >= PICTURES_MOST:
        raise BadInput(Sentence("There are %(limit)s pictures here already. Pick one of them.", limit=PICTURES_MOST))
    made = picture_shaped(content())
    room_check(len(made))
    folder = work_dir(f"picture-{uuid4().hex}")
    try:
        file = folder / "thumbnail.jpg"
        file.write_bytes(made)
        stored = file_store(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    same = [asset for asset in thumbnail_pictures(project).values() if asset.sha256 == stored.sha256]
    return (
        same[0]
        if same
        else Asset.objects.create(
            project=project,
            kind=Asset.Kind.THUMBNAIL,
            origin=Asset.UPLOAD,
            name=name[:200],
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            width_px=SIZE_PX[0],
            height_px=SIZE_PX[1],
            alt=name[:500],
        )
    )
