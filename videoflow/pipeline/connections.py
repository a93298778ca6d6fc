"""Which service does a project's work, how it is reached, and with whose key. Only here is a stored key opened for a call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection as database

from videoflow.errors import BadInput
from videoflow.pipeline.models import Project, ServiceFact
from videoflow.pipeline.service_health import call_observe
from videoflow.pipeline.stages.base import StageContext
from videoflow.providers.base import CancelCheck, Capability
from videoflow.providers.net import Client, Connection
from videoflow.providers.net.addresses import host_listed
from videoflow.providers.paid import PaidCall
from videoflow.providers.registry import Access, provider_get, provider_make
from videoflow.providers.service import Service
from videoflow.providers.services import EMBEDDED, SERVICES, service_get
from videoflow.sentences import Sentence
from videoflow.vault.services import Owner, credential_read


@dataclass(frozen=True, slots=True)
class Choice:
    """What a project wants one capability done with."""

    service: str = EMBEDDED
    model: str = ""
    """Empty: the installation's default."""
    options: Mapping[str, Any] = field(default_factory=dict)
    fallback: bool = False
    """Whether the embedded provider may step in, which is then said on the page."""


def choice_of(project: Project, capability: Capability) -> Choice:
    """Return a project's choice; the embedded provider where none was made."""
    chosen = project.providers.get(capability) or {}
    service = chosen.get("service", EMBEDDED)
    if service not in SERVICES or capability not in SERVICES[service].capabilities:
        raise BadInput(
            Sentence(
                "This project is set to “%(service)s”, which this studio does not have. Choose another service.", service=service
            ),
            code="SERVICE_UNKNOWN",
            details={"capability": capability},
        )
    return Choice(service, chosen.get("model", ""), chosen.get("options") or {}, bool(chosen.get("fallback")))


def owner_of(project: Project) -> Owner:
    """Return whose keys a project's work uses."""
    return Owner(session_id=project.session_id, user_id=project.session.user_id)


def key_of_operator(service: str) -> str:
    """Return the installation's key; empty when the operator set none."""
    return str(settings.VIDEOFLOW_SERVICE_KEYS.get(service, ""))


def model_default(service: str, capability: str) -> str:
    """Return the model that is used where a project names none; empty where there are none, or one must be chosen."""
    return str(settings.VIDEOFLOW_SERVICE_MODELS.get((service, capability), ""))


def connection_for(
    *, owner: Owner, service: str, capability: str = "", model: str = "", options: Mapping[str, Any] | None = None
) -> Connection:
    """Return how a service is reached for an owner: the installation's key goes before the owner's own.

    Raises:
        BadInput: the key or the model is missing; the sentence says where to give it.
        VaultKeyWrong: the owner's key cannot be opened.
    """
    known = service_get(service)
    key = key_of_operator(service)
    if not key and known.key_setting:
        key = credential_read(owner=owner, provider=known.key_service) or ""
    if known.needs_key and not key:
        raise BadInput(
            Sentence(
                "%(label)s needs a key. Add it in the settings under “Services”, or choose another service.", label=known.label
            ),
            code="KEY_MISSING",
            details={"service": service, "capability": capability},
        )
    model = model or model_default(service, capability)
    if capability in known.models and not model:
        raise BadInput(
            Sentence("Choose a model of %(label)s first.", label=known.label),
            code="MODEL_MISSING",
            details={"service": service, "capability": capability},
        )
    return Connection(
        service=service,
        base_url=settings.VIDEOFLOW_SERVICE_URLS.get(service, ""),
        key=key,
        model=model,
        options={**known.options, **(options or {}), **_operator_options(known)},
        allowed_hosts=_allowed_hosts(service),
        at_once=settings.VIDEOFLOW_SERVICE_AT_ONCE.get(service, 1),
    )


def _operator_options(service: Service) -> dict[str, str]:
    """Return what only the operator decides; it goes over whatever a project says."""
    return {**settings.VIDEOFLOW_SERVICE_OPTIONS[service.key], "contact": settings.VIDEOFLOW_CONTACT}


def _allowed_hosts(service: str) -> frozenset[str]:
    """Return the hosts that may be private: this service's own and those listed; not those of other services."""
    own = settings.VIDEOFLOW_SERVICE_URLS.get(service)
    return frozenset([*settings.VIDEOFLOW_SERVICE_HOSTS, *([host_listed(own)] if own else [])])


def client_for(connection: Connection) -> Client:
    """Return a client that carries the connection's key where the catalogue says."""
    return Client(connection, headers=service_get(connection.service).headers(connection.key), observe=call_observe)


@dataclass(frozen=True, slots=True)
class _Facts:
    """``Remembered`` as rows."""

    service: str

    def get(self, name: str) -> Any:
        return ServiceFact.objects.filter(service=self.service, name=name).values_list("value", flat=True).first()

    def set(self, name: str, value: Any) -> None:
        ServiceFact.objects.update_or_create(service=self.service, name=name, defaults={"value": value})


@contextmanager
def thread_room() -> Iterator[None]:
    """Close the connection to the database that a thread has opened: nobody else can."""
    try:
        yield
    finally:
        database.close()


def provider_open(
    project: Project,
    capability: Capability,
    *,
    pay: Callable[[PaidCall], bytes],
    cancelled: CancelCheck,
    choice: Choice | None = None,
) -> Any:
    """Return the provider of a project's choice (or of another one), ready to work.

    Raises:
        BadInput: what it needs is missing.
    """
    chosen = choice or choice_of(project, capability)
    if chosen.service == EMBEDDED:
        return provider_get(capability, EMBEDDED)
    connection = connection_for(
        owner=owner_of(project), service=chosen.service, capability=capability, model=chosen.model, options=chosen.options
    )
    access = Access(connection, client_for(connection), pay, cancelled, _Facts(chosen.service), thread_room)
    return provider_make(capability, chosen.service, access)


def provider_for(context: StageContext, capability: Capability) -> Any:
    """Return what a stage does a capability's work with: embedded, or a service with the project's model and key.

    Raises:
        BadInput: a key or a model is missing; the sentence says what to do.
    """
    return provider_open(context.project, capability, pay=context.paid_call, cancelled=context.cancelled)
