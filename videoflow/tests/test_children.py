"""Worker processes against real ones; this module is also the worker (``python -m videoflow.tests.test_children PARENT``)."""

import errno
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from videoflow.children import ChildFailed, Job, child_serve, children_map
from videoflow.errors import DiskFull, VideoflowError

MODULE = "videoflow.tests.test_children"
PARENT = "import sys; from videoflow.children import die_with_parent; die_with_parent(int(sys.argv[1])); print('lives')"

RIGHTS = """
from pathlib import Path
from videoflow.children import be_a_good_neighbour
def rights():
    lines = Path("/proc/self/status").read_text().splitlines()
    return [int(line.split()[1], 16) >> 23 & 1 for line in lines if line.startswith(("CapPrm", "CapEff", "CapBnd"))]
print(rights())
be_a_good_neighbour()
print(rights())
"""


def handle(job: Job, _: Any) -> dict[str, Any]:
    if job["do"] == "fill":
        raise OSError(errno.ENOSPC, "No space left on device")
    if job["do"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": job["do"]}


def run(*jobs: str) -> list[dict[str, Any]]:
    return children_map(MODULE, [{"do": job} for job in jobs], workers=1, cancelled=lambda: False)


class TestChildrenMap:
    def test_ok(self) -> None:
        assert run("one", "two") == [{"done": "one"}, {"done": "two"}]

    def test_a_full_disk_is_said(self) -> None:
        with pytest.raises(VideoflowError, match="disk is full") as caught:
            run("fill")
        assert (caught.value.code, caught.value.retryable) == (DiskFull.code, True)

    def test_a_killed_process_is_said(self) -> None:
        with pytest.raises(ChildFailed) as caught:
            run("die")
        assert caught.value.retryable


class TestDieWithParent:
    def test_a_parent_that_is_gone(self) -> None:
        answer = subprocess.run([sys.executable, "-c", PARENT, "999999999"], capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout) == (1, "")

    def test_a_parent_that_is_the_first_process_of_a_container(self) -> None:
        inside = f"import os; os.getppid = lambda: 1; {PARENT}"
        answer = subprocess.run([sys.executable, "-c", inside, "1"], capture_output=True, text=True, check=False)
        assert answer.stdout == "lives\n", answer.stderr


def test_a_good_neighbour_cannot_lift_its_priority() -> None:
    """The tests gave the right up, so the child gets it back in a user namespace of its own, where the machine allows one."""
    root_again = ["unshare", "--user", "--map-root-user"]
    is_allowed = subprocess.run([*root_again, "true"], capture_output=True, check=False, timeout=60).returncode == 0
    argv = [*(root_again if is_allowed else ()), sys.executable, "-c", RIGHTS]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    before, after = answer.stdout.splitlines()
    assert (before, after) == ("[1, 1, 1]" if is_allowed else "[0, 0, 0]", "[0, 0, 0]"), answer.stderr


if __name__ == "__main__":
    child_serve(handle)
