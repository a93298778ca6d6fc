"""What stands inside each open panel of the workflow page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from videoflow.pipeline.board import Board
from videoflow.pipeline.metadata import description_make, tags_make, title_make
from videoflow.pipeline.models import (
    Asset,
    Project,
    Speech,
    Theme,
    TrendReport,
    TrendVideo,
    Turn,
    Video,
    json_evidence,
    script_current,
)
from videoflow.pipeline.selectors import project_videos

EVIDENCE_SHOWN = 8
SPARK_WIDTH, SPARK_HEIGHT = 200.0, 40.0

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ThemeCard:
    theme: Theme
    videos: Sequence[TrendVideo]
    more: int
    """How many rows behind the theme are not listed."""
    spark: str
    """Points of a line of views by day in a 200 x 40 box; empty with one day only."""
    days: tuple[str, str] | None
    parts: list[tuple[str, float]]
    is_picked: bool


@dataclass(frozen=True, slots=True)
class ThemeGroup:
    name: str
    rank: int
    views: int
    videos: int
    channels: int
    cards: list[ThemeCard]


def spark_points(videos: Sequence[TrendVideo]) -> tuple[str, tuple[str, str] | None]:
    """Return the line of the views of these videos together, day by day, and its first and last day.

    A video counts on every day, with its first figure before it was listed and with its last one afterwards: the line shows what
    was gained and not how many videos were listed.
    """
    days = sorted({day for video in videos for day, _ in video.days})
    if len(days) < 2:
        return "", None
    totals = []
    for day in days:
        total = 0
        for video in videos:
            known = [views for listed, views in video.days if listed <= day]
            total += known[-1] if known else (video.days[0][1] if video.days else 0)
        totals.append(total)
    low, high = min(totals), max(totals)
    spread = (high - low) or 1
    step = SPARK_WIDTH / (len(totals) - 1)
    points = [
        f"{index * step:.1f},{SPARK_HEIGHT - 3 - (SPARK_HEIGHT - 6) * (total - low) / spread:.1f}"
        for index, total in enumerate(totals)
    ]
    return " ".join(points), (days[0], days[-1])


def _theme_card(theme: Theme, picked: set[int]) -> ThemeCard:
    videos = list(theme.videos.all())
    points, days = spark_points(videos)
    parts = [(name, float(value)) for name, value in theme.score_parts.items() if isinstance(value, int | float)]
    return ThemeCard(
        theme, videos[:EVIDENCE_SHOWN], max(0, len(videos) - EVIDENCE_SHOWN), points, days, parts, theme.pk in picked
    )


def trends(project: Project, board: Board) -> Content:
    """The newest report: its themes by category, with the rows behind them; three queries."""
    report: TrendReport | None = project.reports.first()
    if report is None:
        return {"report": None}
    script_task = board.stage("script_generation").task
    picked = set(script_task.input_data.get("theme_ids") or []) if script_task else set()
    rows = report.themes.prefetch_related(Prefetch("videos", queryset=TrendVideo.objects.order_by("-views")))
    cards = [_theme_card(theme, picked) for theme in rows]
    ranked = sorted(report.categories, key=lambda category: category["rank"])
    groups = [
        ThemeGroup(
            category["name"],
            category["rank"],
            category["views"],
            category["videos"],
            category["channels"],
            sorted(
                (card for card in cards if card.theme.category_id == category["category_id"]), key=lambda card: card.theme.rank
            ),
        )
        for category in ranked
    ]
    return {
        "report": report,
        "groups": [group for group in groups if group.cards],
        "theme_count": len(cards),
        "left_out": sum(report.rows_left_out.values()),
        "top_views": max((group.views for group in groups), default=1),
        "has_days": any(card.spark for card in cards),
    }


@dataclass(frozen=True, slots=True)
class TurnLine:
    turn: Turn
    name: str
    start: float | None
    sources: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TurnSection:
    title: str
    start: float | None
    turns: list[TurnLine]


def host_names(project: Project) -> dict[str, str]:
    """Return the speakers' names; plain ones while the script has not named them."""
    return {key: str(project.hosts.get(key, {}).get("name") or f"Speaker {key}") for key in ("A", "B")}


def script(project: Project, board: Board) -> Content:
    """The newest version of the script, section by section; three queries."""
    current = script_current(project)
    state = board.stage("script_generation")
    again = {"input": state.task.input_data if state.task else {}, "minutes": max(1, project.minimum_seconds // 60)}
    if current is None:
        return {"script": None, **again}
    names, evidence = host_names(project), json_evidence(current)
    sections: list[TurnSection] = []
    words = 0
    turns = list(current.turns.select_related("speech"))
    for turn in turns:
        words += len(turn.text.split())
        start = turn.speech.start if hasattr(turn, "speech") else None
        if not sections or sections[-1].title != turn.section:
            sections.append(TurnSection(turn.section, start, []))
        sources = [evidence[key] for key in turn.sources if key in evidence]
        sections[-1].turns.append(TurnLine(turn, names.get(turn.speaker, turn.speaker), start, sources))
    return {
        **again,
        "script": current,
        "sections": sections,
        "turn_count": len(turns),
        "words": words,
        "names": names,
        "roles": {key: str(project.hosts.get(key, {}).get("role", "")) for key in ("A", "B")},
        "share_a": round(current.share_a * 100),
        "share_b": 100 - round(current.share_a * 100),
        "versions": project.scripts.count(),
        "reaches": current.measured_seconds >= project.minimum_seconds,
    }


def media(project: Project, board: Board) -> Content:
    """Pictures, recordings and music of the newest script; four queries."""
    current = script_current(project)
    if current is None:
        return {"scenes": [], "speeches": []}
    scenes = list(current.scenes.select_related("asset"))
    names = host_names(project)
    speeches = Speech.objects.filter(turn__script=current).select_related("turn", "asset").order_by("turn__position")
    shown: dict[str, float] = {}
    for scene in scenes:
        shown[scene.layout] = shown.get(scene.layout, 0.0) + scene.seconds
    total = sum(shown.values()) or 1.0
    return {
        "scenes": scenes,
        "speeches": [(speech, names.get(speech.turn.speaker, "")) for speech in speeches],
        "music": project.assets.filter(kind=Asset.Kind.MUSIC).order_by("-created_at").first(),
        "clips": sum(scene.asset.kind == Asset.Kind.CLIP for scene in scenes),
        "layouts": sorted(((name, seconds / total) for name, seconds in shown.items()), key=lambda item: -item[1]),
        "tile_class": {"9:16": "tile-tall", "1:1": "tile-square"}.get(project.aspect, ""),
    }


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
    order = {"fail": 0, "warn": 1}
    findings = sorted(
        (finding for finding in found if finding.get("severity") in order), key=lambda finding: order[finding["severity"]]
    )
    lines = [Check(str(finding["severity"]), str(finding["message"]), start=finding.get("start")) for finding in findings]
    return [*lines, *_figure_lines(video)]


def _figure_lines(video: Video) -> list[Check]:
    figures = video.quality.get("figures", {})
    kinds = {
        str(finding.get("kind", ""))
        for finding in video.quality.get("findings", [])
        if finding.get("severity") in ("warn", "fail")
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


def composition(project: Project, board: Board) -> Content:
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


def publish(project: Project, board: Board) -> Content:
    """The form's first values and everything published so far."""
    videos = list(project_videos(project))
    if not videos:
        return {"video": None}
    video = videos[0]
    return {
        "video": video,
        "first_values": {
            "title": title_make(video.script),
            "description": description_make(video),
            "tags": ", ".join(tags_make(video.script)),
        },
        "publications": [publication for row in videos for publication in row.publications.all()],
    }


CONTENTS: dict[str, Callable[[Project, Board], Content]] = {
    "trending_analysis": trends,
    "script_generation": script,
    "media_generation": media,
    "video_composition": composition,
    "youtube_upload": publish,
}


def panel_content(project: Project, board: Board, name: str) -> Content:
    """Return what the panel of a stage shows; a stage without its own panel shows its task alone."""
    content = CONTENTS.get(name)
    return content(project, board) if content else {}
