"""The live sources of trends as a form offers them: what each measures, whether it can be asked, what is left of its day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from videoflow.errors import VideoflowError
from videoflow.pipeline.channels.access import quota_full_at, quota_left, quota_limits
from videoflow.pipeline.connections import key_of_operator
from videoflow.pipeline.live_sources import api_client
from videoflow.pipeline.panels.base import Content
from videoflow.providers.live_trends import FEEDS_SOURCE, LIVE_SOURCES
from videoflow.providers.services import service_get
from videoflow.sessions.models import CreatorSession
from videoflow.vault.services import Owner, credential_read


@dataclass(frozen=True, slots=True)
class LiveChoice:
    key: str
    label: str
    measures: str
    lacks_key: bool
    left: int | None = None
    """Searches that today's allowance still holds; None where nothing is counted."""
    limit: int = 0
    full_at: datetime | None = None


def _measures() -> Mapping[str, str]:
    return {
        "youtube": _("views of videos published in the window"),
        "google_trends": _("approximate searches of the last day"),
        "wikimedia": _("views of Wikipedia pages, a day late"),
        "hackernews": _("points of stories, mostly on technology"),
        "rss": _("entries of feeds that you name; they give no counts"),
    }


def key_at_hand(service: str, session: CreatorSession | None) -> str:
    """Return the key that a call of this creator would use; empty when there is none."""
    if (key := key_of_operator(service)) or session is None:
        return key
    try:
        return credential_read(owner=Owner(session_id=session.pk, user_id=session.user_id), provider=service) or ""
    except VideoflowError:
        return ""  # one that cannot be opened is none; the settings page says why


def live_choices(session: CreatorSession | None) -> list[LiveChoice]:
    """Return the sources, those that can be asked at once before those that lack a key."""
    told = _measures()
    choices = []
    for key in LIVE_SOURCES:
        service = service_get(key)
        secret = key_at_hand(key, session) if service.needs_key else ""
        facts: dict[str, Any] = {}
        if secret and key == "youtube":
            left = quota_left(client=api_client(secret))
            facts = {"left": left["searches"], "limit": quota_limits()["searches"], "full_at": quota_full_at()}
        choices.append(LiveChoice(key, service.label, told[key], service.needs_key and not secret, **facts))
    return sorted(choices, key=lambda choice: choice.lacks_key)


def live_content(session: CreatorSession | None, before: Mapping[str, Any]) -> Content:
    """Return what the form of live sources shows, with what was asked the last time."""
    source = str(before.get("source", ""))
    return {
        "live": live_choices(session),
        "live_chosen": source if source in LIVE_SOURCES else "",
        "live_region": before.get("region", ""),
        "live_feeds": "\n".join(before.get("feeds") or []),
    }


def live_input(data: Mapping[str, str]) -> dict[str, Any]:
    """Return the stage's input from the form's fields."""
    source = data.get("live", "")
    feeds = [line.strip() for line in data.get("feeds", "")[:4000].splitlines() if line.strip()]
    return {
        "source": source,
        "region": (data.get("region", "").strip() or "US")[:8],
        **({"feeds": feeds[:10]} if source == FEEDS_SOURCE else {}),
    }
