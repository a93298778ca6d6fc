from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from ninja import Router

from videoflow.api import schemas
from videoflow.api.auth import bearer_of, caller_of
from videoflow.api.limits import SESSIONS_PER_ADDRESS, limit_check
from videoflow.api.replies import KEYS, owner_of, reply, session_reply
from videoflow.pipeline.services import session_delete
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import preferences_set, session_create, token_make
from videoflow.vault.services import credential_delete, credential_set

router = Router(tags=["Sessions"])


def _preferences_save(session: CreatorSession, changes: Mapping[str, Any]) -> CreatorSession:
    """Keep keys in the vault and the rest in the session; all of it or nothing."""
    with transaction.atomic():
        for name in changes.keys() & KEYS.keys():
            owner, provider = owner_of(session), KEYS[name]
            if changes[name] is None:
                credential_delete(owner=owner, provider=provider)
            else:
                credential_set(owner=owner, provider=provider, secret=changes[name])
        plain = {name: value for name, value in changes.items() if name not in KEYS}
        return preferences_set(session=session, changes=plain) if plain else session


@router.post("", response={201: schemas.NewSession}, operation_id="session_create", summary="Begin a session")
def create(request: HttpRequest, body: schemas.SessionCreate | None = None) -> HttpResponse:
    """Bind a new session to its caller: by a cookie, and by an ``access_token`` that is shown only here."""
    limit_check(f"sessions:{caller_of(request).address}", per_minute=SESSIONS_PER_ADDRESS)
    token = token_make()
    with transaction.atomic():
        session = session_create(
            user=None if bearer_of(request) else request.user,
            cookie=request.creator.token(),  # type: ignore[attr-defined]
            bearer=token,
        )
        if body and body.preferences:
            session = _preferences_save(session, body.preferences.model_dump(exclude_unset=True))
    get_token(request)  # sends the csrftoken cookie, which the next unsafe request with our cookie needs
    return reply({**session_reply(session), "access_token": token}, status=201)


@router.get("/{session_id}", response=schemas.Session, operation_id="session_get", summary="Look at a session")
def get(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = caller_of(request).session(session_id)
    if not bearer_of(request):
        get_token(request)
    return reply(session_reply(session))


@router.put("/{session_id}", response=schemas.Session, operation_id="session_change", summary="Change preferences")
def change(request: HttpRequest, session_id: UUID, body: schemas.SessionChange) -> HttpResponse:
    """Merge the given preferences; ``null`` deletes one. Keys go into the vault and come back masked."""
    session = caller_of(request).session(session_id)
    return reply(session_reply(_preferences_save(session, body.preferences.model_dump(exclude_unset=True))))


@router.delete("/{session_id}", response={204: None}, operation_id="session_delete", summary="Delete a session")
def delete(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Cancel its tasks and delete its projects, rows and files."""
    session_delete(session=caller_of(request).session(session_id))
    return HttpResponse(status=204)
