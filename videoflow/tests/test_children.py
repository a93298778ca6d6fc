"""Worker processes against real ones; this module is also the worker (``python -m videoflow.tests.test_children PARENT``)."""

import errno
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from videoflow import children
from videoflow.children import ChildFailed, Job, child_serve, children_feed, children_map
from videoflow.errors import DiskFull, VideoflowError

MODULE = "videoflow.tests.test_children"
SESSION = Path("/proc/self/autogroup")
PARENT = "import sys; from videoflow.children import die_with_parent; die_with_parent(int(sys.argv[1])); print('lives')"

SAYS = """
from pathlib import Path
share = Path("/proc/self/autogroup")
print(share.read_text() if share.exists() else "")
"""
STEPS_BACK = f"from videoflow.children import session_step_back; session_step_back(){SAYS}"

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

    def test_whatever_folder_a_command_was_given_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
        monkeypatch.chdir(tmp_path)
        assert run("one") == [{"done": "one"}]
        program = children.program_command([sys.executable, "-c", "print('runs')"])
        assert subprocess.check_output(program, text=True, timeout=240) == "runs\n"

    def test_a_full_disk_is_said(self) -> None:
        with pytest.raises(VideoflowError, match="disk is full") as caught:
            run("fill")
        assert (caught.value.code, caught.value.retryable) == (DiskFull.code, True)

    def test_a_killed_process_is_said(self) -> None:
        with pytest.raises(ChildFailed) as caught:
            run("die")
        assert caught.value.retryable


class TestChildrenFeed:
    def test_what_comes_up_later_is_done_too(self) -> None:
        given: list[Job | None] = [{"do": "one"}, None, None, {"do": "two"}, None, {"do": "three"}]
        results: dict[int, Any] = {}
        shares: list[tuple[int, float]] = []
        children_feed(
            MODULE,
            lambda: given.pop(0) if given else None,
            workers=2,
            cancelled=lambda: False,
            is_over=lambda: not given,
            on_result=results.__setitem__,
            on_progress=lambda number, share: shares.append((number, share)),
        )
        assert results == {0: {"done": "one"}, 1: {"done": "two"}, 2: {"done": "three"}}
        assert sorted(shares) == [(0, 1.0), (1, 1.0), (2, 1.0)]

    def test_it_ends_where_nothing_is_to_be_done(self) -> None:
        children_feed(
            MODULE,
            lambda: None,
            workers=2,
            cancelled=lambda: False,
            is_over=lambda: True,
            on_result=lambda *_: None,
            on_progress=lambda *_: None,
        )


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
    is_allowed = subprocess.run([*root_again, "true"], capture_output=True, check=False, timeout=240).returncode == 0
    argv = [*(root_again if is_allowed else ()), sys.executable, "-c", RIGHTS]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)
    before, after = answer.stdout.splitlines()
    assert (before, after) == ("[1, 1, 1]" if is_allowed else "[0, 0, 0]", "[0, 0, 0]"), answer.stderr


class TestSessionStepsBack:
    def niceness(self, code: str, *, leads: bool) -> str:
        """Return what the kernel says of the session of a process that ran the code, empty where it says nothing."""
        answer = subprocess.run(
            [sys.executable, "-c", code], start_new_session=leads, capture_output=True, text=True, check=True, timeout=240
        )
        return answer.stdout.partition(" ")[2].strip()

    def test_ok(self) -> None:
        """What a kernel says of the tests' own session tells nothing of a new one: a machine's first has no share of its own."""
        untouched = self.niceness(SAYS, leads=True)
        is_obeyed = untouched and os.access(SESSION, os.W_OK)
        assert self.niceness(STEPS_BACK, leads=True) == ("nice 5" if is_obeyed else untouched)

    def test_a_session_that_others_live_in_stays_as_it_is(self) -> None:
        assert self.niceness(STEPS_BACK, leads=False) == self.niceness(SAYS, leads=False)

    @pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
    def test_encoders_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stepped: list[bool] = []
        monkeypatch.setattr(children, "session_step_back", lambda: stepped.append(True))
        monkeypatch.setattr(children, "child_serve", lambda _: stepped.append(False))
        runpy.run_module("videoflow.render.segment_worker", run_name="__main__")
        assert stepped == [True, False]

    def test_asks_again_when_the_kernel_is_busy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers: list[type[OSError] | None] = [BlockingIOError, BlockingIOError, None]

        class Busy:
            def write_text(self, text: str) -> None:
                assert text == "5"
                if error := answers.pop(0):
                    raise error

        monkeypatch.setattr(os, "getsid", lambda _: os.getpid())
        monkeypatch.setattr(children, "_SESSION_SHARE", Busy())
        children.session_step_back()
        assert answers == []


if __name__ == "__main__":
    child_serve(handle)
