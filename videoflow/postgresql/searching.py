"""The index that finds words in all scripts' lines; PostgreSQL's extension ``pg_trgm`` makes it, where it may be had.

Without it each search reads every line of everybody's scripts: 60,000 lines took 240 ms of which 5 were left with it.
"""

import logging
from typing import Any

import psycopg
from django.db import DatabaseError

INDEX = "turn_text_trgm"
_LINES = "pipeline_turn"

logger = logging.getLogger(__name__)


def search_index_make(cursor: Any) -> bool:
    """Make the index beside whoever reads and writes, and say whether there is one; outside of a transaction only.

    Needs the right to make the extension, which the owner of a database has, or an operator who made it before.
    """
    try:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except (DatabaseError, psycopg.Error) as error:
        reason = str(error).strip().partition("\n")[0]
        logger.warning("searches go through all scripts, for the extension pg_trgm cannot be made: %s", reason)
        return False
    cursor.execute("SET lock_timeout = 0")  # it holds up nobody while it waits for those who write
    try:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # what a making that broke off left
        # The expression is the one that Django's icontains compares.
        cursor.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON {_LINES} USING gin (UPPER(text) gin_trgm_ops)")
    finally:
        cursor.execute("RESET lock_timeout")
    return True


def search_index_drop(cursor: Any) -> None:
    """Take the index away again; the extension stays."""
    cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
