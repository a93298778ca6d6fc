"""The composer: scenes in time, captions, music, format, and quick looks at all of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.board import project_board
from videoflow.pipeline.editing import looks, previews, scenes, scenes_cut
from videoflow.pipeline.editing.staleness import staleness_of
from videoflow.pipeline.look_forms import CaptionForm, MusicForm, SceneForm, caption_values, music_values
from videoflow.pipeline.media_files import file_response
from videoflow.pipeline.models import Asset, Project, Scene, Script, script_current
from videoflow.pipeline.panels.composition import caption_warnings_of, compose_state, timeline_content
from videoflow.pipeline.stages.base import StageNotReady
from videoflow.pipeline.views.autosave import conflict, refused, saved, wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

PANEL = "video_composition"


def _script_get(project: Project) -> Script:
    script = script_current(project)
    if script is None:
        raise Http404
    return script


def _scene_get(request: Request, project_id: UUID, key: UUID) -> Scene:
    project = project_get(request, project_id)
    rows = Scene.objects.select_related("project", "script", "asset").filter(script=_script_get(project))
    return get_object_or_404(rows, key=key)


def _to_panel(project: Project) -> HttpResponseRedirect:
    return to_panel(project, PANEL)


def _timeline(request: Request, project: Project, key: UUID, *, status: int = 200, **facts: Any) -> HttpResponse:
    """Draw the scenes with one chosen: the fragment for the module, a page of its own without scripts."""
    script = _script_get(project)
    outdated = frozenset(staleness_of(project, script, None).scenes)
    context = {"project": project, "timeline": timeline_content(project, script, outdated, str(key)), **facts}
    template = "_timeline.html" if request.htmx else "scene.html"
    return render(request, f"pipeline/composer/{template}", context, status=status)


def _edited(
    request: Request, scene: Scene, act: Callable[[], None], *, follow: UUID | None = None, mine: dict[str, Any] | None = None
) -> HttpResponse:
    """Do one edit of a scene and show the scenes as they are then."""

    def edit() -> UUID:
        act()
        return follow or scene.key

    return _rearranged(request, scene, edit, mine=mine)


def _rearranged(
    request: Request, scene: Scene, act: Callable[[], UUID], *, mine: dict[str, Any] | None = None, done: str = ""
) -> HttpResponse:
    """Do one edit and show the scenes as they are then, with the one chosen whose key the edit returns."""
    try:
        chosen = act()
    except scenes.StaleScene as error:
        return _timeline(request, scene.project, scene.key, status=409, refusal=translated(str(error)), mine=mine)
    except BadInput as error:
        return _timeline(request, scene.project, scene.key, status=422, refusal=translated(str(error)))
    if not request.htmx:
        if done:
            messages.success(request, done)
        return redirect("pipeline:composer_scene", scene.project_id, chosen)
    response = _timeline(request, scene.project, chosen, done=done)
    return trigger_client_event(response, "vf:edited", {"panels": ["media_generation"]})


@require_safe
@never_cache
def scene(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """The scenes with one of them chosen."""
    shown = _scene_get(request, project_id, key)
    return _timeline(request, shown.project, key)


@require_POST
def scene_change(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Set motion, transition, focus, or where a clip begins."""
    shown = _scene_get(request, project_id, key)
    form = SceneForm(request.POST)
    if not form.is_valid():
        sentence = _("The focus lies within the picture: 0 to 100 per cent.")
        return _timeline(request, shown.project, key, status=422, refusal=sentence)
    values = {name: value for name, value in form.values().items() if getattr(shown, name) != value}
    revision = form.cleaned_data["revision"]
    sent = {name: request.POST[name] for name in form.fields if name != "revision" and request.POST.get(name)}
    return _edited(request, shown, lambda: scenes.scene_change(scene=shown, revision=revision, **values), mine=sent)


@require_POST
def scene_lock(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Keep a picture when the media are made anew, or let it go again."""
    shown = _scene_get(request, project_id, key)
    return _edited(request, shown, lambda: scenes.scene_change(scene=shown, is_locked="lock" in request.POST))


@require_POST
def scene_move(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Let a picture change places: ``by`` so many, or ``to`` a number of the strip."""
    shown = _scene_get(request, project_id, key)
    places = shown.script.scenes.count()
    by = _whole(request.POST.get("by"), -places, places)
    to = _whole(request.POST.get("to"), 1, places)
    steps = by if by is not None else to - 1 - shown.position if to is not None else 0
    place = max(0, min(places - 1, shown.position + steps))
    follow = shown.script.scenes.values_list("key", flat=True).get(position=place)
    return _edited(request, shown, lambda: scenes.scene_move(scene=shown, by=steps), follow=follow)


def _whole(text: str | None, least: int, most: int) -> int | None:
    try:
        return max(least, min(most, int(text or "")))
    except ValueError:
        return None


@require_POST
def scene_trim(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Move the cut before (``start``) or after (``end``) a scene, in seconds of the video."""
    shown = _scene_get(request, project_id, key)
    start, end = _seconds(request.POST.get("start")), _seconds(request.POST.get("end"))
    misread = any(value is None and request.POST.get(name) for name, value in (("start", start), ("end", end)))
    if misread or (start is None and end is None):
        return _timeline(
            request, shown.project, key, status=422, refusal=_("Give the time of the cut in seconds, 12.5 for instance.")
        )

    def act() -> None:
        if start is not None and shown.position and abs(start - shown.start) > CUT_TOLERANCE_SECONDS:
            before = shown.script.scenes.select_related("project").get(position=shown.position - 1)
            scenes.scene_trim(scene=before, end=start)
        if end is not None and abs(end - shown.start - shown.seconds) > CUT_TOLERANCE_SECONDS:
            scenes.scene_trim(scene=shown, end=end)

    return _edited(request, shown, act)


@require_POST
def scene_split(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Make two scenes of one, cut ``at`` a second of the video, else where a line or a word begins near its middle."""
    shown = _scene_get(request, project_id, key)
    at = _seconds(request.POST.get("at"))
    if at is None and request.POST.get("at"):
        return _timeline(
            request, shown.project, key, status=422, refusal=_("Give the time of the cut in seconds, 12.5 for instance.")
        )
    return _rearranged(request, shown, lambda: scenes_cut.scene_split(scene=shown, at=at, revision=_revision(request)))


@require_POST
def scene_delete(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Take a scene out; its neighbour takes its time."""
    shown = _scene_get(request, project_id, key)
    done = _("Scene %(number)s was deleted; its neighbour takes its time.") % {"number": shown.position + 1}
    return _rearranged(request, shown, lambda: scenes_cut.scene_delete(scene=shown, revision=_revision(request)), done=done)


def _revision(request: Request) -> int | None:
    return _whole(request.POST.get("revision"), 0, 2**31)


CUT_TOLERANCE_SECONDS = 0.006
"""The form shows hundredths: what differs by less was not touched."""


def _seconds(text: str | None) -> float | None:
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return value if value == value and abs(value) < 1e6 else None


@require_POST
def scene_play(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Make a scene small with its sound, within 20 s, and show it."""
    shown = _scene_get(request, project_id, key)
    try:
        made = previews.scene_preview(shown.project, shown)
    except VideoflowError as error:
        if not request.htmx:
            messages.error(request, translated(str(error)))
            return redirect("pipeline:composer_scene", project_id, key)
        return render(
            request,
            "pipeline/composer/_stage.html",
            {"project": shown.project, "scene": shown, "refusal": translated(str(error))},
        )
    address = reverse("pipeline:composer_preview", args=[project_id, made])
    if not request.htmx:
        return HttpResponseRedirect(address)
    return render(request, "pipeline/composer/_stage.html", {"project": shown.project, "scene": shown, "preview": address})


@require_safe
def preview(request: Request, project_id: UUID, key: str) -> HttpResponseBase:
    """A scene's preview that was made."""
    path = previews.preview_file(project_get(request, project_id), key)
    if path is None:
        raise Http404
    return file_response(request, path, name="scene.mp4", etag=key)


@require_safe
def frame(request: Request, project_id: UUID, key: UUID) -> HttpResponseBase:
    """A still of a scene as the video shows it."""
    shown = _scene_get(request, project_id, key)
    try:
        path = previews.scene_frame(shown.project, shown)
    except (VideoflowError, OSError) as error:
        raise Http404 from error
    return file_response(request, path, name="frame.jpg", etag=path.stem)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def captions(request: Request, project_id: UUID) -> HttpResponse:
    """Show how captions would look (GET), or choose them (POST)."""
    project = project_get(request, project_id)
    form = CaptionForm(request.POST if request.method == "POST" else request.GET)
    if request.method != "POST":
        return _captions_tried(request, project, form)
    if not form.is_valid():
        return _refused(request, project, {name: str(errors[0]) for name, errors in form.errors.items()})
    try:
        looks.caption_change(project=project, values=form.caption(), revision=form.cleaned_data["revision"] or None)
    except looks.StaleLook:
        project.refresh_from_db()
        theirs = {name: value for name, value in caption_values(project).items() if not isinstance(value, bool)}
        return _stale(request, project, looks.look_revision(project, "caption"), theirs)
    except BadInput as error:
        return _refused(request, project, {next(iter(error.details), "name"): translated(str(error))})
    return _saved(request, project, looks.look_revision(project, "caption"))


def _captions_tried(request: Request, project: Project, form: CaptionForm) -> HttpResponse:
    script = _script_get(project)
    context: dict[str, Any] = {"project": project, "query": request.GET.urlencode()}
    if form.is_valid():
        try:
            looks.caption_check(form.caption())
        except BadInput as error:
            return render(request, "pipeline/composer/_captions.html", context | {"refusal": translated(str(error))})
        warnings = caption_warnings_of(previews.captioned(project, form.caption()), script)
        return render(request, "pipeline/composer/_captions.html", context | {"warnings": warnings})
    first = next(iter(form.errors.values()))[0]
    return render(request, "pipeline/composer/_captions.html", context | {"refusal": first})


@require_safe
def captions_picture(request: Request, project_id: UUID) -> HttpResponseBase:
    """A frame with captions as the query describes them; without a query, as the project has them."""
    project = project_get(request, project_id)
    rows = Scene.objects.select_related("script", "asset").filter(script=_script_get(project))
    wanted = request.GET.get("scene", "")
    shown = next((row for row in rows if str(row.key) == wanted), None) or rows.order_by("position")[1:2].first() or rows.first()
    form = CaptionForm(request.GET)
    if shown is None or ("name" in request.GET and not form.is_valid()):
        raise Http404
    try:
        path = previews.caption_frame(project, shown, form.caption() if "name" in request.GET else project.caption)
    except (VideoflowError, OSError) as error:
        raise Http404 from error
    return file_response(request, path, name="captions.jpg", etag=path.stem)


@require_POST
def music(request: Request, project_id: UUID) -> HttpResponse:
    """Switch the music on or off, set its level, choose which."""
    project = project_get(request, project_id)
    beds = list(project.assets.filter(kind=Asset.Kind.MUSIC))
    form = MusicForm(request.POST, beds=beds)
    if not form.is_valid():
        return _refused(request, project, {name: str(errors[0]) for name, errors in form.errors.items()})
    try:
        looks.music_change(project=project, values=form.music(), revision=form.cleaned_data["revision"] or None)
    except looks.StaleLook:
        project.refresh_from_db()
        theirs = {"level": music_values(project, beds)["level"]}
        return _stale(request, project, looks.look_revision(project, "music"), theirs)
    except BadInput as error:
        return _refused(request, project, {next(iter(error.details), "level"): translated(str(error))})
    return _saved(request, project, looks.look_revision(project, "music"))


def _saved(request: Request, project: Project, revision: str) -> HttpResponse:
    if not wants_json(request):
        return _to_panel(project)
    return saved(revision)


def _refused(request: Request, project: Project, errors: dict[str, str]) -> HttpResponse:
    if wants_json(request):
        return refused(errors)
    messages.error(request, next(iter(errors.values())))
    return _to_panel(project)


def _stale(request: Request, project: Project, revision: str, theirs: dict[str, Any]) -> HttpResponse:
    if wants_json(request):
        return conflict(revision, theirs)
    messages.error(request, _("This was changed elsewhere meanwhile. Nothing was saved; look at it again."))
    return _to_panel(project)


@require_POST
def aspect(request: Request, project_id: UUID) -> HttpResponse:
    """Choose the video's shape."""
    project = project_get(request, project_id)
    try:
        looks.aspect_change(project=project, aspect=request.POST.get("aspect", ""))
    except BadInput as error:
        messages.error(request, translated(str(error)))
    return _to_panel(project)


@require_safe
@never_cache
def state(request: Request, project_id: UUID) -> HttpResponse:
    """What composing now would make anew, and how long it takes."""
    project = project_get(request, project_id)
    script = _script_get(project)
    video = project.videos.first()
    try:
        cost = previews.compose_cost(project, script, video)
    except (StageNotReady, BadInput):
        cost = None
    compose = compose_state(project, script, video, cost)
    context = {"project": project, "compose": compose, "is_asked": True, "composition": project_board(project).stage(PANEL)}
    return render(request, "pipeline/composer/_state.html", context)
