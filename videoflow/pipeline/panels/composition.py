"""The composer panel: the newest video and how it was found to be."""

from dataclasses import dataclass

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import (
    Project,
    Video,
    script_current,
)
from videoflow.pipeline.panels.base import Content, host_names
from videoflow.pipeline.selectors import project_videos


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
        Check("fail" if finding["severity"] == "block" else "warn", str(finding["message"]), start=finding.get("start"))
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
                "ok" if fits else "warn", f"Loudness {loudness:.1f} LUFS".replace("-", "−"), "the level YouTube plays at is −14"
            )
        )
    if isinstance(peak, int | float):
        lines.append(
            Check("ok" if peak <= -1 else "warn", f"True peak {peak:.1f} dBTP".replace("-", "−"), "−1 at most, so nothing clips")
        )
    drift = figures.get("caption_drift")
    worst = drift.get("p95_ms") if isinstance(drift, dict) else None
    if isinstance(worst, int | float) and drift.get("checked", True):
        note = "19 words in 20, checked by listening to the finished file"
        lines.append(Check("ok" if worst <= 120 else "warn", f"Captions within {worst:.0f} ms of the words", note))
    if not any("black" in kind or "silence" in kind for kind in kinds) and figures:
        lines.append(Check("ok", "No black picture and no silence over half a second"))
    share = figures.get("share_a")
    if isinstance(share, int | float):
        a, b = host_names(video.project)["A"], host_names(video.project)["B"]
        balanced = 0.35 <= share <= 0.65
        lines.append(
            Check("ok" if balanced else "warn", f"{a} speaks {share * 100:.0f} %, {b} {100 - share * 100:.0f} % of the time")
        )
    return lines


def composition_content(project: Project, board: Board) -> Content:
    """The newest video with its quality report, and how many there were before."""
    videos = list(project_videos(project))
    if not videos:
        return {"video": None}
    video = videos[0]
    current = script_current(project)
    return {
        "video": video,
        "checks": quality_lines(video),
        "chapters": video.chapters,
        "earlier": videos[1:6],
        "is_stale": current is not None and video.script_id != current.pk,
        "player_class": {"9:16": "player-tall", "1:1": "player-square"}.get(project.aspect, ""),
    }
