"""Whose work a video shows and plays, as its description says it: authors, licences and where their work is."""

from collections.abc import Iterable, Sequence

from videoflow.pipeline.models import Asset, Video
from videoflow.providers.picturing.licences import PEXELS, PIXABAY
from videoflow.providers.services import EMBEDDED, service_label

_COLLECTIVE = frozenset({PEXELS.name, PIXABAY.name})
"""Licences that ask for the service and the authors, not for an address of each picture."""


def assets_used(video: Video) -> list[Asset]:
    """Return the pictures, clips and the music that are in the video; what was tried and not taken is not."""
    shown = list(video.project.assets.filter(pk__in=video.script.scenes.values("asset")))
    if not video.project.music.get("is_on", True):
        return shown
    beds = list(video.project.assets.filter(kind=Asset.Kind.MUSIC))
    chosen = [bed for bed in beds if str(bed.pk) == video.project.music.get("asset_id")]
    return shown + (chosen or [bed for bed in beds if bed.origin != Asset.UPLOAD])[:1]


def is_others(asset: Asset) -> bool:
    """Say whether a person made it: the creator who brought it, or somebody at whose service it was found."""
    return asset.origin == Asset.UPLOAD or bool(asset.source_key)


def machine_made(video: Video, used: Sequence[Asset]) -> str:
    """Return which parts a machine made, and with which services: ``Voices and some pictures were made by a machine (…).``"""
    pictures = [is_others(asset) for asset in used if asset.kind != Asset.Kind.MUSIC]
    music = [is_others(asset) for asset in used if asset.kind == Asset.Kind.MUSIC]
    parts = ["Voices"]
    if not all(pictures):
        parts.append("some pictures" if any(pictures) else "pictures")
    if music and not all(music):
        parts.append("music")
    what = f"{', '.join(parts[:-1])} and {parts[-1]} were" if len(parts) > 1 else "Voices were"
    origins = {asset.origin for asset in used if not is_others(asset)}
    origins |= set(video.project.assets.filter(kind=Asset.Kind.SPEECH).values_list("origin", flat=True))
    services = sorted(service_label(origin) for origin in origins - {EMBEDDED, Asset.UPLOAD})
    by = f"videoflow with {', '.join(services)}" if services else "videoflow, embedded providers"
    return f"{what} made by a machine ({by})."


def credit_lines(used: Sequence[Asset]) -> list[list[str]]:
    """Return the credits in three lengths, the fullest first; what an address is left out of is still named with its licence."""
    credited = [asset for asset in used if asset.credit]
    own = [asset for asset in credited if asset.licence not in _COLLECTIVE]
    together = _together([asset for asset in credited if asset.licence in _COLLECTIVE])
    has_others = any(asset.source_key for asset in own)
    head = ["Pictures (cropped and set in motion):"] if has_others else []
    return [
        [*together, *head, *_each_once(_line(asset, licence_page=True, page=True) for asset in own)],
        [*together, *head, *_each_once(_line(asset, licence_page=True, page=False) for asset in own)],
        [*together, *head, *_each_once(_line(asset, licence_page=False, page=False) for asset in own)],
    ]


def _each_once(lines: Iterable[str]) -> list[str]:
    return sorted(set(lines))


def _line(asset: Asset, *, licence_page: bool, page: bool) -> str:
    address = asset.licence_url if licence_page and asset.source_key else ""
    terms = " ".join(filter(None, [asset.licence, address]))
    return " ".join(filter(None, [f"– {asset.credit}", f"({terms})" if terms else "", asset.page_url if page else ""]))


def _together(assets: Sequence[Asset]) -> list[str]:
    """Return one line for each licence, with its authors: ``– Photos and clips by Ann, Bob, provided by Pexels (…)``."""
    lines = []
    for licence in sorted({asset.licence for asset in assets}):
        mine = [asset for asset in assets if asset.licence == licence]
        kinds = {asset.kind for asset in mine}
        what = "Photos and clips" if len(kinds) > 1 else "Clips" if Asset.Kind.CLIP in kinds else "Photos"
        authors = ", ".join(sorted({asset.author for asset in mine if asset.author}))
        by = f" by {authors}" if authors else ""
        lines.append(f"– {what}{by}, provided by {service_label(mine[0].origin)} ({licence}, {mine[0].licence_url})")
    return lines
