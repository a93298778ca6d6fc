"""A worker process that draws shots: one JSON job after the other, see ``videoflow.children``."""

from collections.abc import Callable
from pathlib import Path

import cv2

from videoflow.children import Job, Result, child_serve
from videoflow.providers.embedded_pictures.drawing import clip_draw, picture_draw


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    """Draw one shot into ``job["out"]``."""
    out = Path(job["out"])
    size = {"width_px": int(job["width_px"]), "height_px": int(job["height_px"])}
    seconds = float(job["seconds"])
    if job["kind"] == "clip":
        clip_draw(job["layout"], job["spec"], job["look"], out, **size, fps=int(job["fps"]), seconds=seconds, progress=progress)
    else:
        picture_draw(job["layout"], job["spec"], job["look"], out, **size, seconds=seconds)
    return {"out": str(out)}


if __name__ == "__main__":
    cv2.setNumThreads(1)
    child_serve(handle)
