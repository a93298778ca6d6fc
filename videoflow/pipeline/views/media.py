"""The media: one scene's picture with all that can be done to it, the library, and the music."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline.editing import library, music, scenes, scenes_media, scenes_service
from videoflow.pipeline.editing.looks import music_change
from videoflow.pipeline.models import Asset, Project, Scene, script_current
from videoflow.pipeline.panels.media import music_content, scene_content, tile_of
from videoflow.pipeline.selectors import assets_of
from videoflow.pipeline.views.autosave import conflict, refused, saved, wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

PANEL = "media_generation"
CHANGED = {"panels": [PANEL, "video_composition"]}
_PAGES_MOST = 1000


def _scene_get(request: Request, project_id: UUID, key: UUID) -> Scene:
    scene = scenes_media.scene_of(project_get(request, project_id), key)
    if scene is None:
        raise Http404
    return scene


def _scene_page(request: Request, scene: Scene, *, status: int = 200, **facts: Any) -> HttpResponse:
    """Draw one scene: the fragment for htmx, else a page of its own."""
    context = {"project": scene.project, **scene_content(scene.project, scene), **facts}
    template = "_scene.html" if request.htmx else "scene.html"
    return render(request, f"pipeline/media/{template}", context, status=status)


def _done(request: Request, scene: Scene, act: Callable[[], object], said: str) -> HttpResponse:
    """Do something to a scene and show it as it is then: its tile where the tile asked, else the scene with all its controls."""
    refusal, status = "", 200
    try:
        act()
    except VideoflowError as error:
        refusal, status = translated(str(error)), 422
    if not request.htmx:
        if refusal:
            messages.error(request, refusal)
        return redirect("pipeline:media_scene", scene.project_id, scene.key)
    scene.refresh_from_db()
    if str(request.htmx.target or "").startswith("tile-"):
        context = {"project": scene.project, "tile": tile_of(scene.project, scene), "refusal": refusal}
        response = render(request, "pipeline/media/_tile.html", context, status=status)
    else:
        response = _scene_page(request, scene, status=status, refusal=refusal, said="" if refusal else said)
    return response if refusal else trigger_client_event(response, "vf:edited", CHANGED)


@require_safe
@never_cache
def scene(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """One scene: its picture, what it comes from, what was tried, and what can be done."""
    return _scene_page(request, _scene_get(request, project_id, key))


@require_POST
def redraw(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Draw another picture for the same words; it is there in a second or three."""
    shown = _scene_get(request, project_id, key)
    return _done(request, shown, lambda: scenes_media.scene_redraw(scene=shown), _("Drawn anew."))


@require_POST
def ask(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Get another picture of the project's service for the same words: found within seconds, made within a minute."""
    shown = _scene_get(request, project_id, key)
    return _done(request, shown, lambda: scenes_service.scene_ask(scene=shown), _("Shown now."))


@require_POST
def draw_instead(request: Request, project_id: UUID) -> HttpResponse:
    """Draw the scenes for which the service has no picture, and go on."""
    project = project_get(request, project_id)
    try:
        scenes_service.stand_in_allow(project=project)
        messages.success(request, _("The step goes on. What the service does not have is drawn here."))
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return _back(request, project)


@require_POST
def waive(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Take a licence on oneself that stands against a picture, and show it."""
    shown = _scene_get(request, project_id, key)
    wanted = get_object_or_404(shown.project.assets, pk=_uuid(request.POST.get("asset", "")))

    def use() -> None:
        scenes_service.licence_waive(asset=wanted)
        scenes_media.picture_use(scene=shown, asset=wanted)

    return _done(request, shown, use, _("Shown now."))


@require_POST
def choose(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Show a picture that was tried here, or one of the library."""
    shown = _scene_get(request, project_id, key)
    wanted = _asset_get(request, request.POST.get("asset", ""))

    def use() -> None:
        scenes_media.picture_use(scene=shown, asset=scenes_media.asset_adopt(project=shown.project, asset=wanted))

    return _done(request, shown, use, _("Shown now."))


@require_POST
def restore(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Show again what the stage made here."""
    shown = _scene_get(request, project_id, key)
    return _done(request, shown, lambda: scenes.scene_restore(scene=shown), _("Restored."))


@require_POST
def lock(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Keep the picture when the media are made anew, or let it go again."""
    shown = _scene_get(request, project_id, key)
    wanted = "lock" in request.POST
    said = _("Locked: it stays when the media are made anew.") if wanted else _("Unlocked.")
    return _done(request, shown, lambda: scenes.scene_change(scene=shown, is_locked=wanted), said)


def _asset_get(request: Request, value: str) -> Asset:
    try:
        key = UUID(value)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(assets_of(request.creator.sessions), pk=key)


@require_safe
@never_cache
def library_list(request: Request, project_id: UUID) -> HttpResponse:
    """Pictures and clips for a ``scene``, else music, of all projects of the one who asks."""
    project = project_get(request, project_id)
    wanted = request.GET.get("scene", "")
    scene = _scene_get(request, project.pk, _uuid(wanted)) if wanted else None
    page = library.library_page(
        request.creator.sessions,
        "picture" if scene else "music",
        search=request.GET.get("q", "")[:100],
        own="own" in request.GET,
        number=whole_number(request.GET.get("page", ""), most=_PAGES_MOST) or 1,
    )
    context = {"project": project, "scene": scene, "page": page, "q": request.GET.get("q", "")[:100], "own": "own" in request.GET}
    template = "_library.html" if request.htmx else "library.html"
    return render(request, f"pipeline/media/{template}", context)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None


@require_POST
def describe(request: Request, project_id: UUID, asset_id: UUID) -> HttpResponse:
    """Write what a picture shows, and of own files whose they are; the form saves by itself."""
    project = project_get(request, project_id)
    asset = get_object_or_404(project.assets, pk=asset_id)
    values = {name: request.POST[name] for name in scenes_media.DESCRIBED if name in request.POST}
    try:
        scenes_media.asset_describe(asset=asset, values=values, revision=request.POST.get("revision") or None)
    except scenes_media.StaleAsset as error:
        asset.refresh_from_db()
        if wants_json(request):
            return conflict(scenes_media.asset_revision(asset), {name: getattr(asset, name) for name in values})
        messages.error(request, translated(str(error)))
    except BadInput as error:
        if wants_json(request):
            return refused({next(iter(error.details), "alt"): translated(str(error))})
        messages.error(request, translated(str(error)))
    if wants_json(request):
        return saved(scenes_media.asset_revision(asset), changed=(PANEL,))
    return _back(request, project)


def _back(request: Request, project: Project) -> HttpResponse:
    key = request.POST.get("scene", "")
    if key:
        return redirect("pipeline:media_scene", project.pk, _uuid(key))
    return to_panel(project, PANEL)


@require_POST
def music_choose(request: Request, project_id: UUID) -> HttpResponse:
    """Lay music of another ``mood``, or take an ``asset`` of the library."""
    project = project_get(request, project_id)
    try:
        if request.POST.get("asset"):
            wanted = _asset_get(request, request.POST["asset"])
            bed = scenes_media.asset_adopt(project=project, asset=wanted)
            music_change(project=project, values={"asset_id": str(bed.pk), "is_on": True})
        else:
            music.music_mood_set(project=project, mood=request.POST.get("mood", ""))
    except VideoflowError as error:
        if request.htmx:
            return _music_part(request, project, refusal=translated(str(error)), status=422)
        messages.error(request, translated(str(error)))
    if not request.htmx:
        return _back(request, project)
    return trigger_client_event(_music_part(request, project), "vf:edited", {"panels": ["video_composition"]})


def _music_part(request: Request, project: Project, *, refusal: str = "", status: int = 200) -> HttpResponse:
    project.refresh_from_db()
    context = {"project": project, "panel": music_content(project, script_current(project)), "refusal": refusal}
    return render(request, "pipeline/media/_music.html", context, status=status)
