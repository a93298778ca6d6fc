"""Works in the database of a studio under test: one command a line, one JSON reply each.

Run as ``python -m videoflow.tasks.tests.noop.hand`` with the studio's environment, so that load scripts and tests stand outside.
"""

import time
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django first
from django.db import connection, transaction  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.utils import timezone  # noqa: E402

from videoflow.pipeline import housekeeping, stages  # noqa: E402
from videoflow.pipeline.models import Asset, Project  # noqa: E402
from videoflow.pipeline.provider_calls import ProviderCall  # noqa: E402
from videoflow.sessions.models import CreatorSession  # noqa: E402
from videoflow.sessions.services import token_hash  # noqa: E402
from videoflow.tasks import services  # noqa: E402
from videoflow.tasks.models import ProgressEvent, Task, Worker  # noqa: E402
from videoflow.tasks.tests.noop.told import told  # noqa: E402
from videoflow.tasks.wakeup import wakeup_send  # noqa: E402


def migrate() -> dict[str, Any]:
    call_command("migrate", interactive=False, verbosity=0)
    return {}


def beats() -> dict[str, Any]:
    return {"pids": list(Worker.objects.values_list("pid", flat=True))}


def sessions(bearer: str, count: int) -> dict[str, Any]:
    """Make sessions of one owner, each with a project."""
    made = CreatorSession.objects.bulk_create(CreatorSession(bearer_hash=token_hash(bearer)) for _ in range(count))
    Project.objects.bulk_create(Project(session=session) for session in made)
    return {"sessions": [str(session.pk) for session in made]}


def _enqueue(project: Project, task_type: str, input_data: dict[str, Any], *, wake: bool = True) -> Task:
    return services.task_enqueue(
        session=project.session,
        project_id=project.pk,
        task_type=task_type,
        queue=stages.get(task_type).queue,
        input_data=input_data,
        wake=wake,
    )


def submit(session_id: str, task_type: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Queue one task of the session's first project."""
    project = Project.objects.select_related("session").filter(session_id=UUID(session_id)).earliest("created_at")
    task = _enqueue(project, task_type, input_data)
    return {"task": str(task.pk), "committed_at": time.time()}


def started(task_id: str) -> dict[str, Any]:
    moment = Task.objects.values_list("started_at", flat=True).get(pk=UUID(task_id))
    return {"at": moment.timestamp() if moment else None}


def holder(task_id: str) -> dict[str, Any]:
    return {"worker_id": Task.objects.values_list("worker_id", flat=True).get(pk=UUID(task_id))}


def held(pids: list[int]) -> dict[str, Any]:
    """Return the tasks that processes of these numbers are running, with the attempt."""
    running = Task.objects.filter(status=Task.Status.IN_PROGRESS).values_list("pk", "attempt", "worker_id")
    return {"tasks": [(str(pk), attempt) for pk, attempt, worker_id in running if int(worker_id.rpartition(":")[2]) in pids]}


def flood(
    session_ids: list[str], per_session: int, task_type: str, inputs: list[dict[str, Any]], most: int = 100_000
) -> dict[str, Any]:
    """Queue many tasks, each of a project of its own; ``inputs`` are taken in turn."""
    number = 0
    for session in CreatorSession.objects.filter(pk__in=session_ids):
        for project in Project.objects.bulk_create(Project(session=session) for _ in range(min(per_session, most - number))):
            _enqueue(project, task_type, inputs[number % len(inputs)])
            number += 1
    return {"submitted": number}


def drip(session_ids: list[str], seconds: float, per_second: float, task_type: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Queue tasks at a steady rate, whatever becomes of them, each in a project of its own and a random session."""
    random = Random(7)
    chosen = CreatorSession.objects.in_bulk([UUID(text) for text in session_ids])
    start, number, waited_most = time.monotonic(), 0, 0.0
    while (due := number / per_second) < seconds:
        late_seconds = time.monotonic() - start - due
        if late_seconds < 0:
            time.sleep(-late_seconds)
        waited_most = max(waited_most, late_seconds)
        project = Project.objects.create(session=chosen[UUID(random.choice(session_ids))])
        _enqueue(project, task_type, input_data)
        number += 1
    return {"submitted": number, "late_seconds": round(max(0.0, waited_most), 3)}


def rewake(times: int) -> dict[str, Any]:
    """Ring for every open task again, so many times."""
    rung = 0
    for pk, queue in Task.objects.filter(status__in=Task.OPEN).values_list("pk", "queue"):
        for _ in range(times):
            rung += wakeup_send(task_id=pk, queue=queue)
    return {"rung": rung}


def counts() -> dict[str, Any]:
    return dict(Task.objects.order_by().values_list("status").annotate(count=Count("pk")))


def hold(seconds: float) -> dict[str, Any]:
    """Hold the database's write lock."""
    with transaction.atomic():
        CreatorSession.objects.update(last_activity=timezone.now())
        time.sleep(seconds)
    return {"held_seconds": seconds}


def calls() -> dict[str, Any]:
    """Return how many calls that cost money are in which state, by the way they are made."""
    kinds = {str(task.pk): task.input_data.get("pays") for task in Task.objects.all()}
    rows = ProviderCall.objects.values_list("task_id", "state")
    return {"states": dict(Counter(f"{kinds[str(task_id)]} {state}" for task_id, state in rows))}


def ballast(pages: int) -> dict[str, Any]:
    """Fill the database up to so many pages."""
    with connection.cursor() as cursor:
        taken, page_bytes = (cursor.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
    weight = "x" * max(0, (pages - taken) * page_bytes)
    Project.objects.create(session=CreatorSession.objects.create(bearer_hash=token_hash("ballast")), look={"ballast": weight})
    return {"pages": taken}


def ballast_drop() -> dict[str, Any]:
    """Make room again."""
    CreatorSession.objects.filter(bearer_hash=token_hash("ballast")).delete()
    return {}


def tend() -> dict[str, Any]:
    """Do the hourly housekeeping as if everything were old."""
    housekeeping.UNTOUCHED_SECONDS = -60.0
    housekeeping.housekeeping()
    return {}


def facts() -> dict[str, Any]:
    """All that the checker judges."""
    tasks = [
        {
            "task": str(task.pk),
            "session": str(task.session_id),
            "status": task.status,
            "attempt": task.attempt,
            "recoveries": task.recoveries,
            "worker_id": task.worker_id,
            "error_code": (task.error or {}).get("error_code"),
            "effects": task.project.minimum_seconds - 180,
            "created_at": task.created_at.timestamp(),
            "started_at": task.started_at.timestamp() if task.started_at else None,
            "completed_at": task.completed_at.timestamp() if task.completed_at else None,
        }
        for task in Task.objects.select_related("project")
    ]
    fields = ("session_id", "seq", "task_id", "event_type", "status", "progress", "created_at")
    events = [
        {**row, "session_id": str(row["session_id"]), "task_id": str(row["task_id"]), "created_at": row["created_at"].timestamp()}
        for row in ProgressEvent.objects.order_by("session_id", "seq").values(*fields)
    ]
    heads = {str(pk): head for pk, head in CreatorSession.objects.values_list("pk", "head_seq")}
    assets = list(Asset.objects.values("path", "sha256", "size_bytes"))
    return {"tasks": tasks, "events": events, "heads": heads, "assets": assets}


if __name__ == "__main__":
    told(
        migrate,
        beats,
        sessions,
        submit,
        started,
        holder,
        held,
        flood,
        drip,
        rewake,
        counts,
        hold,
        calls,
        ballast,
        ballast_drop,
        tend,
        facts,
    )
