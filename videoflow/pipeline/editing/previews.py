"""Quick looks at what the video would be, and what composing it would make anew; all of it kept by content and used again."""

import hashlib
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from videoflow import render
from videoflow.pipeline.models import Project, Scene, Script, Video
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.stages.base import StageNotReady
from videoflow.pipeline.stages.video_composition import (
    STAGE,
    caption_of,
    caption_style_of,
    scene_of,
    segments_dir,
    speakers_of,
    timeline_files,
    timeline_key,
    timeline_of,
)
from videoflow.pipeline.store import cache_dir, files_fetch
from videoflow.render.presets import HARDWARE_ENCODERS
from videoflow.render.timeline import CaptionStyle, Format, Timeline
from videoflow.tasks.models import Task

FRAME_SIDE_PX = 960
"""The longer side of a still."""
PREVIEW_SECONDS_MOST = 20.0
"""A scene takes a second or two; whoever waits longer is better told that the machine is busy."""

_RUNS_LOOKED_AT = 5
_USUAL_FRAMES_PER_SECOND = 90.0  # two cores at 1080p, before this machine has composed anything
_USUAL_REST_SHARE = 0.06  # of the video's length: joining, checking, listening


@dataclass(frozen=True, slots=True)
class Cost:
    """What composing now would make anew. ``scenes`` are the positions whose picture is encoded again."""

    parts: int
    parts_missing: int
    scenes: frozenset[int]
    sound_missing: bool
    seconds: float
    """About how long it takes here, by what the last compositions took."""


def present_timeline(project: Project, script: Script) -> Timeline:
    """Return the timeline as it stands.

    Raises:
        StageNotReady: speech or pictures are not complete, or lines have changed since the recording.
    """
    if script.media_seconds is None:
        raise StageNotReady("Speech and pictures are not complete yet. Make the media first.")
    if turns_unspoken(project, script):
        raise StageNotReady("Lines have changed since the recording. Update the media first.")
    return timeline_of(project, script)


def compose_cost(project: Project, script: Script, video: Video | None) -> Cost:
    """Compare what the timeline needs with the parts that are there; no file is read, so it takes a moment only.

    ``video`` is the newest: what coded it is taken to code the next.

    Raises:
        StageNotReady: as ``present_timeline``.
    """
    timeline = present_timeline(project, script)
    encoder = str(video.quality.get("figures", {}).get("encoder", "")) if video else ""
    if encoder in HARDWARE_ENCODERS[timeline.format.codec]:
        timeline = replace(timeline, format=replace(timeline.format, encoder=encoder))
    hashes = dict(project.assets.values_list("path", "sha256"))
    by_path = {path: hashes.get(f"{path.parent.name}/{path.name}", "") for path in timeline_files(timeline)}
    wanted = render.parts_of(timeline, segments_dir(), by_path)
    edges = [scene.start * timeline.format.fps for scene in timeline.scenes]
    touched = {
        position
        for position, edge in enumerate(edges)
        for first, last in wanted.missing_frames
        if first < (edges[position + 1] if position + 1 < len(edges) else wanted.frames) - 1 and last > edge + 1
    }
    rate, rest_share = _pace(timeline)
    seconds = wanted.frames_missing / rate + rest_share * timeline.seconds
    return Cost(wanted.parts, len(wanted.missing_frames), frozenset(touched), wanted.sound_missing, seconds)


def _pace(timeline: Timeline) -> tuple[float, float]:
    """Return frames a second while encoding and the rest's share of the video's length, by the last runs on this machine."""
    runs = Task.objects.filter(task_type=STAGE.name, status=Task.Status.COMPLETED, result_data__composed_seconds__gt=1.0)
    rates, rests = [], []
    for task in runs.order_by("-completed_at")[:_RUNS_LOOKED_AT]:
        facts: dict[str, Any] = task.result_data or {}
        length = float(facts.get("duration_seconds", 0))
        made = facts.get("parts_made", 0) / max(1, facts.get("parts_made", 0) + facts.get("parts_reused", 0))
        if length and made > 0.5:
            rates.append(made * length * timeline.format.fps / float(facts["composed_seconds"]))
        if length and task.attempt_started_at and task.completed_at:
            whole = (task.completed_at - task.attempt_started_at).total_seconds()
            rests.append(max(0.0, whole - float(facts["composed_seconds"])) / length)
    rate = sorted(rates)[len(rates) // 2] if rates else _USUAL_FRAMES_PER_SECOND
    return rate, sorted(rests)[len(rests) // 2] if rests else _USUAL_REST_SHARE


def scene_preview(project: Project, scene: Scene) -> str:
    """Make a scene small with its sound and captions, and return the key of the file that ``preview_file`` finds.

    Raises:
        StageNotReady: as ``present_timeline``.
        BadInput: a file of it cannot be used.
        VideoflowError: it took longer than 20 s.
    """
    timeline = present_timeline(project, scene.script)
    key = _key("scene", timeline_key(timeline), scene.position)
    out = _preview_path(project, key)
    if not out.is_file():
        files_fetch(timeline_files(timeline))
        render.preview_scene(
            timeline, scene.position, out, segments_dir(), cancelled=lambda: False, limit_seconds=PREVIEW_SECONDS_MOST
        )
    out.touch()
    return key


def preview_file(project: Project, key: str) -> Path | None:
    """Return a preview of this project that was made, by its key; None when it is not there any more."""
    path = _preview_path(project, key)
    return path if key.isalnum() and path.is_file() else None


def scene_frame(project: Project, scene: Scene) -> Path:
    """Return a still of a scene's middle in the video's shape, cropped and moved as the video shows it.

    Raises:
        BadInput: its file cannot be used.
    """
    alone = replace(_alone(project, scene), captions=(), caption_style=CaptionStyle())

    def still(out: Path) -> Path:
        files_fetch(timeline_files(alone))
        return render.poster(alone, 0, out, width_px=_width_px(alone))

    return _kept(_key("frame", timeline_key(alone)), still)


def caption_frame(project: Project, scene: Scene, caption: Mapping[str, Any]) -> Path:
    """Return the still of a scene with captions as ``caption`` (a project's ``caption``) would draw them.

    Raises:
        BadInput: its file cannot be used, or such captions cannot be drawn.
    """
    tried = captioned(project, caption)
    alone = _alone(tried, scene)
    picture = scene_frame(tried, scene)
    return _kept(_key("caption", timeline_key(alone)), lambda out: render.caption_still(alone, picture, out))


def captioned(project: Project, caption: Mapping[str, Any]) -> Project:
    """Return a copy of a project, not to be saved, whose captions look otherwise."""
    tried = copy(project)
    tried.caption = dict(caption)
    return tried


def _alone(project: Project, scene: Scene) -> Timeline:
    """Return a timeline of one scene, with the lines said under it; nothing is heard."""
    width_px, height_px = project.size_px
    turns = [turn for turn in scene.script.turns.select_related("speech") if turn.words and hasattr(turn, "speech")]
    under = [turn for turn in turns if turn.position in scene.turn_positions] or turns[:1]
    return Timeline(
        format=Format(width_px, height_px, project.FPS),
        seconds=scene.seconds,
        scenes=(replace(scene_of(scene), start=0.0, transition="cut"),),
        speech=(),
        captions=tuple(caption_of(turn) for turn in under),
        speakers=speakers_of(project),
        caption_style=caption_style_of(project),
    )


def _width_px(timeline: Timeline) -> int:
    form = timeline.format
    return round(FRAME_SIDE_PX * form.width_px / max(form.width_px, form.height_px))


def _kept(key: str, make: Callable[[Path], Path]) -> Path:
    path = cache_dir("frames") / f"{key}.jpg"
    if not path.is_file():
        aside = path.with_name(f".{uuid4().hex}.part.jpg")
        try:
            make(aside).replace(path)
        finally:
            aside.unlink(missing_ok=True)
    path.touch()
    return path


def _preview_path(project: Project, key: str) -> Path:
    return cache_dir("scene_previews") / f"{project.pk}-{key}.mp4"


def _key(*facts: object) -> str:
    return hashlib.sha256("|".join(str(fact) for fact in facts).encode()).hexdigest()
