"""What was published to a folder: beside the media folder of a local studio, below ``exports/`` of a bucket."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from videoflow.pipeline.media_files import file_response
from videoflow.pipeline.models import Publication
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import files_remove
from videoflow.pipeline.stored_response import stored_response
from videoflow.providers.base import Published
from videoflow.storage.base import media_storage


def exports_folder(context: StageContext) -> Path:
    """Return the folder that a publisher writes its own folder into."""
    return context.work_dir / "exports" if media_storage().is_remote else settings.VIDEOFLOW_DATA / "exports"


def export_keep(context: StageContext, published: Published) -> dict[str, Any]:
    """Bring a written folder to the bucket, where there is one, and return what its row's metadata say of it besides.

    Raises:
        StorageFault: the bucket did not take it; nothing refers to it.
    """
    storage = media_storage()
    if not storage.is_remote:
        return {}
    folder = exports_folder(context) / Path(published.location).name
    for name in published.files:
        context.check()
        storage.keep(folder / name, f"{published.location}/{name}")
    return {"sizes": {name: (folder / name).stat().st_size for name in published.files}}


def export_size(publication: Publication, name: str) -> int | None:
    """Return the bytes of a published file; None when it is not there any more."""
    if media_storage().is_remote:
        size: int | None = publication.metadata.get("sizes", {}).get(name)
        return size
    path = _path(publication, name)
    return path.stat().st_size if path.is_file() else None


def export_response(request: HttpRequest, publication: Publication, name: str) -> HttpResponseBase | None:
    """Answer for a file of a publication; None when it is not there."""
    if name not in publication.files or export_size(publication, name) is None:
        return None
    if media_storage().is_remote:
        return stored_response(request, f"{publication.location}/{name}", name=name, etag=f"{publication.pk}-{name}")
    path = _path(publication, name)
    stat = path.stat()
    return file_response(request, path, name=name, etag=f"{publication.pk}-{stat.st_size:x}-{stat.st_mtime_ns:x}")


def exports_remove(publications: Iterable[Publication]) -> None:
    """Delete the folders that were published."""
    if media_storage().is_remote:
        files_remove(f"{row.location}/{name}" for row in publications for name in row.files)
        return
    for row in publications:
        shutil.rmtree(settings.VIDEOFLOW_DATA / row.location, ignore_errors=True)


def _path(publication: Publication, name: str) -> Path:
    return Path(settings.VIDEOFLOW_DATA) / publication.location / name
