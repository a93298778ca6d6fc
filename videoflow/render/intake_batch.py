"""Take in several foreign files in one worker process: one that cannot be used is said to be so and does not stop the others.

Run as ``python -m videoflow.render.intake_batch`` (see ``videoflow.children``).
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2

from videoflow.children import Job, Result, child_serve
from videoflow.errors import BadInput
from videoflow.render.intake import file_take


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    """Take ``job["source"]`` as a picture into ``job["folder"]``; ``refused`` says why where it is none."""
    source, folder = Path(job["source"]), Path(job["folder"])
    try:
        taken = file_take(source, folder, "picture", progress, clip_seconds_most=float(job["clip_seconds_most"]))
    except BadInput as error:
        return {"refused": str(error).replace(source.name, "it")}
    return asdict(taken)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    child_serve(handle, idle_priority=False)
