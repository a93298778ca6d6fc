"""A studio after years of work: thousands of projects of one creator, a million events, a thousand tasks that wait.

Run as ``python -m videoflow.pipeline.tests.full_studio`` with the environment of a studio under test: one command a line, one
JSON reply each (see ``videoflow.tasks.tests.noop.hand``).
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django first
from django.db import connection  # noqa: E402
from django.db.models import Max  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from videoflow.pipeline import housekeeping  # noqa: E402
from videoflow.pipeline.models import Project, Publication, Video  # noqa: E402
from videoflow.pipeline.services import sessions_sweep  # noqa: E402
from videoflow.pipeline.tests import factories  # noqa: E402
from videoflow.pipeline.tests.large_studio import history_make  # noqa: E402
from videoflow.postgresql.base import unbounded  # noqa: E402
from videoflow.sessions.models import CreatorSession  # noqa: E402
from videoflow.sessions.services import token_hash  # noqa: E402
from videoflow.tasks.models import ProgressEvent, Task  # noqa: E402
from videoflow.tasks.services import task_claim, task_complete, task_enqueue  # noqa: E402
from videoflow.tasks.tests.noop.told import told  # noqa: E402

PROJECTS_AT_ONCE = 1000
QUEUE = "cpu"
STAGE = "media_generation"
WORK_SECONDS = 600.0  # the worker under test sits on what it took; the rest waits
_EVENTS = ProgressEvent._meta.db_table
_TASKS = Task._meta.db_table


def fill(cookie: str, projects: int, events: int) -> dict[str, Any]:
    """Give that browser a session with so many finished projects, some failed and some published, and that many events."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie), expires_at=None)
    for begun in range(0, projects, PROJECTS_AT_ONCE):
        history_make(session, count=min(PROJECTS_AT_ONCE, projects - begun))
    mine = list(session.projects.order_by("created_at").values_list("pk", flat=True))
    Task.objects.filter(project__in=mine[::40], task_type="youtube_upload").update(status=Task.Status.FAILED)
    Project.objects.filter(pk__in=mine[1::40]).update(archived_at=timezone.now())
    Project.objects.filter(pk__in=mine[2::80]).update(deleted_at=timezone.now())
    published = Video.objects.filter(project__in=mine[3::10])
    Publication.objects.bulk_create(Publication(video=video, target="folder", state="published") for video in published)
    _events_make(session, events)
    if connection.vendor == "postgresql":  # which does it by itself; SQLite never does, and plans without figures
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return {"session": str(session.pk), "projects": len(mine), "events": ProgressEvent.objects.count()}


def _events_make(session: CreatorSession, count: int) -> None:
    """Write progress reports, as many for each task of the session, without gaps; in SQL, for a million take minutes else."""
    tasks = session.tasks.count()
    each = max(1, count // tasks)
    numbers = " UNION ALL ".join(f"SELECT {number} AS step" for number in range(each))
    columns = "session_id, seq, task_id, event_type, task_type, status, progress, message, data, created_at"
    empty = "'{}'::jsonb" if connection.vendor == "postgresql" else "'{}'"
    takes_its_time = unbounded(connection) if connection.vendor == "postgresql" else nullcontext()
    with takes_its_time, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_EVENTS} ({columns}) SELECT ran.session_id, ran.number * {each} + steps.step + 1, ran.id,"
            f" 'progress_update', ran.task_type, 'in_progress', steps.step * 100 / {each}, 'Composing', {empty}, ran.created_at"
            f" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY created_at, id) - 1 AS number FROM {_TASKS} WHERE session_id = %s) ran"
            f" CROSS JOIN ({numbers}) steps",
            [session.pk if connection.features.has_native_uuid_field else session.pk.hex],
        )
    session.head_seq = session.events.aggregate(last=Max("seq"))["last"] or 0
    session.save(update_fields=["head_seq"])


def queue(count: int, sessions: int) -> dict[str, Any]:
    """Let so many tasks wait, of as many other creators' sessions; a worker that takes one sits on it."""
    made = [factories.CreatorSessionFactory.create(cookie_hash=token_hash(uuid4().hex)) for _ in range(sessions)]
    for number in range(count):
        _enqueue(made[number % sessions])
    return {"waiting": Task.objects.filter(status=Task.Status.PENDING).count()}


def _enqueue(session: CreatorSession) -> float:
    """Return how long the submit took, in milliseconds."""
    project = factories.ProjectFactory.create(session=session)
    began = time.perf_counter()
    task_enqueue(
        session=session,
        project_id=project.pk,
        task_type=STAGE,
        queue=QUEUE,
        input_data={"work_seconds": WORK_SECONDS},
        wake=False,
    )
    return (time.perf_counter() - began) * 1000


def claims(count: int) -> dict[str, Any]:
    """Claim one task after the other beside the running studio, complete it and queue another; times in milliseconds."""
    times: dict[str, list[float]] = {"claim": [], "complete": [], "submit": []}
    for number in range(count):
        began = time.perf_counter()
        claim = task_claim(queue=QUEUE, worker_id=f"host{number}:benchmark:1")  # each host has free slots
        times["claim"].append((time.perf_counter() - began) * 1000)
        assert claim is not None and claim.task is not None
        began = time.perf_counter()
        task_complete(claim=claim, message="Done", result_data={})
        times["complete"].append((time.perf_counter() - began) * 1000)
        times["submit"].append(_enqueue(claim.task.session))
    return {
        "ms": {name: sorted(waits) for name, waits in times.items()},
        "waiting": Task.objects.filter(status="pending").count(),
    }


def staff(name: str) -> dict[str, Any]:
    """Sign an operator in; tells the cookie."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser(name))
    return {"cookies": {"sessionid": client.cookies["sessionid"].value}}


def _timed(act: Callable[[], object]) -> dict[str, Any]:
    before = ProgressEvent.objects.count()
    began = time.perf_counter()
    act()
    return {"seconds": time.perf_counter() - began, "before": before, "after": ProgressEvent.objects.count()}


def reports_forget() -> dict[str, Any]:
    """Delete the progress reports of tasks that ended more than a day ago."""
    return _timed(lambda: housekeeping.reports_sweep(older_than=timedelta(days=1)))


def reports_again(session_id: str, count: int) -> dict[str, Any]:
    """Write as many reports as there were, after a vacuum on PostgreSQL, which does one by itself within minutes."""
    if connection.vendor == "postgresql":
        with unbounded(connection), connection.cursor() as cursor:
            cursor.execute(f"VACUUM {_EVENTS}")
    _events_make(CreatorSession.objects.get(pk=session_id), count)
    return sizes()


def sizes() -> dict[str, Any]:
    """Return how many events there are, and the bytes that they take: with their indexes on PostgreSQL, with all on SQLite."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size(%s)", [_EVENTS])
            taken = int(cursor.fetchone()[0])
        else:
            pages, free, each = (
                cursor.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
            )
            taken = (pages - free) * each
    return {"events": ProgressEvent.objects.count(), "bytes": taken}


def session_end(session_id: str) -> dict[str, Any]:
    """Let a session's 24 hours be over, whatever is in it, and sweep."""
    Video.objects.filter(project__session=UUID(session_id)).delete()  # an unpublished one would keep the session
    CreatorSession.objects.filter(pk=session_id).update(expires_at=timezone.now() - timedelta(hours=1))
    return _timed(sessions_sweep)


if __name__ == "__main__":
    told(fill, queue, claims, staff, reports_forget, reports_again, sizes, session_end)
