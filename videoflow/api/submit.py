"""From a program's submit to a queued task."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from videoflow.api.auth import uuid_read
from videoflow.api.errors import NotFound
from videoflow.errors import BadInput
from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import projects_of
from videoflow.pipeline.services import project_new, stage_prepare
from videoflow.sessions.idempotency import reply_kept, reply_once
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.events import task_message
from videoflow.tasks.models import Task

BEGINNINGS = {"trending_analysis": "What is trending", "script_generation": "Your script"}
"""Task types that make a project when none is named, with the title of one that has no topic."""
PRIORITIES = {priority.label: priority for priority in Task.Priority}
LONGEST_KEY = 255


def task_submit(
    *, session: CreatorSession, task_type: str, input_data: Mapping[str, Any], priority: str, key: str | None
) -> tuple[dict[str, Any], bool]:
    """Return the task's reply and whether it is a repeated one; a project is made where none is needed.

    Raises:
        pydantic.ValidationError: the input is not what the stage takes.
        BadInput, StageNotReady, TaskConflict: as ``stage_start``.
        KeyReused: the key stands for another request.
        NotFound: the project is not the session's.
    """
    stages.get(task_type).input_schema.model_validate_json(json.dumps(input_data), strict=True)

    def prepare() -> Callable[[], dict[str, Any]]:
        """Do what takes long before any transaction; what is returned only writes."""
        named = input_data.get("project_id")
        project = _project_named(session, named) if named else _project_new(session, task_type, input_data)
        queue = stage_prepare(project=project, task_type=task_type, input_data=input_data, priority=PRIORITIES[priority])
        return lambda: dict(task_message(queue()))

    if key is None:
        return prepare()(), False
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadInput(
            f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.",
            code="INVALID_INPUT",
            details={"Idempotency-Key": "not usable"},
        )
    request_text = json.dumps([task_type, input_data, priority], sort_keys=True)
    request_hash = hashlib.sha256(request_text.encode()).hexdigest()
    kept = reply_kept(session=session, key=key, request_hash=request_hash)
    if kept is not None:
        return kept, True
    return reply_once(session=session, key=key, request_hash=request_hash, act=prepare())


def _project_named(session: CreatorSession, project_id: str) -> Project:
    owned = projects_of(CreatorSession.objects.filter(pk=session.pk)).select_related("session")
    project = owned.filter(pk=uuid_read(project_id)).first()
    if project is None:
        raise NotFound
    return project


def _project_new(session: CreatorSession, task_type: str, input_data: Mapping[str, Any]) -> Project:
    if task_type not in BEGINNINGS:
        raise BadInput(
            "Name the project this step works on.",
            code="INVALID_INPUT",
            details={"input_data.project_id": "This field is required"},
        )
    facts = {name: input_data[name] for name in ("minimum_seconds", "language", "seed") if input_data.get(name) is not None}
    return project_new(session=session, title=input_data.get("topic") or BEGINNINGS[task_type], **facts)
