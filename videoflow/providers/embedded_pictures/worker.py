"""A worker process that draws shots: one JSON job after the other, see ``videoflow.children``."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2

from videoflow.children import Job, Result, child_serve
from videoflow.errors import DiskFull
from videoflow.providers.embedded_pictures.drawing import clip_draw, picture_draw

_NEEDED_BYTES = 64_000_000
"""A long clip at 1080p takes about a tenth of this."""


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    """Draw one shot into ``job["out"]``.

    Raises:
        DiskFull: there was no room to write it; nothing is left of it.
    """
    out = Path(job["out"])
    size = {"width_px": int(job["width_px"]), "height_px": int(job["height_px"])}
    seconds = float(job["seconds"])
    try:
        if job["kind"] == "clip":
            clip_draw(
                job["layout"], job["spec"], job["look"], out, **size, fps=int(job["fps"]), seconds=seconds, progress=progress
            )
        else:
            picture_draw(job["layout"], job["spec"], job["look"], out, **size, seconds=seconds)
    except OSError as error:
        for aside in out.parent.glob(f"{out.stem}.part*"):
            aside.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(out.parent).free
        raise DiskFull(
            "The disk is full: the pictures could not be written. Free some space and try again.",
            details={"needed_bytes": _NEEDED_BYTES, "free_bytes": free},
        ) from error
    return {"out": str(out)}


if __name__ == "__main__":
    cv2.setNumThreads(1)
    child_serve(handle)
