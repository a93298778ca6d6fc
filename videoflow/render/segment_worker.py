"""The worker process of the compositor: makes segments and the sound from their JSON-able descriptions."""

import ctypes
import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2

from videoflow.children import child_serve, session_step_back
from videoflow.errors import DiskFull
from videoflow.render.artefacts import part_finish
from videoflow.render.audio import sound_make
from videoflow.render.caption_drawing import caption_band
from videoflow.render.caption_pen import CaptionPen
from videoflow.render.encoder import writer_open
from videoflow.render.layers import Layer, PictureShelf, layer_open
from videoflow.render.picture_watch import PictureWatch
from videoflow.render.planes import Planes, planes_empty, planes_of_frame
from videoflow.render.timeline import CaptionStyle, Format
from videoflow.render.transitions import TRANSITIONS

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PROGRESS_FRAMES = 15


class FramePainter:
    """Paints the frames of one segment one after the other into the same planes, and only what has changed."""

    def __init__(self, job: Mapping[str, Any], target: Planes, shelf: PictureShelf) -> None:
        width, height, fps = job["width"], job["height"], job["fps"]
        self._target, self._frames = target, int(job["frames"])
        self._base = layer_open(job["base"], width, height, fps, shelf)
        self._transition = job["transition"]
        self._incoming: Layer | None = None
        self._spare = planes_empty(width, height) if self._transition else None
        if self._transition:
            self._incoming = layer_open(self._transition["incoming"], width, height, fps, shelf)
        self._clean: Planes | None = None
        self._pen = CaptionPen(job)
        self._shown: object = "nothing painted yet"

    def paint(self, frame: int) -> bool:
        """Paint a frame and return whether it differs from the one before."""
        caption = self._pen.at(frame)
        if self._incoming is None and self._base.still:
            if caption == self._shown:
                return False
            if self._clean is None:
                self._clean = planes_empty(self._target.width, self._target.height)
                self._base.draw(frame, self._clean)
            self._clean.copy_to(self._target)
        elif self._incoming is None:
            self._base.draw(frame, self._target)
        else:
            self._paint_transition(frame, self._incoming)
        if caption is not None:
            number, mark, opacity = caption
            self._pen.overlay(number, mark).blend(self._target, opacity)
        self._shown = caption
        return True

    def _paint_transition(self, frame: int, incoming: Layer) -> None:
        assert self._spare is not None
        TRANSITIONS[self._transition["kind"]](
            (frame + 1) / (self._frames + 1),
            lambda target, zoomed, shift_x: self._base.draw(frame, target, zoomed, shift_x),
            lambda target, zoomed, shift_x: incoming.draw(frame, target, zoomed, shift_x),
            self._target,
            self._spare,
        )

    def close(self) -> None:
        self._base.close()
        if self._incoming is not None:
            self._incoming.close()


def segment_make(job: Mapping[str, Any], aside: Path, out: Path, shelf: PictureShelf, progress: Callable[[int], None]) -> None:
    """Paint and encode one segment to ``aside``; it stands under ``out`` complete or not at all."""
    still = job["transition"] is None and job["base"]["kind"] == "image" and job["base"]["motion"] == "still"
    with writer_open(job, aside, still=still) as writer:
        planes = planes_of_frame(writer.frame)
        painter, watch = FramePainter(job, planes, shelf), _watch(job)
        try:
            for frame in range(int(job["frames"])):
                if painter.paint(frame):
                    watch.look(planes.y)
                    writer.write()
                else:
                    watch.same()
                    writer.hold()
                if (frame + 1) % _PROGRESS_FRAMES == 0:
                    progress(frame + 1)
        finally:
            painter.close()
        writer.finish()
    part_finish(aside, out, watch.about())


def _watch(job: Mapping[str, Any]) -> PictureWatch:
    form = Format(job["width"], job["height"], job["fps"])
    band = caption_band(form, CaptionStyle(**job["caption_style"])) if job["captions"] else (0, 0)
    return PictureWatch(form.width_px, form.height_px, band)


_SHELF = PictureShelf()


def memory_give_back() -> None:
    """Hand freed memory back to the system; glibc would keep what pictures and encoders used (140 MB a worker at 1080p)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc only
        libc.malloc_trim(0)


def handle(job: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do one job of the compositor: a batch of segments, or the sound.

    Raises:
        DiskFull: the disk (or the quota) was full; nothing half-written stays under a final name.
    """
    cv2.setNumThreads(1)
    try:
        if job["kind"] == "sound":
            return {"seconds": sound_make(job, progress).seconds}
        total = sum(int(segment["job"]["frames"]) for segment in job["segments"])
        done = 0
        for segment in job["segments"]:
            before = done
            segment_make(
                segment["job"],
                Path(segment["aside"]),
                Path(segment["out"]),
                _SHELF,
                lambda frames: progress((before + frames) / total),  # noqa: B023
            )
            memory_give_back()
            done += int(segment["job"]["frames"])
            progress(done / total)
        return {"frames": done}
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise DiskFull("The disk is full. Free some space and start again; finished parts are kept.") from error
        raise


if __name__ == "__main__":
    session_step_back()
    child_serve(handle)
