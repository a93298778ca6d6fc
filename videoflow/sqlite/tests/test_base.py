import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from videoflow.sqlite import base
from videoflow.sqlite.turns import Turns

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def file(workdir: Path) -> Path:
    path = workdir / "writers.sqlite3"
    raw = sqlite3.connect(path)
    raw.executescript("PRAGMA journal_mode=WAL; CREATE TABLE counts (number INTEGER); INSERT INTO counts VALUES (0)")
    raw.close()
    return path


@pytest.fixture
def writers(file: Path) -> Iterator[list[base.DatabaseWrapper]]:
    """Three connections of this process, each to be used in a thread of its own."""
    options = {"timeout": 240.0, "transaction_mode": "IMMEDIATE"}
    settings = {"default": {"ENGINE": "videoflow.sqlite", "NAME": str(file), "OPTIONS": options}}
    made = [cast(base.DatabaseWrapper, ConnectionHandler(settings).create_connection("default")) for _ in range(3)]
    for one in made:
        one.inc_thread_sharing()
    yield made
    for one in made:
        one.close()


def begin(writer: base.DatabaseWrapper, timeout_seconds: float) -> None:
    writer.settings_dict["OPTIONS"]["timeout"] = timeout_seconds
    writer.ensure_connection()
    writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(writer: base.DatabaseWrapper) -> None:
    writer.commit()
    writer.set_autocommit(True)


def count_up(writer: base.DatabaseWrapper) -> None:
    """Read, then write what was read plus one: lost updates show if two do it at once."""
    begin(writer, 240.0)
    with writer.cursor() as cursor:
        cursor.execute("SELECT number FROM counts")
        number = cursor.fetchone()[0]
        cursor.execute("UPDATE counts SET number = %s", [number + 1])
    end(writer)


def test_the_studio_uses_it():
    assert isinstance(connections["default"], base.DatabaseWrapper)


def test_threads_lose_no_write(writers, file):
    def many(writer: base.DatabaseWrapper) -> None:
        for _ in range(40):
            count_up(writer)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(many, writers))
    assert sqlite3.connect(file).execute("SELECT number FROM counts").fetchone() == (120,)


@pytest.fixture
def in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be a server."""
    monkeypatch.setattr(Turns, "answers_requests", True)


@pytest.mark.usefixtures("in_turns")
def test_threads_of_a_server_never_look_in_vain(writers, file, monkeypatch):
    monkeypatch.setattr(base, "_FIRST_SECONDS", "whoever sleeps fails")
    test_threads_lose_no_write(writers, file)


@pytest.mark.usefixtures("in_turns")
@pytest.mark.parametrize("how", ["commit", "rollback", "close"])
def test_the_next_gets_the_turn_however_the_last_ends(writers, how):
    first, second, _ = writers
    begin(first, 5.0)
    with pytest.raises(OperationalError, match="database is locked"):
        begin(second, 0.05)
    getattr(first, how)()
    count_up(second)


@pytest.mark.usefixtures("in_turns")
def test_a_turn_that_could_not_be_used_is_passed_on(writers, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="database is locked"):
        begin(writers[0], 0.05)
    other.execute("COMMIT")
    other.close()
    count_up(writers[1])


def test_waits_for_another_process_until_its_timeout(writers, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin_at = time.monotonic()
    with pytest.raises(OperationalError, match="database is locked"):
        begin(writers[0], 0.2)
    assert time.monotonic() - begin_at >= 0.2
    waiting = threading.Thread(target=count_up, args=[writers[0]])
    waiting.start()
    other.execute("UPDATE counts SET number = 10")
    other.execute("COMMIT")
    waiting.join(240)
    assert other.execute("SELECT number FROM counts").fetchone() == (11,)
    other.close()


def test_what_writes_outside_of_a_transaction_waits_too(writers, file):
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    count_up(writers[0])  # the timeout that a begin sets to nothing is set again
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["COMMIT"])
    release.start()
    with writers[0].cursor() as cursor:
        cursor.execute("UPDATE counts SET number = 5")
    release.join(240)
    assert other.execute("SELECT number FROM counts").fetchone() == (5,)
    other.close()


def test_a_failed_begin_is_not_taken_for_a_locked_database(writers):
    writers[0].ensure_connection()  # it reads the options
    writers[0].transaction_mode = "NONSENSE"
    with pytest.raises(OperationalError, match="syntax"):
        begin(writers[0], 5.0)
    count_up(writers[1])
