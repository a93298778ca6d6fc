"""Other words for lines, proposed beside them; nothing changes before the creator accepts one."""

import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from videoflow.errors import BadInput
from videoflow.pipeline.connections import choice_of
from videoflow.pipeline.editing.parts import script_measure, script_rows
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.editing.turns import estimate
from videoflow.pipeline.editing.versions import version_keep
from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.models import Project, Proposal, Script, Turn, script_current
from videoflow.pipeline.services import input_validate, stage_start
from videoflow.pipeline.stages.drafting import ScriptInput, embedded_redraft
from videoflow.providers.base import Conversation
from videoflow.providers.embedded_writer.rewrite import OtherWords, WrittenLine, lines_reword
from videoflow.providers.services import EMBEDDED
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task

DRAFTS = 6
"""Drafts looked through, about 0.2 s each: more find little that the first ones did not have."""
REWORDED = "Other words accepted"
WRITER = "The embedded writer"
_NUMBERS = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proposed:
    """For how many lines there are other words; ``task`` writes them where a service does."""

    lines: int
    task: Task | None = None


def propose(*, project: Project, keys: Collection[UUID] | None = None, instruction: str = "") -> Proposed:
    """Propose other words for these lines, or for all; locked lines are left alone.

    The embedded writer has them at once. A writing service is asked by a task, and what was instructed goes with it.

    Raises:
        BadInput: the line is locked, there are no other words for it, or the embedded writer is to be instructed.
        TaskConflict: the script is being written at this moment.
    """
    script = script_current(project)
    if script is None:
        raise BadInput("There is no script yet. Write or paste one first.")
    turns = list(script.turns.select_related("proposal"))
    wanted = [index for index, turn in enumerate(turns) if not turn.is_locked and (keys is None or turn.key in keys)]
    if not wanted:
        raise BadInput("A locked line stays as it is. Unlock it first.")
    if choice_of(project, "writer").service != EMBEDDED:
        asked = {"keys": [str(turns[index].key) for index in wanted] if keys is not None else [], "instruction": instruction}
        task = stage_start(
            project=project, task_type="script_generation", input_data=_stored(project, script) | {"reword": asked}
        )
        return Proposed(len(wanted), task)
    if instruction.strip():
        raise BadInput(
            "The embedded writer takes no instructions. Choose a writing service for this project, or edit the line here.",
            details={"instruction": "needs a writing service"},
        )
    known = [turns[index].proposal.text for index in wanted if hasattr(turns[index], "proposal")]
    found = lines_reword([_written(turn) for turn in turns], wanted, _drafts(project, script), known=known)
    if not found:
        raise BadInput("The embedded writer has no other words for this: nothing else in the material fits this place.")
    with transaction.atomic():
        for index, words in found.items():
            _propose(turns[index], words)
    return Proposed(len(found))


def lines_named(script: Script, numbers: str) -> set[UUID] | None:
    """Return the lines that a text such as "3, 7-9" names; None for all, when it names none.

    Raises:
        BadInput: it is no such text, or there is no such line.
    """
    if not numbers.strip():
        return None
    keys = list(script.turns.values_list("key", flat=True))
    chosen: set[UUID] = set()
    for part in numbers.replace(";", ",").split(","):
        match = _NUMBERS.fullmatch(part.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not 1 <= first <= last <= len(keys):
            raise BadInput(
                Sentence(
                    "“%(part)s” names no line. Give numbers from 1 to %(keys)s, such as 3, 7-9.",
                    part=part.strip()[:20],
                    keys=len(keys),
                ),
                details={"lines": "no such line"},
            )
        chosen.update(keys[first - 1 : last])
    return chosen


def _stored(project: Project, script: Script) -> dict[str, Any]:
    """Return what the script was made from: what the form gave, and the themes where it left their choice to the writer."""
    task = script.task or project.tasks.filter(task_type="script_generation").order_by("-created_at").first()
    stored = {name: value for name, value in (task.input_data if task else {}).items() if name not in ("continue", "reword")}
    picked = theme_ids_of(task)
    return stored | {"input_type": script.input_type} | ({"theme_ids": picked} if picked else {})


def _drafts(project: Project, script: Script) -> Iterator[Conversation]:
    """Draft the same brief anew, seed after seed; of a short video not every draft reaches its length.

    Raises:
        BadInput: none of them can be written, with the last one's reason.
    """
    options = input_validate("script_generation", _stored(project, script))
    assert isinstance(options, ScriptInput)
    first = (project.seed if options.seed is None else options.seed) + 1
    refusal: BadInput | None = None
    count = 0
    for seed in range(first, first + DRAFTS):
        try:
            draft = embedded_redraft(project, options, seed=seed)
        except BadInput as error:
            refusal = error
            continue
        count += 1
        yield draft
    if refusal is not None and not count:
        raise refusal


def _written(turn: Turn) -> WrittenLine:
    kind = turn.cue["kind"] if turn.cue else ""
    return WrittenLine(turn.speaker, turn.text, turn.section, frozenset(turn.sources), kind)


def _propose(turn: Turn, words: OtherWords) -> None:
    facts = {
        "text": words.text,
        "cue": asdict(words.cue) if words.cue else None,
        "sources": [asdict(entry) for entry in words.evidence],
        "origin": WRITER,
    }
    Proposal.objects.update_or_create(turn=turn, defaults={"script": turn.script, **facts})


def proposals_accept(*, project: Project, keys: Collection[UUID] | None = None) -> int:
    """Let the proposed words stand, of these lines or of all, as one step; return how many lines changed.

    Raises:
        BadInput: there is no proposal for it any more.
    """
    script = script_current(project)
    accepted = [] if script is None else _open(script, keys)
    if script is None or not accepted:
        raise BadInput("There is no proposal for this line any more.")
    count = len(accepted)
    label = (
        Sentence("Other words for line %(number)s", number=accepted[0].turn.position + 1)
        if count == 1
        else Sentence("Other words for %(count)s lines", count=count)
    )
    with edit(project, "script", label):
        version_keep(script, script_rows(script), origin=REWORDED)
        evidence = {entry["key"]: entry for entry in script.evidence}
        for proposal in accepted:
            turn = proposal.turn
            evidence |= {entry["key"]: entry for entry in proposal.sources}
            turn.text, turn.cue, turn.sources = proposal.text, proposal.cue, [entry["key"] for entry in proposal.sources]
            turn.words, turn.measured_seconds = [], estimate(script, turn.speaker, turn.text)
            turn.revision += 1
            turn.save(update_fields=["text", "cue", "sources", "words", "measured_seconds", "revision"])
            proposal.delete()
        Script.objects.filter(pk=script.pk).update(evidence=list(evidence.values()))
        script_measure(script)
    return count


def proposals_refuse(*, project: Project, keys: Collection[UUID] | None = None) -> int:
    """Take the proposals away, of these lines or of all; return how many there were."""
    script = script_current(project)
    refused = [] if script is None else _open(script, keys)
    Proposal.objects.filter(pk__in=[proposal.pk for proposal in refused]).delete()
    return len(refused)


def _open(script: Script, keys: Collection[UUID] | None) -> list[Proposal]:
    proposals = script.proposals.filter(turn__is_locked=False).select_related("turn__script").order_by("turn__position")
    return list(proposals if keys is None else proposals.filter(turn__key__in=keys))
