"""What many workers do to each other's claims where the database has many writers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from videoflow.pipeline.models import Project
from videoflow.sessions.models import CreatorSession
from videoflow.tasks import rows, services
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.services import Claim, task_claim
from videoflow.tasks.tests.factories import session_make, task_make
from videoflow.tests.lock_waits import held_up

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORKERS = 6


def beside(calls: "list[Callable[[], Any]]") -> list[Any]:
    """Return what each call gives, each in a thread with a connection of its own."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result(timeout=120) for one in [pool.submit(run, call) for call in calls]]


def claims_of(host: str) -> list[Claim]:
    """Claim until nothing is due."""
    claims = []
    while claim := task_claim(queue="cpu", worker_id=f"{host}:test:1"):
        claims.append(claim)
    return claims


def is_gapless(session_id: UUID) -> bool:
    numbers = list(ProgressEvent.objects.filter(session_id=session_id).order_by("seq").values_list("seq", flat=True))
    return numbers == list(range(1, len(numbers) + 1))


class TestClaim:
    def test_many_hosts_claim_each_task_once_and_leave_no_gap(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 100}
        sessions = [session_make() for _ in range(4)]
        tasks = [task_make(session) for session in sessions for _ in range(3)]
        claimed = [claim for found in beside([partial(claims_of, f"host{n}") for n in range(WORKERS)]) for claim in found]
        assert sorted(claim.task_id for claim in claimed) == sorted(task.pk for task in tasks)
        assert {claim.fence for claim in claimed} == {1}
        assert all(is_gapless(session.pk) for session in sessions)

    def test_no_more_of_a_session_run_than_may_however_many_ask(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 100}
        session = session_make()
        for _ in range(8):
            task_make(session)
        claimed = beside([partial(claims_of, f"host{n}") for n in range(WORKERS)])
        assert sum(map(len, claimed)) == settings.VIDEOFLOW_USER_RUNNING

    def test_no_more_run_on_a_host_than_it_has_slots(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 2}
        for _ in range(6):
            task_make()
        claimed = beside([partial(claims_of, "host")] * WORKERS)
        assert sum(map(len, claimed)) == 2

    def test_a_session_that_somebody_writes_to_is_passed_over(self):
        first, second = task_make(), task_make()
        with transaction.atomic():
            services.task_cancel(task_id=task_make(first.session).pk)  # holds the session until the end
            [claim] = beside([partial(task_claim, queue="cpu", worker_id="host:test:1")])
        assert claim.task_id == second.pk

    def test_the_indexes_serve(self):
        """Among 3,000 ended and 60 waiting tasks: of a table of a few rows PostgreSQL reads what it likes."""
        ended, later = timezone.now() - timedelta(hours=1), timezone.now()
        sessions = [session_make() for _ in range(20)]
        projects = Project.objects.bulk_create(Project(session=session) for session in sessions for _ in range(3))
        for project in projects:
            mine = {"project": project, "session_id": project.session_id, "queue": "cpu"}
            done = {"task_type": "voice_generation", "status": Task.Status.COMPLETED, "attempt_started_at": ended}
            Task.objects.bulk_create([Task(**mine, **done) for _ in range(50)] + [Task(**mine, task_type="script_generation")])
        with CaptureQueriesContext(connection) as queries, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Task._meta.db_table}, {CreatorSession._meta.db_table}")
            rows.next_due(queue="cpu", session_limit=3, now=later)
            found = next(query["sql"] for query in queries if "SKIP LOCKED" in query["sql"])
            cursor.execute(f"EXPLAIN {found}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "task_waiting" in plan and "task_turn" in plan, plan
        assert f"Seq Scan on {Task._meta.db_table}" not in plan


class TestCancel:
    def test_holds_no_task_while_it_waits_for_the_session(self):
        """A claim holds the session and then takes the task: with the task held meanwhile, each would wait for the other."""
        task = task_make()
        sessions, tasks = (rows.objects.select_for_update(no_key=True, nowait=True) for rows in (CreatorSession, Task))
        with held_up(partial(services.task_cancel, task_id=task.pk), by=lambda: sessions.get(pk=task.session_id)):
            assert tasks.get(pk=task.pk).status == "pending"
        assert Task.objects.get().status == "cancelled"
