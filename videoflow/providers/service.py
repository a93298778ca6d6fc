"""What is known of an outside service: what it can do, what it costs, where it is and how its key travels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from videoflow.providers.base import Capability

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs in millionths of a US dollar; None when it is not known, 0 when it costs nothing."""

    unit: str
    micros: int | None = None


FREE = Price("", 0)


@dataclass(frozen=True, slots=True)
class Service:
    """One outside service, or the embedded providers taken together."""

    key: str
    label: str
    capabilities: tuple[Capability, ...]
    needs_key: bool = True
    base_url: str = ""
    """The default, without a slash at the end; empty where the creator names the address, or there is none."""
    models: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Default model for each capability that has models; empty: the creator must choose one."""
    price: Mapping[str, Price] = field(default_factory=lambda: _NOTHING)
    """By capability."""
    limits: str = ""
    """What the service allows, in a sentence."""
    keys_page: str = ""
    """Where a creator gets a key."""
    verified: str = ""
    """Against what its requests were checked."""
    key_header: str = "Authorization"
    """The header that carries the key; empty where it goes another way and the adapter puts it there."""
    key_format: str = "Bearer {key}"
    key_of: str = ""
    """The service whose key it uses; empty: its own."""
    options: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """How it differs from others of its dialect."""
    at_once: int = 0
    """Lines or pictures that one process has made there at a time, unless the operator says otherwise; 0: it makes none."""
    operator_options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Option -> the setting from which alone it comes, such as a local program."""

    @property
    def key_service(self) -> str:
        return self.key_of or self.key

    @property
    def base_url_setting(self) -> str:
        """Name of the environment variable; empty where there is no address to set."""
        return f"{_prefix(self.key)}_BASE_URL" if self.base_url else ""

    @property
    def key_setting(self) -> str:
        """Name of the environment variable (or with ``_FILE``) of the installation's key; empty where none is taken."""
        return f"{_prefix(self.key_service)}_API_KEY" if self.needs_key or self.key_header else ""

    @property
    def at_once_setting(self) -> str:
        """Name of the environment variable; empty where nothing is made."""
        return f"{_prefix(self.key)}_AT_ONCE" if self.at_once else ""

    def model_setting(self, capability: str) -> str:
        """Return the name of the environment variable of the default model; empty where there are no models."""
        if capability not in self.models:
            return ""
        return f"{_prefix(self.key)}_MODEL" if len(self.models) == 1 else f"{_prefix(self.key)}_{capability.upper()}_MODEL"

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key; none when there is none to carry."""
        return {self.key_header: self.key_format.format(key=key)} if self.key_header and key else {}


def _prefix(key: str) -> str:
    return f"VIDEOFLOW_{key.upper()}"
