"""The editor of the chapters in the description."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from videoflow.errors import BadInput
from videoflow.pipeline.editing.chapters import CHAPTERS_MOST, chapters_save
from videoflow.pipeline.editing.publish_draft import draft_values
from videoflow.pipeline.metadata import chapters_read, clock
from videoflow.pipeline.models import Project, Video
from videoflow.pipeline.selectors import project_videos
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

PANEL = "youtube_upload"
Rows = list[tuple[str, str]]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def chapters(request: Request, project_id: UUID) -> HttpResponse:
    """The chapters to type in; ``act=add`` gives one more row, anything else saves them."""
    project = project_get(request, project_id)
    video = project_videos(project).first()
    if video is None:
        raise Http404
    if request.method != "POST":
        return _page(request, project, _rows(project, video))
    times, titles = request.POST.getlist("start"), request.POST.getlist("chapter")
    rows = [(time[:20], title[:300]) for time, title in zip(times, titles, strict=False)][: CHAPTERS_MOST + 1]
    if request.POST.get("act") == "add":
        return _page(request, project, [*rows, ("", "")])
    try:
        chapters_save(project=project, video=video, rows=rows)
    except BadInput as error:
        return _page(request, project, rows, status=422, refusal=translated(str(error)))
    if not request.htmx:
        messages.success(request, _("Saved."))
        return to_panel(project, PANEL)
    answer = _page(request, project, _rows(project, video), sentence=_("The chapters stand in the description."))
    answer.headers["HX-Trigger-After-Settle"] = json.dumps({"vf:edited": {"panels": [PANEL]}})
    return answer


def _rows(project: Project, video: Video) -> Rows:
    """Return the chapters that the description has, and an empty row."""
    found = chapters_read(str(draft_values(project, video)["description"]))
    return [*((clock(chapter.start), chapter.title) for chapter in found), ("", "")]


def _page(request: Request, project: Project, rows: Rows, *, status: int = 200, **facts: Any) -> HttpResponse:
    template = "pipeline/publish/_chapters.html" if request.htmx else "pipeline/publish/chapters.html"
    return render(request, template, {"project": project, "rows": rows, **facts}, status=status)
