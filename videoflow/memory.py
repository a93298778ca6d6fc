"""How much memory this host has for heavy steps: what the machine has, or what its control groups leave of it."""

from dataclasses import dataclass
from pathlib import Path

import psutil

STEP_BYTES = 1_600_000_000
"""Measured: a three-minute video takes 1,523 MB at its heaviest moment, all processes together (docs/capacity.md)."""
STUDIO_BYTES = 1_000_000_000
"""Server, three idle workers, dispatcher and Redis, and something for whoever else lives here."""
_CORES_OF_A_STEP = 2
_ROOT = Path("/")
_NAMES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))  # version 2 and 1


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: all that may ever be used here, and what can be had now without anybody being swapped out or killed."""

    total: int
    available: int


@dataclass(frozen=True, slots=True)
class HeavySteps:
    """How many heavy steps a host does at once; ``reason`` says which figure decided."""

    number: int
    reason: str
    is_asked: bool = False


def memory_now(root: Path = _ROOT, *, machine: Memory | None = None) -> Memory:
    """Return the memory of this host: the least that the machine and each control group around this process have.

    ``root`` is where ``proc`` and ``sys`` are. Systems without control groups answer for the machine alone.
    """
    if machine is None:
        found = psutil.virtual_memory()
        machine = Memory(found.total, found.available)
    total, available = machine.total, machine.available
    for folder in _groups(root):
        for limit_name, used_name in _NAMES:
            limit, used = _figure(folder / limit_name), _figure(folder / used_name)
            if limit is not None and limit < machine.total:
                total = min(total, limit)
                if used is not None:
                    available = min(available, max(0, limit - used + _pages_kept(folder)))
    return Memory(total, available)


def _groups(root: Path) -> list[Path]:
    """Return the folders of this process's groups and of all around them."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("memory" if kinds else "")
        group = top / path.strip("/")
        folders += [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
    return folders


def _figure(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None


def _pages_kept(folder: Path) -> int:
    """Return the bytes of files that the kernel keeps for the group and gives up as soon as somebody needs them."""
    try:
        figures = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(figures.get("total_inactive_file", figures.get("inactive_file", 0)))


def heavy_steps(*, cores: int, memory: Memory, asked: int = 0) -> HeavySteps:
    """Return how many heavy steps this host does at once: what was asked for, or what its cores and its memory carry."""
    if asked:
        return HeavySteps(asked, "VIDEOFLOW_CPU_SLOTS says so", is_asked=True)
    by_cores = max(1, cores // _CORES_OF_A_STEP)
    by_memory = max(1, (memory.total - STUDIO_BYTES) // STEP_BYTES)
    least = STUDIO_BYTES + STEP_BYTES
    if memory.total < least:
        reason = f"{memory.total / 1e9:.1f} GB of memory are less than the {least / 1e9:.1f} GB that a studio takes beside one"
        return HeavySteps(1, f"{reason}; what is missing is swapped, or the step fails")
    if by_memory < by_cores:
        return HeavySteps(by_memory, f"{memory.total / 1e9:.1f} GB of memory carry no more, {cores} cores would carry {by_cores}")
    return HeavySteps(by_cores, f"for {cores} {'core' if cores == 1 else 'cores'} and {memory.total / 1e9:.1f} GB of memory")


def has_room_for_a_step() -> bool:
    """Say whether another heavy step would find its memory here now."""
    return memory_now().available >= STEP_BYTES
