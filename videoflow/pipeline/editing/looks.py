"""What a creator chooses for the whole video: captions, music, shape; every act is one step that can be undone."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.models import Asset, Project
from videoflow.render import CaptionStyle, caption_style_check
from videoflow.sentences import Sentence

MUSIC_LEVELS_DB = (-40.0, -6.0)
LookPart = Literal["caption", "music", "aspect"]

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_STYLE_FIELDS = {field.name for field in fields(CaptionStyle)}


class StaleLook(VideoflowError):
    """Somebody else has chosen something else meanwhile."""

    code = "STALE_REVISION"


def look_revision(project: Project, part: LookPart) -> str:
    """Return what a form sends back to say which state it shows; the same choice is the same revision."""
    return hashlib.sha256(json.dumps(getattr(project, part), sort_keys=True).encode()).hexdigest()[:12]


def caption_change(*, project: Project, values: Mapping[str, Any], revision: str | None = None) -> None:
    """Choose how captions look: fields of ``CaptionStyle``, and ``colours`` as {speaker: #rrggbb}.

    Raises:
        BadInput: such captions cannot be drawn; the details name the field.
        StaleLook: they were changed since ``revision``.
    """
    caption_check(values)

    def change() -> None:
        colours = {**project.caption.get("colours", {}), **values.get("colours", {})}
        project.caption = project.caption | dict(values) | ({"colours": colours} if colours else {})

    _change(project, "caption", Sentence("Change the captions"), change, revision)


def caption_check(values: Mapping[str, Any]) -> None:
    """Refuse captions that cannot be drawn; raises what ``caption_change`` does."""
    unknown = set(values) - _STYLE_FIELDS - {"colours"}
    if unknown:
        raise BadInput(Sentence("Captions have no “%(unknown)s”.", unknown=min(unknown)), details={min(unknown): "unknown"})
    caption_style_check(CaptionStyle(**{name: value for name, value in values.items() if name != "colours"}))
    for speaker, colour in values.get("colours", {}).items():
        if speaker not in ("A", "B") or not _COLOUR.fullmatch(str(colour)):
            raise BadInput(
                "A speaker's colour is written as # and six digits, such as #ffd166.",
                details={f"colour_{str(speaker).lower()}": "no colour"},
            )


def music_change(*, project: Project, values: Mapping[str, Any], revision: str | None = None) -> None:
    """Switch the music on or off (``is_on``), set its level beside the voices (``level_db``), or choose which (``asset_id``).

    Raises:
        BadInput: the level cannot be heard or would cover the voices, or there is no such music in this project.
        StaleLook: it was changed since ``revision``.
    """
    if set(values) - {"is_on", "level_db", "asset_id", "mood"}:
        raise BadInput("Music has no such property.")
    low, high = MUSIC_LEVELS_DB
    if "level_db" in values and not low <= values["level_db"] <= high:  # NaN is refused too
        raise BadInput(
            Sentence("The music's level lies between %(low)s and %(high)s dB.", low=f"{low:.0f}", high=f"{high:.0f}"),
            details={"level_db": "out of range"},
        )
    asset_id = values.get("asset_id")
    if asset_id and not project.assets.filter(pk=asset_id, kind=Asset.Kind.MUSIC).exists():
        raise BadInput("This music is not there any more. Choose another.", details={"asset_id": "unknown"})

    def change() -> None:
        project.music = project.music | dict(values)

    _change(project, "music", Sentence("Change the music"), change, revision)


def aspect_change(*, project: Project, aspect: str) -> None:
    """Choose the video's shape; what was drawn for the old one is cropped to its focus until it is drawn anew.

    Raises:
        BadInput: there is no such shape.
    """
    if aspect not in Project.SIZES:
        raise BadInput(
            Sentence("“%(aspect)s” is not a format. Choose 16:9, 9:16 or 1:1.", aspect=aspect), details={"aspect": "unknown"}
        )

    def change() -> None:
        project.aspect = aspect

    _change(project, "aspect", Sentence("Change the format to %(aspect)s", aspect=aspect), change, None)


def _change(project: Project, part: LookPart, label: str, change: Callable[[], None], revision: str | None) -> None:
    with edit(project, "look", label):  # reads the project anew
        before = look_revision(project, part)
        change()
        if look_revision(project, part) == before:
            return
        if revision is not None and revision != before:
            raise StaleLook("This was changed elsewhere meanwhile. Look at both and keep one.")
        project.save(update_fields=[part])
