"""What a stage's work is done with: the services that could do it, how they do, what a run would cost, and the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videoflow.errors import BadInput
from videoflow.pipeline.budget import Standing, budget_get, month_standing, price_of, project_standing
from videoflow.pipeline.connections import Choice, choice_of, model_default, owner_of
from videoflow.pipeline.estimates import Estimate, estimate
from videoflow.pipeline.models import Budget, Project
from videoflow.pipeline.panels.service_list import CAPABILITY_LABELS, KeyState, price_lines, service_row
from videoflow.pipeline.service_health import Health, health_of
from videoflow.pipeline.service_options import Option, options_of
from videoflow.providers.base import Capability
from videoflow.providers.service import Price, Service
from videoflow.providers.service_check import LISTS_MODELS
from videoflow.providers.services import EMBEDDED, SERVICES, services_for
from videoflow.vault.services import StoredKey, credentials_stored

CAPABILITIES: Mapping[str, tuple[Capability, ...]] = {
    "script_generation": ("writer",),
    "media_generation": ("speech", "images"),
}
"""What is chosen in which panel."""
_WITH_OPTIONAL_MODEL = {"comfyui", "automatic1111"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One service that could do it."""

    service: Service
    key_state: KeyState
    health: Health
    price: Price
    is_chosen: bool

    @property
    def is_free(self) -> bool:
        return self.price.micros == 0

    @property
    def is_embedded(self) -> bool:
        return self.service.key == EMBEDDED

    @property
    def lacks_key(self) -> bool:
        return self.key_state in ("missing", "shut")


@dataclass(frozen=True, slots=True)
class OptionShown:
    option: Option
    value: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing the stage does, and with what."""

    capability: Capability
    choice: Choice
    candidates: tuple[Candidate, ...]
    model_default: str
    models: Sequence[str] = ()
    """As the service listed them just now."""
    is_usual: bool = True
    """Whether new projects begin with the same choice."""

    @property
    def label(self) -> str:
        return str(CAPABILITY_LABELS[self.capability])

    @property
    def chosen(self) -> Candidate:
        return next(candidate for candidate in self.candidates if candidate.is_chosen)

    @property
    def is_outside(self) -> bool:
        return self.choice.service != EMBEDDED

    @property
    def has_model(self) -> bool:
        return self.capability in self.chosen.service.models or self.chosen.service.key in _WITH_OPTIONAL_MODEL

    @property
    def lists_models(self) -> bool:
        """Whether the service can be asked for them now."""
        return self.has_model and self.choice.service in LISTS_MODELS and not self.chosen.lacks_key

    @property
    def lacks_model(self) -> bool:
        return self.capability in self.chosen.service.models and not (self.choice.model or self.model_default)

    @property
    def options(self) -> list[OptionShown]:
        fields = options_of(self.choice.service, self.capability)
        return [OptionShown(option, option.shown(self.choice.options)) for option in fields]


@dataclass(frozen=True, slots=True)
class MadeWith:
    """All that the disclosure shows when it is open."""

    offers: tuple[Offer, ...]
    estimate: Estimate
    budget: Budget
    project: Standing
    month: Standing


@dataclass(frozen=True, slots=True)
class MadeWithLine:
    """What the disclosure says while it is closed."""

    names: tuple[str, ...]
    estimate: Estimate | None
    """None while all of it is embedded: then there is nothing to say about money."""


def choice_shown(project: Project, capability: Capability) -> Choice:
    """Return the project's choice; the embedded one where the chosen service is not there any more."""
    try:
        return choice_of(project, capability)
    except BadInput:
        return Choice()


def made_with_line(project: Project, stage: str) -> MadeWithLine | None:
    """Return what the closed disclosure says; None for a stage without a choice, no query while all is embedded."""
    if stage not in CAPABILITIES:
        return None
    chosen = [choice_shown(project, capability) for capability in CAPABILITIES[stage]]
    cost = estimate_shown(project, stage)
    labels = [SERVICES[choice.service].label for choice in chosen] + [line.label for line in cost.lines]
    return MadeWithLine(tuple(dict.fromkeys(labels)), cost if cost.lines else None)


def estimate_shown(project: Project, stage: str) -> Estimate:
    """Return what a run costs at most; nobody knows while a service is chosen that is not there any more."""
    try:
        return estimate(project, stage)
    except BadInput:
        return Estimate(None, ())


def made_with(project: Project, stage: str, *, models: Mapping[Capability, Sequence[str]] | None = None) -> MadeWith:
    """Return the open disclosure; ``models`` are those that a service was just asked for."""
    stored = credentials_stored(owner=owner_of(project))
    capabilities = CAPABILITIES[stage]
    listed = {service.key for capability in capabilities for service in services_for(capability)}
    health = health_of(listed - {EMBEDDED})
    lines = price_lines()
    return MadeWith(
        offers=tuple(
            _offer(project, capability, stored, health, lines, (models or {}).get(capability, ())) for capability in capabilities
        ),
        estimate=estimate_shown(project, stage),
        budget=budget_get(project.session),
        project=project_standing(project),
        month=month_standing(project.session),
    )


def _offer(
    project: Project,
    capability: Capability,
    stored: Mapping[str, StoredKey],
    health: Mapping[str, Health],
    lines: Mapping[tuple[str, str], int],
    models: Sequence[str],
) -> Offer:
    choice = choice_shown(project, capability)

    def candidate(service: Service) -> Candidate:
        is_chosen = service.key == choice.service
        known = service.price[capability]
        price = Price(known.unit, lines.get((service.key, capability), known.micros))
        if is_chosen and choice.model:
            price = price_of(service.key, capability, choice.model)
        row = service_row(service.key, stored)
        return Candidate(service, row.state, health.get(service.key, Health()), price, is_chosen)

    return Offer(
        capability,
        choice,
        tuple(candidate(service) for service in services_for(capability)),
        model_default(choice.service, capability),
        models,
        is_usual=project.providers.get(capability) == (project.session.preferences.get("providers") or {}).get(capability),
    )
