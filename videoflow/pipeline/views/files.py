from pathlib import Path
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from videoflow.errors import VideoflowError
from videoflow.pipeline.exports import export_response
from videoflow.pipeline.media_files import file_response, preview_path
from videoflow.pipeline.selectors import assets_of, publications_of
from videoflow.pipeline.stored_response import stored_response
from videoflow.sessions.middleware import Request


@require_safe
def asset_file(request: Request, asset_id: UUID, name: str) -> HttpResponseBase:
    """A file of a project, for its owner; the name in the address is for people."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    return stored_response(request, asset.path, name=name or asset.name, etag=asset.sha256)


@require_safe
def asset_preview(request: Request, asset_id: UUID) -> HttpResponseBase:
    """A small picture of an image or clip."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    try:
        path = preview_path(asset)
    except (VideoflowError, OSError) as error:
        raise Http404 from error
    return file_response(request, path, name=f"{Path(asset.name).stem}.jpg", etag=f"{asset.sha256}-preview")


@require_safe
def export_file(request: Request, publication_id: int, name: str) -> HttpResponseBase:
    """A file of a folder that a video was published to."""
    publication = get_object_or_404(publications_of(request.creator.sessions), pk=publication_id, target="folder")
    answer = export_response(request, publication, name)
    if answer is None:
        raise Http404
    return answer
