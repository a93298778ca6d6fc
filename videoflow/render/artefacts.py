"""Finished parts on disk: each stands complete under its key, with its size and hash noted beside it, or it does not count."""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STALE_SECONDS = 24 * 3600.0


def file_sha256(path: Path) -> str:
    """Return the hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_key(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a description as canonical JSON."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _facts_path(path: Path) -> Path:
    return path.with_suffix(".json")


def part_aside(out: Path, owner: str) -> Path:
    """Return where a part is written until it is finished; compositions that share a folder never share this name."""
    return out.with_name(f"{out.stem}.{owner}.part")


def asides_remove(folder: Path, owner: str) -> None:
    """Remove what a composition left unfinished, and what one that was killed left a day ago."""
    for path in folder.glob("*.part"):
        try:
            if f".{owner}." in path.name or time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink(missing_ok=True)
        except FileNotFoundError:  # another composition was faster
            continue


def part_finish(aside: Path, out: Path, about: Mapping[str, Any] | None = None) -> None:
    """Give a finished file its name, its facts first, so that a file without facts is never taken for finished.

    ``about`` is what was seen or heard in it while it was made, for the quality report of every video that uses it.
    """
    facts = PartFacts(aside.stat().st_size, file_sha256(aside), dict(about or {}))
    _facts_path(out).write_text(json.dumps(asdict(facts)), encoding="utf-8")
    aside.replace(out)


def part_is_intact(path: Path) -> bool:
    """Verify a part against its facts; a damaged one is removed."""
    if not path.is_file():
        return False
    try:
        facts = json.loads(_facts_path(path).read_text(encoding="utf-8"))
        if "about" in facts and facts["size_bytes"] == path.stat().st_size and facts["sha256"] == file_sha256(path):
            path.touch()
            return True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    part_remove(path)
    return False


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What stands beside a finished part."""

    size_bytes: int
    sha256: str
    about: Mapping[str, Any]


def part_facts(path: Path) -> PartFacts:
    """Return what was noted about a part when it was finished."""
    facts = json.loads(_facts_path(path).read_text(encoding="utf-8"))
    return PartFacts(facts["size_bytes"], facts["sha256"], facts["about"])


def part_place(source: Path, out: Path, facts: PartFacts) -> None:
    """Give a part that was made elsewhere, and verified on its way, its name here; a hard link where the disk allows it."""
    aside = part_aside(out, uuid.uuid4().hex[:12])
    try:
        try:
            os.link(source, aside)
        except OSError:
            shutil.copyfile(source, aside)
        _facts_path(out).write_text(json.dumps(asdict(facts)), encoding="utf-8")
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def part_about(path: Path) -> dict[str, Any]:
    """Return what was noted about an intact part."""
    return dict(part_facts(path).about)


def part_remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _facts_path(path).unlink(missing_ok=True)


def parts_prune(folder: Path, used: set[Path], keep_bytes: int) -> None:
    """Remove what no longer is used, oldest first, until ``keep_bytes`` of it are left."""
    unused = [path for path in folder.iterdir() if path.suffix not in (".json", ".part") and path not in used]
    kept = 0
    for path in sorted(unused, key=lambda item: -item.stat().st_mtime):
        kept += path.stat().st_size
        if kept > keep_bytes:
            part_remove(path)
