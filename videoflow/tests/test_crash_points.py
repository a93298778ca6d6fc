import re
import subprocess
import sys
from pathlib import Path

import pytest

from videoflow.crash_points import EXIT_CODE, IN_EVERY_STAGE, POINTS, crash_arm

PACKAGE = Path(__file__).resolve().parents[1]
CALL = r'crash_point\(([\w.]+|"\w+"), "(\w+)"\)'


def died(where: str, passes: int) -> bool:
    """Whether a process that is told to die at ``where`` does so when it passes ``paid_call:kept`` so many times."""
    code = (
        f"from videoflow.crash_points import *; crash_arm({where!r}); [crash_point('paid_call', 'kept') for _ in range({passes})]"
    )
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == EXIT_CODE


class TestCrashPoint:
    @pytest.mark.parametrize(
        ("where", "passes", "dies"),
        [
            ("paid_call:kept", 1, True),
            ("paid_call:kept:3", 3, True),
            ("paid_call:kept:3", 2, False),
            ("paid_call:stored", 1, False),
            ("", 1, False),
        ],
    )
    def test_kills_at_the_named_time_only(self, where, passes, dies):
        assert died(where, passes) is dies

    @pytest.mark.parametrize(
        "where", ["kept", "paid_call:", "paid_call:lost", "nowhere:kept", "paid_call:kept:0", "paid_call:kept:x"]
    )
    def test_an_unknown_one_is_refused(self, where):
        with pytest.raises(ValueError, match="no crash point"):
            crash_arm(where)

    def test_every_point_of_the_list_is_in_the_code_and_no_other(self):
        sources = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if "tests" not in path.parts]
        called = {point for source in sources for _, point in re.findall(CALL, source)}
        assert called == {point for points in POINTS.values() for point in points} | set(IN_EVERY_STAGE)
