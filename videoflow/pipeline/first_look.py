"""The beginning of a video to watch while the rest is being drawn: about 40 seconds, small, with voices, captions and music."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from videoflow import render
from videoflow.errors import VideoflowError
from videoflow.pipeline.models import Asset, Project, Script
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.stages.video_composition import (
    MUSIC_LEVEL_DB,
    caption_of,
    caption_style_of,
    film_add,
    scene_of,
    segments_dir,
    speakers_of,
    speech_of,
    timeline_files,
)
from videoflow.pipeline.store import files_keep
from videoflow.providers.base import SpokenTurn
from videoflow.render.timeline import Format, MusicTrack, Timeline

FIRST_LOOK = "first_look"
"""What a report says has changed when it can be watched."""
FIRST_LOOK_SECONDS = 40.0
_SHORTEST_WHOLE_SECONDS = 60.0
"""A video that is hardly longer is better waited for."""
_OVERHANG_SECONDS = 4.0
"""The cut may come this much later, between two lines."""
_LIMIT_SECONDS = 60.0
"""On a machine so busy that it takes longer, the pictures go first."""

logger = logging.getLogger(__name__)


def first_look_end(project: Project, turns: Sequence[SpokenTurn], scene_ends: Sequence[float]) -> float | None:
    """Return where the first look ends: with a scene, between two lines; None for a project that has a video, or a short one."""
    if scene_ends[-1] < _SHORTEST_WHOLE_SECONDS or project.videos.exists():
        return None
    pauses = [(before.end, after.start) for before, after in pairwise(turns)]
    latest = FIRST_LOOK_SECONDS + _OVERHANG_SECONDS
    quiet = [
        end
        for end in scene_ends
        if FIRST_LOOK_SECONDS / 2 <= end <= latest and any(first - 0.02 <= end <= last + 0.02 for first, last in pauses)
    ]
    return quiet[-1] if quiet else FIRST_LOOK_SECONDS


def first_look_make(context: StageContext, script: Script, *, seconds: float, music: Path) -> Asset | None:
    """Make the first ``seconds`` of a script whose lines are spoken and whose scenes up to there are drawn.

    None where it could not be made in time: the video itself does not depend on it, and the log says why.

    Raises:
        Cancelled: the work should stop.
    """
    timeline = _timeline(context.project, script, seconds, music)
    try:
        context.fetch(timeline_files(timeline))
        made = render.preview_whole(
            timeline,
            context.work_dir / "first-look.mp4",
            segments_dir(),
            report=lambda share, message: None,
            cancelled=context.cancelled,
            limit_seconds=_LIMIT_SECONDS,
        )
    except VideoflowError as error:
        context.check()
        logger.warning("no first look: %s", error)
        return None
    files_keep([made.path])
    with context.fenced():
        alt = f"The first {int(made.seconds)} seconds of {script.title}, draft quality"
        return film_add(context, made, kind=Asset.Kind.PREVIEW, name="first-look.mp4", alt=alt)


def _timeline(project: Project, script: Script, seconds: float, music: Path) -> Timeline:
    """Return the timeline of the beginning alone, in the format of the whole."""
    width_px, height_px = project.size_px
    turns = [turn for turn in script.turns.select_related("speech__asset") if turn.speech.start < seconds - 0.05]
    scenes = [scene_of(scene) for scene in script.scenes.filter(start__lt=seconds - 0.05).select_related("asset")]
    scenes[-1] = replace(scenes[-1], seconds=seconds - scenes[-1].start)
    level_db = float(project.music.get("level_db", MUSIC_LEVEL_DB))
    return Timeline(
        format=Format(width_px, height_px, project.FPS),
        seconds=seconds,
        scenes=tuple(scenes),
        speech=tuple(speech_of(turn) for turn in turns),
        captions=tuple(caption_of(turn) for turn in turns),
        speakers=speakers_of(project),
        caption_style=caption_style_of(project),
        music=MusicTrack(music, level_db) if project.music.get("is_on", True) else None,
        title=script.title,
    )
