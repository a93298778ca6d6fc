"""What the pages say of outside services: amounts, and calls of which nobody knows the end."""

import math
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from videoflow.pipeline.models import Asset, Project, ProviderCall
from videoflow.pipeline.money import MICROS, money_shown
from videoflow.pipeline.panels.made_with import MadeWithLine
from videoflow.pipeline.panels.made_with import made_with_line as _made_with_line
from videoflow.pipeline.unknown_calls import calls_at_work as _calls_at_work
from videoflow.pipeline.unknown_calls import calls_unknown as _calls_unknown
from videoflow.providers.services import service_label as _service_label

register = template.Library()
_FAULTS: Mapping[str, Promise] = {
    "SERVICE_UNREACHABLE": gettext_lazy("it could not be reached"),
    "SERVICE_TIMEOUT": gettext_lazy("it did not answer in time"),
    "SERVICE_BUSY": gettext_lazy("it was too busy, or its limit was reached"),
    "SERVICE_REFUSED": gettext_lazy("it refused the request"),
    "SERVICE_BROKEN": gettext_lazy("its answer was broken off or damaged"),
}


@register.filter
def money(micros: int | None, currency: str = "USD") -> str:
    """An amount in millionths of a currency: ``0.0025 USD``; a dash when it is not known."""
    return money_shown(micros, currency)


@register.simple_tag
def calls_unknown(project: Project, stage: str) -> list[ProviderCall]:
    """A stage's calls that wait for a person's word; one query."""
    return _calls_unknown(project, stage)


@register.simple_tag
def calls_at_work(project: Project, stage: str) -> list[ProviderCall]:
    """A stage's orders that a service is still working on; one query."""
    return _calls_at_work(project, stage)


@register.simple_tag
def made_with_line(project: Project, stage: str) -> MadeWithLine | None:
    """What a stage's work is done with; no query while all of it is embedded."""
    return _made_with_line(project, stage)


@register.filter
def service_label(key: str) -> str:
    """How a service is called."""
    return _service_label(key)


@register.filter
def service_fault(code: str) -> str:
    """What an error's code says of a service."""
    return str(_FAULTS.get(code) or gettext_lazy("it did not do what was asked"))


@register.filter
def dollars(micros: int | None) -> str:
    """An amount as it stands in a field: ``2.50``; empty when there is none."""
    return "" if micros is None else money_shown(micros, "").strip()


@register.filter
def budget_next(details: Mapping[str, Any]) -> int | None:
    """The next round limit, in micros, with which a call that the budget stopped could be made; None when that is not told."""
    figures = [details.get(name) for name in ("limit_micros", "used_micros", "needed_micros")]
    if not all(isinstance(figure, int) for figure in figures):
        return None
    limit, used, needed = (figure for figure in figures if isinstance(figure, int))
    return math.ceil(max(limit * 1.5, used + needed * 10) / MICROS) * MICROS


@register.filter
def makers(panel: Mapping[str, Any]) -> list[str]:
    """Who made the pictures and recordings of the media panel, the voices first; what the creator brought has no maker."""
    origins = [recording.speech.asset.origin for recording in panel.get("recordings", ())]
    origins += [tile.scene.asset.origin for tile in panel.get("tiles", ())]
    return [_service_label(origin) for origin in dict.fromkeys(origins) if origin != Asset.UPLOAD]
