"""Named points of a stage where its process can be made to die, so that fault tests know what was done before and what was not.

``VF_CRASH_AT=video_composition:joined`` kills whoever reaches that point as ``kill -9`` would; ``media_generation:line_spoken:2``
on the second time. Unset, a point costs one comparison.
"""

import os

EXIT_CODE = 137  # what a shell says of a process that SIGKILL ended
IN_EVERY_STAGE = ("claimed", "worked", "rows_written", "completed", "followed", "committed")
"""Before the work; work done and no row yet; then three inside the transaction that ends the task; and after its commit."""
POINTS: dict[str, tuple[str, ...]] = {
    "trending_analysis": (*IN_EVERY_STAGE, "source_read", "analysed"),
    "script_generation": (*IN_EVERY_STAGE, "drafted", "line_spoken", "script_written"),
    "media_generation": (
        *IN_EVERY_STAGE,
        "begun",
        "line_spoken",
        "recording_stored",
        "speech_saved",
        "picture_drawn",
        "scene_saved",
    ),
    "video_composition": (*IN_EVERY_STAGE, "segments_made", "muxed", "checked", "moved", "listened", "video_stored"),
    "youtube_upload": (*IN_EVERY_STAGE, "copied", "whole", "moved"),
    "youtube": (
        *("session_answered", "session_kept", "piece_left", "chunk_answered", "last_leaves", "uploaded", "read_back"),
        *("extra_sent", "extra_kept", "settings_wanted", "settings_sent", "settings_kept"),
    ),
    "paid_call": ("intended", "answered", "submitted", "stored", "kept"),
}


class _Armed:
    """Where this process is to die; ``passes`` counts down to it."""

    stage, point, passes = "", "", 1


def crash_arm(where: str) -> None:
    """Die at ``stage:point``, or at the N-th passing of ``stage:point:N``; an empty text disarms.

    Raises:
        ValueError: there is no such point.
    """
    stage, _, rest = where.partition(":")
    point, _, times = rest.partition(":")
    if where and (point not in POINTS.get(stage, ()) or not (times or "1").isdecimal() or int(times or 1) < 1):
        raise ValueError(f"There is no crash point {where!r}; videoflow/crash_points.py lists them, as stage:point.")
    _Armed.stage, _Armed.point, _Armed.passes = stage, point, int(times or 1)


def crash_point(stage: str, point: str) -> None:
    """Die here at once, without any clean-up, if told to."""
    if point != _Armed.point or stage != _Armed.stage:
        return
    _Armed.passes -= 1
    if _Armed.passes == 0:
        os._exit(EXIT_CODE)
