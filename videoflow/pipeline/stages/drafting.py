"""Who writes a script and from what: the embedded writer, or the language model that the project chose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from videoflow.errors import BadInput
from videoflow.pipeline.connections import Choice, choice_of, connection_for, owner_of, provider_for
from videoflow.pipeline.evidence import analysis_read, theme_read
from videoflow.pipeline.ledger import CallUnknown
from videoflow.pipeline.length import MeasuredScript, Speak, script_fit
from videoflow.pipeline.models import Project, Theme
from videoflow.pipeline.stages.base import StageContext, StageInput, StageNotReady
from videoflow.providers import base
from videoflow.providers.base import Conversation, Host, ProviderError, SpeakerId
from videoflow.providers.embedded_writer import script_read
from videoflow.providers.registry import provider_get
from videoflow.providers.services import EMBEDDED, service_get
from videoflow.providers.writing import ModelWriter, brief_check
from videoflow.sentences import Sentence

WORDS_LIMIT = 200_000  # characters of notes or script; the readers have their own, stricter limits
INSTRUCTION_LIMIT = 1000
DEFAULT_HOSTS = (Host("A", "Maya", "curious"), Host("B", "Theo", "figures"))
EXTENSIONS_MOST = 3
LEAST_WORDS = 60
"""Fewer are not worth a question of their own."""
_SPARE = 1.1
_AUTOMATIC_TRIES = 3

Brief = base.ThemesBrief | base.TopicBrief


class RewordInput(BaseModel):
    """Other words for lines of the script that is there, as proposals beside them."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    keys: list[UUID] = Field(default_factory=list, max_length=500, description="Lines; empty: all that are not locked.")
    instruction: str = Field(default="", max_length=INSTRUCTION_LIMIT)


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
    persona: str = Field(default="", max_length=300, description="Who the hosts are; for a writing service.")
    tone: str = Field(default="", max_length=120, description="How they talk; for a writing service.")
    instruction: str = Field(default="", max_length=INSTRUCTION_LIMIT, description="What else a writing service should mind.")
    reword: RewordInput | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What will be spoken. ``writer`` is ``user``, ``embedded``, or the service and its model: ``openai/gpt-…``."""

    conversation: Conversation
    hosts: tuple[Host, Host]
    writer: str


def minimum_of(project: Project, options: ScriptInput) -> float:
    """Return the wanted length in seconds."""
    return float(options.minimum_seconds or project.minimum_seconds)


def seed_of(project: Project, options: ScriptInput) -> int:
    return project.seed if options.seed is None else options.seed


def brief_of(project: Project, options: ScriptInput, *, seed: int) -> Brief:
    """Return what a writer is asked for.

    Raises:
        StageNotReady: there are no themes yet.
        BadInput: a chosen theme is gone.
    """
    facts: dict[str, Any] = {
        "hosts": DEFAULT_HOSTS,
        "language": options.language,
        "seed": seed,
        "minimum_seconds": minimum_of(project, options),
        "persona": options.persona,
        "tone": options.tone,
        "instruction": options.instruction,
    }
    if options.input_type == "topic":
        return base.TopicBrief(topic=options.topic, notes=options.notes, **facts)
    report = project.reports.first()
    if report is None:
        raise StageNotReady("There are no themes yet. Import a file of trending videos first.")
    rows = list(Theme.objects.filter(report=report))
    if set(options.theme_ids) - {row.pk for row in rows}:
        raise BadInput("A chosen theme is not in the newest report any more. Choose again.", code="THEME_NOT_FOUND")
    themes = {row.pk: theme_read(row) for row in rows}
    picked = tuple(themes[row.pk] for row in _picked(rows, options))
    return base.ThemesBrief(themes=picked, analysis=analysis_read(report, list(themes.values())), **facts)


def _picked(rows: Sequence[Theme], options: ScriptInput) -> list[Theme]:
    """Return the chosen themes; where none is chosen, the strongest of each of the three most watched categories."""
    if options.theme_ids:
        return [row for row in rows if row.pk in options.theme_ids]
    return [row for row in rows if row.rank == 1][:3]


def theme_ids_picked(project: Project, options: ScriptInput) -> list[int]:
    """Return the keys of the themes that the script is about, chosen or not; none for a topic or a finished script."""
    if options.input_type != "theme":
        return []
    return [row.pk for row in _picked(list(Theme.objects.filter(report=project.reports.first())), options)]


def user_draft(options: ScriptInput) -> Draft:
    """Return the user's finished script.

    Raises:
        BadInput: it cannot be read.
    """
    read = script_read(options.script_text, file_name=options.file_name, hosts=DEFAULT_HOSTS)
    return Draft(read.conversation, read.hosts, "user")


def embedded_draft(brief: Brief) -> Draft:
    """Return what the embedded writer says.

    Raises:
        BadInput: there is too little material for the length, or it is not in English.
    """
    writer = cast(base.Writer, provider_get("writer", EMBEDDED))
    conversation = writer.write_topic(brief) if isinstance(brief, base.TopicBrief) else writer.write_themes(brief)
    return Draft(conversation, brief.hosts, EMBEDDED)


def embedded_redraft(project: Project, options: ScriptInput, *, seed: int) -> Conversation:
    """Return what the embedded writer says from the same material with another seed.

    Raises:
        BadInput: the input is a finished script, which it cannot say in other words, or its themes are gone.
    """
    if options.input_type == "script":
        raise BadInput(
            "The embedded writer cannot put your own script in other words. Edit the line here, or choose a writing service "
            "that rewords it."
        )
    return embedded_draft(brief_of(project, options, seed=seed)).conversation


def draft_check(project: Project, options: ScriptInput) -> None:
    """Refuse at the form what cannot be written: too little material, a missing key or model, notes that are too long.

    The embedded writer drafts once for that; a service is asked nothing before the task runs.

    Raises:
        BadInput, StageNotReady: with what to change.
    """
    if options.input_type == "script" and options.reword is None:
        user_draft(options)
        return
    choice = choice_of(project, "writer")
    if choice.service == EMBEDDED:
        if options.reword is not None:
            raise BadInput("The embedded writer takes no instructions. Choose a writing service for this project first.")
        embedded_draft(brief_of(project, options, seed=seed_of(project, options)))
        return
    if options.reword is None:
        brief_check(brief_of(project, options, seed=seed_of(project, options)))
    connection_for(
        owner=owner_of(project), service=choice.service, capability="writer", model=choice.model, options=choice.options
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A script of the wanted length, with what the creator should know about it."""

    draft: Draft
    measured: MeasuredScript
    warnings: tuple[str, ...]


def written(context: StageContext, options: ScriptInput, speak: Speak) -> Written:
    """Return the script that the project's writer makes, as long as was asked for, measured by its speech.

    Raises:
        BadInput: there is too little to say, or the settings lack something.
        ProviderError: the service could not write it, and the embedded writer may not step in.
    """
    project = context.project
    minimum = minimum_of(project, options)
    if options.input_type == "script":
        draft = user_draft(options)
        return Written(draft, _fitted(context, draft, speak, minimum), draft.conversation.warnings)
    brief = brief_of(project, options, seed=seed_of(project, options))
    choice = choice_of(project, "writer")
    if choice.service == EMBEDDED:
        return _embedded(context, brief, speak, minimum)
    try:
        return _by_model(context, brief, speak, minimum)
    except CallUnknown:
        raise
    except ProviderError as error:
        if not choice.fallback or (error.retryable and context.task.automatic_retries < _AUTOMATIC_TRIES):
            raise
        made = _embedded(context, brief, speak, minimum)
        return replace(made, warnings=(_stepped_in(choice, error), *made.warnings))


def _stepped_in(choice: Choice, error: ProviderError) -> str:
    label = service_get(choice.service).label
    return Sentence(
        "The embedded writer stepped in, as you allowed: %(service)s did not write this. %(reason)s", service=label, reason=error
    )


def _embedded(context: StageContext, brief: Brief, speak: Speak, minimum: float) -> Written:
    context.report(0.02, "Drafting the conversation")
    draft = embedded_draft(brief)
    return Written(draft, _fitted(context, draft, speak, minimum), draft.conversation.warnings)


def _fitted(context: StageContext, draft: Draft, speak: Speak, minimum: float) -> MeasuredScript:
    context.check()
    return script_fit(draft.conversation, speak, minimum_seconds=minimum, check=context.check)


def writer_for(context: StageContext) -> ModelWriter:
    """Return the language model that writes for the project.

    Raises:
        BadInput: its key or model is missing.
    """
    writer = provider_for(context, "writer")
    assert isinstance(writer, ModelWriter)
    return writer


def _by_model(context: StageContext, brief: Brief, speak: Speak, minimum: float) -> Written:
    """Let the model write, and write more until the speech is long enough and both hosts have their share."""
    writer = writer_for(context)
    context.report(0.02, Sentence("%(label)s is writing", label=writer.label))
    conversation = writer.write_topic(brief) if isinstance(brief, base.TopicBrief) else writer.write_themes(brief)
    for number in range(1, EXTENSIONS_MOST + 2):
        draft = Draft(conversation, brief.hosts, f"{writer.name}/{writer.model}")
        try:
            measured = _fitted(context, draft, speak, minimum)
        except BadInput as error:
            if number > EXTENSIONS_MOST or error.code not in ("TOO_LITTLE_MATERIAL", "UNBALANCED"):
                raise
            context.report(
                0.06, Sentence("%(label)s is writing more: what there is does not fill the length yet", label=writer.label)
            )
            conversation = writer.extend(brief, conversation, words=_words_missing(error), quiet=_quiet(error), number=number)
            continue
        return Written(draft, measured, conversation.warnings)
    raise AssertionError("the last round returns or raises")


def _words_missing(error: BadInput) -> int:
    missing = error.details.get("words_missing")
    return max(LEAST_WORDS, int(missing * _SPARE)) if isinstance(missing, int) else LEAST_WORDS


def _quiet(error: BadInput) -> SpeakerId | None:
    quiet: dict[object, SpeakerId] = {"A": "A", "B": "B"}
    return quiet.get(error.details.get("quiet"))


def hosts_of(project: Project) -> tuple[Host, Host]:
    """Return the hosts of the script that is there."""
    known: Sequence[Host] = [
        Host(host.speaker, project.hosts.get(host.speaker, {}).get("name", host.name), host.role) for host in DEFAULT_HOSTS
    ]
    return known[0], known[1]
