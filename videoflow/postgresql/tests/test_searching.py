from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from videoflow.pipeline.models import Turn
from videoflow.postgresql.searching import INDEX, search_index_drop, search_index_make
from videoflow.tests.postgresql import Cluster

pytestmark = pytest.mark.postgresql


@pytest.mark.django_db
def test_a_search_uses_it():
    with connection.cursor() as cursor:
        for way in ("seqscan", "indexscan", "indexonlyscan"):  # what is left needs an index that knows the condition
            cursor.execute(f"SET LOCAL enable_{way} = off")
        assert INDEX in Turn.objects.filter(text__icontains="Weekend").explain()


def test_without_the_extension_there_is_none_until_it_may_be_made(postgresql: Cluster):
    poor = sql.Identifier(f"poor_{uuid4().hex}")
    with psycopg.connect(postgresql.database_make("searched"), autocommit=True) as rows, rows.cursor() as cursor:
        cursor.execute("CREATE TABLE pipeline_turn (text text)")
        cursor.execute(sql.SQL("CREATE ROLE {}").format(poor))
        cursor.execute(sql.SQL("ALTER TABLE pipeline_turn OWNER TO {}").format(poor))
        cursor.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(poor))
        cursor.execute(sql.SQL("SET ROLE {}").format(poor))
        assert not search_index_make(cursor)
        cursor.execute("RESET ROLE")
        cursor.execute("CREATE EXTENSION pg_trgm")
        cursor.execute(sql.SQL("SET ROLE {}").format(poor))
        for _ in range(2):  # once more after one that broke off
            assert search_index_make(cursor)
        assert cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [INDEX]).fetchone() == (True,)
        search_index_drop(cursor)
        assert not cursor.execute("SELECT to_regclass(%s)", [INDEX]).fetchone()[0]
