"""The script panel: the conversation, line by line, and what stands beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from videoflow.pipeline.board import Board, StageState
from videoflow.pipeline.editing.staleness import scene_is_outdated
from videoflow.pipeline.editing.versions import VERSIONS_KEPT, WordRun, words_compare
from videoflow.pipeline.models import Asset, Project, Proposal, Script, Turn, script_current
from videoflow.pipeline.panels.base import Content, host_names
from videoflow.pipeline.spoken import is_unspoken, pronunciations_of, words_key
from videoflow.providers.services import EMBEDDED, service_label
from videoflow.tasks.models import Task

_USUAL_SECONDS_PER_WORD = 0.25
_SECONDS_PER_SCENE = 4.5  # a picture stays about that long
_USUAL_SECONDS_PER_SCENE = 1.5
"""Of work, until this machine has done it once."""


@dataclass(frozen=True, slots=True)
class TurnLine:
    """A line as it is edited; ``is_estimate`` says that its seconds are not measured on a recording of these words."""

    turn: Turn
    name: str
    sources: list[dict[str, Any]]
    words: int
    is_estimate: bool
    recording: Asset | None
    proposal: Proposal | None
    runs: tuple[WordRun, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnSection:
    title: str
    start: float | None
    lines: list[TurnLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MediaUpdate:
    """What must be made anew before the video says and shows the script as it is now."""

    lines: int
    scenes: int
    seconds: int
    """Of work, about."""
    is_first: bool
    """This version of the script has no media of its own yet."""


def script_content(project: Project, board: Board) -> Content:
    """The newest version of the script with all that the panel shows; five queries."""
    current = script_current(project)
    state = board.stage("script_generation")
    again = {
        "input": state.task.input_data if state.task else {},
        "minutes": max(1, project.minimum_seconds // 60),
        "writer": writing_service(project),
    }
    if current is None:
        return {"script": None, **again}
    turns = turns_of(current)
    return {
        **again,
        **lines_content(project, current, turns),
        **head_content(project, board, current, turns),
        "versions": version_cards(project),
        "versions_kept": VERSIONS_KEPT,
        "pronunciations": pronunciations_of(project),
    }


def writing_service(project: Project) -> str:
    """Return the service that writes for a project, as it is called; empty while the embedded writer does."""
    service = (project.providers.get("writer") or {}).get("service", EMBEDDED)
    return "" if service == EMBEDDED else service_label(service)


def turns_of(script: Script) -> list[Turn]:
    """Return the lines with their recordings and what is proposed for them; one query."""
    return list(script.turns.select_related("speech__asset", "proposal"))


def lines_content(project: Project, script: Script, turns: Sequence[Turn]) -> Content:
    """Return the lines, section by section."""
    names, evidence = host_names(project), {entry["key"]: entry for entry in script.evidence}
    sections: list[TurnSection] = []
    proposed = 0
    for turn in turns:
        speech = getattr(turn, "speech", None)
        proposal = getattr(turn, "proposal", None)
        proposed += proposal is not None
        if not sections or sections[-1].title != turn.section:
            sections.append(TurnSection(turn.section, speech.start if speech else None))
        is_heard = speech is not None and not is_unspoken(project, turn)
        sections[-1].lines.append(
            TurnLine(
                turn=turn,
                name=names.get(turn.speaker, turn.speaker),
                sources=[evidence[key] for key in turn.sources if key in evidence],
                words=len(turn.text.split()),
                is_estimate=not is_heard and (not turn.words or speech is not None),
                recording=speech.asset if speech and is_heard else None,
                proposal=proposal,
                runs=words_compare(turn.text, proposal.text) if proposal else (),
            )
        )
    return {"script": script, "sections": sections, "names": names, "proposed": proposed}


def head_content(project: Project, board: Board, script: Script, turns: Sequence[Turn]) -> Content:
    """Return the figures above the lines, and what an update of the media would cost; one query."""
    share_a = round(script.share_a * 100)
    return {
        "script": script,
        "names": host_names(project),
        "turn_count": len(turns),
        "words": sum(len(turn.text.split()) for turn in turns),
        "share_a": share_a,
        "share_b": 100 - share_a,
        "reaches": script.measured_seconds >= project.minimum_seconds,
        "missing_seconds": math.ceil(max(0.0, project.minimum_seconds - script.measured_seconds)),
        "is_estimate": any(not turn.words for turn in turns),
        "update": media_update(project, board, script, turns),
        "is_making_media": board.stage("media_generation").is_open_task,
    }


def media_update(project: Project, board: Board, script: Script, turns: Sequence[Turn]) -> MediaUpdate | None:
    """Return what changed since the media were made; None while there were none, or nothing changed."""
    media = board.stage("media_generation")
    if not media.has_result:
        return None
    silent = [turn for turn in turns if is_unspoken(project, turn)]
    scenes = list(script.scenes.select_related("asset"))
    outdated = [scene for scene in scenes if scene_is_outdated(project, scene, turns)]
    if not silent and not outdated:
        return None
    new = [turn for turn in silent if not turn.words or hasattr(turn, "speech")]  # the others were spoken when they were measured
    to_draw = sum(scene.drawn_for not in _keys_of(turns, len(scene.turn_positions)) for scene in outdated)
    to_speak = sum(len(turn.text.split()) for turn in new)
    per_word = _per(board.stage("script_generation"), sum(len(turn.text.split()) for turn in turns), _USUAL_SECONDS_PER_WORD)
    drawn = int(media.task.result_data.get("scenes") or 0) if media.task and media.task.result_data else 0
    per_scene = _per(media, drawn, _USUAL_SECONDS_PER_SCENE)
    if not scenes:
        to_draw = round(script.measured_seconds / _SECONDS_PER_SCENE)
    seconds = to_speak * per_word + to_draw * per_scene
    return MediaUpdate(len(silent), len(outdated), max(5, math.ceil(seconds / 5) * 5), is_first=not scenes)


def _keys_of(turns: Sequence[Turn], width: int) -> set[str]:
    """Return the keys of all that is said in so many lines one after the other: a picture drawn for it is found again."""
    return {words_key(turns[at : at + width]) for at in range(len(turns) - width + 1)}


def _per(state: StageState, count: int, usual: float) -> float:
    """Return the seconds of work per piece, as the newest run of a stage on this machine took them."""
    if state.state != Task.Status.COMPLETED or not state.elapsed_seconds or not count:
        return usual
    return state.elapsed_seconds / count


def version_cards(project: Project) -> list[Script]:
    """Return the versions, newest first, with their number of lines as ``line_count``; one query."""
    return list(project.scripts.annotate(line_count=Count("turns")).order_by("-version")[: VERSIONS_KEPT + 1])
