"""Own files on their way in: announced, sent piece by piece, asked after when the line broke; or whole from a plain form."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline.editing import uploads
from videoflow.pipeline.editing.pieces import StillLooking
from videoflow.pipeline.models import Project, Upload
from videoflow.pipeline.views.autosave import wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

_STATUSES = {uploads.WrongOffset.code: 409, StillLooking.code: 202, "DISK_FULL": 507}


@require_POST
def upload_new(request: Request, project_id: UUID) -> HttpResponse:
    """Announce a file by ``name`` and ``size``, for a ``scene`` or as music; or send it whole as ``file``."""
    project = project_get(request, project_id)
    sent = request.FILES.get("file")
    try:
        scene_key = UUID(request.POST["scene"]) if request.POST.get("scene") else None
        size_bytes = int(sent.size or 0) if sent else int(request.POST.get("size", "0"))
    except ValueError:
        return _answer(request, project, None, BadInput(_("Choose a file first.")))
    name = sent.name if sent else request.POST.get("name", "")
    upload: Upload | None = None
    try:
        if not sent and not size_bytes and not name:
            raise BadInput(_("Choose a file first."))
        upload = uploads.upload_begin(project=project, name=name or "", size_bytes=size_bytes, scene_key=scene_key)
        if sent:
            for piece in sent.chunks(uploads.PIECE_LIMIT_BYTES):
                uploads.upload_receive(upload=upload, offset=upload.received_bytes, content=piece)
            uploads.upload_finish(upload=upload)
    except VideoflowError as error:
        return _answer(request, project, upload, error)
    return _answer(request, project, upload, None)


@never_cache
@require_http_methods(["GET", "HEAD", "PATCH"])
def upload(request: Request, upload_id: UUID) -> HttpResponse:
    """Ask how far a file has come, or send its next piece from ``Upload-Offset`` on; an empty last one asks for the verdict."""
    row = _upload_get(request, upload_id)
    if request.method != "PATCH":
        return _answer(request, row.project, row, None)
    offset = whole_number(request.headers.get("Upload-Offset", ""))
    length = int(request.headers.get("Content-Length") or 0)
    try:
        if offset is None or length > uploads.PIECE_LIMIT_BYTES:
            raise BadInput(_("A piece says where it begins, and has 4 MiB at most."))
        content = request.body
        if content:
            uploads.upload_receive(upload=row, offset=offset, content=content)
        if row.received_bytes == row.size_bytes or row.state != Upload.State.RECEIVING:
            uploads.upload_finish(upload=row)
    except VideoflowError as error:
        return _answer(request, row.project, row, error)
    return _answer(request, row.project, row, None)


@require_POST
def upload_discard(request: Request, upload_id: UUID) -> HttpResponse:
    """Forget a file that has not come in whole."""
    row = _upload_get(request, upload_id)
    if row.state == Upload.State.RECEIVING:
        uploads.upload_discard(upload=row)
    if request.htmx or wants_json(request):
        return HttpResponse(status=204)
    return _back(row.project, row)


def _upload_get(request: Request, upload_id: UUID) -> Upload:
    rows = Upload.objects.select_related("project__session", "asset")
    return get_object_or_404(rows, pk=upload_id, project__session__in=request.creator.sessions, project__deleted_at__isnull=True)


def _answer(request: Request, project: Project, row: Upload | None, error: VideoflowError | None) -> HttpResponse:
    status = 200 if error is None else _STATUSES.get(error.code, 422)
    if not wants_json(request) and request.method == "POST":
        if error is not None:
            messages.error(request, translated(str(error)))
        elif row is not None and row.error:
            messages.success(request, row.error)
        return _back(project, row, request.POST.get("scene", ""))
    facts: dict[str, Any] = {"message": translated(str(error)) if error else row.error if row else ""}
    if row is not None:
        facts |= {"id": str(row.pk), "offset": row.received_bytes, "size": row.size_bytes, "state": row.state}
        facts["url"] = reverse("pipeline:upload", args=[row.pk])
        facts["piece"] = uploads.PIECE_LIMIT_BYTES
    response = JsonResponse(facts, status=status)
    if row is not None:
        response.headers["Upload-Offset"] = str(row.received_bytes)
        response.headers["Upload-Length"] = str(row.size_bytes)
    return response


def _back(project: Project, row: Upload | None, scene_key: str = "") -> HttpResponse:
    key = str(row.scene_key or "") if row else scene_key
    if key and project.scenes.filter(key=UUID(key)).exists():
        return redirect("pipeline:media_scene", project.pk, key)
    return to_panel(project, "media_generation")
