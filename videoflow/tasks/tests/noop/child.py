"""A stage's worker process that sleeps."""

import time
from collections.abc import Callable

from videoflow.children import Job, Result, child_serve


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    time.sleep(float(job["seconds"]))
    return {}


if __name__ == "__main__":
    child_serve(handle)
