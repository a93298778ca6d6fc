import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, OperationalError, connection

from videoflow.env import database_settings
from videoflow.postgresql.base import ANSWER_SECONDS, BoundedConnection, DatabaseWrapper
from videoflow.sessions.models import CreatorSession
from videoflow.tests.postgresql import Cluster

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def ask(text: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchone()[0]


def end_of(child: int) -> int:
    """Return a child's exit code; one that hangs is killed."""
    deadline = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.02)
    return os.waitstatus_to_exitcode(ended[1])


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def pooled(postgresql: Cluster, tmp_path) -> Iterator[DatabaseWrapper]:
    """Another wrapper of the tests' database, of a pool of two."""
    settings = {**connection.settings_dict, **database_settings(postgresql.url("x"), sqlite_file=tmp_path, pool_size=2)}
    wrapper = DatabaseWrapper(settings | {"NAME": connection.settings_dict["NAME"]}, alias="pooled")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()  # type: ignore[attr-defined]  # the stubs leave it out


class TestAnswer:
    def test_a_frozen_server_ends_in_an_error_and_the_next_connection_is_a_new_one(self):
        pid = int(str(ask("SELECT pg_backend_pid()")))
        assert isinstance(connection.connection, BoundedConnection)
        connection.connection.answer_seconds = 0.3
        with frozen(pid), pytest.raises(OperationalError, match="did not answer within"):
            ask("SELECT 1")
        connection.close_if_unusable_or_obsolete()
        assert ask("SELECT 1") == 1
        assert connection.connection.answer_seconds == ANSWER_SECONDS

    def test_the_server_ends_what_takes_longer_than_it_may(self):
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            assert cursor.fetchone() == ("20s", "15s")
            cursor.execute("SET statement_timeout = '50ms'")
        with pytest.raises(OperationalError, match="statement timeout"):
            ask("SELECT pg_sleep(60)")
        connection.close()

    def test_a_connection_that_the_server_ended_is_replaced(self):
        pid = int(str(ask("SELECT pg_backend_pid()")))
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])
        other.close()
        with pytest.raises(DatabaseError):
            ask("SELECT 1")
        connection.close_if_unusable_or_obsolete()
        assert ask("SELECT 1") == 1


class TestJson:
    def test_large_floats_stay_floats(self):
        kept = {"float": 1.5e300, "small": -2.5e-300, "largest": 2**63 - 1, "smallest": -(2**63), "text": "1" * 30, "one": 1.0}
        session = CreatorSession.objects.create(preferences=kept)
        session.refresh_from_db()
        assert session.preferences == kept
        assert isinstance(session.preferences["float"], float)


class TestMigration:
    def test_gives_up_where_a_table_is_busy_and_leaves_the_limits_as_they_were(self, monkeypatch):
        monkeypatch.setattr("videoflow.postgresql.base._MIGRATION_LOCK_SECONDS", 0.2)
        table = CreatorSession._meta.db_table
        other = connection.copy()
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table}")  # a reader amid its transaction
        try:
            with pytest.raises(OperationalError, match="lock timeout"), connection.schema_editor() as editor:
                editor.execute(f"ALTER TABLE {table} ADD COLUMN of_a_test integer")
        finally:
            other.rollback()
            other.close()
        with connection.schema_editor() as editor:
            editor.execute(f"ALTER TABLE {table} ADD COLUMN of_a_test integer")
            editor.execute(f"ALTER TABLE {table} DROP COLUMN of_a_test")
        assert (ask("SHOW lock_timeout"), ask("SHOW statement_timeout")) == ("15s", "20s")
        assert connection.connection.answer_seconds == ANSWER_SECONDS


class TestPool:
    def test_its_connections_are_shared_and_bounded_too(self, pooled):
        seen = []
        for _ in range(3):
            with pooled.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                seen.append(cursor.fetchone())
            assert isinstance(pooled.connection, BoundedConnection)
            pooled.close()
        assert len(set(seen)) == 1

    def test_a_forked_child_makes_a_pool_of_its_own(self, pooled):
        with pooled.cursor() as cursor:
            cursor.execute("SELECT 1")
        pooled.close()
        child = os.fork()
        if child == 0:  # no pytest in here: the answer is the exit code
            code = 1
            try:
                with pooled.cursor() as cursor:
                    cursor.execute("SELECT 7")
                    code = 0 if cursor.fetchone() == (7,) else 2
            finally:
                os._exit(code)
        assert end_of(child) == 0
        with pooled.cursor() as cursor:
            cursor.execute("SELECT 8")
            assert cursor.fetchone() == (8,)


def test_what_is_read_in_pieces_keeps_no_cursor_for_a_pooler_to_lose():
    CreatorSession.objects.bulk_create(CreatorSession() for _ in range(3))
    rows = CreatorSession.objects.order_by().iterator(chunk_size=1)
    next(rows)
    assert ask("SELECT COUNT(*) FROM pg_cursors WHERE name LIKE '\\_django%%'") == 0
    assert len(list(rows)) == 2
