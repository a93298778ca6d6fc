"""How one outside service is reached for one owner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_HOSTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a service is, with which key and which model; ``repr`` leaves the key out."""

    service: str
    """Key of ``videoflow.providers.services.SERVICES``."""
    base_url: str
    """The operator's setting, without a slash at the end."""
    key: str = field(default="", repr=False)
    model: str = ""
    """From the project's choice, else the setting's default; empty where the service has none."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What a service takes besides, e.g. ``{"max_tokens_field": "max_tokens"}``."""
    allowed_hosts: frozenset[str] = NO_HOSTS
    """``host:port`` the operator listed, private or not; the base addresses count as listed."""
    at_once: int = 1
    """Calls that cost money or take long which this process may have under way there."""
