from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from videoflow.errors import VideoflowError
from videoflow.http import page_of, render_partial
from videoflow.sessions.middleware import Request
from videoflow.tasks.events import event_said, hello_said
from videoflow.tasks.models import Task
from videoflow.tasks.selectors import events_after, hello_get, task_counts, tasks_listed
from videoflow.tasks.services import MAX_USER_RETRIES, task_cancel, task_retry
from videoflow.translation import translated

PAGE_SIZE = 30
SEQ_LIMIT = 2**63


def _tasks_of(request: Request) -> QuerySet[Task]:
    return Task.objects.filter(session__in=request.creator.sessions, project__deleted_at__isnull=True)


@require_GET
@never_cache
def task_list(request: Request) -> HttpResponse:
    """The creator's tasks, newest first; ``?status=`` shows those of one status."""
    sessions = request.creator.session_ids
    counts = task_counts(sessions)
    tasks = tasks_listed(sessions)
    status = request.GET.get("status", "")
    shown = tasks.filter(status=status) if status in Task.Status.values else tasks
    total = sum(counts.values())
    count = counts.get(status, 0) if status in Task.Status.values else total
    page = page_of(shown.order_by("-created_at"), request.GET.get("page"), size=PAGE_SIZE, count=count, related=("project",))
    session = request.creator.session_or_none
    context = {
        "page": page,
        "status": status if status in Task.Status.values else "",
        "filters": [(value, counts.get(value, 0)) for value in Task.Status.values],
        "total": total,
        "session": session,
        "most_retries": MAX_USER_RETRIES,
        "is_busy": any(counts.get(value) for value in Task.OPEN),
    }
    return render_partial(request, "tasks/list.html", context, partial="tasks")


def _back(request: Request, task: Task) -> HttpResponse:
    """Return to the page that asked; htmx stays where it is and fetches what changed."""
    if request.htmx:
        refused = bool(len(messages.get_messages(request)))  # shown by the page, which is drawn anew for it
        return HttpResponse(status=204, headers={"HX-Refresh": "true"} if refused else {"HX-Trigger": "vf:changed"})
    project = reverse("pipeline:project_detail", args=[task.project_id])
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}) and not urlsplit(wanted).netloc
    return HttpResponseRedirect(wanted if is_ours else f"{project}#panel-{task.task_type}")


@require_POST
def cancel(request: Request, task_id: UUID) -> HttpResponse:
    task = get_object_or_404(_tasks_of(request), pk=task_id)
    try:
        task_cancel(task_id=task.pk)
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return _back(request, task)


@require_POST
def retry(request: Request, task_id: UUID) -> HttpResponse:
    task = get_object_or_404(_tasks_of(request), pk=task_id)
    try:
        task_retry(task_id=task.pk)
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return _back(request, task)


@require_GET
@never_cache
def events(request: Request, session_id: UUID) -> HttpResponse:
    """The progress socket's twin for when sockets do not get through: ``{"hello": …, "events": […]}`` after ``?after=``."""
    session = get_object_or_404(request.creator.sessions, pk=session_id)
    after = request.GET.get("after", "")
    seq = int(after) if after.isdecimal() and len(after) < 20 and int(after) < SEQ_LIMIT else None
    hello = hello_get(session_id=session.pk, after=seq)
    rows = events_after(session_id=session.pk, seq=seq) if seq is not None and not hello["reset"] else []
    return JsonResponse({"hello": hello_said(hello), "events": [event_said(row) for row in rows]})
