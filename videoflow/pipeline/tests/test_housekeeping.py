import os
from pathlib import Path

import pytest

from videoflow.pipeline.housekeeping import UNTOUCHED_SECONDS, housekeeping

pytestmark = pytest.mark.django_db


def kept(path: Path, *, age_seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    touched = path.stat().st_mtime - age_seconds
    os.utime(path, (touched, touched))
    return path


def test_half_written_parts_of_killed_processes_go(settings, tmp_path):
    settings.VIDEOFLOW_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    old = kept(tmp_path / "cache/pictures/ab.part.mp4", age_seconds=2 * UNTOUCHED_SECONDS)
    being_written = kept(tmp_path / "cache/pictures/cd.part.mp4", age_seconds=0)
    whole = kept(tmp_path / "cache/pictures/ab.mp4", age_seconds=2 * UNTOUCHED_SECONDS)
    housekeeping()
    assert not old.exists()
    assert being_written.exists()
    assert whole.exists()
