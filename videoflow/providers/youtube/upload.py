"""Resumable upload of one file, exactly once: what is known is written down before it can be lost.

Source: https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, VideoflowError, WaitUntil
from videoflow.providers.base import CancelCheck, ProviderError
from videoflow.providers.net import Answer, Client, Connection, ServiceError, ServiceUnreachable, retry_after_read
from videoflow.providers.net.client import Method
from videoflow.providers.youtube.api import LOOK_BACK_PAGES, UPLOAD, YouTube
from videoflow.providers.youtube.errors import YouTubeBusy, YouTubeRefused, error_read
from videoflow.providers.youtube.metadata import marker_file_name, parts_of
from videoflow.sentences import Sentence

GRANULE_BYTES = 262_144
CHUNK_BYTES = 32 * GRANULE_BYTES
_PIECE_BYTES = 65_536
_SLOWEST_BYTES_PER_SECOND = 10_000
_RENEWALS = 3  # of the permission, without any progress between them
_ALL = range(200, 600)


class UploadUnsure(ProviderError):
    """Every byte was sent, the session is gone and the video is not to be seen: only a person can decide."""

    code = "UPLOAD_UNSURE"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things are waited for, in seconds; ``sleep`` and ``jitter`` are the tests' to replace."""

    backoffs: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 64)
    looks: tuple[float, ...] = (0, 15, 60, 180)
    """Waits before each look for a video whose last reply was lost."""
    chunk_bytes: int = CHUNK_BYTES
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class Journal(Protocol):
    """Where an upload's facts live. Each method has committed when it returns; Cancelled: the upload is not ours any more."""

    @property
    def session(self) -> str:
        """Address of the open session, empty when there is none."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether there was a session before."""
        ...

    @property
    def is_whole_sent(self) -> bool: ...

    @property
    def may_begin_anew(self) -> bool: ...

    def note(self, kind: str, text: str) -> None: ...

    def session_begun(self, address: str) -> None: ...

    def session_moved(self, address: str) -> None: ...

    def session_lost(self) -> None: ...

    def confirmed(self, stored: int | None, sent: int) -> None:
        """So many bytes are stored (None: not known), and so many more were put on the wire."""
        ...

    def last_leaves(self) -> None:
        """The last byte is about to leave: from now on the video may exist."""
        ...

    def finished(self, video_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Stand:
    """What the server said: so many bytes, or the finished video, or that it does not know the session."""

    stored: int = 0
    video_id: str = ""
    is_lost: bool = False


class _Faulty(Exception):
    """The exchange came to nothing that says anything; ask again after a while."""

    def __init__(self, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Transfer:
    """Brings one file to YouTube. ``report(stored, sent)`` is called as bytes leave."""

    def __init__(
        self,
        youtube: YouTube,
        journal: Journal,
        *,
        file: Path,
        body: Mapping[str, Any],
        marker: str,
        uploads_playlist: str,
        notify: bool = True,
        pace: Pace | None = None,
        report: Callable[[int], None] = lambda stored: None,
        cancelled: CancelCheck,
    ) -> None:
        self.youtube, self.journal, self.file = youtube, journal, file
        self.body, self.marker, self.uploads_playlist, self.notify = body, marker, uploads_playlist, notify
        self.pace, self.report, self.cancelled = pace or Pace(), report, cancelled
        self.total = file.stat().st_size
        self._faults = self._sent = self._best = 0
        self._needs_token, self._renewals = False, 0

    def run(self) -> str:
        """Return the id of the video, which is at YouTube once, whatever happened on the way.

        Raises:
            UploadUnsure: only a person can decide.
            WaitUntil: the day's allowance is used up, or YouTube has been away for long; everything is kept.
            YouTubeRefused, ReconnectNeeded: nothing more can be done as it is.
            Cancelled: the upload should stop, or is not ours.
        """
        stand: _Stand | None = None
        while True:
            self._check()
            try:
                if not self.journal.session:
                    video_id = self._begin()
                    stand = _Stand(video_id=video_id)
                elif stand is None:
                    stand = self._ask()
                if stand.video_id:
                    self.journal.finished(stand.video_id)
                    return stand.video_id
                if stand.is_lost:
                    self.journal.session_lost()
                    stand = None
                    continue
                aim = min(self.total, stand.stored + self.pace.chunk_bytes)
                stand = self._send(stand.stored)
                if not (stand.video_id or stand.is_lost):
                    self._progress(stand.stored, aim)
            except _Faulty as fault:
                stand = None
                self._back_off(fault)

    # Steps

    def _begin(self) -> str:
        """Look whether the video is there already; only when it is not, open a session. Return the id of what was found."""
        found = self._find()
        if found:
            if len(found) > 1:
                self.journal.note(
                    "doubled", Sentence("YouTube has %(found)s videos with this marker; the oldest is taken.", found=len(found))
                )
            self.journal.note("adopted", Sentence("The video was there already: %(found)s.", found=found[0]))
            return found[0]
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Upload-Content-Length": str(self.total),
            "X-Upload-Content-Type": "video/mp4",
            "Slug": marker_file_name(self.marker),
        }
        params = {"uploadType": "resumable", "part": parts_of(self.body), "notifySubscribers": str(self.notify).lower()}
        self.youtube.spend("uploads", 1)
        answer = self._exchange("POST", f"{UPLOAD}/videos", params=params, json=self.body, headers=headers, seconds=60)
        if answer.status != 200 or not answer.headers.get("location"):
            raise self._refusal(answer)
        crash_point("youtube", "session_answered")
        self.journal.session_begun(self._address(answer.headers["location"]))
        crash_point("youtube", "session_kept")
        return ""

    def _find(self) -> list[str]:
        """Return the marked videos. Where every byte was sent, look for longer: the list of uploads may lag behind.

        Before the very first session a look at the newest is enough: only a database that was lost can have sent it before.
        """
        waits = self.pace.looks if self.journal.is_whole_sent else self.pace.looks[:1]
        pages = LOOK_BACK_PAGES if self.journal.has_begun else 1
        for wait in waits:
            self._wait(wait)
            try:
                found = self.youtube.marked_find(self.uploads_playlist, marker=self.marker, size_bytes=self.total, pages=pages)
            except YouTubeBusy as error:
                raise _Faulty(Sentence("the list of uploads did not come"), error.retry_after_seconds) from error
            if found:
                return found
        if self.journal.is_whole_sent and not self.journal.may_begin_anew:
            raise UploadUnsure(
                "Every byte was sent, then YouTube forgot the upload, and the video is not to be seen on the channel. "
                "Look at YouTube Studio: if it is not there, upload it anew."
            )
        return []

    def _ask(self) -> _Stand:
        """Ask the server how far it is."""
        headers = {"Content-Range": f"bytes */{self.total}", "Content-Length": "0"}
        stand = self._read(self._exchange("PUT", self.journal.session, headers=headers, content=b"", seconds=30))
        if not (stand.video_id or stand.is_lost):
            self.journal.confirmed(stand.stored, self._sent)
            self.journal.note(
                "asked",
                Sentence("YouTube has %(stored)s of %(total)s bytes.", stored=f"{stand.stored:,}", total=f"{self.total:,}"),
            )
        self._sent = 0
        return stand

    def _send(self, start: int) -> _Stand:
        """Send the next chunk."""
        length = min(self.pace.chunk_bytes, self.total - start)
        headers = {
            "Content-Type": "video/mp4",
            "Content-Length": str(length),
            "Content-Range": f"bytes {start}-{start + length - 1}/{self.total}",
        }
        seconds = 90 + length / _SLOWEST_BYTES_PER_SECOND
        pieces = self._pieces(start, length)
        answer = self._exchange("PUT", self.journal.session, headers=headers, content=pieces, seconds=seconds)
        crash_point("youtube", "chunk_answered")
        stand = self._read(answer)
        self.journal.confirmed(None if stand.video_id or stand.is_lost else stand.stored, self._sent)
        self._sent = 0
        return stand

    def _pieces(self, start: int, length: int) -> Iterator[bytes]:
        """Yield a chunk in small pieces; that the last byte leaves is written down before it does."""
        with self.file.open("rb") as file:
            file.seek(start)
            left = length
            while left:
                if self.cancelled():
                    raise Cancelled("The upload was cancelled.")
                piece = file.read(min(_PIECE_BYTES, left))
                if not piece:
                    raise VideoflowError(
                        "The video's file became shorter while it was uploaded. Compose it again.", code="FILE_CHANGED"
                    )
                left -= len(piece)
                if not left and start + length == self.total and not self.journal.is_whole_sent:
                    self.journal.last_leaves()
                    crash_point("youtube", "last_leaves")
                self._sent += len(piece)
                yield piece
                crash_point("youtube", "piece_left")
                self.report(start + length - left)

    # Answers

    def _exchange(self, verb: Method, where: str, *, seconds: float, headers: Mapping[str, str], **facts: Any) -> Answer:
        """Send one request of the upload, below the base address or to the session's own."""
        client, path = self.youtube.client, where
        if "://" in where:
            parts = urlsplit(where)
            client, path = Client(Connection("youtube", f"{parts.scheme}://{parts.netloc}")), f"{parts.path}?{parts.query}"
        try:
            signed = {**headers, "Authorization": f"Bearer {self.youtube.token(renew=self._needs_token)}"}
        except YouTubeBusy as error:
            raise _Faulty(Sentence("the permission could not be renewed"), error.retry_after_seconds) from error
        self._needs_token = False
        try:
            answer = client.request(
                verb,
                path,
                headers=signed,
                deadline_seconds=seconds,
                limit_bytes=1_000_000,
                accept=_ALL,
                cancelled=self.cancelled,
                **facts,
            )
        except ServiceUnreachable as error:
            if not error.retryable:
                raise
            raise _Faulty(Sentence("YouTube cannot be reached")) from error
        except ServiceError as error:
            raise _Faulty(Sentence("the connection broke off")) from error
        self.youtube.clock_read(answer)
        return answer

    def _read(self, answer: Answer) -> _Stand:
        if answer.status in (200, 201):
            try:
                value = answer.json()
            except ServiceError:
                value = None
            if isinstance(value, dict) and value.get("id"):
                return _Stand(video_id=str(value["id"]))
            raise _Faulty(Sentence("the answer was not YouTube's"))
        if answer.status == 308:
            if answer.headers.get("location"):
                self.journal.session_moved(self._address(answer.headers["location"]))
            return _Stand(stored=self._stored(answer.headers.get("range", "")))
        if answer.status in (404, 410):
            self.journal.note(
                "lost", Sentence("YouTube does not know the upload session any more (%(status)s).", status=answer.status)
            )
            return _Stand(is_lost=True)
        raise self._refusal(answer)

    def _stored(self, header: str) -> int:
        """Return how many bytes a Range header says are stored; none without one."""
        if not header:
            return 0
        end = header.removeprefix("bytes=0-")
        if not end.isdecimal() or int(end) >= self.total:
            raise _Faulty(Sentence("YouTube named a range that cannot be"))
        return int(end) + 1

    def _refusal(self, answer: Answer) -> Exception:
        """Return what an answer that is not the protocol's means; _Faulty where asking again can help."""
        if answer.status == 401 and self._renewals < _RENEWALS:
            self._needs_token = True
            self._renewals += 1
            return _Faulty(Sentence("the permission had run out and is renewed"))
        wait = retry_after_read(answer.headers)
        now = self.youtube.now()
        error = error_read(status=answer.status, body=answer.body, now=now, bucket="uploads", retry_after_seconds=wait)
        if isinstance(error, YouTubeBusy) or answer.status < 400:
            return _Faulty(Sentence("YouTube answered %(status)s", status=answer.status), wait)
        self.journal.note("waits" if isinstance(error, WaitUntil) else "refused", str(error))
        return error

    def _address(self, location: str) -> str:
        """Return a session's address, if it is where uploads may go.

        Raises:
            YouTubeRefused: it leads elsewhere; the permission must not be sent there.
        """
        parts, base = urlsplit(location), urlsplit(self.youtube.client.connection.base_url)
        is_google = parts.scheme == "https" and (parts.hostname or "").endswith(".googleapis.com")
        if (parts.scheme, parts.netloc) != (base.scheme, base.netloc) and not (
            is_google and base.hostname == "www.googleapis.com"
        ):
            raise YouTubeRefused(
                "YouTube named an address elsewhere for the upload; nothing was sent.", reason="location", status=200
            )
        return location

    # Patience

    def _progress(self, stored: int, aim: int) -> None:
        """Note how far it is; only what goes beyond the best so far lets faults be forgotten."""
        self.report(stored)
        if stored < aim:
            self.journal.note(
                "short",
                Sentence(
                    "YouTube kept %(stored)s of the %(aim)s bytes sent so far; going on from there.",
                    stored=f"{stored:,}",
                    aim=f"{aim:,}",
                ),
            )
        if stored > self._best:
            self._best, self._faults, self._renewals = stored, 0, 0
            return
        self._faults += 1
        if self._faults > len(self.pace.backoffs):
            raise YouTubeBusy("YouTube keeps nothing of what is sent.")

    def _back_off(self, fault: _Faulty) -> None:
        self.journal.confirmed(None, self._sent)
        self._sent = 0
        if self._faults >= len(self.pace.backoffs):
            raise YouTubeBusy(Sentence("The upload does not get on: %(fault)s. It goes on where it stopped.", fault=fault))
        wait = self.pace.backoffs[self._faults]
        wait = max(fault.retry_after_seconds or 0.0, wait + wait * self.pace.jitter() / 2)
        self._faults += 1
        self.journal.note("fault", Sentence("Asking again in %(wait)s s: %(fault)s.", wait=f"{wait:.0f}", fault=fault))
        self._wait(min(wait, 600.0))

    def _wait(self, seconds: float) -> None:
        while seconds > 0:
            self._check()
            self.pace.sleep(min(seconds, 0.5))
            seconds -= 0.5

    def _check(self) -> None:
        if self.cancelled():
            raise Cancelled("The upload was cancelled.")
