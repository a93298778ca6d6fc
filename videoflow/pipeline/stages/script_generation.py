"""Script: from themes, notes or a finished script to two-speaker turns of the wanted, measured length."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from django.db.models import Max
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput
from videoflow.pipeline.evidence import analysis_read, theme_read
from videoflow.pipeline.length import MeasuredScript, minutes, script_fit
from videoflow.pipeline.locked_lines import lines_seconds, lines_share_a, locked_place
from videoflow.pipeline.models import Project, Script, Theme, Turn, script_current
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput
from videoflow.pipeline.store import cache_dir, room_check
from videoflow.providers import base
from videoflow.providers.base import Conversation, DraftTurn, Host, Line, SpokenLine
from videoflow.providers.embedded_writer import foreign_language, script_read
from videoflow.providers.registry import provider_get

WORDS_LIMIT = 200_000  # characters of notes or script; the readers have their own, stricter limits
SPEECH_BYTES_PER_SECOND = 48_000
DEFAULT_HOSTS = (Host("A", "Maya", "curious"), Host("B", "Theo", "figures"))


class ScriptInput(StageInput):
    input_type: Literal["theme", "topic", "script"] = "theme"
    theme_ids: list[int] = Field(default_factory=list, max_length=15)
    topic: str = Field(default="", max_length=300)
    notes: str = Field(default="", max_length=WORDS_LIMIT)
    script_text: str = Field(default="", max_length=WORDS_LIMIT)
    file_name: str = Field(default="", max_length=255)
    minimum_seconds: int | None = Field(
        default=None, ge=20, le=1800, description="Empty: the project's, 180 unless told otherwise."
    )
    language: str = Field(default="en", max_length=16)
    seed: int | None = Field(default=None, ge=0, le=2_147_483_647)


@dataclass(frozen=True, slots=True)
class _Draft:
    conversation: Conversation
    hosts: tuple[Host, Host]


def _draft(project: Project, options: ScriptInput, *, seed: int, minimum_seconds: float) -> _Draft:
    if options.input_type == "script":
        read = script_read(options.script_text, file_name=options.file_name, hosts=DEFAULT_HOSTS)
        return _Draft(read.conversation, read.hosts)
    writer = cast(base.Writer, provider_get("writer", "embedded"))
    if options.input_type == "topic":
        topic = base.TopicBrief(options.topic, options.notes, DEFAULT_HOSTS, options.language, seed, minimum_seconds)
        return _Draft(writer.write_topic(topic), DEFAULT_HOSTS)
    return _Draft(writer.write_themes(_themes_brief(project, options, seed, minimum_seconds)), DEFAULT_HOSTS)


def redraft(project: Project, options: ScriptInput, *, seed: int) -> Conversation:
    """Return what the writer says from the same material with another seed.

    Raises:
        BadInput: the input is a finished script, which the writer cannot say in other words, or its themes are gone.
    """
    if options.input_type == "script":
        raise BadInput(
            "The embedded writer cannot put your own script in other words. Edit the line here; a language model that rewords "
            "needs a writing service, and none is connected."
        )
    minimum_seconds = float(options.minimum_seconds or project.minimum_seconds)
    return _draft(project, options, seed=seed, minimum_seconds=minimum_seconds).conversation


def _themes_brief(project: Project, options: ScriptInput, seed: int, minimum_seconds: float) -> base.ThemesBrief:
    report = project.reports.first()
    if report is None:
        raise StageNotReady("There are no themes yet. Import a file of trending videos first.")
    rows = list(Theme.objects.filter(report=report))
    wanted = set(options.theme_ids)
    if wanted - {row.pk for row in rows}:
        raise BadInput("A chosen theme is not in the newest report any more. Choose again.", code="THEME_NOT_FOUND")
    themes = {row.pk: theme_read(row) for row in rows}
    if not wanted:  # none chosen: the strongest theme of each of the three most watched categories
        wanted = {row.pk for row in [row for row in rows if row.rank == 1][:3]}
    picked = tuple(themes[row.pk] for row in rows if row.pk in wanted)
    return base.ThemesBrief(
        picked, analysis_read(report, list(themes.values())), DEFAULT_HOSTS, options.language, seed, minimum_seconds
    )


def voices_choose(language: str) -> dict[str, str]:
    """Return a voice for each speaker.

    Raises:
        BadInput: the language has no two natural offline voices.
    """
    speech = cast(base.Speech, provider_get("speech", "embedded"))
    voices = speech.voices(language)
    if len(voices) < 2:
        raise BadInput(
            f"There are no two natural offline voices for “{language}” yet. Offline voices speak English (en). "
            "Choose English, or connect a speech service that speaks it.",
            code="NO_VOICE_FOR_LANGUAGE",
        )
    return {"A": voices[0].key, "B": voices[1].key}


def _language_check(options: ScriptInput) -> None:
    """Refuse a text in another language than the wanted one: read by the wanted one's voices it would be gibberish.

    Raises:
        BadInput: the topic, notes or script clearly are in another language.
    """
    for what, text in (("topic", options.topic), ("notes", options.notes), ("script", options.script_text)):
        found = foreign_language(text)
        if found is None or options.language.lower().startswith(found.code):
            continue
        raise BadInput(
            f"This {what} seem{'' if what == 'notes' else 's'} to be in {found.name}, and the offline voices speak English only. "
            "Translate it to English, or connect a speech service that speaks it.",
            code="NO_VOICE_FOR_LANGUAGE",
            details={{"script": "script_text"}.get(what, what): f"in {found.name}"},
        )


def ready(project: Project, options: ScriptInput) -> None:
    """Draft once without keeping it, so that a script or notes that cannot be used are refused at the form."""
    voices_choose(options.language)
    _language_check(options)
    seed = project.seed if options.seed is None else options.seed
    _draft(project, options, seed=seed, minimum_seconds=float(options.minimum_seconds or project.minimum_seconds))


def run(context: StageContext) -> StageOutput:
    options: ScriptInput = context.input
    project = context.project
    seed = project.seed if options.seed is None else options.seed
    minimum_seconds = float(options.minimum_seconds or project.minimum_seconds)
    voices = voices_choose(options.language)
    room_check(int(minimum_seconds * 2 * SPEECH_BYTES_PER_SECOND))
    context.report(0.02, "Reading your script" if options.input_type == "script" else "Drafting the conversation")
    draft = _draft(project, options, seed=seed, minimum_seconds=minimum_seconds)
    crash_point(STAGE.name, "drafted")
    context.check()
    measured = _measured(context, draft.conversation, voices, minimum_seconds)
    warnings = list(draft.conversation.warnings)
    if draft.conversation.fixed and measured.seconds < minimum_seconds:
        warnings.append(
            f"Your script speaks for {minutes(measured.seconds)}; {minutes(minimum_seconds)} were wanted. "
            "A given script is spoken as written, so nothing was added."
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
        project.seed = seed
        project.minimum_seconds = int(minimum_seconds)
        project.hosts = {
            host.speaker: {"name": host.name, "role": host.role, "voice": voices[host.speaker]} for host in draft.hosts
        }
        project.save(update_fields=["title", "language", "seed", "minimum_seconds", "hosts", "updated_at"])
        return {
            "script_id": script.pk,
            "version": script.version,
            "turns": len(lines),
            "measured_seconds": round(seconds, 2),
            "share_a": round(lines_share_a(lines), 3),
            "warnings": warnings,
        }

    return StageOutput(f"{len(lines)} turns, {minutes(seconds)} measured", save)


def _measured(
    context: StageContext, conversation: Conversation, voices: dict[str, str], minimum_seconds: float
) -> MeasuredScript:
    speech = cast(base.Speech, provider_get("speech", "embedded"))
    rounds = 0

    def speak(turns: Sequence[DraftTurn]) -> list[SpokenLine]:
        nonlocal rounds
        rounds += 1
        floor = 0.05 if rounds == 1 else min(0.95, 0.7 + 0.05 * rounds)
        width = 0.65 if rounds == 1 else 0.02
        return speech.speak(
            [Line(turn.text, voices[turn.speaker]) for turn in turns],
            cache_dir("speech"),
            report=lambda share, message: context.report(floor + width * share, f"Measuring the speech: {message}"),
            cancelled=context.cancelled,
            on_line=lambda index, line: crash_point(STAGE.name, "line_spoken"),
        )

    return script_fit(conversation, speak, minimum_seconds=minimum_seconds, check=context.check)


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
    draft: _Draft,
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
        provider="user" if conversation.fixed else "embedded",
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
