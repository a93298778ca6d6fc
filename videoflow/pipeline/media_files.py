"""Files over HTTP: whole, in ranges of bounded size, or as a small preview picture."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import av
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils.http import content_disposition_header
from PIL import Image

from videoflow.errors import BadInput
from videoflow.http import whole_number
from videoflow.pipeline.models import Asset
from videoflow.pipeline.store import asset_file, cache_dir

SLICE_BYTES = 2 * 1024 * 1024
"""The most that one ranged answer carries: the server holds a ranged answer in memory, and players ask on."""
BLOCK_BYTES = 256 * 1024
PREVIEW_WIDTH_PX = 480
PREVIEW_AT = 2 / 3
"""Of a clip's length: by then words and figures have come in."""
PIXELS_LIMIT = 50_000_000

TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".srt": "application/x-subrip; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}
"""By suffix, because only files that the studio named itself are served; anything else is a download."""
BY_PROXY = frozenset({"media", "exports", "cache"})
"""Folders of the data folder that a proxy may send files of; never the keys or the database."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def file_response(request: HttpRequest, path: Path, *, name: str, etag: str) -> HttpResponseBase:
    """Answer GET and HEAD for a file: 200 in blocks, 206 for one range (2 MiB at most), 304 and 416 where they apply.

    A request for several ranges, or with a stale ``If-Range``, gets the whole file, as RFC 9110 allows. ``?download=1`` offers it
    for saving under ``name``.
    """
    size_bytes = path.stat().st_size
    quoted = f'"{etag}"'
    by_proxy = _by_proxy(path)
    if by_proxy is not None:
        response: HttpResponseBase = by_proxy
    elif quoted in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]:
        response = HttpResponseNotModified()
    else:
        span = _range_of(request, size_bytes, quoted)
        if span is None:
            response = _whole(request, path, size_bytes)
        elif span == (0, 0):
            response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size_bytes}"})
        else:
            response = _slice(request, path, span, size_bytes)
    kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
    if response.status_code in (200, 206):
        response.headers["Content-Type"] = kind
        disposition = content_disposition_header("download" in request.GET or kind == "application/octet-stream", name)
        if disposition:
            response.headers["Content-Disposition"] = disposition
        response.headers["Last-Modified"] = format_datetime(datetime.fromtimestamp(int(path.stat().st_mtime), UTC), usegmt=True)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = quoted
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _by_proxy(path: Path) -> HttpResponse | None:
    """Return an empty answer that names the file to the proxy in front, which sends it and its ranges; None without one."""
    if not settings.VIDEOFLOW_ACCEL_PREFIX or not path.is_relative_to(settings.VIDEOFLOW_DATA):
        return None
    relative = path.relative_to(settings.VIDEOFLOW_DATA)
    if relative.parts[0] not in BY_PROXY:
        return None
    return HttpResponse(headers={"X-Accel-Redirect": settings.VIDEOFLOW_ACCEL_PREFIX + quote(relative.as_posix())})


def _range_of(request: HttpRequest, size_bytes: int, quoted: str) -> tuple[int, int] | None:
    """Return the asked range as (first, past the last byte); None for the whole file, (0, 0) for one that cannot be served."""
    header = request.headers.get("Range", "").replace(" ", "")
    condition = request.headers.get("If-Range", "")
    match = _RANGE.fullmatch(header)
    if match is None or (condition and condition != quoted) or match.groups() == ("", ""):
        return None
    first, last = (whole_number(digits) for digits in match.groups())
    if first is None:  # the last N bytes
        return (max(0, size_bytes - (last or 0)), size_bytes) if last and size_bytes else (0, 0)
    if last is not None and last < first:
        return None
    if first >= size_bytes:
        return (0, 0)
    return first, size_bytes if last is None else min(size_bytes, last + 1)


def _slice(request: HttpRequest, path: Path, span: tuple[int, int], size_bytes: int) -> HttpResponse:
    start, end = span[0], min(span[1], span[0] + SLICE_BYTES)
    content = b""
    if request.method != "HEAD":
        with path.open("rb") as reader:
            reader.seek(start)
            content = reader.read(end - start)
    response = HttpResponse(content, status=206)
    response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    response.headers["Content-Length"] = str(end - start)
    return response


def _whole(request: HttpRequest, path: Path, size_bytes: int) -> HttpResponseBase:
    response: HttpResponseBase = HttpResponse() if request.method == "HEAD" else StreamingHttpResponse(_blocks(path))
    response.headers["Content-Length"] = str(size_bytes)
    return response


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as reader:
        while block := reader.read(BLOCK_BYTES):
            yield block


def preview_path(asset: Asset) -> Path:
    """Return a JPEG of 480 px width of an image or of a clip's middle, made when first asked for.

    Raises:
        BadInput: the asset has no picture.
    """
    target = cache_dir("previews") / f"{asset.sha256}.jpg"
    if target.exists():
        return target
    source = asset_file(asset)
    if asset.kind in (Asset.Kind.IMAGE, Asset.Kind.THUMBNAIL):
        with Image.open(source) as opened:
            if opened.width * opened.height > PIXELS_LIMIT:
                raise BadInput("This picture is too large for a preview.")
            opened.draft("RGB", (PREVIEW_WIDTH_PX, PREVIEW_WIDTH_PX))
            picture = opened.convert("RGB")
    elif asset.kind in (Asset.Kind.CLIP, Asset.Kind.VIDEO):
        picture = frame_at(source, PREVIEW_AT)
    else:
        raise BadInput("This file has no picture.")
    picture.thumbnail((PREVIEW_WIDTH_PX, PREVIEW_WIDTH_PX * 2))
    draft = target.with_name(f".{uuid4().hex}.part")
    picture.save(draft, "JPEG", quality=82, optimize=True)
    draft.replace(target)
    return target


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, IndexError) as error:
        raise BadInput("This clip cannot be read.") from error


def frame_at(source: Path, share: float) -> Image.Image:
    """Return the frame at a share (0 to 1) of a clip's length.

    Raises:
        BadInput: the clip holds no picture.
    """
    with _readable(), av.open(str(source)) as container:
        stream = container.streams.video[0]
        wanted = float(container.duration or 0) / av.time_base * share
        container.seek(int(wanted * av.time_base))
        shown = None
        for frame in container.decode(stream):  # from the key frame before, which may be the clip's empty first one
            shown = frame
            if (frame.time or 0.0) >= wanted:
                break
        if shown is None:
            raise BadInput("This clip holds no picture.")
        return Image.fromarray(shown.to_ndarray(format="rgb24"))
