"""The services of the settings page: what each can do, whose key it has, and what its owner may do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videoflow.errors import BadInput
from videoflow.pipeline.connections import key_of_operator
from videoflow.pipeline.models import ServicePrice
from videoflow.pipeline.service_health import Health, health_of
from videoflow.providers.base import Capability, ProviderError
from videoflow.providers.service import Service
from videoflow.providers.service_check import Checked, is_checkable
from videoflow.providers.services import EMBEDDED, SERVICES, services_for
from videoflow.sentences import Sentence
from videoflow.vault.services import MASK, SHORTEST, Owner, StoredKey, credentials_stored

KeyState = Literal["operator", "own", "shut", "missing", "optional", "none"]
CAPABILITY_LABELS: Mapping[str, Promise] = {
    "writer": _("Writer"),
    "speech": _("Voices"),
    "images": _("Pictures and clips"),
    "trends": _("Trends"),
    "publisher": _("Publishing"),
    "music": _("Music"),
}
GROUP_ICONS = {"writer": "message-square-text", "speech": "mic", "images": "image", "trends": "trending-up"}
GROUP_TEXTS: Mapping[str, Promise] = {
    "writer": _("Language models that write the conversation."),
    "speech": _("Other voices, also in other languages."),
    "images": _("Stock photos and clips, and pictures made for a line."),
    "trends": _("What is watched, searched and read right now."),
}


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service as its owner sees it; ``checked`` and ``problem`` are of the act that was just done."""

    service: Service
    state: KeyState
    mask: str
    stored: StoredKey | None
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The operator's prices: (service, capability) -> millionths of a dollar for a unit."""
    health: Health = field(default_factory=Health)
    checked: Checked | None = None
    problem: str = ""
    is_open: bool = False

    @property
    def can_do(self) -> tuple[Promise, ...]:
        """What it does besides what its group says; empty when it does one thing."""
        names = self.service.capabilities
        return tuple(CAPABILITY_LABELS[name] for name in names) if len(names) > 1 else ()

    @property
    def takes_key(self) -> bool:
        """Whether its owner may enter one here: none that another service lends, and none over the operator's."""
        return bool(self.service.key_setting) and not self.service.key_of and self.state != "operator"

    @property
    def key_lender(self) -> str:
        """The service whose key it uses; empty when it has its own."""
        return SERVICES[self.service.key_of].label if self.service.key_of else ""

    @property
    def can_test(self) -> bool:
        return is_checkable(self.service.key) and self.state not in ("missing", "shut")

    @property
    def host(self) -> str:
        """Where it is, without anything else that may stand in an address."""
        parts = urlsplit(settings.VIDEOFLOW_SERVICE_URLS.get(self.service.key, ""))
        return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""

    @property
    def prices(self) -> list[tuple[Promise, str, int | None]]:
        """(what, unit, millionths of a dollar or None) of what is not free."""
        prices = (
            (name, price.unit, self.lines.get((self.service.key, name), price.micros))
            for name, price in self.service.price.items()
        )
        return [(CAPABILITY_LABELS[name], unit, micros) for name, unit, micros in prices if micros != 0]

    @property
    def is_free(self) -> bool:
        return not self.prices


@dataclass(frozen=True, slots=True)
class ServiceGroup:
    """Services under what they do first."""

    name: str
    rows: tuple[ServiceRow, ...]

    @property
    def label(self) -> Promise:
        return CAPABILITY_LABELS[self.name]

    @property
    def icon(self) -> str:
        return GROUP_ICONS[self.name]

    @property
    def text(self) -> Promise:
        return GROUP_TEXTS[self.name]


def price_lines() -> dict[tuple[str, str], int]:
    """Return the operator's prices that hold for every model of a service; one query."""
    lines = ServicePrice.objects.filter(model="").values_list("service", "capability", "micros")
    return {(service, capability): micros for service, capability, micros in lines}


def service_row(key: str, stored: Mapping[str, StoredKey], **facts: object) -> ServiceRow:
    """Return one service's row; ``stored`` are the owner's keys."""
    service = SERVICES[key]
    operators, own = key_of_operator(service.key_service), stored.get(service.key_service)
    state: KeyState = "missing" if service.needs_key else "optional" if service.key_setting else "none"
    mask = ""
    if operators:
        state, mask = "operator", f"{MASK}{operators[-4:]}" if len(operators) >= SHORTEST else MASK
    elif own is not None:
        state, mask = "shut" if own.problem else "own", own.mask
    return ServiceRow(service, state, mask, None if operators else own, **facts)  # type: ignore[arg-type]


def service_known(key: str) -> Service:
    """Return a service of the list.

    Raises:
        ProviderError: there is none of that name.
    """
    if key not in SERVICES or key == EMBEDDED:
        raise ProviderError("There is no such service.", code="PROVIDER_UNKNOWN")
    return SERVICES[key]


def service_columns(owner: Owner | None, *, row: ServiceRow | None = None) -> tuple[tuple[ServiceGroup, ...], ...]:
    """Return all services in two columns, each under the first thing it does; three queries and one for each that was asked.

    ``row`` is drawn in place of the one as it stands.
    """
    stored = credentials_stored(owner=owner) if owner else {}
    lines, health = price_lines(), health_of(SERVICES)

    def drawn(service: Service) -> ServiceRow:
        if row and row.service is service:
            return row
        return service_row(service.key, stored, lines=lines, health=health[service.key])

    def group(name: Capability) -> ServiceGroup:
        listed = [service for service in services_for(name) if service.key != EMBEDDED and service.capabilities[0] == name]
        return ServiceGroup(name, tuple(drawn(service) for service in listed))

    return (group("writer"), group("trends")), (group("speech"), group("images"))


def own_key_check(row: ServiceRow) -> None:
    """Refuse to touch a key that is not the owner's to change.

    Raises:
        BadInput: the operator set it, or the service takes none.
    """
    if row.state == "operator":
        raise BadInput("The operator has set this key for the whole studio. It cannot be changed here.", code="KEY_OF_OPERATOR")
    if not row.takes_key:
        raise BadInput(Sentence("%(label)s has no key of its own.", label=row.service.label), code="NO_KEY_WANTED")
