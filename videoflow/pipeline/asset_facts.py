"""What the embedded providers made, as facts of an asset."""

from typing import Any

from videoflow.pipeline.models import Asset
from videoflow.providers.base import MusicBed, Picture
from videoflow.render import peaks_read

ALT_LIMIT = 500
"""Letters that a description of a picture may have."""


def picture_facts(picture: Picture) -> dict[str, Any]:
    return {
        "kind": picture.kind,
        "origin": picture.provider,
        "model": picture.model,
        "licence": picture.licence,
        "credit": picture.credit,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "seconds": picture.seconds,
        "alt": picture.alt[:ALT_LIMIT],
    }


def music_facts(bed: MusicBed) -> dict[str, Any]:
    """Return them with the shape of the sound, for which the file is read once."""
    return {
        "kind": Asset.Kind.MUSIC,
        "origin": bed.provider,
        "model": bed.model,
        "licence": bed.licence,
        "credit": bed.credit,
        "name": f"{bed.title}.wav"[:200],
        "seconds": bed.seconds,
        "alt": f"Music bed, {bed.mood}",
        "mood": bed.mood,
        "peaks": peaks_read(bed.path),
    }
