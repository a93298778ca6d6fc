"""A worker process that lays music beds: one JSON job after the other, see ``videoflow.children``."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from videoflow.children import Job, Result, child_serve
from videoflow.providers.embedded_music.music import EmbeddedMusic


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    """Write a bed into ``job["out"]`` and return its facts."""
    bed = EmbeddedMusic().bed(mood=job["mood"], seconds=float(job["seconds"]), seed=int(job["seed"]), out=Path(job["out"]))
    return {**asdict(bed), "path": str(bed.path)}


if __name__ == "__main__":
    child_serve(handle, idle_priority=False)
