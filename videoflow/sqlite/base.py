"""Django's SQLite backend with writers that take turns.

SQLite has one write lock, and who finds it taken sleeps longer and longer (1 ms up to 100 ms) before looking again: with eight
threads of a server and a few workers, the lock lies idle while everybody sleeps, and the unlucky wait a second. Here a process
has one transaction at a time, handed from thread to thread, and looks every fraction of a millisecond whether another process
has ended its own.
"""

import os
import threading
import time
from sqlite3 import SQLITE_BUSY
from sqlite3 import OperationalError as SqliteError
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

_QUICK_SECONDS = 0.0002
_SLOW_SECONDS = 0.002
_SHARE_OF_WAIT = 0.05  # look again after a twentieth of the time waited so far, within these bounds
_DEFAULT_TIMEOUT_SECONDS = 5.0  # sqlite3's own

_turn = threading.Lock()


def _turn_renew() -> None:
    """A fork may have copied the lock while another thread of the parent held it."""
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_turn_renew)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions begin in turns; with a timeout as SQLite's own, after which the database is locked."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._turn: threading.Lock | None = None

    def _start_transaction_under_autocommit(self) -> None:
        """Take the write lock as soon as it is free.

        Raises:
            OperationalError: it was not free within the connection's timeout.
        """
        timeout_seconds = float(self.settings_dict["OPTIONS"].get("timeout", _DEFAULT_TIMEOUT_SECONDS))
        asked_at = time.monotonic()
        turn = _turn
        if not turn.acquire(timeout=timeout_seconds):
            raise OperationalError("database is locked")
        self._turn = turn
        try:
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                while not self._begun():
                    waited_seconds = time.monotonic() - asked_at
                    if waited_seconds > timeout_seconds:
                        raise OperationalError("database is locked")
                    time.sleep(min(_SLOW_SECONDS, max(_QUICK_SECONDS, waited_seconds * _SHARE_OF_WAIT)))
            finally:
                self.connection.execute(f"PRAGMA busy_timeout = {int(timeout_seconds * 1000)}")
        except BaseException:
            self._turn_pass()
            raise

    def _begun(self) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave it out
        except OperationalError as error:
            if isinstance(error.__cause__, SqliteError) and error.__cause__.sqlite_errorcode & 0xFF == SQLITE_BUSY:
                return False
            raise
        return True

    def _turn_pass(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None and turn is _turn:
            turn.release()

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._turn_pass()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._turn_pass()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._turn_pass()
