from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from videoflow.health.installation import free_bytes
from videoflow.health.probes import probe_all, worst
from videoflow.tasks.models import Task


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
    counts = dict(Task.objects.order_by().values_list("status").annotate(count=Count("pk")))
    lines = ["# HELP videoflow_tasks Tasks by status.", "# TYPE videoflow_tasks gauge"]
    lines += [f'videoflow_tasks{{status="{status}"}} {counts.get(status, 0)}' for status in Task.Status.values]
    lines += ["# HELP videoflow_check Health by part: 1 ok, 0.5 degraded, 0 down.", "# TYPE videoflow_check gauge"]
    figures = {"ok": "1", "degraded": "0.5", "down": "0"}
    lines += [f'videoflow_check{{name="{name}"}} {figures[probe.state]}' for name, probe in probe_all().items()]
    lines += ["# HELP videoflow_storage_free_bytes Free disk.", "# TYPE videoflow_storage_free_bytes gauge"]
    lines += [f"videoflow_storage_free_bytes {free_bytes(settings.MEDIA_ROOT)}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
