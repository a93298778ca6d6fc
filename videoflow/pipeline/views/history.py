from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from videoflow.http import Request, render_partial
from videoflow.pipeline import stages
from videoflow.pipeline.selectors import project_cards, projects_of
from videoflow.pipeline.services import project_delete
from videoflow.pipeline.views.owner import project_get

PAGE_SIZE = 24


@require_safe
@never_cache
def project_list(request: Request) -> HttpResponse:
    """Every project of the creator."""
    page = Paginator(projects_of(request.creator.sessions), PAGE_SIZE).get_page(request.GET.get("page"))
    cards = project_cards(page.object_list)
    context = {
        "page": page,
        "cards": cards,
        "stages": stages.load(),
        "session": request.creator.session_or_none,
        "is_busy": any(card.is_running for card in cards),
    }
    return render_partial(request, "pipeline/projects.html", context, partial="projects")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, project_id: UUID) -> HttpResponse:
    """Ask, then delete a project with its files."""
    project = project_get(request, project_id)
    if request.method != "POST":
        card = project_cards([project])[0]
        size_bytes = sum(project.assets.values_list("size_bytes", flat=True))
        return render(request, "pipeline/project_delete.html", {"card": card, "project": project, "size_bytes": size_bytes})
    title = project.title
    project_delete(project=project)
    messages.success(request, f"“{title}” was deleted.")
    return redirect("pipeline:project_list")
