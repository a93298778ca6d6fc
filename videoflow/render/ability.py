"""Whether this host codes segments exactly as another one does: one film's segments are joined without being coded again."""

import av

from videoflow.fonts import fonts_version
from videoflow.render.encoder_choice import trials_now
from videoflow.render.plan import RENDER_VERSION
from videoflow.render.presets import HARDWARE_ENCODERS


def part_needs(encoder: str) -> str:
    """Return what a host must have to make segments with an encoder: the same drawing, the same fonts, the same libraries."""
    return f"{RENDER_VERSION} {fonts_version()[:16]} {av.__version__} {encoder}"


def can_make(needs: str) -> bool:
    """Say whether this host has what ``part_needs`` named on another; a hardware encoder is tried, once in a process."""
    encoder = needs.rpartition(" ")[2]
    if needs != part_needs(encoder):
        return False
    codecs = [codec for codec, encoders in HARDWARE_ENCODERS.items() if encoder in encoders]
    return not codecs or any(trial.encoder == encoder and trial.usable for trial in trials_now(codecs[0]))
