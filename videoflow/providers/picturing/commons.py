"""Wikimedia Commons: free media of everybody, without a key. Source: https://commons.wikimedia.org/w/api.php?action=help

It asks for a User-Agent that says who is calling, and for one request after the other.
"""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from videoflow.providers.net import ServiceBroken
from videoflow.providers.picturing.found import Found, PictureKind, Wish
from videoflow.providers.picturing.json_reading import address_read, number_read, objects_read, rows_read, text_read
from videoflow.providers.picturing.licences import licence_named
from videoflow.providers.picturing.stock import StockSearch, pages_gather
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_PER_PAGE = 30
_WIDTH_PX = 1920
_TAG = re.compile(r"<[^>]*>")
_TYPES: Mapping[str, PictureKind] = {
    "image/jpeg": "image",
    "image/png": "image",
    "image/webp": "image",
    "image/tiff": "image",
    "video/webm": "clip",
    "video/mp4": "clip",
}
"""Others, drawings with programs in them (SVG) among them, are passed over."""
_FILTERS: Mapping[PictureKind, str] = {"image": "filetype:bitmap", "clip": "filetype:video"}
_TITLE_LIMIT = 300


@provider("images", "commons")
class Commons(StockSearch):
    """Implements ``PictureSearch``; the licence stands with each file."""

    name = "commons"
    label = "Wikimedia Commons"
    kinds = ("image", "clip")

    def search(self, query: str, *, kind: PictureKind, wish: Wish) -> tuple[Found, ...]:
        """Return files in the order in which Commons finds them."""
        params: dict[str, Any] = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrnamespace": "6",
            "gsrsearch": f"{query} {_FILTERS[kind]}",
            "gsrlimit": _PER_PAGE,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|extmetadata",
            "iiurlwidth": _WIDTH_PX if kind == "image" else "",
            "iiextmetadatafilter": "LicenseShortName|Artist|LicenseUrl|ImageDescription|Categories",
        }

        def page(number: int) -> tuple[Iterable[Found], bool]:
            body = self.answer("/api.php", {**params, "gsroffset": (number - 1) * _PER_PAGE})
            if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
                why = text_read(body, "error", "code")[:80] or Sentence("no reason given")
                raise ServiceBroken(
                    Sentence("%(label)s could not search: %(why)s.", label=self.label, why=why), service=self.name, reason="error"
                )
            query_part = body.get("query") if isinstance(body, Mapping) else None
            if query_part is None:  # nothing was found
                return (), False
            rows = sorted(rows_read(query_part, "pages", self.name), key=lambda row: number_read(row, "index"))
            found = [_file(row, (number - 1) * _PER_PAGE + at) for at, row in enumerate(rows)]
            return [each for each in found if each is not None and each.kind == kind], isinstance(body.get("continue"), Mapping)

        return pages_gather(page)


def _file(row: Mapping[str, Any], place: int) -> Found | None:
    info = next(iter(objects_read(row, "imageinfo")), {})
    kind = _TYPES.get(text_read(info, "mime"))
    if kind is None or not text_read(row, "pageid"):
        return None

    def told(name: str) -> str:
        return _plain(text_read(info, "extmetadata", name, "value"))

    name = text_read(row, "title").removeprefix("File:").rpartition(".")[0]
    return Found(
        service=Commons.name,
        source_id=text_read(row, "pageid"),
        kind=kind,
        url=(address_read(info, "thumburl") if kind == "image" else "") or address_read(info, "url"),
        page_url=address_read(info, "descriptionurl"),
        title=f"{name} {told('ImageDescription')} {told('Categories')}"[:_TITLE_LIMIT].strip(),
        width_px=int(number_read(info, "width")),
        height_px=int(number_read(info, "height")),
        licence=licence_named(told("LicenseShortName"), address_read(info, "extmetadata", "LicenseUrl", "value")),
        name=name[:120],
        author=told("Artist")[:120],
        seconds=number_read(info, "duration") or None,
        place=place,
    )


def _plain(html: str) -> str:
    """Return the text of what is HTML there."""
    return " ".join(unescape(_TAG.sub(" ", html)).split())
