"""Pixabay: photographs and clips under its own licence. Source: https://pixabay.com/api/docs/

It asks that answers are kept for 24 hours and that files are loaded, not linked to; both is how every service is used here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from videoflow.providers.picturing.found import Found, PictureKind, Wish
from videoflow.providers.picturing.json_reading import address_read, at_path, number_read, rows_read, text_read
from videoflow.providers.picturing.licences import PIXABAY
from videoflow.providers.picturing.stock import StockSearch, pages_gather
from videoflow.providers.registry import provider

_PER_PAGE = 40  # of 200 that it gives at most
_QUERY_LIMIT = 100
_ORIENTATIONS = {"16:9": "horizontal", "9:16": "vertical", "1:1": "all"}
_LANGUAGES = (
    "cs",
    "da",
    "de",
    "en",
    "es",
    "fr",
    "id",
    "it",
    "hu",
    "nl",
    "no",
    "pl",
    "pt",
    "ro",
    "sk",
    "fi",
    "sv",
    "tr",
    "vi",
    "th",
    "bg",
    "ru",
    "el",
    "ja",
    "ko",
    "zh",
)
_SIZES = ("tiny", "small", "medium", "large")


@provider("images", "pixabay")
class Pixabay(StockSearch):
    """Implements ``PictureSearch``. 100 requests a minute."""

    name = "pixabay"
    label = "Pixabay"
    kinds = ("image", "clip")

    def search(self, query: str, *, kind: PictureKind, wish: Wish) -> tuple[Found, ...]:
        """Return photographs or clips in Pixabay's order."""
        params: dict[str, Any] = {
            "key": self.access.connection.key,  # it takes none in a header
            "q": query[:_QUERY_LIMIT],
            "safesearch": "true",
            "per_page": _PER_PAGE,
            "lang": wish.language if wish.language in _LANGUAGES else "en",
        }
        if kind == "image":
            params |= {"image_type": "photo", "orientation": _ORIENTATIONS[wish.shape]}

        def page(number: int) -> tuple[Iterable[Found], bool]:
            body = self.answer("/" if kind == "image" else "/videos/", {**params, "page": number})
            rows = rows_read(body, "hits", self.name)
            read = _photo if kind == "image" else _clip
            found = [replace(read(row, wish), place=(number - 1) * _PER_PAGE + at) for at, row in enumerate(rows)]
            return [each for each in found if each.source_id], number_read(body, "totalHits") > number * _PER_PAGE

        return pages_gather(page)


def _photo(row: Mapping[str, Any], wish: Wish) -> Found:
    return Found(
        service=Pixabay.name,
        source_id=text_read(row, "id"),
        kind="image",
        url=address_read(row, "largeImageURL") or address_read(row, "webformatURL"),
        width_px=int(number_read(row, "imageWidth")),
        height_px=int(number_read(row, "imageHeight")),
        **_facts(row),
    )


def _clip(row: Mapping[str, Any], wish: Wish) -> Found:
    sizes = [at_path(row, "videos", name) for name in _SIZES]
    files: list[Mapping[str, Any]] = [size for size in sizes if address_read(size, "url")]
    filling = [file for file in files if number_read(file, "width") >= 0.99 * wish.width_px]
    file = filling[0] if filling else files[-1] if files else {}
    return Found(
        service=Pixabay.name,
        source_id=text_read(row, "id"),
        kind="clip",
        url=address_read(file, "url"),
        width_px=int(number_read(file, "width")),
        height_px=int(number_read(file, "height")),
        seconds=number_read(row, "duration") or None,
        **_facts(row),
    )


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "page_url": address_read(row, "pageURL"),
        "title": text_read(row, "tags"),
        "licence": PIXABAY,
        "author": text_read(row, "user"),
    }
