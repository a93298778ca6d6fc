"""Compose one pickled timeline in a process of its own and say what it took; the render benchmark starts it."""

import json
import pickle
import resource
import sys
import time
from pathlib import Path

from videoflow.render import compose, remake_of


def used_cpu_seconds() -> float:
    """Return the processor time of this process and of its ended children."""
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime


def main() -> None:
    timeline, out, work = pickle.loads(Path(sys.argv[1]).read_bytes())
    work.mkdir(parents=True, exist_ok=True)
    missing = remake_of(timeline, work).frames
    began, start = used_cpu_seconds(), time.perf_counter()
    made = compose(timeline, out, work, report=lambda share, line: None, cancelled=lambda: False)
    took = {"cpu_seconds": used_cpu_seconds() - began, "wall_seconds": time.perf_counter() - start}
    print(json.dumps({**took, "frames": made.frames, "frames_made": missing}))


if __name__ == "__main__":
    main()
