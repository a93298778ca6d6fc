"""What the pages say of outside services: amounts, and calls of which nobody knows the end."""

from django import template

from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.money import money_shown
from videoflow.pipeline.unknown_calls import calls_unknown as _calls_unknown

register = template.Library()


@register.filter
def money(micros: int | None, currency: str = "USD") -> str:
    """An amount in millionths of a currency: ``0.0025 USD``; a dash when it is not known."""
    return money_shown(micros, currency)


@register.simple_tag
def calls_unknown(project: Project, stage: str) -> list[ProviderCall]:
    """A stage's calls that wait for a person's word; one query."""
    return _calls_unknown(project, stage)
