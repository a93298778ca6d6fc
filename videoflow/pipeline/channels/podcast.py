"""Whose podcast a feed's address opens."""

from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet

from videoflow.pipeline.models import Publication
from videoflow.sessions.models import CreatorSession


def feed_token(session: CreatorSession) -> str:
    """Return what stands in a feed's address: whoever has it can hear the episodes and nothing else."""
    return Signer(salt="podcast").sign(str(session.pk))


def episodes_of(token: str) -> QuerySet[Publication] | None:
    """Return the episodes that a feed's address opens, newest first; None for an address that nobody was given."""
    try:
        session_id = UUID(Signer(salt="podcast").unsign(token))
    except (BadSignature, ValueError):
        return None
    rows = Publication.objects.filter(
        target="podcast", video__project__session=session_id, video__project__deleted_at__isnull=True
    )
    return rows.select_related("video__project").order_by("-created_at")
