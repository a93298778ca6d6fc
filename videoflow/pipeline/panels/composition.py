"""The composer panel: the video and how it was found to be, the scenes in time, captions, music and format."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from videoflow import render
from videoflow.pipeline.board import Board
from videoflow.pipeline.editing.looks import MUSIC_LEVELS_DB, look_revision
from videoflow.pipeline.editing.previews import Cost
from videoflow.pipeline.editing.scenes import clip_latest_start
from videoflow.pipeline.editing.scenes_cut import split_limits, split_second
from videoflow.pipeline.editing.staleness import Staleness, staleness_of
from videoflow.pipeline.keeping import SHORTEST_SECONDS
from videoflow.pipeline.look_forms import MOTION_LABELS, TRANSITION_LABELS, CaptionForm, caption_values, music_values
from videoflow.pipeline.models import Asset, Project, Scene, Script, Turn, Video, script_current
from videoflow.pipeline.panels.base import Content, host_names
from videoflow.pipeline.selectors import project_videos
from videoflow.pipeline.stages.video_composition import (
    SPEAKER_COLOURS,
    caption_style_of,
    speakers_of,
    timeline_key,
    timeline_of,
)
from videoflow.render.presets import HARDWARE_ENCODERS
from videoflow.render.timeline import CaptionStyle, Format
from videoflow.translation import translated


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the quality report in plain words."""

    verdict: str
    """``ok``, ``warn`` or ``fail``."""
    text: str
    note: str = ""
    start: float | None = None


def quality_lines(video: Video) -> list[Check]:
    """Say what was measured on the finished file; findings come first, the worst on top."""
    found = video.quality.get("findings", [])
    order = {"block": 0, "warn": 1}
    findings = sorted(
        (finding for finding in found if finding.get("severity") in order), key=lambda finding: order[finding["severity"]]
    )
    lines = [
        Check("fail" if finding["severity"] == "block" else "warn", translated(finding["message"]), start=finding.get("start"))
        for finding in findings
    ]
    return [*lines, *_figure_lines(video)]


def _figure_lines(video: Video) -> list[Check]:
    figures = video.quality.get("figures", {})
    kinds = {
        str(finding.get("kind", ""))
        for finding in video.quality.get("findings", [])
        if finding.get("severity") in ("warn", "block")
    }
    lines = []
    loudness, peak = figures.get("loudness_lufs"), figures.get("true_peak_db")
    if isinstance(loudness, int | float):
        fits = abs(loudness + 14) <= 1
        lines.append(
            Check(
                "ok" if fits else "warn",
                _("Loudness %(level)s LUFS") % {"level": _level(loudness)},
                _("the level YouTube plays at is −14"),
            )
        )
    if isinstance(peak, int | float):
        lines.append(
            Check(
                "ok" if peak <= -1 else "warn",
                _("True peak %(level)s dBTP") % {"level": _level(peak)},
                _("−1 at most, so nothing clips"),
            )
        )
    drift = figures.get("caption_drift")
    worst = drift.get("p95_ms") if isinstance(drift, dict) else None
    if isinstance(worst, int | float) and drift.get("checked", True):
        note = _("19 words in 20, checked by listening to the finished file")
        lines.append(
            Check("ok" if worst <= 120 else "warn", _("Captions within %(ms)s ms of the words") % {"ms": f"{worst:.0f}"}, note)
        )
    if not any("black" in kind or "silence" in kind for kind in kinds) and figures:
        lines.append(Check("ok", _("No black picture and no silence over half a second")))
    share = figures.get("share_a")
    if isinstance(share, int | float):
        names = host_names(video.project)
        facts = {"a": names["A"], "b": names["B"], "share_a": f"{share * 100:.0f}", "share_b": f"{100 - share * 100:.0f}"}
        sentence = _("%(a)s speaks %(share_a)s %%, %(b)s %(share_b)s %% of the time") % facts
        lines.append(Check("ok" if 0.35 <= share <= 0.65 else "warn", sentence))
    return lines


def _level(level_db: float) -> str:
    return f"{level_db:.1f}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Said:
    """A line under a scene."""

    speaker: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A scene in the strip."""

    scene: Scene
    said: tuple[Said, ...]
    is_outdated: bool

    @property
    def is_own(self) -> bool:
        return self.scene.asset_id != self.scene.made_id


@dataclass(frozen=True, slots=True)
class Inspector:
    """The chosen scene with what can be done to it. Times are seconds of the video."""

    cell: Cell
    before: Scene | None
    after: Scene | None
    clip_latest_start: float
    split_at: float | None
    """Where it is split unless somebody says where; None where it is too short."""

    @property
    def scene(self) -> Scene:
        return self.cell.scene

    @property
    def is_clip(self) -> bool:
        return self.scene.asset.kind == Asset.Kind.CLIP

    @property
    def end(self) -> float:
        return self.scene.start + self.scene.seconds

    @property
    def focus(self) -> tuple[int, int]:
        """Per cent from the left and from the top."""
        return round(self.scene.focus_x * 100), round(self.scene.focus_y * 100)

    @property
    def start_limits(self) -> tuple[float, float]:
        """Between which the cut before it can stand."""
        return (self.before.start + SHORTEST_SECONDS if self.before else 0.0), self.end - SHORTEST_SECONDS

    @property
    def end_limits(self) -> tuple[float, float]:
        """Between which the cut after it can stand."""
        last = self.after.start + self.after.seconds - SHORTEST_SECONDS if self.after else self.end
        return self.scene.start + SHORTEST_SECONDS, last

    @property
    def split_limits(self) -> tuple[float, float]:
        """Between which it can be split."""
        return split_limits(self.scene.start, self.scene.seconds)

    @property
    def span(self) -> tuple[float, float]:
        """From the beginning of the scene before to the end of the one after."""
        return (
            self.before.start if self.before else self.scene.start,
            self.after.start + self.after.seconds if self.after else self.end,
        )


def timeline_content(project: Project, script: Script, outdated: frozenset[int], chosen: str = "") -> Content:
    """The scenes in time and the chosen one, the first without a choice; two queries."""
    turns = list(script.turns.select_related("speech"))
    names = host_names(project)
    cells = [
        Cell(scene, _said(scene, turns, names), scene.position in outdated) for scene in script.scenes.select_related("asset")
    ]
    if not cells:
        return {"cells": [], "chosen": None}
    at = next((index for index, cell in enumerate(cells) if str(cell.scene.key) == chosen), 0)
    before = cells[at - 1].scene if at else None
    after = cells[at + 1].scene if at + 1 < len(cells) else None
    scene = cells[at].scene
    return {
        "cells": cells,
        "chosen": Inspector(cells[at], before, after, clip_latest_start(scene), split_second(scene, turns)),
        "motions": MOTION_LABELS.items(),
        "transitions": TRANSITION_LABELS.items(),
        "shape": SHAPES[project.aspect],
    }


def _said(scene: Scene, turns: list[Turn], names: dict[str, str]) -> tuple[Said, ...]:
    under = [turns[position] for position in scene.turn_positions if position < len(turns)]
    return tuple(Said(turn.speaker, names.get(turn.speaker, turn.speaker), turn.text) for turn in under)


SHAPES = {"16:9": "wide", "9:16": "tall", "1:1": "square"}


def look_content(project: Project, script: Script) -> Content:
    """Captions, music and format as they are chosen; one query."""
    beds = list(project.assets.filter(kind=Asset.Kind.MUSIC).order_by("-created_at"))
    low, high = MUSIC_LEVELS_DB
    return {
        "captions": CaptionForm.of(project),
        "caption_values": caption_values(project),
        "caption_revision": look_revision(project, "caption"),
        "warnings": caption_warnings_of(project, script),
        "beds": beds,
        "music_values": music_values(project, beds),
        "music_revision": look_revision(project, "music"),
        "music_low": low,
        "music_high": high,
        "aspects": Project.Aspect.choices,
    }


def caption_warnings_of(project: Project, script: Script) -> tuple[render.CaptionWarning, ...]:
    """What is unwise in the captions as they are chosen, on the whole text; of the colours of the look nothing is said."""
    width_px, height_px = project.size_px
    text = " ".join(script.turns.values_list("text", flat=True))
    of_look = project.look.get("speaker_colours", SPEAKER_COLOURS)
    colours = tuple(speaker.colour for speaker in speakers_of(project) if speaker.colour != of_look.get(speaker.speaker))
    return _warnings(caption_style_of(project), text, Format(width_px, height_px, project.FPS), colours)


@lru_cache(maxsize=64)
def _warnings(style: CaptionStyle, text: str, form: Format, colours: tuple[str, ...]) -> tuple[render.CaptionWarning, ...]:
    """Measuring every word takes some 40 ms, and the same page asks again and again."""
    return tuple(render.caption_warnings(style, text, form, colours))


@dataclass(frozen=True, slots=True)
class ComposeState:
    """What stands between the creator and the video: nothing, changed lines and pictures, or a composition that is due."""

    stale: Staleness
    has_video: bool
    cost: Cost | None = None
    """Empty until it is asked for: it takes a moment."""

    @property
    def remade(self) -> list[int]:
        """Numbers of the scenes that composing would encode again; empty where that is all of them."""
        if self.cost is None or self.cost.parts_missing == self.cost.parts:
            return []
        return [position + 1 for position in sorted(self.cost.scenes)]

    @property
    def media_changes(self) -> int:
        return len(self.stale.turns) + len(self.stale.scenes)


def compose_state(project: Project, script: Script, video: Video | None, cost: Cost | None = None) -> ComposeState:
    return ComposeState(staleness_of(project, script, video), video is not None, cost)


def preview_content(project: Project, script: Script, video: Video | None, state: ComposeState | None) -> Content | None:
    """Return the newest quick preview and whether it shows the present state; None without one that is newer than the video."""
    asset = project.assets.filter(kind=Asset.Kind.PREVIEW).select_related("task").order_by("-created_at").first()
    if asset is None or (video is not None and video.created_at > asset.created_at):
        return None
    shown = (asset.task.result_data or {}).get("timeline_key") if asset.task else None
    is_ready = state is not None and not state.stale.turns
    return {
        "asset": asset,
        "is_whole": shown is not None,
        "is_current": is_ready and shown is not None and shown == timeline_key(timeline_of(project, script)),
        "player_class": _player_class(asset),
    }


def composition_content(project: Project, board: Board) -> Content:
    """The newest video with its quality report, the ones before it, and all that can be changed about the next."""
    current = script_current(project)
    videos = list(project_videos(project))
    video = videos[0] if videos else None
    content: Content = {"video": video, "shape": SHAPES[project.aspect]}
    if video is not None:
        content |= {
            "checks": quality_lines(video),
            "chapters": video.chapters,
            "earlier": videos[1:6],
            "player_class": _player_class(video.file),
            "codec": _codec_shown(video.quality.get("figures", {})),
        }
    if current is None:
        return content
    if current.media_seconds is None:
        return content | {"preview": preview_content(project, current, video, None)}
    state = compose_state(project, current, video)
    return content | {
        "compose": state,
        "timeline": timeline_content(project, current, frozenset(state.stale.scenes)),
        "look": look_content(project, current),
        "preview": preview_content(project, current, video, state),
    }


CODECS = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1"}


def _codec_shown(figures: Mapping[str, Any]) -> str:
    """Return the codec's name, and what coded it where that was hardware."""
    name = CODECS.get(str(figures.get("video_codec", "h264")), "H.264")
    encoder = str(figures.get("encoder", ""))
    is_hardware = any(encoder in encoders for encoders in HARDWARE_ENCODERS.values())
    return f"{name} ({encoder})" if is_hardware else name


def _player_class(film: Asset) -> str:
    """The player has the film's shape: the project's may have been changed since."""
    width, height = film.width_px or 16, film.height_px or 9
    return "player-tall" if height > width else "player-square" if height == width else ""
