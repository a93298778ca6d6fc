import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from videoflow.tasks.events import task_message
from videoflow.tasks.models import Task

_HEAD = ("task", "type", "status", "%", "tries", "recov.", "queue", "created (UTC)", "seconds", "message")
_LONGEST_MESSAGE = 60


class Command(BaseCommand):
    help = "List tasks, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--session", default="", help="Id of a session: its tasks only.")
        parser.add_argument("--status", default="", help=f"One of {', '.join(Task.Status.values)}; several between commas.")
        parser.add_argument("--limit", type=int, default=50, help="How many at most (50).")
        parser.add_argument("--json", action="store_true", help="One JSON object, the tasks as the API has them.")

    def handle(self, *args: Any, session: str, status: str, limit: int, **options: Any) -> None:
        if limit < 1:
            raise CommandError("--limit must be at least 1.")
        tasks = Task.objects.order_by("-created_at")
        if session:
            tasks = tasks.filter(session_id=_session_id(session))
        if status:
            tasks = tasks.filter(status__in=_statuses(status))
        total = tasks.count()
        shown = list(tasks[:limit])
        if options["json"]:
            body = {"tasks": [task_message(task) for task in shown], "total": total}
            self.stdout.write(json.dumps(body, ensure_ascii=False))
            return
        if not shown:
            self.stdout.write("No task.")
            return
        rows = [_HEAD, *(_row(task) for task in shown)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())
        if total > len(shown):
            self.stdout.write(f"{len(shown)} of {total} tasks; --limit shows more.")


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text!r} is not the id of a session: ids look like 123e4567-e89b-42d3-a456-426614174000.") from None


def _statuses(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Task.Status.values]
    if unknown:
        raise CommandError(f"{', '.join(unknown)} is no status. There are {', '.join(Task.Status.values)}.")
    return names


def _row(task: Task) -> tuple[str, ...]:
    end = task.completed_at or (timezone.now() if task.status == Task.Status.IN_PROGRESS else None)
    seconds = f"{(end - task.attempt_started_at).total_seconds():.1f}" if end and task.attempt_started_at else "-"
    message = " ".join(task.message.split())
    return (
        *(str(task.pk), task.task_type, task.status, str(task.progress), str(task.attempt), str(task.recoveries), task.queue),
        *(f"{task.created_at:%Y-%m-%d %H:%M:%S}", seconds),
        message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…",
    )
