"""Openverse: openly licensed pictures of many museums and archives, without a key. Source: https://api.openverse.org/v1/"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from videoflow.providers.picturing.found import Found, PictureKind, Wish
from videoflow.providers.picturing.json_reading import address_read, number_read, objects_read, rows_read, text_read
from videoflow.providers.picturing.licences import licence_cc
from videoflow.providers.picturing.stock import StockSearch, pages_gather
from videoflow.providers.registry import provider

_PER_PAGE = 20  # what it gives without a key
_SHAPES = {"16:9": "wide", "9:16": "tall", "1:1": "square"}


@provider("images", "openverse")
class Openverse(StockSearch):
    """Implements ``PictureSearch``. About 20 requests a minute and 200 a day without a key."""

    name = "openverse"
    label = "Openverse"
    kinds = ("image",)

    def search(self, query: str, *, kind: PictureKind, wish: Wish) -> tuple[Found, ...]:
        """Return pictures that may be sold and changed; where there are none, those that may not, marked as such."""
        params: dict[str, Any] = {"q": query, "page_size": _PER_PAGE, "mature": "false", "aspect_ratio": _SHAPES[wish.shape]}
        free = self._gather({**params, "license_type": "commercial,modification"})
        return free or self._gather(params)

    def _gather(self, params: dict[str, Any]) -> tuple[Found, ...]:
        def page(number: int) -> tuple[Iterable[Found], bool]:
            body = self.answer("/images/", {**params, "page": number})
            rows = rows_read(body, "results", self.name)
            found = [replace(_picture(row), place=(number - 1) * _PER_PAGE + at) for at, row in enumerate(rows)]
            return [each for each in found if each.source_id], number_read(body, "page_count") > number

        return pages_gather(page)


def _picture(row: Mapping[str, Any]) -> Found:
    names = [text_read(tag, "name") for tag in objects_read(row, "tags")]
    return Found(
        service=Openverse.name,
        source_id=text_read(row, "id"),
        kind="image",
        url=address_read(row, "url"),
        page_url=address_read(row, "foreign_landing_url"),
        title=" ".join([text_read(row, "title"), *names]).strip(),
        width_px=int(number_read(row, "width")),
        height_px=int(number_read(row, "height")),
        licence=licence_cc(text_read(row, "license"), text_read(row, "license_version"), address_read(row, "license_url")),
        name=text_read(row, "title")[:120],
        author=text_read(row, "creator"),
    )
