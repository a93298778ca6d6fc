"""The history: everything the creator has made, to be found, copied, put aside and deleted."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videoflow.http import page_of, render_partial
from videoflow.pipeline import stages
from videoflow.pipeline.editing.duplicate import project_duplicate
from videoflow.pipeline.models import Project, Publication
from videoflow.pipeline.selectors import (
    DELETED,
    history_counts,
    history_of,
    history_states,
    project_cards,
    projects_deleted_of,
)
from videoflow.pipeline.services import project_archive, project_delete, project_discard, project_restore
from videoflow.pipeline.views.owner import project_get
from videoflow.sessions.middleware import Request
from videoflow.tasks.models import Task

PAGE_SIZE = 24
FOUND_MOST = 8
SEARCH_LIMIT = 100
NEWEST = ("-updated_at", "-created_at")
LABELS = {
    "": gettext_lazy("All"),
    "running": gettext_lazy("Running"),
    "failed": gettext_lazy("Failed"),
    "finished": gettext_lazy("Finished"),
    "published": gettext_lazy("Published"),
    "archived": gettext_lazy("Archived"),
    DELETED: gettext_lazy("Deleted"),
}


def _search_of(request: Request) -> str:
    return " ".join(request.GET.get("q", "")[:SEARCH_LIMIT].split())


@require_safe
@never_cache
def project_list(request: Request) -> HttpResponse:
    """The creator's projects: ``?q=`` searches titles and scripts, ``?status=`` filters."""
    sessions = request.creator.session_ids
    search = _search_of(request)
    status = request.GET.get("status", "")
    status = status if status in LABELS else ""
    found, states = history_of(sessions, search), history_states(sessions)
    counts = history_counts(found, states)
    shown = found.filter(states[status]).order_by(*(("-deleted_at",) if status == DELETED else NEWEST))
    page = page_of(shown, request.GET.get("page"), size=PAGE_SIZE, count=counts[status])
    cards = project_cards(page.object_list, search=search)
    context = {
        "page": page,
        "cards": cards,
        "stages": stages.load(),
        "session": request.creator.session_or_none,
        "is_busy": any(card.is_running for card in cards),
        "search": search,
        "status": status,
        "tabs": [
            (
                name,
                label,
                counts[name],
                "?" + urlencode({key: value for key, value in (("q", search), ("status", name)) if value}),
            )
            for name, label in LABELS.items()
            if counts[name] or name in {"", status}
        ],
        "has_any": bool(search) or any(counts.values()),
    }
    return render_partial(request, "pipeline/projects.html", context, partial="projects")


@require_safe
@never_cache
def project_find(request: Request) -> HttpResponse:
    """The few projects that fit best, as choices of the command palette."""
    found = history_of(request.creator.session_ids, _search_of(request)).filter(deleted_at__isnull=True)
    projects = found.order_by(*NEWEST)[:FOUND_MOST]
    return render(request, "_palette.html#found", {"projects": projects})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, project_id: UUID) -> HttpResponse:
    """Ask, then put a project among the deleted ones, where it can be had back from for a day."""
    project = project_get(request, project_id)
    if request.method != "POST":
        return _question(request, project)
    project_discard(project=project)
    return _told(project, request, _("“%(title)s” was deleted."), undo=True)


@require_POST
def archive(request: Request, project_id: UUID) -> HttpResponse:
    """Put a project aside."""
    project = project_get(request, project_id)
    project_archive(project=project)
    return _told(project, request, _("“%(title)s” is in the archive."), undo=True)


@require_POST
def restore(request: Request, project_id: UUID) -> HttpResponse:
    """Take a project back from the archive or from the deleted ones."""
    project = get_object_or_404(Project, pk=project_id, session__in=request.creator.sessions)
    project_restore(project=project)
    return _told(project, request, _("“%(title)s” is back."))


@require_POST
def duplicate(request: Request, project_id: UUID) -> HttpResponse:
    """Copy a project and open the copy."""
    copy = project_duplicate(project=project_get(request, project_id))
    messages.success(request, _("This is a copy with the same script, recordings and pictures. The original stays as it is."))
    return redirect("pipeline:project_detail", copy.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def purge(request: Request, project_id: UUID) -> HttpResponse:
    """Ask, then delete for good what was deleted before."""
    project = get_object_or_404(projects_deleted_of(request.creator.sessions).select_related("session"), pk=project_id)
    if request.method != "POST":
        return _question(request, project, is_for_good=True)
    project_delete(project=project)
    return _told(project, request, _("“%(title)s” was deleted for good."))


def _question(request: Request, project: Project, *, is_for_good: bool = False) -> HttpResponse:
    context = {
        "project": project,
        "is_running": project.tasks.filter(status__in=Task.OPEN).exists(),
        "is_for_good": is_for_good,
        "is_published": Publication.objects.filter(video__project=project, target="youtube").exists(),
        "size_bytes": project.assets.aggregate(bytes=Sum("size_bytes"))["bytes"] or 0,
    }
    return render(request, "pipeline/project_delete.html", context)


def _told(project: Project, request: Request, sentence: str, *, undo: bool = False) -> HttpResponse:
    """Say what was done, above the history, with a button that takes it back."""
    back = reverse("pipeline:project_restore", args=[project.pk]) if undo else ""
    messages.success(request, sentence % {"title": project.title}, extra_tags=back)
    return redirect("pipeline:project_list")
