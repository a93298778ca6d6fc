from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from videoflow.errors import BadInput
from videoflow.pipeline.media_files import file_response, preview_path
from videoflow.pipeline.selectors import assets_of, publications_of
from videoflow.pipeline.store import asset_path
from videoflow.sessions.middleware import Request


@require_safe
def asset_file(request: Request, asset_id: UUID, name: str) -> HttpResponseBase:
    """A file of a project, for its owner; the name in the address is for people."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    path = asset_path(asset)
    if not path.is_file():
        raise Http404
    return file_response(request, path, name=name or asset.name, etag=asset.sha256)


@require_safe
def asset_preview(request: Request, asset_id: UUID) -> HttpResponseBase:
    """A small picture of an image or clip."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    try:
        path = preview_path(asset)
    except (BadInput, OSError) as error:
        raise Http404 from error
    return file_response(request, path, name=f"{Path(asset.name).stem}.jpg", etag=f"{asset.sha256}-preview")


@require_safe
def export_file(request: Request, publication_id: int, name: str) -> HttpResponseBase:
    """A file of a folder that a video was published to."""
    publication = get_object_or_404(publications_of(request.creator.sessions), pk=publication_id, target="folder")
    path = Path(settings.VIDEOFLOW_DATA) / publication.location / name
    if name not in publication.files or not path.is_file():
        raise Http404
    stat = path.stat()
    return file_response(request, path, name=name, etag=f"{publication.pk}-{stat.st_size:x}-{stat.st_mtime_ns:x}")
