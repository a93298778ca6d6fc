from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from videoflow.tasks.tests.noop.machine import Hand, clean_environment


@dataclass
class RealStudio:
    """A project made once by all five stages, and copies of its data folder from before and after each of them."""

    root: Path
    hand: Hand
    after: dict[str, dict[str, Any]] = field(default_factory=dict)

    def begin(self, stage: str, name: str, *, is_cold: bool = False) -> str:
        """Return a fresh data folder in which the stage's task waits; what the stage keeps in the cache is there unless cold."""
        snapshots = self.root / "snapshots"
        folder = str(self.root / f"{stage}-{name}")
        self.hand.ask("folder_copy", str(snapshots / stage), folder, "" if is_cold else str(snapshots / f"after-{stage}"))
        return folder

    def goal(self, stage: str) -> dict[str, Any]:
        """Return the facts of the stage done without any fault."""
        if stage not in self.after:
            self.after[stage] = self.hand.ask("facts", str(self.root / "snapshots" / f"after-{stage}"), stage)
        return self.after[stage]


@contextmanager
def real_studio_made() -> Iterator[RealStudio]:
    """Make the project; its folders are gone afterwards."""
    root = Path(mkdtemp(prefix="vf-crash-"))
    data = root / "data"
    settings = {"DJANGO_SETTINGS_MODULE": "videoflow.settings", "VIDEOFLOW_LOG_LEVEL": "ERROR"}
    hand = Hand(clean_environment(data) | settings, "videoflow.tasks.tests.fault.real_hand")
    try:
        (root / "snapshots").mkdir()
        hand.ask("chain", str(data), str(root / "snapshots"))
        yield RealStudio(root, hand)
    finally:
        hand.close()
        rmtree(root, ignore_errors=True)
