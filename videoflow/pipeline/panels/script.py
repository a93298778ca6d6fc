"""The script panel: the conversation, section by section."""

from dataclasses import dataclass
from typing import Any

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import (
    Project,
    Turn,
    json_evidence,
    script_current,
)
from videoflow.pipeline.panels.base import Content, host_names


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


def script_content(project: Project, board: Board) -> Content:
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
