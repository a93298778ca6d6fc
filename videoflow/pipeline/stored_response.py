"""A stored file for its owner: from this host, or by a signed address at the bucket that has it."""

from pathlib import Path, PurePosixPath

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from videoflow.errors import VideoflowError
from videoflow.pipeline.media_files import TYPES, file_response
from videoflow.pipeline.store import files_fetch, media_path
from videoflow.storage.base import media_storage
from videoflow.translation import translated

_SENT_ON = ("image/", "audio/", "video/")
"""Captions and texts are answered here: a browser reads a caption track from the page's own origin only."""
_RETRY_SECONDS = 10


def stored_response(request: HttpRequest, stored: str, *, name: str, etag: str) -> HttpResponseBase:
    """Answer for the file stored as ``stored``, after its owner was checked: 200, 206, 304, 302 to the bucket, 404 or 503."""
    kind = TYPES.get(PurePosixPath(stored).suffix.lower(), "application/octet-stream")
    if kind.startswith(_SENT_ON):
        address, seconds = media_storage().signed_address(
            stored, method=request.method or "GET", file_name=name, kind=kind, saved="download" in request.GET
        )
        if address:
            return HttpResponseRedirect(address, headers={"Cache-Control": f"private, max-age={seconds}"})
    path = media_path(stored)
    if (refusal := fetch_refused(path)) is not None:
        return refusal
    if not path.is_file():
        raise Http404
    return file_response(request, path, name=name, etag=etag)


def fetch_refused(path: Path) -> HttpResponse | None:
    """Have a stored file here; return the answer to give where the storage is away, None when nothing stands against it."""
    try:
        files_fetch([path])
    except VideoflowError as error:
        if not error.retryable:
            raise Http404 from error
        sentence = translated(str(error))
        return HttpResponse(
            sentence, status=503, content_type="text/plain; charset=utf-8", headers={"Retry-After": str(_RETRY_SECONDS)}
        )
    return None
