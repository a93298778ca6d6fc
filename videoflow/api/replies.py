"""Rows as the replies of the contract, and the headers that go with them."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse

from videoflow.api.errors import error_response
from videoflow.sessions.models import CreatorSession, UIState, WorkflowState
from videoflow.sessions.states import StaleRevision, workflow_get
from videoflow.tasks.events import rfc3339
from videoflow.vault.services import Owner, credential_masks

KEYS = {"openai_api_key": "openai", "youtube_api_key": "youtube", "gemini_api_key": "gemini"}
"""Preferences that are secrets, with their provider in the vault."""
DEFAULTS = {"theme": "system", "auto_save": True, "notifications": True}


def owner_of(session: CreatorSession) -> Owner:
    return Owner(session_id=session.pk, user_id=session.user_id)


def session_reply(session: CreatorSession) -> dict[str, Any]:
    masks = credential_masks(owner=owner_of(session), providers=KEYS.values())
    return {
        "session_id": str(session.pk),
        "preferences": {
            **{name: session.preferences.get(name, value) for name, value in DEFAULTS.items()},
            **{name: masks[provider] for name, provider in KEYS.items()},
        },
        "workflow_state": workflow_facts(workflow_get(session=session)),
        "created_at": rfc3339(session.created_at),
        "expires_at": rfc3339(session.expires_at) if session.expires_at else None,
        "last_activity": rfc3339(session.last_activity),
    }


def workflow_facts(state: WorkflowState) -> dict[str, Any]:
    return {
        "current_step": state.current_step,
        "completed_steps": state.completed_steps,
        "active_project_id": str(state.active_project_id) if state.active_project_id else None,
        "form_data": state.form_data,
    }


def workflow_reply(state: WorkflowState) -> dict[str, Any]:
    return {
        "session_id": str(state.session_id),
        "workflow_state": workflow_facts(state),
        "last_updated": rfc3339(state.updated_at),
    }


def ui_state_reply(state: UIState) -> dict[str, Any]:
    return {
        "session_id": str(state.session_id),
        "component_name": state.component_name,
        "form_data": state.form_data,
        "ui_state": state.ui_state,
        "auto_save": state.auto_save,
        "last_updated": rfc3339(state.updated_at),
        "revision": state.revision,
    }


def reply(body: Mapping[str, Any], *, status: int = 200, revision: int | None = None) -> HttpResponse:
    """Return a body as JSON, with the ETag of a state."""
    response = JsonResponse(dict(body), status=status)
    if revision is not None:
        response.headers["ETag"] = f'"{revision}"'
    return response


def revisions_wanted(if_match: str | None) -> list[int] | None:
    """Return the revisions an If-Match header asks for; None when any will do, empty when it can fit none."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [int(number) for number in re.findall(r'(?:^|,)\s*(?:W/)?"([0-9]{1,9})"\s*(?=,|$)', if_match)]


def stale_reply(error: StaleRevision) -> HttpResponse:
    """Return 409 with the stored state in ``details``."""
    stored = error.stored
    details: dict[str, Any] = {}
    if isinstance(stored, UIState):
        details = ui_state_reply(stored)
    elif isinstance(stored, WorkflowState):
        details = workflow_reply(stored)
    headers = {"ETag": f'"{stored.revision}"'} if stored else None
    return error_response(409, error.code, str(error), details=details, headers=headers)
