"""Script: from themes, notes or a finished script to two-speaker turns of the wanted, measured length."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput
from videoflow.pipeline.connections import choice_of
from videoflow.pipeline.length import MeasuredScript, Speak, minutes
from videoflow.pipeline.locked_lines import lines_seconds, lines_share_a, locked_place
from videoflow.pipeline.models import Project, Script, Turn, script_current
from videoflow.pipeline.stages.base import Stage, StageContext, StageOutput
from videoflow.pipeline.stages.drafting import (
    Draft,
    ScriptInput,
    draft_check,
    minimum_of,
    seed_of,
    theme_ids_picked,
    written,
)
from videoflow.pipeline.stages.rewording import reword, reword_check
from videoflow.pipeline.store import room_check
from videoflow.pipeline.voices import HostVoices, voices_check
from videoflow.providers.base import DraftTurn, SpokenLine
from videoflow.providers.embedded_writer import foreign_language
from videoflow.providers.services import EMBEDDED
from videoflow.sentences import Sentence

SPEECH_BYTES_PER_SECOND = 48_000


def _language_check(project: Project, options: ScriptInput) -> None:
    """Refuse a text in another language than the wanted one: read by the wanted one's voices it would be gibberish.

    Raises:
        BadInput: the topic, notes or script clearly are in another language.
    """
    for what, text in (("topic", options.topic), ("notes", options.notes), ("script", options.script_text)):
        found = foreign_language(text)
        if found is None or options.language.lower().startswith(found.code):
            continue
        language = Sentence(found.name)
        seems = {
            "topic": Sentence("This topic seems to be in %(language)s", language=language),
            "notes": Sentence("These notes seem to be in %(language)s", language=language),
            "script": Sentence("This script seems to be in %(language)s", language=language),
        }[what]
        if choice_of(project, "speech").service == EMBEDDED:
            way_out = Sentence(
                "and the offline voices speak English only. Translate it to English, or connect a speech service that speaks it."
            )
        else:
            way_out = Sentence(
                "and the video's language is “%(wanted)s”. Choose the language “%(found)s”, or translate it.",
                wanted=options.language,
                found=found.code,
            )
        raise BadInput(
            Sentence("%(seems)s, %(way_out)s", seems=seems, way_out=way_out),
            code="NO_VOICE_FOR_LANGUAGE",
            details={{"script": "script_text"}.get(what, what): f"in {found.name}"},
        )


def ready(project: Project, options: ScriptInput) -> None:
    """Refuse at the form a script or notes that cannot be used."""
    if options.reword is not None:
        reword_check(project, options.reword)
    else:
        voices_check(project, options.language)
        _language_check(project, options)
    draft_check(project, options)


def run(context: StageContext) -> StageOutput:
    options: ScriptInput = context.input
    if options.reword is not None:
        return reword(context, options.reword)
    project = context.project
    minimum_seconds = minimum_of(project, options)
    hosts_voices = HostVoices(context, options.language)
    room_check(int(minimum_seconds * 2 * SPEECH_BYTES_PER_SECOND))
    if options.input_type == "script":
        context.report(0.02, "Reading your script")
    made = written(context, options, _speak(context, hosts_voices))
    draft, measured = made.draft, made.measured
    warnings = [*([hosts_voices.stepped_in] if hosts_voices.stepped_in else []), *made.warnings]
    if draft.conversation.fixed and measured.seconds < minimum_seconds:
        warnings.append(
            Sentence(
                "Your script speaks for %(length)s; %(wanted)s were wanted. "
                "A given script is spoken as written, so nothing was added.",
                length=minutes(measured.seconds),
                wanted=minutes(minimum_seconds),
            )
        )

    before = script_current(project)
    locked = [] if before is None or draft.conversation.fixed else list(before.turns.filter(is_locked=True))
    lines = locked_place(_lines(measured), locked)
    seconds = lines_seconds(lines)

    def save() -> dict[str, Any]:
        script = _script_save(
            context, options, draft, lines, warnings, kept_evidence=before.evidence if before and locked else []
        )
        project.edit_steps.filter(part="script").delete()  # they would change a version that is history now
        crash_point(STAGE.name, "script_written")
        project.title = draft.conversation.title[:200]
        project.language = options.language
        project.seed = seed_of(project, options)
        project.minimum_seconds = int(minimum_seconds)
        project.hosts = {
            host.speaker: {"name": host.name, "role": host.role, "voice": hosts_voices.voices[host.speaker]}
            for host in draft.hosts
        }
        project.save(update_fields=["title", "language", "seed", "minimum_seconds", "hosts", "updated_at"])
        return {
            "script_id": script.pk,
            "version": script.version,
            "turns": len(lines),
            "measured_seconds": round(seconds, 2),
            "share_a": round(lines_share_a(lines), 3),
            "picked_theme_ids": theme_ids_picked(project, options),
            "warnings": warnings,
        }

    return StageOutput(Sentence("%(lines)s turns, %(minutes)s measured", lines=len(lines), minutes=minutes(seconds)), save)


def _speak(context: StageContext, voices: HostVoices) -> Speak:
    """Return what speaks turns with the hosts' voices; the first time it also says that there is a draft."""
    rounds = 0

    def speak(turns: Sequence[DraftTurn]) -> list[SpokenLine]:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            crash_point(STAGE.name, "drafted")
            context.report(0.05, "Starting the voices")  # seconds pass before the first line, on a busy machine many
        floor = 0.05 if rounds == 1 else min(0.95, 0.7 + 0.05 * rounds)
        width = 0.65 if rounds == 1 else 0.02
        return voices.speak(
            [(turn.speaker, turn.text) for turn in turns],
            report=lambda share, message: context.report(
                floor + width * share, Sentence("Measuring the speech: %(message)s", message=message)
            ),
            on_line=lambda index, line: crash_point(STAGE.name, "line_spoken"),
        )

    return speak


def _lines(measured: MeasuredScript) -> list[Turn]:
    """Return what was measured as rows that belong to no script yet."""
    return [
        Turn(
            speaker=item.turn.speaker,
            text=item.turn.text,
            section=item.section[:200],
            sources=list(item.turn.sources),
            cue=asdict(item.turn.cue) if item.turn.cue else None,
            pause_seconds=item.pause_seconds,
            measured_seconds=item.spoken.seconds,
            words=[[word.text, word.start, word.end] for word in item.spoken.words],
        )
        for item in measured.turns
    ]


def _script_save(
    context: StageContext,
    options: ScriptInput,
    draft: Draft,
    lines: Sequence[Turn],
    warnings: list[str],
    *,
    kept_evidence: Sequence[dict[str, Any]],
) -> Script:
    project, conversation = context.project, draft.conversation
    newest = project.scripts.aggregate(newest=Max("version"))["newest"] or 0
    known = {entry["key"]: entry for entry in kept_evidence} | {entry.key: asdict(entry) for entry in conversation.evidence}
    used = {key for line in lines for key in line.sources}
    script = Script.objects.create(
        project=project,
        task=context.task,
        version=newest + 1,
        input_type=options.input_type,
        title=conversation.title[:200],
        topic=conversation.topic[:300],
        keywords=list(conversation.keywords),
        evidence=[entry for key, entry in known.items() if key in used],
        warnings=warnings,
        measured_seconds=lines_seconds(lines),
        share_a=lines_share_a(lines),
        provider=draft.writer[:80],
    )
    for position, line in enumerate(lines):
        line.script, line.position = script, position
    Turn.objects.bulk_create(lines)
    return script


STAGE = Stage(
    name="script_generation",
    label=_("Script"),
    order=20,
    queue="cpu",
    component="script_generator",
    input_schema=ScriptInput,
    ready=ready,
    run=run,
)
