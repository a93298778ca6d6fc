"""An upload's facts as rows: written before they can be lost, and only by whoever owns the task."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from videoflow.errors import BadInput, Cancelled
from videoflow.pipeline.models import Channel, Publication, UploadNote, Video, YouTubeUpload
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task
from videoflow.vault.crypto import VaultKeyWrong, seal, unseal

State = YouTubeUpload.State


def marker_make(channel: Channel, sha256: str, run: int) -> str:
    """Return what an upload is found again by; the same for the same file, channel and run, even after the database was lost."""
    return f"vf{hashlib.sha256(f'{channel.channel_id}|{sha256}|{run}'.encode()).hexdigest()[:18]}"


def upload_last(channel: Channel, video: Video) -> YouTubeUpload | None:
    """Return the newest upload of a video's file to a channel."""
    return YouTubeUpload.objects.filter(channel=channel, sha256=video.file.sha256).order_by("-run").first()


def repetition_check(channel: Channel, video: Video, *, is_wanted: bool) -> None:
    """Refuse to publish what is on the channel already.

    Raises:
        BadInput: it is there, and nobody said that it is wanted twice.
    """
    last = upload_last(channel, video)
    if last is not None and last.state == State.DONE and not is_wanted and not _is_deleted(last):
        raise BadInput(
            Sentence(
                "This video is on “%(channel)s” already: https://youtu.be/%(id)s. Tick “Publish it once more” if you want two.",
                channel=channel.title,
                id=last.remote_id,
            ),
            code="ALREADY_PUBLISHED",
            details={"again": "not ticked", "remote_id": last.remote_id},
        )


def _is_deleted(upload: YouTubeUpload) -> bool:
    """Say whether somebody deleted the video at YouTube, as far as that has been seen: while it was published, or since."""
    if "deleted" in upload.steps:
        return True
    rows = Publication.objects.filter(channel=upload.channel, remote_id=upload.remote_id)
    return rows.filter(state=Publication.State.DELETED).exists()


def upload_take(
    *, channel: Channel, video: Video, task: Task, is_repetition: bool, fenced: Callable[[], AbstractContextManager[None]]
) -> YouTubeUpload:
    """Return the one row of this file and channel, from now on this task's; begun now when there is none.

    Raises:
        BadInput: it is on the channel already.
        Cancelled: the task is somebody else's.
    """
    own = YouTubeUpload.objects.filter(channel=channel, sha256=video.file.sha256, task=task).order_by("-run").first()
    if own is not None:
        return own
    repetition_check(channel, video, is_wanted=is_repetition)
    last = upload_last(channel, video)
    if last is not None and last.state != State.DONE and last.task is not None and last.task.status in Task.OPEN:
        raise BadInput("This very video is being published to this channel at this moment.", code="UPLOAD_RUNNING")
    run = 1 if last is None else last.run + (last.state == State.DONE)
    try:
        with fenced(), transaction.atomic():
            if last is not None and last.state != State.DONE:
                YouTubeUpload.objects.filter(pk=last.pk).update(task=task, video=video)
                return YouTubeUpload.objects.get(pk=last.pk)
            return YouTubeUpload.objects.create(
                video=video,
                channel=channel,
                task=task,
                sha256=video.file.sha256,
                size_bytes=video.file.size_bytes,
                run=run,
                marker=marker_make(channel, video.file.sha256, run),
            )
    except IntegrityError:
        raise Cancelled("Somebody else publishes this video at this moment.") from None


class RowJournal:
    """The upload's journal in the database; see ``videoflow.providers.youtube.upload.Journal``."""

    def __init__(self, upload: YouTubeUpload, fenced: Callable[[], AbstractContextManager[None]]) -> None:
        self.upload = upload
        self._fenced = fenced
        self._session = self._opened()

    def _opened(self) -> str:
        """Return the session's address; one that the vault cannot open any more counts as lost, and the video is looked for."""
        if self.upload.session_sealed is None:
            return ""
        try:
            return unseal(bytes(self.upload.session_sealed), context=self._context)
        except VaultKeyWrong:
            return ""

    @property
    def _context(self) -> str:
        return f"youtube upload|{self.upload.pk}"

    @property
    def session(self) -> str:
        return self._session

    @property
    def has_begun(self) -> bool:
        return self.upload.sessions_begun > 0

    @property
    def is_whole_sent(self) -> bool:
        return self.upload.is_whole_sent

    @property
    def may_begin_anew(self) -> bool:
        return self.upload.may_begin_anew

    def note(self, kind: str, text: str) -> None:
        UploadNote.objects.create(upload=self.upload, kind=kind, text=text)

    def session_begun(self, address: str) -> None:
        count = self.upload.sessions_begun + 1
        self._write(
            session_sealed=seal(address, context=self._context),
            sessions_begun=count,
            state=State.SENDING,
            confirmed_bytes=0,
            is_whole_sent=False,
            may_begin_anew=False,
        )
        self._session = address
        self.note("begun", Sentence("Upload session %(count)s begun; its address is kept sealed.", count=count))

    def session_moved(self, address: str) -> None:
        if address != self._session:
            self._write(session_sealed=seal(address, context=self._context))
            self._session = address

    def session_lost(self) -> None:
        self._write(session_sealed=None)
        self._session = ""

    def confirmed(self, stored: int | None, sent: int) -> None:
        changes: dict[str, Any] = {} if stored is None else {"confirmed_bytes": stored}
        self._write(sent_bytes=self.upload.sent_bytes + sent, **changes)

    def last_leaves(self) -> None:
        self._write(is_whole_sent=True)

    def finished(self, video_id: str) -> None:
        self._write(
            remote_id=video_id,
            state=State.UPLOADED,
            session_sealed=None,
            confirmed_bytes=self.upload.size_bytes,
            uploaded_at=timezone.now(),
        )
        self._session = ""
        self.note("uploaded", Sentence("YouTube has the whole file: %(video_id)s, private.", video_id=video_id))

    def state(self, state: str) -> None:
        self._write(state=state)

    def step_done(self, step: str, sentence: str = "") -> None:
        """Note that a step after the upload was taken; a sentence says what was wrong with it."""
        self._write(steps={**self.upload.steps, step: sentence})
        self.note("step", f"{step.capitalize()}: {sentence or 'done'}.".replace("..", "."))

    def _write(self, **changes: Any) -> None:
        """Change the row, as long as the task is ours."""
        with self._fenced():
            YouTubeUpload.objects.filter(pk=self.upload.pk).update(**changes)
        for name, value in changes.items():
            setattr(self.upload, name, value)


def unsure_decide(upload: YouTubeUpload) -> None:
    """Let an upload that nobody can be sure of begin anew: its owner has looked at YouTube and the video is not there."""
    YouTubeUpload.objects.filter(pk=upload.pk, state=State.UNSURE).update(may_begin_anew=True, state=State.NEW)
