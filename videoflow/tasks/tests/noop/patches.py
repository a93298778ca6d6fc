"""The stages that do nothing in the place of the real ones, a shorter lease, and a note of when each event was committed."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from videoflow.pipeline import runner, stages
from videoflow.tasks import dispatch, services
from videoflow.tasks.tests.noop.stages import NOOP_STAGES
from videoflow.tasks.wakeup import bell_ring


def _noting(ring: Any, folder: Path) -> Any:
    """The bell is rung first thing after the commit, so the time of that call is the time of the commit."""

    def bell_ring(*, session_id: Any, seq: int, row: Any) -> None:
        committed_at = time.time()
        ring(session_id=session_id, seq=seq, row=row)
        with (folder / str(os.getpid())).open("a") as file:
            file.write(f"{session_id} {seq} {committed_at:.6f}\n")

    return bell_ring


stages.load = lambda: NOOP_STAGES  # type: ignore[assignment]
_lease_seconds = float(settings.NOOP_LEASE_SECONDS)  # type: ignore[misc]
services.LEASE = timedelta(seconds=_lease_seconds)
runner.HEARTBEAT_SECONDS = _lease_seconds / 3
runner.LOOK_SECONDS = min(runner.LOOK_SECONDS, _lease_seconds / 6)
dispatch.REAP_SECONDS = _lease_seconds / 6
if os.environ.get("NOOP_COMMITS"):
    services.bell_ring = _noting(bell_ring, Path(os.environ["NOOP_COMMITS"]))  # type: ignore[attr-defined]
