"""The uploader panel's own acts: a form that saves by itself, its list of checks, its thumbnail, and the press that publishes."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline.caption_tracks import LIMIT_BYTES, caption_track_drop, caption_track_put
from videoflow.pipeline.channels.journal import unsure_decide
from videoflow.pipeline.editing.publish_draft import (
    StaleDraft,
    draft_chapters_put,
    draft_save,
    draft_values,
    input_of,
    picture_add,
)
from videoflow.pipeline.forms_publish import PublishForm
from videoflow.pipeline.models import Project, Video, YouTubeUpload
from videoflow.pipeline.panels.publish import checks_of, on_youtube, pictures_of
from videoflow.pipeline.selectors import project_videos
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.thumbnails import DRAWN, PLACES, SIZE_PX, TEXT_LIMIT, ThumbnailChoice, base_known, thumbnail_bytes
from videoflow.pipeline.views.autosave import conflict, refused, saved, wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.pipeline.views.refusal import refusal
from videoflow.pipeline.views.workflow import detail_page
from videoflow.sessions.middleware import Request
from videoflow.tasks.models import Task
from videoflow.tasks.services import TaskConflict, task_retry
from videoflow.translation import translated

PANEL = "youtube_upload"
SMALL_PX = 320
_NUMBER_LIMIT = 2_147_483_647


def _video(project: Project) -> Video:
    video = project_videos(project).first()
    if video is None:
        raise Http404
    return video


def _revision(request: Request) -> int | None:
    return whole_number(request.POST.get("revision", ""), most=_NUMBER_LIMIT)


@require_POST
def upload_decide(request: Request, project_id: UUID, upload_id: UUID) -> HttpResponse:
    """The owner has looked at YouTube and says that the video is not there: let the upload begin anew."""
    project = project_get(request, project_id)
    upload = get_object_or_404(YouTubeUpload, pk=upload_id, video__project=project)
    unsure_decide(upload)
    try:
        if upload.task is not None and upload.task.status == Task.Status.FAILED:
            task_retry(task_id=upload.task.pk)
            messages.success(request, _("It is uploaded anew."))
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return to_panel(project, PANEL)


@require_POST
def draft(request: Request, project_id: UUID) -> HttpResponse:
    """Keep the form; ``act=chapters`` writes the video's chapters into the description too."""
    project = project_get(request, project_id)
    video = _video(project)
    form = PublishForm(request.POST, project=project)
    if not form.is_valid():
        if wants_json(request):
            return refused({name: str(errors[0]) for name, errors in form.errors.items()})
        return detail_page(request, project, refused=(PANEL, form))
    try:
        draft_save(project=project, video=video, values=form.values(), revision=_revision(request))
        if request.POST.get("act") == "chapters":
            draft_chapters_put(project=project, video=video)
    except StaleDraft as error:
        if wants_json(request):
            return conflict(project.publish_revision, _theirs(project, video))
        messages.warning(request, translated(str(error)))
        return detail_page(request, project, refused=(PANEL, form))
    if wants_json(request):
        return saved(project.publish_revision)
    messages.success(request, _("Saved."))
    return to_panel(project, PANEL)


def _theirs(project: Project, video: Video) -> dict[str, Any]:
    values = draft_values(project, video)
    del values["publish_at"]  # stands in the browser's own time there
    return values


@require_POST
def publish(request: Request, project_id: UUID) -> HttpResponse:
    """Keep the form and publish what it says; the list of checks says what stands in the way."""
    project = project_get(request, project_id)
    video = project_videos(project).first()
    form = PublishForm(request.POST, project=project)
    if video is None:
        return _refused(request, project, BadInput(_("There is no finished video yet. Compose it first.")), form)
    if not form.is_valid():
        return detail_page(request, project, refused=(PANEL, form))
    try:
        draft_save(project=project, video=video, values=form.values(), revision=_revision(request))
        chosen = input_of(draft_values(project, video))
        if request.POST.get("act") == "update":
            chosen |= {"target": "youtube", "update_of": whole_number(request.POST.get("update_of", ""), most=_NUMBER_LIMIT) or 0}
        stage_start(project=project, task_type=PANEL, input_data=chosen)
        draft_save(project=project, video=video, values={"again": False})
    except VideoflowError as error:
        return _refused(request, project, error, form)
    return to_panel(project, PANEL)


def _refused(request: Request, project: Project, error: VideoflowError, form: PublishForm) -> HttpResponse:
    form.is_valid()
    form.refuse(error)
    if isinstance(error, TaskConflict):  # the form is not shown while a publication is under way
        messages.error(request, translated(str(error)))
    return refusal(detail_page(request, project, refused=(PANEL, form)), error)


@require_safe
@never_cache
def checks(request: Request, project_id: UUID) -> HttpResponse:
    """The list before the start, for the form as it was last saved."""
    project = project_get(request, project_id)
    return render(request, "pipeline/publish/_checks.html", {"project": project, "panel": checks_of(project, _video(project))})


@require_safe
def thumbnail(request: Request, project_id: UUID) -> HttpResponse:
    """The thumbnail as the address describes it."""
    project = project_get(request, project_id)
    video = _video(project)
    asked = request.GET
    choice = ThumbnailChoice(
        base=asked.get("base", DRAWN),
        text=asked.get("text", "")[:TEXT_LIMIT],
        place=asked.get("place", "bottom-left"),
        colour=asked.get("colour", "#ffffff"),
    )
    form = PublishForm({"thumb_base": choice.base, "thumb_colour": choice.colour}, project=project)
    if not form.is_valid() or choice.place not in PLACES or not base_known(project, choice.base):
        raise Http404
    try:
        made = thumbnail_bytes(video, choice, width_px=SMALL_PX if "small" in asked else SIZE_PX[0])
    except BadInput as error:
        raise Http404 from error
    return HttpResponse(made, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@require_POST
def pictures(request: Request, project_id: UUID) -> HttpResponse:
    """Take a picture for the thumbnail; it is offered beside the others."""
    project = project_get(request, project_id)
    video = _video(project)
    file = request.FILES.get("picture")
    problem, new = "", ""
    try:
        if file is None:
            raise BadInput(_("Choose a picture first."))
        new = str(picture_add(project=project, name=file.name or "picture", size_bytes=file.size or 0, content=file.read).pk)
    except VideoflowError as error:
        problem = translated(str(error))
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        else:
            messages.success(request, _("The picture is here. Pick it below."))
        return to_panel(project, PANEL)
    values = draft_values(project, video)
    panel = {"pictures": pictures_of(project, video), "values": values, "problem": problem, "new": new}
    status = 422 if problem else 200
    return render(request, "pipeline/publish/_pictures.html", {"project": project, "panel": panel}, status=status)


@require_POST
def captions(request: Request, project_id: UUID) -> HttpResponse:
    """Take captions in another language, or with ``drop`` take those of a language away."""
    project = project_get(request, project_id)
    video = _video(project)
    try:
        messages.success(request, _captions_change(request, project, video))
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return to_panel(project, PANEL)


def _captions_change(request: Request, project: Project, video: Video) -> str:
    """Change the captions and return what was done, and what is still to do where the video is on YouTube.

    Raises:
        BadInput: they are not captions of this video, or it is on its way.
    """
    if project.tasks.filter(task_type=PANEL, status__in=Task.OPEN).exists():
        raise BadInput(_("The video is on its way. Change its captions once it is there."))
    is_there = on_youtube(list(project_videos(project))) is not None
    if "drop" in request.POST:
        caption_track_drop(project=project, language=request.POST["drop"])
        if is_there:
            return _("The captions are taken away here. “Change the video on YouTube” takes them away there.")
        return _("The captions are taken away.")
    file = request.FILES.get("captions")
    if file is None:
        raise BadInput(_("Choose a file with captions first."))
    language, content = request.POST.get("captions_language", ""), file.read(LIMIT_BYTES + 1)
    caption_track_put(project=project, video=video, language=language, name=file.name or "captions", content=content)
    if is_there:
        return _("The captions are here. “Change the video on YouTube” sends them.")
    return _("The captions are here and go to YouTube with the video.")
