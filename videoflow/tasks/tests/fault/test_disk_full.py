"""Nothing can be written any more: neither files nor rows. Work waits, and goes on once there is room.

No privilege is needed: files meet the kernel's limit of a file's size, and the database SQLite's own limit of pages, whose error
is that of a full disk.
"""

import shutil
from pathlib import Path

import pytest

from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.fault.driving import drain, flood
from videoflow.tasks.tests.noop.machine import Machine, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.rows]

NOTHING_LARGER_BYTES = 20_000
DATABASE_PAGES = 1500


@pytest.mark.parametrize("stage", ["script_generation", "media_generation", "video_composition"])
def test_a_stage_waits_for_room_and_goes_on(plan, real_studio, stage):
    faults = plan("no room for files", refused=3)
    folder, goal = real_studio.begin(stage, "disk_full", is_cold=True), real_studio.goal(stage)
    for attempt in range(1, 4):
        real_studio.hand.ask("run_without_room", folder, stage, NOTHING_LARGER_BYTES)
        facts = real_studio.hand.ask("facts", folder, stage)
        assert (facts["status"], facts["error_code"], facts["attempt"]) == ("retrying", "DISK_FULL", attempt)
        faults.saw("refused")
    assert not [path for path in facts["files"] if ".part" in path or path.startswith("work/")]
    real_studio.hand.ask("run", folder, stage)
    facts = real_studio.hand.ask("facts", folder, stage)
    assert (facts["status"], facts["completions"], facts["errors"]) == ("completed", 1, 0)
    assert facts["made"] == goal["made"]
    shutil.rmtree(Path(folder))


@pytest.mark.sqlite
def test_the_database_is_full(plan):
    faults = plan("no room for rows", write_refused=5, went_on=1)
    with Machine(workers=1, processes=2, lease_seconds=3.0, database_pages=DATABASE_PAGES) as machine:
        machine.hand.ask("ballast", DATABASE_PAGES)
        submitted = flood(machine, 60, [{"work_seconds": 0.05, "file": True}])

        def refused() -> int:
            return sum(machine.log(name).count("database or disk is full") for name in ("worker0", "dispatcher"))

        wait_for(lambda: refused() >= 5, seconds=60, what="refused writes", every=0.3)
        faults.saw("write_refused", refused())
        assert not machine.drained()
        machine.hand.ask("ballast_drop")
        drain(machine)
        faults.saw("went_on")
        assert violations(machine, submitted=submitted) == []
