"""Pexels: photographs and clips under its own licence. Source: https://www.pexels.com/api/documentation/"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from videoflow.providers.net import ServiceRefused
from videoflow.providers.picturing.found import Found, PictureKind, Wish
from videoflow.providers.picturing.json_reading import address_read, number_read, objects_read, rows_read, text_read
from videoflow.providers.picturing.licences import PEXELS
from videoflow.providers.picturing.stock import StockSearch, pages_gather
from videoflow.providers.registry import provider

_PER_PAGE = 40  # of 80 that it gives at most
_ORIENTATIONS = {"16:9": "landscape", "9:16": "portrait", "1:1": "square"}
_LOCALES = {
    "en": "en-US",
    "de": "de-DE",
    "es": "es-ES",
    "fr": "fr-FR",
    "it": "it-IT",
    "pt": "pt-BR",
    "nl": "nl-NL",
    "pl": "pl-PL",
}
_NOT_FOUND = 404


@provider("images", "pexels")
class Pexels(StockSearch):
    """Implements ``PictureSearch``. 200 requests an hour, 20,000 a month."""

    name = "pexels"
    label = "Pexels"
    kinds = ("image", "clip")

    def search(self, query: str, *, kind: PictureKind, wish: Wish) -> tuple[Found, ...]:
        """Return photographs or clips in Pexels' order."""
        params: dict[str, Any] = {"query": query, "orientation": _ORIENTATIONS[wish.shape], "per_page": _PER_PAGE}
        if wish.language in _LOCALES:
            params["locale"] = _LOCALES[wish.language]

        def page(number: int) -> tuple[Iterable[Found], bool]:
            body = self._page(kind, {**params, "page": number})
            rows = rows_read(body, "photos" if kind == "image" else "videos", self.name)
            read = _photo if kind == "image" else _clip
            found = [replace(read(row, wish), place=(number - 1) * _PER_PAGE + at) for at, row in enumerate(rows)]
            return [each for each in found if each.source_id], bool(text_read(body, "next_page"))

        return pages_gather(page)

    def _page(self, kind: PictureKind, params: dict[str, Any]) -> Any:
        if kind == "image":
            return self.answer("/v1/search", params)
        try:
            return self.answer("/v1/videos/search", params)
        except ServiceRefused as error:
            if error.details.get("status") != _NOT_FOUND:
                raise
            return self.answer("/videos/search", params)  # where clips were before


def _photo(row: Mapping[str, Any], wish: Wish) -> Found:
    wanted = "large2x" if max(wish.width_px, wish.height_px) <= 1920 else "original"
    return Found(
        service=Pexels.name,
        source_id=text_read(row, "id"),
        kind="image",
        url=address_read(row, "src", wanted) or address_read(row, "src", "original"),
        page_url=address_read(row, "url"),
        title=f"{text_read(row, 'alt')} {_slug(address_read(row, 'url'))}".strip(),
        width_px=int(number_read(row, "width")),
        height_px=int(number_read(row, "height")),
        licence=PEXELS,
        author=text_read(row, "photographer"),
        alt=text_read(row, "alt"),
    )


def _clip(row: Mapping[str, Any], wish: Wish) -> Found:
    file = _file_of(row, wish)
    return Found(
        service=Pexels.name,
        source_id=text_read(row, "id"),
        kind="clip",
        url=address_read(file, "link"),
        page_url=address_read(row, "url"),
        title=_slug(address_read(row, "url")),
        width_px=int(number_read(file, "width") or number_read(row, "width")),
        height_px=int(number_read(file, "height") or number_read(row, "height")),
        licence=PEXELS,
        author=text_read(row, "user", "name"),
        seconds=number_read(row, "duration") or None,
    )


def _file_of(row: Mapping[str, Any], wish: Wish) -> Mapping[str, Any]:
    """Return the smallest MP4 that fills the frame, else the largest; ``quality`` and ``fps`` may be null and are not needed."""
    files = objects_read(row, "video_files")
    playable = [file for file in files if text_read(file, "file_type") in ("video/mp4", "") and address_read(file, "link")]

    def share(file: Mapping[str, Any]) -> float:
        return min(number_read(file, "width") / wish.width_px, number_read(file, "height") / wish.height_px)

    filling = [file for file in playable if share(file) >= 0.99]
    return min(filling, key=share) if filling else max(playable, key=share, default={})


def _slug(address: str) -> str:
    """Return the words of a page's address, which is all that Pexels says about a clip: ``…/video/waves-on-a-beach-123/``."""
    last = address.rstrip("/").rpartition("/")[2]
    return " ".join(word for word in last.split("-") if not word.isdecimal())
