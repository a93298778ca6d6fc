from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router

from videoflow.api import schemas
from videoflow.api.auth import caller_of, uuid_read
from videoflow.api.errors import NotFound, TooLarge
from videoflow.api.replies import reply, revisions_wanted, stale_reply, ui_state_reply, workflow_reply
from videoflow.pipeline.selectors import projects_of
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.states import StaleRevision, ui_state_get, ui_state_save, workflow_get, workflow_save

STATE_LIMIT_BYTES = 100 * 1024

router = Router(tags=["Workflow"])
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the state the change was made from.")]


def _size_check(request: HttpRequest) -> None:
    if len(request.body) > STATE_LIMIT_BYTES:
        raise TooLarge(
            "A saved state can have 100 KB at most. Keep large texts in files.", details={"limit_bytes": STATE_LIMIT_BYTES}
        )


@router.get(
    "/{session_id}/workflow-state",
    response=schemas.WorkflowState,
    operation_id="workflow_state_get",
    summary="Where the session stands",
)
def workflow_show(request: HttpRequest, session_id: UUID) -> HttpResponse:
    state = workflow_get(session=caller_of(request).session(session_id))
    return reply(workflow_reply(state), revision=state.revision)


@router.put(
    "/{session_id}/workflow-state",
    response=schemas.WorkflowState,
    operation_id="workflow_state_save",
    summary="Save where the session stands",
)
def workflow_change(
    request: HttpRequest, session_id: UUID, body: schemas.WorkflowChange, if_match: IfMatch = None
) -> HttpResponse:
    """Replace the given keys. With a stale ``If-Match`` nothing is saved and ``details`` has the stored state."""
    session = caller_of(request).session(session_id)
    _size_check(request)
    changes = body.workflow_state.model_dump(exclude_unset=True)
    if "completed_steps" in changes:
        changes["completed_steps"] = list(dict.fromkeys(changes["completed_steps"]))
    if changes.get("active_project_id"):
        changes["active_project_id"] = _project_id(session, changes["active_project_id"])
    elif "active_project_id" in changes:
        changes["active_project_id"] = None
    try:
        state = workflow_save(session=session, changes=changes, revisions=revisions_wanted(if_match))
    except StaleRevision as error:
        return stale_reply(error)
    return reply(workflow_reply(state), revision=state.revision)


def _project_id(session: CreatorSession, project_id: str) -> UUID:
    wanted = uuid_read(project_id)
    if not projects_of(CreatorSession.objects.filter(pk=session.pk)).filter(pk=wanted).exists():
        raise NotFound
    return wanted


@router.get(
    "/{session_id}/ui-state/{component_name}",
    response=schemas.UIState,
    operation_id="ui_state_get",
    summary="What a component held",
)
def ui_show(request: HttpRequest, session_id: UUID, component_name: schemas.Component) -> HttpResponse:
    """404 until it is first saved."""
    state = ui_state_get(session=caller_of(request).session(session_id), component_name=component_name)
    if state is None:
        raise NotFound
    return reply(ui_state_reply(state), revision=state.revision)


@router.put(
    "/{session_id}/ui-state/{component_name}",
    response=schemas.UIState,
    operation_id="ui_state_save",
    summary="Save what a component holds",
)
def ui_change(
    request: HttpRequest,
    session_id: UUID,
    component_name: schemas.Component,
    body: schemas.UIStateChange | None = None,
    if_match: IfMatch = None,
) -> HttpResponse:
    """Replace the given fields. With a stale ``If-Match`` nothing is saved and ``details`` has the stored state."""
    session = caller_of(request).session(session_id)
    _size_check(request)
    changes = body.model_dump(exclude_unset=True) if body else {}
    try:
        state = ui_state_save(
            session=session, component_name=component_name, changes=changes, revisions=revisions_wanted(if_match)
        )
    except StaleRevision as error:
        return stale_reply(error)
    return reply(ui_state_reply(state), revision=state.revision)
