"""Coded segments and sounds that all hosts use: in the bucket, as ``parts/``, found by key, verified by hash, dropped unused."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from videoflow.pipeline.models import SharedSegment
from videoflow.pipeline.store import files_fetch, media_path
from videoflow.render.artefacts import PartFacts, part_facts, part_place
from videoflow.render.making import segment_path
from videoflow.storage.base import FileLost, media_storage

FOLDER = "parts"
UNUSED = timedelta(hours=1)
"""What was used since then stays whatever room there is: a composition may be about to read it."""
_NOTED_AGAIN = timedelta(minutes=30)
_ROWS_AT_ONCE = 500

Place = Callable[[Path, str], Path]
"""Where in a folder of parts one stands, by its key: ``segment_path`` or ``sound_path``."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment, or a sound, in the bucket."""

    key: str
    facts: PartFacts

    @property
    def name(self) -> str:
        return segment_name(self.facts.sha256)


def segment_name(sha256: str) -> str:
    return f"{FOLDER}/{sha256}.mp4"


def segments_named(names: Iterable[str]) -> set[str]:
    """Return those names in the bucket that a segment has."""
    known: set[str] = set()
    for some in _some_at_once(Path(name).stem for name in names):
        known.update(SharedSegment.objects.filter(sha256__in=some).values_list("sha256", flat=True))
    return {segment_name(sha256) for sha256 in known}


def _some_at_once(keys: Iterable[str]) -> Iterator[list[str]]:
    waiting = list(keys)
    for at in range(0, len(waiting), _ROWS_AT_ONCE):
        yield waiting[at : at + _ROWS_AT_ONCE]


def segments_known(keys: Iterable[str]) -> list[Segment]:
    """Return which of these segments some host has made and kept."""
    return [
        Segment(row.key, PartFacts(row.size_bytes, row.sha256, row.about))
        for some in _some_at_once(keys)
        for row in SharedSegment.objects.filter(key__in=some)
    ]


def segments_used(keys: Iterable[str]) -> None:
    """Note that a video uses these segments; written twice an hour at the most."""
    now = timezone.now()
    for some in _some_at_once(keys):
        SharedSegment.objects.filter(key__in=some, used_at__lt=now - _NOTED_AGAIN).update(used_at=now)


def segments_place(
    segments: Collection[Segment],
    work_dir: Path,
    *,
    holder: Callable[[], Path],
    cancelled: Callable[[], bool],
    place: Place = segment_path,
) -> list[str]:
    """Bring segments from the bucket into ``work_dir``; return the keys of those that are gone from it. Asks no database.

    Raises:
        StorageFault, DiskFull, Cancelled: as ``files_fetch`` does.
    """
    try:
        files_fetch([media_path(segment.name) for segment in segments], holder=holder, cancelled=cancelled)
    except FileLost:
        if len(segments) == 1:
            return [segment.key for segment in segments]
        return [
            key for one in segments for key in segments_place([one], work_dir, holder=holder, cancelled=cancelled, place=place)
        ]
    for segment in segments:
        part_place(media_path(segment.name), place(work_dir, segment.key), segment.facts)
    return []


def segment_send(key: str, work_dir: Path, place: Place = segment_path) -> Segment:
    """Keep a segment that was made here in the bucket; raises what the storage does. Asks no database."""
    path = place(work_dir, key)
    segment = Segment(key, part_facts(path))
    media_storage().keep(path, segment.name)
    return segment


def segments_note(segments: Iterable[Segment]) -> None:
    """Write down what is in the bucket now."""
    now = timezone.now()
    rows = [
        SharedSegment(
            key=segment.key,
            sha256=segment.facts.sha256,
            size_bytes=segment.facts.size_bytes,
            about=dict(segment.facts.about),
            made_at=now,
            used_at=now,
        )
        for segment in segments
    ]
    changed = ("sha256", "size_bytes", "about", "made_at", "used_at")
    SharedSegment.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=changed)


def segments_forget(keys: Collection[str]) -> None:
    """Forget segments whose files are gone from the bucket."""
    SharedSegment.objects.filter(key__in=keys).delete()


def segments_excess() -> list[SharedSegment]:
    """Return the segments used longest ago, beyond ``VIDEOFLOW_SHARED_PARTS_BYTES``."""
    excess = (SharedSegment.objects.aggregate(size=Sum("size_bytes"))["size"] or 0) - settings.VIDEOFLOW_SHARED_PARTS_BYTES
    found = []
    if excess > 0:
        unused = SharedSegment.objects.filter(used_at__lt=timezone.now() - UNUSED).order_by("used_at")
        for row in unused.iterator():
            found.append(row)
            excess -= row.size_bytes
            if excess <= 0:
                break
    return found


def segments_prune(excess: Collection[SharedSegment]) -> None:
    """Delete segments: their rows first, so that nobody is sent to a file that is gone; what stays is left to the sweep."""
    for some in _some_at_once(row.key for row in excess):
        SharedSegment.objects.filter(key__in=some).delete()
    gone = {row.sha256 for row in excess}
    for some in _some_at_once(gone):
        gone -= set(SharedSegment.objects.filter(sha256__in=some).values_list("sha256", flat=True))
    media_storage().remove(segment_name(sha256) for sha256 in sorted(gone))
