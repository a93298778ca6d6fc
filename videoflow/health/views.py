import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from videoflow.health.metrics import metrics_text
from videoflow.health.probes import probe_all, worst

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers, nothing more: a slow database is no reason to kill it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> HttpResponse:
    """Say how the studio is; 503 only when it cannot work at all."""
    probes = probe_all()
    status = worst(probes)
    body = {
        "status": status,
        "checks": {name: probe.state for name, probe in probes.items()},
        "messages": {name: probe.message for name, probe in probes.items() if probe.message},
    }
    return JsonResponse(body, status=503 if status == "down" else 200)


@require_safe
@never_cache
def metrics(_request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus, when VIDEOFLOW_METRICS is on."""
    if not settings.VIDEOFLOW_METRICS:
        raise Http404
    try:
        text = metrics_text()
    except DatabaseError:
        logger.exception("the metrics could not be read")
        return HttpResponse("# The database does not answer.\n", status=503, content_type=METRICS_TYPE)
    return HttpResponse(text, content_type=METRICS_TYPE)
