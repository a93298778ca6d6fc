"""What all searches share: pages that end, one picture once, files loaded from wherever the service points to."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from videoflow.providers.base import CancelCheck
from videoflow.providers.picturing.found import Found, PictureKind
from videoflow.providers.registry import Access

PAGES_MOST = 3
ENOUGH = 12
"""As many results leave a choice; another page is asked for only below that."""
SEARCH_SECONDS = 20.0
SEARCH_LIMIT_BYTES = 4_000_000
_LOAD_SECONDS = {"image": 60.0, "clip": 180.0}
_LOAD_LIMIT_BYTES = {"image": 40_000_000, "clip": 200_000_000}


class StockSearch:
    """A search over pages of JSON."""

    name: str
    label: str
    kinds: tuple[PictureKind, ...]

    def __init__(self, access: Access) -> None:
        self.access = access

    def answer(self, path: str, params: dict[str, Any]) -> Any:
        """Return the JSON of one page.

        Raises:
            ProviderError: it did not come, or is no JSON.
        """
        answer = self.access.client.request(
            "GET",
            path,
            params=params,
            deadline_seconds=SEARCH_SECONDS,
            limit_bytes=SEARCH_LIMIT_BYTES,
            cancelled=self.access.cancelled,
        )
        return answer.json()

    def load(self, found: Found, out: Path, *, cancelled: CancelCheck) -> None:
        """Write the file as the service sends it; no credential goes with the request."""
        self.access.client.download(
            found.url,
            out,
            limit_bytes=_LOAD_LIMIT_BYTES[found.kind],
            deadline_seconds=_LOAD_SECONDS[found.kind],
            cancelled=cancelled,
        )


def pages_gather(page: Callable[[int], tuple[Iterable[Found], bool]]) -> tuple[Found, ...]:
    """Return what the pages hold, each picture once, numbered by its place.

    ``page(number)`` returns a page, from 1, and whether the service says that there are more. A service whose pages repeat
    themselves or never end is asked for three at most.
    """
    gathered: dict[str, Found] = {}
    for number in range(1, PAGES_MOST + 1):
        results, has_more = page(number)
        fresh = {found.key: found for found in results if found.key not in gathered and found.url}
        gathered |= fresh
        if not fresh or not has_more or len(gathered) >= ENOUGH:
            break
    return tuple(gathered.values())
