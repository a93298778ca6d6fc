"""How long a page takes the server, asked for again and again from the same machine."""

import time
from collections.abc import Mapping

import httpx

WARM_UP = 5


def page_waits(
    url: str, path: str, times: int, *, cookies: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> tuple[list[float], int, int]:
    """Return the waits for a page in milliseconds, sorted, its bytes on the wire (packed) and unpacked."""
    waits: list[float] = []
    sent = {"Accept-Encoding": "gzip", **(headers or {})}
    with httpx.Client(base_url=url, cookies=dict(cookies), headers=sent, timeout=60, trust_env=False) as client:
        for number in range(WARM_UP + times):
            began = time.perf_counter()
            with client.stream("GET", path) as answer:
                body = b"".join(answer.iter_raw())
            if number >= WARM_UP:
                waits.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
        whole = len(client.get(path).content)
    return sorted(waits), len(body), whole
