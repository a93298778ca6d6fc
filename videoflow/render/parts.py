"""What composing would make anew, asked without reading a file: for telling it beside a button."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from videoflow.render.composition import timeline_captions
from videoflow.render.making import segment_path, sound_path
from videoflow.render.plan import plan_make
from videoflow.render.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Parts:
    """``missing_frames`` has the first and the past-the-last frame of every part that is not there yet."""

    frames: int
    parts: int
    missing_frames: tuple[tuple[int, int], ...]
    sound_missing: bool

    @property
    def frames_missing(self) -> int:
        return sum(last - first for first, last in self.missing_frames)


def parts_of(timeline: Timeline, work_dir: Path, hashes: Mapping[Path, str]) -> Parts:
    """Return which parts of a timeline are there; ``hashes`` has the SHA-256 of every input file. Damage is found by composing.

    Raises:
        BadInput: the timeline cannot be composed.
    """
    captions = timeline_captions(timeline) if timeline.caption_style.name != "none" else ()
    plan = plan_make(timeline, captions, hashes)
    missing = tuple(
        (part.first_frame, part.first_frame + part.frames)
        for part in plan.segments
        if not segment_path(work_dir, part.key).is_file()
    )
    return Parts(plan.frames, len(plan.segments), missing, not sound_path(work_dir, plan.sound_key).is_file())
