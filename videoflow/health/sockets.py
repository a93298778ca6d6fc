"""How many live-progress sockets this process holds open: told by the server, asked by the metrics."""

from collections.abc import Callable

_counts: list[Callable[[], int]] = []


def sockets_counted_by(count: Callable[[], int]) -> None:
    """Let a server of this process say how many sockets it holds."""
    _counts.append(count)


def sockets_open() -> int | None:
    """Return the open sockets of this process; None in a process that serves none."""
    return sum(count() for count in _counts) if _counts else None
