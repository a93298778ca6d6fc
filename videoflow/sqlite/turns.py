"""Requests before tasks, where both want the write lock of an SQLite database.

SQLite has one writer and no queue: whoever finds the lock taken sleeps and looks again. Workers that go from one commit straight
to the next leave little of it to requests, for which somebody waits.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GIVE_WAY_SECONDS = 0.05
"""The longest that a task's transaction lets requests go first, so that it comes to its turn however many they are."""
_LOOK_SECONDS = 0.001


class Turns:
    """What this process tells the others about its turns at one database, and they it.

    A process that answers requests holds a lock (``flock``) on the database's folder while one of its threads looks for the write
    lock; the others only look whether it is held. It is a hint: where it cannot be given, everybody asks as if there were none.
    """

    answers_requests = False
    """Set once, by the process that does."""

    def __init__(self, folder: Path) -> None:
        self.turn = threading.Lock()
        """Held by the thread of a server that writes; see ``DatabaseWrapper``."""
        self._counting = threading.Lock()
        self._asking = 0
        try:
            self._folder: int | None = os.open(folder, os.O_RDONLY)
        except OSError:  # a database in memory has none
            self._folder = None

    def close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have others give way while the write lock is asked for, or give way."""
        if not self.answers_requests:
            self._give_way()
            yield
            return
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._asking += change
            if self._asking == 0:
                self._flock(fcntl.LOCK_UN)
            elif self._asking == change:
                self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_way(self) -> None:
        until = time.monotonic() + GIVE_WAY_SECONDS
        while not self._flock(fcntl.LOCK_SH | fcntl.LOCK_NB):
            if time.monotonic() > until:
                return
            time.sleep(_LOOK_SECONDS)
        self._flock(fcntl.LOCK_UN)

    def _flock(self, operation: int) -> bool:
        """Say whether nobody was in the way; never waits."""
        if self._folder is None:
            return True
        try:
            fcntl.flock(self._folder, operation)
        except BlockingIOError:
            return False
        except OSError:  # a file system without such locks
            return True
        return True


_turns: dict[str, Turns] = {}
_making = threading.Lock()


def turns_of(database: str) -> Turns:
    """Return this process's turns at a database file."""
    with _making:
        if database not in _turns:
            _turns[database] = Turns(Path(database).parent)
        return _turns[database]


def _forget() -> None:
    """Begin anew in a forked child: the parent's transactions are not its own, nor is what the parent holds."""
    global _making
    _making = threading.Lock()
    for turns in _turns.values():
        with suppress(OSError):
            turns.close()
    _turns.clear()


os.register_at_fork(after_in_child=_forget)
