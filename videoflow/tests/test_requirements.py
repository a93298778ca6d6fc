"""What ``requirements.txt`` promises: a video is made where only that is installed, and nothing of what the tests need."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from videoflow.tasks.tests.noop.machine import ROOT, clean_environment
from videoflow.tests.own_rows import tables_make

HIDDEN = {"pytest", "factory", "hypothesis", "playwright", "time_machine", "polib", "mypy"}
SCRIPT = "**Ana:** Why do cats purr when they are hurt?\n**Ben:** Nobody knows for sure, but the sound is deep.\n"


def named_in(file: str) -> set[str]:
    """Return the packages that a file of requirements names itself, as Python normalizes names."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {re.sub(r"[-_.]+", "-", found[0].lower()) for line in lines if (found := re.match(r"[A-Za-z0-9][\w.-]*", line))}


def modules_of(packages: set[str]) -> set[str]:
    """Return what is imported by these packages and by no other, without what Python itself brings."""
    of_module = {
        module: {re.sub(r"[-_.]+", "-", name.lower()) for name in names} for module, names in packages_distributions().items()
    }
    return {module for module, names in of_module.items() if names <= packages and module.isidentifier()}


@pytest.mark.sqlite
def test_a_video_is_made_without_what_tests_need(tmp_path: Path) -> None:
    """Each process of the command hides from itself what ``requirements-dev.txt`` adds."""
    hidden = modules_of(named_in("requirements-dev.txt") - named_in("requirements.txt"))
    assert hidden >= HIDDEN
    blind, data = tmp_path / "blind", tmp_path / "data"
    blind.mkdir()
    (blind / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({sorted(hidden)}))\n", encoding="utf-8"
    )
    tables_make(data)
    environment = clean_environment(data) | {"PYTHONPATH": os.pathsep.join([str(blind), str(ROOT)]), "VIDEOFLOW_CPU_SLOTS": "1"}
    (tmp_path / "cats.md").write_text(SCRIPT, encoding="utf-8")
    seen = subprocess.run(
        [sys.executable, "-c", "import pytest"], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert "ModuleNotFoundError" in seen.stderr
    out = tmp_path / "cats.mp4"
    command = ["manage.py", "make_video", "--script", str(tmp_path / "cats.md"), "--out", str(out)]
    options = ["--aspect", "1:1", "--minutes", "0.4", "--seed", "5"]
    done = subprocess.run(
        [sys.executable, *command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert out.stat().st_size > 10_000
