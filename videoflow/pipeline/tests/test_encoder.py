"""What coded a video, from the operator's choice to what the page says of it; x264 stands in for hardware."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from videoflow.errors import VideoflowError
from videoflow.pipeline.board import project_board
from videoflow.pipeline.editing.previews import compose_cost
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.composition import composition_content
from videoflow.pipeline.tests.film_project import film_project
from videoflow.render import encoder_choice, hardware_trials
from videoflow.render.encoder_trial import Trial
from videoflow.render.presets import HARDWARE_ENCODERS
from videoflow.render.tests.material import timeline
from videoflow.render.timeline import Format

pytestmark = pytest.mark.django_db(transaction=True)

SIDE, FPS = 240, 10


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Project, "SIZES", {"1:1": (SIDE, SIDE)})
    monkeypatch.setattr(Project, "FPS", FPS)
    yield film_project(timeline(tmp_path / "media", Format(SIDE, SIDE, FPS)), aspect="1:1")
    hardware_trials.cache_clear()


def test_a_video_says_what_coded_it(project: Project, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HARDWARE_ENCODERS, "h264", ("libx264",))
    monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: (Trial("libx264", ""),))
    settings.VIDEOFLOW_ENCODER = "auto"
    task = stage_run(project=project, task_type="video_composition", input_data={})
    assert task.status == "completed", task.error
    video = project.videos.get()
    figures = video.quality["figures"]
    assert (figures["encoder"], figures["encoder_reason"]) == ("libx264", "it passed its trial on this host")
    assert composition_content(project, project_board(project))["codec"] == "H.264 (libx264)"
    cost = compose_cost(project, project.scripts.get(), video)
    assert (cost.parts_missing, cost.parts > 0) == (0, True)


def test_hardware_that_is_not_there_ends_the_step_with_what_to_do(project: Project, settings: LazySettings) -> None:
    settings.VIDEOFLOW_ENCODER = "videotoolbox"
    hardware_trials.cache_clear()
    with pytest.raises(VideoflowError, match="VIDEOFLOW_ENCODER") as failed:
        stage_run(project=project, task_type="video_composition", input_data={"codec": "av1"})
    assert failed.value.code == "ENCODER_NOT_USABLE"
    assert not project.videos.exists()
