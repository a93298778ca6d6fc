"""A creator's own files on their way in: piece by piece, going on where the line broke, looked at before they are used."""

import errno
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from videoflow.children import ChildFailed, children_map
from videoflow.errors import BadInput, Cancelled, DiskFull, VideoflowError
from videoflow.pipeline.editing import pieces
from videoflow.pipeline.editing.looks import music_change
from videoflow.pipeline.editing.scenes_media import picture_use, scene_of
from videoflow.pipeline.models import Asset, Project, Upload
from videoflow.pipeline.quota import quota_check
from videoflow.pipeline.store import file_store, room_check, work_dir, work_dirs_remove
from videoflow.render.intake import CLIP_SECONDS, MUSIC_SECONDS, Purpose, Taken, looks_like_picture
from videoflow.sentences import Sentence, sentences_joined

PICTURE_LIMIT_BYTES = 20_000_000
MUSIC_LIMIT_BYTES = 200_000_000
CLIP_LIMIT_BYTES = 500_000_000
SESSION_LIMIT_BYTES = 5_000_000_000
PIECE_LIMIT_BYTES = 4 * 1024 * 1024
LOOK_SECONDS_MOST = 45.0
"""Half a minute of 1080p takes 18 s on two busy cores."""
ABANDONED_AFTER = timedelta(days=1)
OWN = "My own"
"""The licence of an upload until its creator says otherwise."""

_WORKER_MODULE = "videoflow.render.intake"
_HEAD_BYTES = 16


class WrongOffset(VideoflowError):
    """A piece does not begin where the last one ended; ``details["offset"]`` says where the next one should."""

    code = "WRONG_OFFSET"
    retryable = True


def purpose_of(upload: Upload) -> Purpose:
    """Return what a file was brought for: a scene's picture, or music."""
    return "music" if upload.scene_key is None else "picture"


def upload_begin(*, project: Project, name: str, size_bytes: int, scene_key: UUID | None = None) -> Upload:
    """Make room for a file; it is music unless a scene is named.

    Raises:
        BadInput: it is empty or too large, the session has no room left, or there is no such scene.
        DiskFull: the disk has no room.
    """
    clean = "".join(char for char in name if char.isprintable()).rsplit("/", 1)[-1].rsplit("\\", 1)[-1].strip()[:200] or "file"
    if scene_key is not None and not project.scenes.filter(key=scene_key).exists():
        raise BadInput("This scene is not there any more. The media were made anew.")
    if size_bytes <= 0:
        raise BadInput(Sentence("“%(name)s” is empty. Choose a file with content.", name=clean), code="FILE_EMPTY")
    _size_check(clean, size_bytes, MUSIC_LIMIT_BYTES if scene_key is None else CLIP_LIMIT_BYTES)
    used = _session_bytes(project)
    if used + size_bytes > SESSION_LIMIT_BYTES:
        raise BadInput(
            Sentence(
                "Your own files take %(used)s GB, and %(limit)s GB is the most. Delete a project that you do not need any more.",
                used=f"{used / 1e9:.1f}",
                limit=f"{SESSION_LIMIT_BYTES / 1e9:.0f}",
            ),
            code="SESSION_FULL",
        )
    quota_check(project.session, added_bytes=size_bytes)
    room_check(size_bytes)
    upload = Upload(project=project, scene_key=scene_key, name=clean, size_bytes=size_bytes)
    upload.path = pieces.begin(upload.pk)
    upload.save(force_insert=True)
    return upload


def _size_check(name: str, size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise BadInput(
            Sentence(
                "“%(name)s” has %(size)s MB; a file may have %(limit)s MB at most.",
                name=name,
                size=f"{size_bytes / 1e6:.0f}",
                limit=limit_bytes // 1_000_000,
            ),
            code="FILE_TOO_LARGE",
        )


def _session_bytes(project: Project) -> int:
    """Return how many bytes of own files the session has, those on their way in included."""
    kept = Asset.objects.filter(project__session=project.session_id, origin=Asset.UPLOAD).aggregate(sum=Sum("size_bytes"))
    coming = Upload.objects.filter(project__session=project.session_id, state=Upload.State.RECEIVING)
    return (kept["sum"] or 0) + (coming.aggregate(sum=Sum("size_bytes"))["sum"] or 0)


def upload_receive(*, upload: Upload, offset: int, content: bytes) -> None:
    """Write the next piece, of 4 MiB at most.

    Raises:
        WrongOffset: it does not begin where the last one ended.
        BadInput: more comes than was announced, or it is a picture larger than 20 MB.
        DiskFull: the disk has no room.
    """
    if len(content) > PIECE_LIMIT_BYTES:
        raise BadInput("A piece may have 4 MiB at most.")
    if offset + len(content) > upload.size_bytes:
        raise BadInput(Sentence("“%(name)s” is longer than announced. Choose it again.", name=upload.name))
    if offset == 0 and upload.size_bytes > PICTURE_LIMIT_BYTES and looks_like_picture(content[:_HEAD_BYTES]):
        _refuse(upload, f"“{upload.name}” has {upload.size_bytes / 1e6:.0f} MB; a picture may have 20 MB at most.")
    try:
        pieces.send(upload.pk, offset, content)
        with transaction.atomic():  # the row first: of two senders of one piece, the second finds it taken
            waiting = Upload.objects.filter(pk=upload.pk, state=Upload.State.RECEIVING, received_bytes=offset)
            if not waiting.update(received_bytes=offset + len(content)):
                upload.refresh_from_db()
                raise WrongOffset(
                    Sentence("“%(name)s” goes on at byte %(offset)s.", name=upload.name, offset=upload.received_bytes),
                    details={"offset": upload.received_bytes},
                )
            pieces.write(upload.pk, offset, content)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("The disk is full, so the file could not be kept. Make room; it goes on where it stopped.") from error
        raise
    upload.refresh_from_db()


def upload_finish(*, upload: Upload) -> Asset:
    """Look at a file that has come in whole, write it anew in a safe form, and use it where it was brought for.

    Asked again, it returns the same file; ``error`` has what the creator should know besides. What was sent is gone afterwards.

    Raises:
        StillLooking: another request is at it.
        BadInput: it is not whole yet, or cannot be used; the sentence says why.
    """
    if upload.state == Upload.State.READY and upload.asset is not None:
        return upload.asset
    if upload.state == Upload.State.REFUSED:
        raise BadInput(upload.error)
    if upload.received_bytes < upload.size_bytes:
        raise BadInput(Sentence("“%(name)s” has not arrived whole yet.", name=upload.name))
    try:
        with pieces.joined(upload.pk, upload.size_bytes) as path:
            try:
                taken = _look(upload, path, work_dir(f"upload-{upload.pk}"))
                asset = _keep(upload, taken)
            finally:
                work_dirs_remove(f"upload-{upload.pk}")
    except BadInput as error:
        _refuse(upload, str(error))
    pieces.drop(upload.pk)
    return asset


def _look(upload: Upload, path: Path, folder: Path) -> Taken:
    until = time.monotonic() + LOOK_SECONDS_MOST
    job = {"source": str(path), "folder": str(folder), "purpose": purpose_of(upload)}
    named = f"“{upload.name}”"
    try:
        [found] = children_map(_WORKER_MODULE, [job], workers=1, cancelled=lambda: time.monotonic() > until)
    except Cancelled:
        raise BadInput(
            Sentence(
                "%(named)s takes longer than %(seconds)s s to convert here. Cut out the part that you "
                "need, or save it in a smaller size, and bring that.",
                named=named,
                seconds=f"{LOOK_SECONDS_MOST:.0f}",
            )
        ) from None
    except ChildFailed:
        raise BadInput(
            Sentence("%(named)s is damaged in a way that stops the decoder. Save it anew and bring that.", named=named)
        ) from None
    except VideoflowError as error:
        if error.code != BadInput.code:
            raise
        raise BadInput(str(error).replace(path.name, named)) from None
    return Taken(**found)


def _keep(upload: Upload, taken: Taken) -> Asset:
    made = Path(taken.path)
    stored = file_store(made)
    facts: dict[str, Any] = {"width_px": taken.width_px, "height_px": taken.height_px, "seconds": taken.seconds}
    with transaction.atomic():
        there = Upload.objects.select_for_update(of=("self",)).select_related("asset").get(pk=upload.pk)
        if there.asset is not None:  # another host was quicker
            return there.asset
        asset = Asset.objects.create(
            project=upload.project,
            kind=taken.kind,
            origin=Asset.UPLOAD,
            licence=OWN,
            name=f"{Path(upload.name).stem}{made.suffix}",
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            peaks=list(taken.peaks) if taken.peaks else None,
            **facts,
        )
        upload.asset, upload.state = asset, Upload.State.READY
        if taken.cut_seconds:
            kept = CLIP_SECONDS if taken.kind == "clip" else MUSIC_SECONDS
            upload.error = Sentence(
                "“%(name)s” lasts %(seconds)s s; its first %(kept)s s were kept.",
                name=upload.name,
                seconds=f"{taken.cut_seconds:.0f}",
                kept=f"{kept:.0f}",
            )
        upload.error = sentences_joined(upload.error, _place(upload, asset))
        upload.save(update_fields=["asset", "state", "error"])
    return asset


def _place(upload: Upload, asset: Asset) -> str:
    """Use a file where it was brought for; return a sentence where that is not possible any more."""
    if upload.scene_key is None:
        music_change(project=upload.project, values={"asset_id": str(asset.pk), "is_on": True})
        return ""
    scene = scene_of(upload.project, upload.scene_key)
    if scene is None:
        return Sentence("Its scene is not there any more; the file is in your library.")
    picture_use(scene=scene, asset=asset)
    return ""


def _refuse(upload: Upload, sentence: str) -> NoReturn:
    """Remember why a file was refused, and throw it away.

    Raises:
        BadInput: always, with that sentence.
    """
    upload.state, upload.error = Upload.State.REFUSED, sentence
    upload.save(update_fields=["state", "error"])
    pieces.drop(upload.pk)
    raise BadInput(sentence)


def upload_discard(*, upload: Upload) -> None:
    """Forget a file that has not come in whole; one that is in use already stays."""
    pieces.drop(upload.pk)
    upload.delete()


def uploads_abandoned() -> list[Upload]:
    """Return the files that nobody has gone on with for a day, and the records of those that are done with."""
    return list(Upload.objects.filter(created_at__lt=timezone.now() - ABANDONED_AFTER))


def uploads_sweep() -> int:
    """Forget them, and return how many there were."""
    abandoned = uploads_abandoned()
    for upload in abandoned:
        upload_discard(upload=upload)
    return len(abandoned)
