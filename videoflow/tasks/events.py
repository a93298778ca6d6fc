"""Shapes that go over the progress socket, as ``contract.md`` has them."""

import json
from datetime import UTC, datetime
from typing import Any, TypedDict

from django.utils.translation import override

from videoflow.sentences import packed, unpacked
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.translation import translated

ENGLISH = "en"
"""The language of rows, and of sockets that ask for no other."""


class TaskMessage(TypedDict):
    task_id: str
    session_id: str
    project_id: str
    task_type: str
    status: str
    priority: str
    progress: int
    message: str
    input_data: dict[str, Any]
    result_data: dict[str, Any] | None
    created_at: str
    started_at: str | None
    completed_at: str | None
    retry_count: int
    estimated_seconds_remaining: int | None
    error: dict[str, Any] | None


class EventMessage(TypedDict):
    event_type: str
    seq: int
    task_id: str
    task_type: str
    message: str
    progress: int
    status: str
    data: dict[str, Any]
    timestamp: str


class HelloMessage(TypedDict):
    event_type: str
    session_id: str
    seq: int
    reset: bool
    tasks: list[TaskMessage]
    timestamp: str


def rfc3339(moment: datetime) -> str:
    """Return a time as the contract writes it: UTC with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def task_message(task: Task) -> TaskMessage:
    return {
        "task_id": str(task.pk),
        "session_id": str(task.session_id),
        "project_id": str(task.project_id),
        "task_type": task.task_type,
        "status": task.status,
        "priority": Task.Priority(task.priority).label,
        "progress": task.progress,
        "message": task.message,
        "input_data": task.input_data,
        "result_data": task.result_data,
        "created_at": rfc3339(task.created_at),
        "started_at": rfc3339(task.started_at) if task.started_at else None,
        "completed_at": rfc3339(task.completed_at) if task.completed_at else None,
        "retry_count": task.retry_count,
        "estimated_seconds_remaining": task.estimated_seconds_remaining,
        "error": task.error,
    }


def event_message(event: ProgressEvent) -> EventMessage:
    return {
        "event_type": event.event_type,
        "seq": event.seq,
        "task_id": str(event.task_id),
        "task_type": event.task_type,
        "message": event.message,
        "progress": event.progress,
        "status": event.status,
        "data": event.data,
        "timestamp": rfc3339(event.created_at),
    }


def event_said(event: EventMessage) -> EventMessage:
    """Return an event with its message in the language that is active."""
    return {**event, "message": translated(event["message"])}


def hello_said(hello: HelloMessage) -> HelloMessage:
    """Return the first message with those of its tasks in the language that is active."""
    return {**hello, "tasks": [{**task, "message": translated(task["message"])} for task in hello["tasks"]]}


def row_text(event: EventMessage) -> str:
    """Return an event on its way to sockets: the JSON that goes over them, and on a second line what its message is made of."""
    text, message = json.dumps(event), packed(event["message"])
    return text if message == event["message"] else f"{text}\n{json.dumps(message)}"


def row_said(row: str, language: str) -> str:
    """Return the JSON that goes over a socket of a language, of a row as ``row_text`` gives it."""
    text, _, message = row.partition("\n")
    if language == ENGLISH:
        return text
    event = json.loads(text)
    with override(language):
        event["message"] = translated(unpacked(json.loads(message)) if message else event["message"])
    return json.dumps(event)
