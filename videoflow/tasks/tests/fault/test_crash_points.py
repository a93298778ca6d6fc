"""Every real stage dies at every named point, on tiny media, and is finished exactly once by whoever takes it up."""

import shutil
from pathlib import Path

import pytest

from videoflow.crash_points import EXIT_CODE, POINTS
from videoflow.pipeline import stages
from videoflow.tasks.tests.noop.machine import processes_of, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.rows]

CASES = [(stage.name, point) for stage in stages.load() for point in POINTS[stage.name]]
SECOND_TIME = {"line_spoken", "recording_stored", "picture_drawn", "copied"}
# Where the stage dies amid its heavy work it begins with an empty cache; elsewhere with a full one, which is quicker.
COLD = {"line_spoken", "picture_drawn", "scene_saved", "segments_made"}


@pytest.mark.parametrize(("stage", "point"), CASES)
def test_a_stage_dies_and_is_finished_once(plan, real_studio, stage, point):
    ends_before = point == "committed"
    faults = plan(f"{stage} dies at a named point", died=1, taken_over=int(not ends_before))
    folder, goal = real_studio.begin(stage, point, is_cold=point in COLD), real_studio.goal(stage)
    crash = real_studio.hand.ask("crash", folder, stage, f"{stage}:{point}" + (":2" if point in SECOND_TIME else ""))
    assert crash["exit"] == EXIT_CODE
    faults.saw("died")
    wait_for(lambda: not processes_of(Path(folder)), seconds=60, what="the end of all that the dead process had started")

    dead = real_studio.hand.ask("facts", folder, stage)
    assert (dead["status"], dead["completions"]) == (("completed", 1) if ends_before else ("in_progress", 0))
    kept = {path: inode for path, inode in dead["files"].items() if path.startswith("cache/") and ".part" not in path}
    assert kept or point not in COLD

    faults.saw("taken_over", real_studio.hand.ask("recover", folder, stage)["reaped"])
    real_studio.hand.ask("tend", folder)
    facts = real_studio.hand.ask("facts", folder, stage)
    attempts = 1 if ends_before else 2
    assert (facts["status"], facts["attempt"], facts["recoveries"]) == ("completed", attempts, attempts - 1)
    assert (facts["completions"], facts["errors"]) == (1, 0)
    assert facts["seqs"] == list(range(1, facts["head"] + 1))
    assert facts["following"] == goal["following"]
    assert facts["made"] == goal["made"]
    assert facts["orphans"] == []
    assert {path: facts["files"].get(path) for path in kept} == kept  # what stood there was not made again
    assert not [path for path in facts["files"] if ".part" in path or path.startswith("work/")]
    shutil.rmtree(folder)


def test_a_dead_export_that_is_cancelled_leaves_nothing(plan, real_studio):
    faults = plan("youtube_upload dies at a named point", died=1)
    folder = real_studio.begin("youtube_upload", "cancelled")
    assert real_studio.hand.ask("crash", folder, "youtube_upload", "youtube_upload:copied")["exit"] == EXIT_CODE
    faults.saw("died")
    real_studio.hand.ask("cancel", folder, "youtube_upload")
    real_studio.hand.ask("tend", folder)
    facts = real_studio.hand.ask("facts", folder, "youtube_upload")
    assert facts["status"] == "cancelled"
    assert not [path for path in facts["files"] if path.startswith(("exports/", "work/"))]


@pytest.mark.parametrize("stage", ["script_generation", "media_generation", "video_composition"])
def test_a_stage_that_is_cancelled_leaves_nothing_behind(plan, real_studio, stage):
    faults = plan("a stage is cancelled at work", cancelled=1, processes_ended=1)
    folder = real_studio.begin(stage, "cancelled_at_work", is_cold=True)
    cancelled = real_studio.hand.ask("cancel_amid", folder, stage)
    assert (cancelled["exit"], cancelled["status"]) == (0, "cancelled")
    assert cancelled["gone_after_seconds"] < 5  # the contract's
    faults.saw("cancelled")
    faults.saw("processes_ended", cancelled["workers"])
    assert not processes_of(Path(folder))
    facts = real_studio.hand.ask("facts", folder, stage)
    assert (facts["completions"], facts["errors"]) == (0, 0)
    assert not [path for path in facts["files"] if path.startswith("work/")]
    real_studio.hand.ask("tend", folder)
    assert not [path for path in real_studio.hand.ask("facts", folder, stage)["files"] if ".part" in path]
    shutil.rmtree(folder)
