"""Workers of units and containers are given the time that they take for themselves when they are told to end."""

import re
from pathlib import Path

from django.conf import settings

from videoflow.pipeline.tasks import ENDING_SECONDS

ROOT = Path(settings.BASE_DIR)


def seconds(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    assert len(found) == 1, (pattern, found)
    return int(found[0])


def test_a_workers_unit() -> None:
    unit = (ROOT / "deploy/systemd/videoflow-worker@.service").read_text(encoding="utf-8")
    drained = seconds(r"^Environment=.*VIDEOFLOW_DRAIN_SECONDS=(\d+)", unit)
    assert seconds(r"^TimeoutStopSec=(\d+)$", unit) >= drained + ENDING_SECONDS > ENDING_SECONDS


def test_the_workers_of_compose() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    worker = text[text.index("x-worker: &worker\n") : text.index("\nservices:")]
    drained = seconds(r'^    VIDEOFLOW_DRAIN_SECONDS: "(\d+)"', worker)
    assert seconds(r"^  stop_grace_period: (\d+)s$", worker) >= drained + ENDING_SECONDS > ENDING_SECONDS
    services = re.split(r"^  (?=[a-z-]+:$)", text[text.index("\nservices:") :], flags=re.MULTILINE)
    workers = [service for service in services if "command: [run_worker" in service]
    assert len(workers) == 3
    for service in workers:
        assert "<<: *worker\n" in service
        assert "environment:" not in service or "<<: *worker-settings" in service
