"""Captions in other languages, as their creator brought them: SRT or WebVTT files that go to YouTube beside the video's own."""

import re
import shutil
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from videoflow.errors import BadInput
from videoflow.pipeline.models import Asset, Project, Video
from videoflow.pipeline.publishing import LANGUAGES
from videoflow.pipeline.store import file_store, room_check, work_dir

LIMIT_BYTES = 1_000_000
"""Of a file; an hour's captions have about 100 kB."""
_CUE = re.compile(r"^\s*(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})\s+-->\s+(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})", re.MULTILINE)


def caption_tracks(project: Project) -> dict[str, Asset]:
    """Return the brought captions by language, in the order of the languages' codes; ``alt`` of each holds its language."""
    rows = project.assets.filter(kind=Asset.Kind.CAPTIONS, origin=Asset.UPLOAD).exclude(alt=project.language)
    return {row.alt: row for row in rows.order_by("alt")}


def caption_track_put(*, project: Project, video: Video, language: str, name: str, content: bytes) -> Asset:
    """Keep captions of a language, in the place of those that it had.

    Raises:
        BadInput: no such language, the video's own, or no captions of this video.
        DiskFull: there is no room.
    """
    if language not in LANGUAGES:
        raise BadInput(_("Choose the language of the captions."))
    if language == project.language:
        raise BadInput(_("The video's own captions are in this language already; they go along by themselves."))
    text = _checked(name[:80], content, video.seconds)
    room_check(len(text))
    folder = work_dir(f"captions-{uuid4().hex}")
    try:
        file = folder / ("captions.vtt" if text.startswith("WEBVTT") else "captions.srt")
        file.write_text(text, encoding="utf-8", newline="\n")
        stored = file_store(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with transaction.atomic():
        caption_track_drop(project=project, language=language)
        return Asset.objects.create(
            project=project,
            kind=Asset.Kind.CAPTIONS,
            origin=Asset.UPLOAD,
            name=name[:200],
            alt=language,
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
        )


def caption_track_drop(*, project: Project, language: str) -> None:
    """Take the captions of a language away; the housekeeping deletes the file."""
    project.assets.filter(kind=Asset.Kind.CAPTIONS, origin=Asset.UPLOAD, alt=language).delete()


def _checked(name: str, content: bytes, seconds: float) -> str:
    """Return the text of captions; YouTube would refuse others only after the video is there."""
    if len(content) > LIMIT_BYTES:
        raise BadInput(_("“%(name)s” is larger than 1 MB, so it holds more than captions.") % {"name": name})
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"
    except UnicodeDecodeError:
        raise BadInput(_("“%(name)s” is not in UTF-8. Save it in that encoding and bring it again.") % {"name": name}) from None
    cues = [(_seconds(cue.groups()[:4]), _seconds(cue.groups()[4:])) for cue in _CUE.finditer(text)]
    if not cues:
        sentence = _("“%(name)s” holds no captions with times. Bring an SRT or WebVTT file.")
        raise BadInput(sentence % {"name": name})
    if any(end <= begin for begin, end in cues):
        raise BadInput(_("In “%(name)s” a caption ends before it begins.") % {"name": name})
    if max(begin for begin, _end in cues) >= seconds:
        sentence = _("“%(name)s” goes on after the video's end, so it belongs to another one.")
        raise BadInput(sentence % {"name": name})
    return text


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
