"""Foreign pictures and clips on their way in: loaded, looked at, written anew, kept by where they come from."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any
from uuid import uuid4

from videoflow.children import ChildFailed, children_map
from videoflow.errors import Cancelled, DiskFull, VideoflowError
from videoflow.pipeline.store import cache_dir, work_dir, work_dirs_remove
from videoflow.providers.base import CancelCheck
from videoflow.providers.picturing.found import PictureUnusable
from videoflow.providers.picturing.likeness import picture_check

SPARE_SECONDS = 1.0
"""Of a clip, beyond its scene: for the crossfade, and to be trimmed."""
_WORKER_MODULE = "videoflow.render.intake_batch"
_WORKERS = 2
_NAME = "loaded-file"  # a name that no sentence has otherwise: it is told as “it”
_VERSION = 1
"""Goes into every content key: raise it when the same file is written anew differently."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture or clip of ours, written anew from a foreign one."""

    path: Path
    kind: str
    width_px: int
    height_px: int
    seconds: float | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A foreign file: what stands for its content, how it is brought, and how much of a clip is of use."""

    key: str
    bring: Callable[[Path], None]
    """Writes it to a path; raises VideoflowError."""
    seconds: float

    @property
    def cache_key(self) -> str:
        facts = [_VERSION, self.key, ceil(self.seconds + SPARE_SECONDS)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def pictures_bring(wanted: Sequence[Wanted], *, cancelled: CancelCheck) -> list[PictureFile | VideoflowError]:
    """Return for every file what it has become, or why it cannot be used; what was brought before is not brought again.

    Raises:
        Cancelled, DiskFull: the work cannot go on.
    """
    results: list[PictureFile | VideoflowError | None] = [_kept(each) for each in wanted]
    name = f"pictures-{uuid4().hex}"
    folder = work_dir(name)
    try:
        jobs: list[tuple[int, dict[str, Any]]] = []
        for index, each in enumerate(wanted):
            if results[index] is not None:
                continue
            place = folder / str(index)
            place.mkdir()
            try:
                each.bring(place / _NAME)
            except (Cancelled, DiskFull):
                raise
            except VideoflowError as error:
                results[index] = error
                continue
            facts = {"source": str(place / _NAME), "folder": str(place), "clip_seconds_most": each.seconds + SPARE_SECONDS}
            jobs.append((index, facts))
        for (index, _), found in zip(jobs, _look([job for _, job in jobs], cancelled), strict=True):
            results[index] = _keep(wanted[index], found)
    finally:
        work_dirs_remove(name)
    return [result if result is not None else PictureUnusable("it is gone") for result in results]


def _look(jobs: Sequence[dict[str, Any]], cancelled: CancelCheck) -> list[Mapping[str, Any]]:
    if not jobs:
        return []
    try:
        return list(children_map(_WORKER_MODULE, jobs, workers=min(_WORKERS, len(jobs)), cancelled=cancelled))
    except ChildFailed:
        if len(jobs) == 1:
            return [{"refused": "it is damaged in a way that stops the decoder"}]
        return [found for job in jobs for found in _look([job], cancelled)]  # one of them brings the decoder down: not the others


def _keep(wanted: Wanted, found: Mapping[str, Any]) -> PictureFile | VideoflowError:
    if "refused" in found:
        return PictureUnusable(str(found["refused"]).rstrip("."))
    made = Path(found["path"])
    try:
        mark = picture_check(made, str(found["kind"]), int(found["width_px"]), int(found["height_px"]))
    except PictureUnusable as error:
        return error
    target = cache_dir("stock") / f"{wanted.cache_key}{made.suffix}"
    draft = target.with_name(f".{uuid4().hex}.part")
    made.rename(draft)
    draft.replace(target)
    file = PictureFile(target, found["kind"], found["width_px"], found["height_px"], found["seconds"], mark)
    note = target.with_suffix(".json")
    draft = note.with_name(f".{uuid4().hex}.part")
    draft.write_text(json.dumps({**asdict(file), "path": target.name}), encoding="utf-8")
    draft.replace(note)
    return file


def _kept(wanted: Wanted) -> PictureFile | None:
    """Return what the file became when it was brought before; the description is written last, so it stands for the whole."""
    note = cache_dir("stock") / f"{wanted.cache_key}.json"
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        path = note.with_name(facts["path"])
        path.stat()
        return PictureFile(**{**facts, "path": path})
    except (OSError, ValueError, KeyError, TypeError):
        return None
