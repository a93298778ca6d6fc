"""The writers that a new video can begin with: the embedded one, and every service whose key and model are at hand."""

from videoflow.pipeline.connections import model_default
from videoflow.pipeline.panels.live_sources import key_at_hand
from videoflow.providers.services import EMBEDDED, services_for
from videoflow.sessions.models import CreatorSession


def writers_usable(session: CreatorSession | None) -> list[tuple[str, str]]:
    """Return (key, label with model) of the writing services that would write at once."""
    usable = []
    for service in services_for("writer"):
        model = model_default(service.key, "writer")
        if service.key != EMBEDDED and model and (not service.needs_key or key_at_hand(service.key_service, session)):
            usable.append((service.key, f"{service.label} ({model})"))
    return usable
