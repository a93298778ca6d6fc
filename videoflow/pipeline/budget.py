"""What may be spent: by a project altogether, by its owner in a month. Money is reserved before each call that costs some.

A call counts with what was charged; as long as nobody has said, with what was reserved for it, also when its reply is lost.
A refused one costs nothing. Prices are lines of the operator, else the catalogue's; one nobody knows is never taken for nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.models import Budget, Project, ProviderCall, ServicePrice
from videoflow.pipeline.money import MICROS, money_shown
from videoflow.providers.paid import PaidCall
from videoflow.providers.service import Price
from videoflow.providers.services import SERVICES
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession

CURRENCY = "USD"
_NO_PRICE = Price(Sentence("call"))


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit and what has been used of it, in micros; reserved money counts as used."""

    limit_micros: int | None
    used_micros: int


def price_of(service: str, capability: str, model: str = "") -> Price:
    """Return what a unit costs: the operator's line for the model, the one for the service, else the catalogue's; one query."""
    known = SERVICES[service].price.get(capability, _NO_PRICE) if service in SERVICES else _NO_PRICE
    lines = dict(
        ServicePrice.objects.filter(service=service, capability=capability, model__in={model, ""}).values_list("model", "micros")
    )
    return Price(known.unit, lines.get(model, lines.get("", known.micros)))


def cost_of(call: PaidCall) -> int | None:
    """Return what a call costs at most, in micros; None when nobody knows."""
    if call.reserved_micros is not None:
        return call.reserved_micros
    price = price_of(call.provider, call.capability, call.model)
    if price.micros == 0:
        return 0
    return None if price.micros is None or call.units is None else math.ceil(price.micros * call.units)


def _used(calls: "QuerySet[ProviderCall]") -> int:
    counted = calls.exclude(state=ProviderCall.State.FAILED).filter(currency=CURRENCY)
    return counted.aggregate(sum=Sum(Coalesce("charged_micros", "reserved_micros")))["sum"] or 0


def owner_name(session: CreatorSession) -> str:
    """Return whose money a session's work spends, as it stands in ``ProviderCall.owner``."""
    return f"session:{session.pk}" if session.user_id is None else f"user:{session.user_id}"


def _calls_of_month(session: CreatorSession) -> "QuerySet[ProviderCall]":
    """Return an owner's calls of this month (UTC), those of a user's sessions before they signed in among them."""
    mine = Q(owner=owner_name(session))
    if session.user_id is not None:
        mine |= Q(project__session__user=session.user_id)
    began = timezone.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return ProviderCall.objects.filter(mine, created_at__gte=began)


def _owner(session: CreatorSession) -> dict[str, Any]:
    return {"session": session} if session.user_id is None else {"user_id": session.user_id}


def budget_get(session: CreatorSession) -> Budget:
    """Return the budget of a session's owner, not saved when there is none yet."""
    owner = _owner(session)
    return Budget.objects.filter(**owner).first() or Budget(**owner)


def budget_set(*, session: CreatorSession, month_micros: int | None, takes_unknown_prices: bool) -> None:
    """Set what an owner may spend in a month; None takes the limit away."""
    facts = {"month_micros": month_micros, "takes_unknown_prices": takes_unknown_prices}
    Budget.objects.update_or_create(**_owner(session), defaults=facts)


def budgets_claim(*, user_id: int) -> None:
    """Let limits of sessions that have become the user's hold for the user; an own limit stays, of several the lowest wins."""
    theirs = Budget.objects.filter(session__user_id=user_id)
    if not theirs.exists():
        return
    with transaction.atomic():
        limited = theirs.filter(month_micros__isnull=False).order_by("month_micros").first()
        mine, _ = Budget.objects.get_or_create(user_id=user_id)
        if limited is not None and mine.month_micros is None:
            mine.month_micros, mine.takes_unknown_prices = limited.month_micros, limited.takes_unknown_prices
            mine.save(update_fields=["month_micros", "takes_unknown_prices"])
        theirs.delete()


def project_budget_set(*, project: Project, micros: int | None) -> None:
    """Set what a project may spend altogether; None takes the limit away."""
    Project.objects.filter(pk=project.pk).update(budget_micros=micros)


def project_standing(project: Project) -> Standing:
    """Return a project's limit and what it has used; one query."""
    return Standing(project.budget_micros, _used(project.provider_calls.all()))


def month_standing(session: CreatorSession) -> Standing:
    """Return an owner's limit of this month and what was used of it; two queries."""
    return Standing(budget_get(session).month_micros, _used(_calls_of_month(session)))


def budget_reserve(*, call: PaidCall, session: CreatorSession, project: Project | None) -> int | None:
    """Return what to reserve for a call, None when its price is not known; to be written down in the same transaction.

    The owner's row is locked until then, so two calls at once cannot both take the last of the money.

    Raises:
        BadInput: the budget of the project or of the month does not reach, or there is one and the price is not known.
    """
    assert connection.in_atomic_block, "what is reserved must be written in the transaction that looked"
    Budget.objects.get_or_create(**_owner(session))
    budget = Budget.objects.select_for_update().get(**_owner(session))
    limit = Project.objects.values_list("budget_micros", flat=True).get(pk=project.pk) if project else None
    needed = cost_of(call)
    if limit is None and budget.month_micros is None:
        return needed
    if needed is None:
        if budget.takes_unknown_prices:
            return None
        raise BadInput(
            Sentence(
                "Nobody has told what the %(purpose)s costs at %(label)s, and there is a budget. Ask the "
                "operator to enter its price, or allow calls of unknown price.",
                purpose=call.purpose,
                label=_label(call.provider),
            ),
            code="PRICE_UNKNOWN",
            details={"provider": call.provider, "model": call.model, "purpose": call.purpose},
        )
    if needed:
        if project:
            _check("project", Standing(limit, _used(project.provider_calls.all())), needed, call)
        _check("month", Standing(budget.month_micros, _used(_calls_of_month(session))), needed, call)
    return needed


def _check(scope: str, standing: Standing, needed: int, call: PaidCall) -> None:
    if standing.limit_micros is None or standing.used_micros + needed <= standing.limit_micros:
        return
    whose = Sentence("this project") if scope == "project" else Sentence("this month")
    raise BadInput(
        Sentence(
            "The budget of %(whose)s does not reach for the %(purpose)s: %(used)s of %(limit)s "
            "are used and it costs up to %(price)s. Raise the budget to go on; nothing was asked and "
            "nothing is charged.",
            whose=whose,
            purpose=call.purpose,
            used=money_shown(standing.used_micros, CURRENCY),
            limit=money_shown(standing.limit_micros, CURRENCY),
            price=money_shown(needed, CURRENCY),
        ),
        code="BUDGET_REACHED",
        details={
            "scope": scope,
            "limit_micros": standing.limit_micros,
            "used_micros": standing.used_micros,
            "needed_micros": needed,
            "provider": call.provider,
        },
    )


def _label(service: str) -> str:
    return SERVICES[service].label if service in SERVICES else service


def prices_set(lines: Iterable[tuple[str, str, str, int | None]]) -> None:
    """Write the operator's prices down: (service, capability, model, micros for a unit); None takes a line away."""
    for service, capability, model, micros in lines:
        if micros is None:
            ServicePrice.objects.filter(service=service, capability=capability, model=model).delete()
        else:
            ServicePrice.objects.update_or_create(
                service=service, capability=capability, model=model, defaults={"micros": micros}
            )


def micros_read(amount: str) -> int:
    """Return an amount in dollars as a creator typed it, in micros; a comma may stand for the point.

    Raises:
        BadInput: it is not an amount.
    """
    try:
        value = float(amount.strip().replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1_000_000:
        raise BadInput("Give an amount in dollars, such as 2.50.", code="AMOUNT_INVALID")
    return round(value * MICROS)
