"""How a service is asked by all threads of a process together: so many calls at once, and none while it asks to wait."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from videoflow.errors import Cancelled
from videoflow.providers.base import CancelCheck, ProviderError
from videoflow.providers.net.connection import Connection

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
"""For the pauses of one step between two answers; a service that wants more of it is asked again by the next attempt."""
LONGEST_PAUSE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 1.0
_LEAST_SPENT_SECONDS = 0.1
"""What a refusal costs of the patience at least, so that one which asks for no pause is not repeated without end."""
_LOOK_SECONDS = 0.2  # a cancel is seen this soon
_NO_PAUSE_SECONDS = 0.001
_WIDER_AFTER = 2
"""Good answers in a row, for each call that may be under way, after which one more may be."""


class Gate:
    """Lets ``most`` calls through at once. When the service is busy, half as many and none before its pause is over.

    It holds for one address and one key, in this process: other processes and hosts have their own.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.width = most
        """Calls that may be under way now."""
        self._inside = 0
        self._answers = 0
        self._opens_at = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, cancelled: CancelCheck) -> Iterator[None]:
        """Wait for a turn, and have it for the body.

        Raises:
            Cancelled: ``cancelled`` said so before it came.
        """
        while not self._entered():
            if cancelled():
                raise Cancelled("The work was cancelled.")
            with self._changed:
                pause = self._opens_at - _now()
                if pause <= _NO_PAUSE_SECONDS:
                    self._changed.wait(_LOOK_SECONDS)
            if pause > _NO_PAUSE_SECONDS:
                _wait(pause, cancelled)
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def _entered(self) -> bool:
        with self._changed:
            if self._opens_at - _now() > _NO_PAUSE_SECONDS or self._inside >= self.width:
                return False
            self._inside += 1
            return True

    def close(self, seconds: float) -> float:
        """Let nobody through for so long, and half as many afterwards; return by how much longer it is closed now."""
        with self._changed:
            before, now = self._opens_at, _now()
            self._opens_at = max(before, now + seconds)
            if before <= now:  # several calls that were under way hear of the same pause
                self.width = max(1, self.width // 2)
            self._answers = 0
            return self._opens_at - max(before, now)

    def answered(self) -> None:
        """Note a good answer; after some of them more may be under way again."""
        with self._changed:
            self._answers += 1
            if self.width < self.most and self._answers >= _WIDER_AFTER * self.width:
                self.width, self._answers = self.width + 1, 0
                self._changed.notify()


class Patience:
    """The calls of one step through a gate: one that is refused because the service is busy is made again after its pause."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._left_seconds = PATIENCE_SECONDS
        self._spending = threading.Lock()

    def ask(self, act: Callable[[], T], cancelled: CancelCheck) -> T:
        """Return what ``act`` returns, at its turn.

        Raises:
            ProviderError: its own; one of a busy service when it asks for more patience than there is.
            Cancelled: before its turn came.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            with self._gate.turn(cancelled):
                try:
                    answer = act()
                except ProviderError as error:
                    if not is_busy(error) or not self._waits(error, pause):
                        raise
                else:
                    self._gate.answered()
                    with self._spending:
                        self._left_seconds = PATIENCE_SECONDS
                    return answer
            pause *= 2

    def _waits(self, error: ProviderError, pause: float) -> bool:
        """Close the gate for what the service asks for; say whether there is patience for it."""
        asked = error.details.get("retry_after_seconds")
        seconds = float(asked) if isinstance(asked, int | float) else pause
        longer = self._gate.close(min(seconds, LONGEST_PAUSE_SECONDS))
        with self._spending:
            if seconds > min(LONGEST_PAUSE_SECONDS, self._left_seconds):
                return False
            self._left_seconds -= max(longer, _LEAST_SPENT_SECONDS)
            return True


def is_busy(error: ProviderError) -> bool:
    """Say whether a service refused because it has too much to do, so that nothing was done and nothing is charged."""
    return error.retryable and "retry_after_seconds" in error.details


_gates: "WeakValueDictionary[str, Gate]" = WeakValueDictionary()
_making = threading.Lock()


def gate_of(connection: Connection) -> Gate:
    """Return the one gate of this process before a service, for its address and key."""
    facts = json.dumps([connection.service, connection.base_url, connection.key, connection.at_once])
    name = hashlib.sha256(facts.encode()).hexdigest()
    with _making:
        return _gates.setdefault(name, Gate(connection.at_once))


def _now() -> float:
    return time.monotonic()


def _wait(seconds: float, cancelled: CancelCheck) -> None:
    end = threading.Event()
    while seconds > 0:
        if cancelled():
            raise Cancelled("The work was cancelled.")
        end.wait(min(seconds, _LOOK_SECONDS))
        seconds -= _LOOK_SECONDS
