from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router
from pydantic import ValidationError

from videoflow.api import schemas
from videoflow.api.auth import caller_of
from videoflow.api.errors import refused_fields
from videoflow.api.limits import SUBMITS_PER_SESSION, limit_check
from videoflow.api.replies import reply
from videoflow.api.submit import task_submit
from videoflow.tasks.events import task_message
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_cancel, task_retry

router = Router(tags=["Tasks"])
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", description="Per session, for 24 hours: the same key returns the first reply.", max_length=255
    ),
]


@router.get("", response=schemas.TaskList, operation_id="task_list", summary="List a session's tasks, newest first")
def task_list(request: HttpRequest, filters: Query[schemas.TaskFilters]) -> HttpResponse:
    unknown = [
        {"loc": (name,), "type": "extra_forbidden"} for name in request.GET if name not in schemas.TaskFilters.model_fields
    ]
    if unknown:
        return refused_fields(unknown)
    session = caller_of(request).session(filters.session_id)
    tasks = Task.objects.filter(session=session, project__deleted_at__isnull=True)
    if filters.status:
        tasks = tasks.filter(status=filters.status)
    if filters.task_type:
        tasks = tasks.filter(task_type=filters.task_type)
    total, end = tasks.count(), filters.offset + filters.limit
    page = tasks.order_by("-created_at", "-pk")[filters.offset : end]
    return reply(
        {
            "tasks": [task_message(task) for task in page],
            "total": total,
            "limit": filters.limit,
            "offset": filters.offset,
            "has_more": end < total,
        }
    )


@router.post("/submit/{task_type}", response={201: schemas.Task}, operation_id="task_submit", summary="Queue one run of a stage")
def submit(request: HttpRequest, task_type: schemas.TaskType, body: schemas.TaskSubmit, key: Key = None) -> HttpResponse:
    """The first two task types make a project when none is named; with ``"continue": true`` the following stages start too."""
    session = caller_of(request).session(body.session_id)
    limit_check(f"submit:{session.pk}", per_minute=SUBMITS_PER_SESSION)
    try:
        task, is_repeated = task_submit(
            session=session, task_type=task_type, input_data=body.input_data, priority=body.priority, key=key
        )
    except ValidationError as error:
        return refused_fields(error.errors(), prefix="input_data.")
    response = reply(task, status=201)
    if is_repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@router.get("/{task_id}", response=schemas.Task, operation_id="task_get", summary="Look at a task")
def get(request: HttpRequest, task_id: UUID) -> HttpResponse:
    return reply(task_message(caller_of(request).task(task_id)))


@router.post("/{task_id}/retry", response=schemas.Task, operation_id="task_retry", summary="Run a task again")
def retry(request: HttpRequest, task_id: UUID, body: schemas.NoFields | None = None) -> HttpResponse:
    """Only a failed or cancelled one, three times at most."""
    task = caller_of(request).task(task_id)
    limit_check(f"submit:{task.session_id}", per_minute=SUBMITS_PER_SESSION)
    return reply(task_message(task_retry(task_id=task.pk)))


@router.delete("/{task_id}", response={204: None}, operation_id="task_cancel", summary="Cancel a task")
def cancel(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """From this reply on the task says ``cancelled``; what it started ends within seconds."""
    task_cancel(task_id=caller_of(request).task(task_id).pk)
    return HttpResponse(status=204)
