"""Keep Python's garbage collector from walking over every open socket.

A collection of the oldest generation costs 0.25 ms for each socket: with 2,000 of them the server stands still for half a second,
and Python starts one whenever a quarter more objects are there. So what is open is set aside from the collector, and a full
collection is made only when as many sockets have closed as would be worth it.
"""

import gc

FREEZE_EVERY = 100  # sockets opened
COLLECT_AFTER = 500  # sockets closed; 30 KB each if all of it were in cycles


class Garbage:
    """Counts openings and closings of one process."""

    def __init__(self) -> None:
        self._opened = 0
        self._closed = 0

    def opened(self) -> None:
        """Count a socket; the first one sets aside everything that was loaded at the start."""
        if self._opened % FREEZE_EVERY == 0:
            gc.freeze()
        self._opened += 1

    def closed(self) -> None:
        self._closed += 1

    def tend(self, *, open_count: int) -> bool:
        """Collect once enough sockets have closed since the last time, and set the rest aside again; say whether it was due."""
        if self._closed < max(COLLECT_AFTER, open_count):
            return False
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._closed = 0
        return True


garbage = Garbage()
