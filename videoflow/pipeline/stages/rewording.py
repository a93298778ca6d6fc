"""Other words for lines by the project's writing service: proposals beside the lines, nothing changes before one is accepted."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from videoflow.errors import BadInput
from videoflow.pipeline.models import Project, Proposal, Script, Turn, script_current
from videoflow.pipeline.stages.base import StageContext, StageOutput
from videoflow.pipeline.stages.drafting import RewordInput, ScriptInput, hosts_of, seed_of, writer_for
from videoflow.providers.base import Datum, Evidence
from videoflow.providers.writing import RewordBrief, ScriptLine
from videoflow.sentences import Sentence

NO_SCRIPT = Sentence("There is no script yet. Write or paste one first.")


def reword_check(project: Project, wanted: RewordInput) -> None:
    """Refuse at the button what cannot be reworded.

    Raises:
        BadInput: there is no script, or every line asked for is locked or gone.
    """
    script = script_current(project)
    if script is None:
        raise BadInput(NO_SCRIPT)
    if not _wanted(list(script.turns.all()), wanted):
        raise BadInput("A locked line stays as it is. Unlock it first.")


def _wanted(turns: Sequence[Turn], wanted: RewordInput) -> list[int]:
    keys = set(wanted.keys)
    return [index for index, turn in enumerate(turns) if not turn.is_locked and (not keys or turn.key in keys)]


def reword(context: StageContext, wanted: RewordInput) -> StageOutput:
    """Ask for other words and keep them as proposals.

    Raises:
        BadInput: the script or the lines are gone.
        ProviderError: of the service, or of its answer.
    """
    project = context.project
    script = script_current(project)
    if script is None:
        raise BadInput(NO_SCRIPT)
    turns = list(script.turns.all())
    indexes = _wanted(turns, wanted)
    if not indexes:
        raise BadInput("A locked line stays as it is. Unlock it first.")
    writer = writer_for(context)
    context.report(0.1, Sentence("%(label)s is writing other words", label=writer.label))
    lines = [ScriptLine("A" if turn.speaker == "A" else "B", turn.text, tuple(turn.sources)) for turn in turns]
    found = writer.reword(_brief(project, script, context.input, wanted.instruction), lines, indexes)
    context.check()
    evidence = {entry["key"]: entry for entry in script.evidence}

    def save() -> dict[str, Any]:
        now = {turn.pk: turn for turn in Turn.objects.filter(script=script)}
        count = 0
        for index, words in found.items():
            turn = now.get(turns[index].pk)
            if turn is None or turn.is_locked or turn.text != turns[index].text:
                continue  # edited meanwhile: the creator's words stand
            facts = {
                "text": words.text,
                "cue": asdict(words.cue) if words.cue else turn.cue,
                "sources": [evidence[key] for key in words.sources if key in evidence],
                "origin": writer.label[:80],
            }
            Proposal.objects.update_or_create(turn=turn, defaults={"script": script, **facts})
            count += 1
        return {"script_id": script.pk, "proposals": count}

    return StageOutput(
        Sentence("Other words proposed for %(count)s lines", count=len(found))
        if len(found) != 1
        else Sentence("Other words proposed for 1 line"),
        save,
    )


def _brief(project: Project, script: Script, options: ScriptInput, instruction: str) -> RewordBrief:
    """Return what the lines may speak of: what the script rests on already. All of the user's own script may stay as it is."""
    own = script.turns.values_list("text", flat=True) if script.input_type == Script.InputType.SCRIPT else ()
    return RewordBrief(
        script.topic or script.title,
        hosts_of(project),
        tuple(_evidence(entry) for entry in script.evidence),
        instruction or "Say it in other words.",
        typed="\n".join(own),
        language=project.language,
        seed=seed_of(project, options),
        persona=options.persona,
        tone=options.tone,
    )


def _evidence(entry: dict[str, Any]) -> Evidence:
    data = tuple(Datum(**datum) for datum in entry.get("data", ()))
    return Evidence(entry["key"], entry["kind"], entry["text"], entry["source_label"], entry.get("url", ""), data)
