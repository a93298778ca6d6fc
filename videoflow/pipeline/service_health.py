"""How well services answer: each request leaves a row, and a page reads the newest ones together."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from videoflow.pipeline.models import ServiceCall
from videoflow.providers.net import Observed

KEPT_FOR = timedelta(days=7)
_LOOKED_AT = 500
"""Newest requests of a service that its health is read from."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """``calls`` is 0 and the rest None when a service was not asked within seven days."""

    calls: int = 0
    last_success_at: datetime | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    """Of the requests that went well."""
    error_share: float | None = None
    """0 to 1."""
    last_error: str = ""
    """Code of the newest error; empty when none is among the newest requests."""
    last_error_at: datetime | None = None

    @property
    def success_percent(self) -> int | None:
        return None if self.error_share is None else round(100 * (1 - self.error_share))

    @property
    def is_failing(self) -> bool:
        """Whether the newest request went wrong."""
        error_at, success_at = self.last_error_at, self.last_success_at
        return error_at is not None and (success_at is None or error_at > success_at)


def call_observe(observed: Observed) -> None:
    """Keep how a request ended; what cannot be written now is not worth stopping the work for."""
    if connection.in_atomic_block:
        raise RuntimeError("a request to a service inside a transaction: it would hold the database's lock")
    try:
        with transaction.atomic():  # it waits for its turn without holding the connection
            ServiceCall.objects.create(
                service=observed.service, outcome=observed.outcome, milliseconds=round(observed.seconds * 1000)
            )
    except DatabaseError as error:
        logger.warning("a request's end was not kept: %s", type(error).__name__)


def health_of(services: Collection[str]) -> dict[str, Health]:
    """Return the health of services by key; one query for all and one for each that was asked."""
    since = timezone.now() - KEPT_FOR
    asked = ServiceCall.objects.filter(service__in=services, created_at__gte=since)
    successes = asked.values_list("service").annotate(last=Max("created_at", filter=Q(outcome=ServiceCall.OK)))
    found = dict(successes.order_by())
    return {service: _health(asked, service, found[service]) if service in found else Health() for service in services}


def _health(asked: "QuerySet[ServiceCall]", service: str, last_success_at: datetime | None) -> Health:
    newest = asked.filter(service=service).order_by("-created_at", "-pk")
    rows = list(newest.values_list("outcome", "milliseconds", "created_at")[:_LOOKED_AT])
    good = sorted(milliseconds / 1000 for outcome, milliseconds, _at in rows if outcome == ServiceCall.OK)
    error, error_at = next(((outcome, at) for outcome, _milliseconds, at in rows if outcome != ServiceCall.OK), ("", None))
    return Health(
        calls=len(rows),
        last_success_at=last_success_at,
        p50_seconds=good[len(good) // 2] if good else None,
        p95_seconds=good[min(len(good) - 1, int(len(good) * 0.95))] if good else None,
        error_share=1 - len(good) / len(rows),
        last_error=error,
        last_error_at=error_at,
    )


def calls_forgettable() -> "QuerySet[ServiceCall]":
    """Return the rows that nobody reads any more."""
    return ServiceCall.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
