"""Figures that grow with what a studio holds: files, projects, calls to services and what they cost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils import timezone

from videoflow.health.figures import Metric, plain
from videoflow.pipeline.budget import CURRENCY
from videoflow.pipeline.models import Asset, Project, ProviderCall, ServiceCall

CALL_WINDOW = timedelta(hours=24)


def ledger_metrics() -> Iterator[Metric]:
    """Measure what is read from many rows. Six queries."""
    kinds = list(
        Asset.objects.order_by().values_list("kind").annotate(count=Count("pk"), size=Sum("size_bytes")).order_by("kind")
    )
    yield Metric(
        "videoflow_files_bytes", "Bytes of the projects' files; one that several use counts for each.", [
            ({"kind": kind}, size) for kind, _, size in kinds
        ]
    )  # fmt: skip
    yield Metric("videoflow_files", "Files of the projects.", [({"kind": kind}, count) for kind, count, _ in kinds])
    yield plain(
        "videoflow_projects", "Projects, archived and deleted ones that can be had back included.", Project.objects.count()
    )
    yield plain("videoflow_database_bytes", "Size of the database.", _database_bytes())

    since = timezone.now() - CALL_WINDOW
    asked = ServiceCall.objects.filter(created_at__gte=since).order_by().values_list("service", "outcome")
    yield Metric(
        "videoflow_service_requests",
        "Requests to outside services in the last 24 hours, by how they ended.",
        [({"service": service, "outcome": outcome}, count) for service, outcome, count in asked.annotate(count=Count("pk"))],
    )
    dollars = Q(currency=CURRENCY)
    paid = ProviderCall.objects.order_by().values_list("provider", "state")
    calls = list(
        paid.annotate(
            count=Count("pk"), charged=Sum("charged_micros", filter=dollars), reserved=Sum("reserved_micros", filter=dollars)
        )
    )
    yield Metric(
        "videoflow_paid_calls",
        "Calls that cost money, over all kept; unknown ones may have charged and wait for a person.",
        [({"provider": provider, "state": state}, count) for provider, state, count, _, _ in calls],
    )
    yield Metric(
        "videoflow_charged_dollars",
        "What services said they charged, over all calls kept.",
        [({"provider": provider, "state": state}, (charged or 0) / 1e6) for provider, state, _, charged, _ in calls],
    )
    yield Metric(
        "videoflow_reserved_dollars",
        "The most that calls could cost by their prices, over all calls kept.",
        [({"provider": provider, "state": state}, (reserved or 0) / 1e6) for provider, state, _, _, reserved in calls],
    )


def _database_bytes() -> float | None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0])
    file = Path(connection.settings_dict["NAME"])
    parts = [file.with_name(f"{file.name}{end}") for end in ("", "-wal")]
    return float(sum(part.stat().st_size for part in parts if part.exists()))
