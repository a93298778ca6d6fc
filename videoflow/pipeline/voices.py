"""Whose voices speak a project: the embedded ones, or those of the service that it chose."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from videoflow.errors import BadInput
from videoflow.pipeline.connections import Choice, choice_of, connection_for, owner_of, provider_for, provider_open
from videoflow.pipeline.ledger import CallUnknown
from videoflow.pipeline.models import Project
from videoflow.pipeline.spoken import pronunciations_of
from videoflow.pipeline.stages.base import StageContext
from videoflow.pipeline.store import cache_dir
from videoflow.providers import base
from videoflow.providers.base import CancelCheck, Line, ProviderError, Report, SpokenLine, Voice
from videoflow.providers.paid import PaidCall
from videoflow.providers.registry import provider_get
from videoflow.providers.services import EMBEDDED, service_get
from videoflow.providers.speaking import ServiceSpeech
from videoflow.sentences import Sentence

STEPPED_IN = "The embedded voices stepped in, as you allowed"
SAMPLES = {
    "en": "Hello. This is how I sound when I tell you what people watched this week.",
    "de": "Hallo. So klinge ich, wenn ich erzähle, was diese Woche angesehen wurde.",
    "fr": "Bonjour. Voici ma voix quand je raconte ce que l’on a regardé cette semaine.",
    "es": "Hola. Así sueno cuando cuento lo que se ha visto esta semana.",
}
_AUTOMATIC_TRIES = 3


def voices_of(project: Project, language: str, *, choice: Choice | None = None) -> tuple[Voice, ...]:
    """Return the voices of a project's speech service (or of another choice) that speak a language.

    Some services are asked for them, at most once a day.

    Raises:
        BadInput: a key or a model is missing.
        ProviderError: the service does not answer.
    """
    speech = provider_open(project, "speech", pay=_buys_nothing, cancelled=lambda: False, choice=choice)
    return cast(base.Speech, speech).voices(language)


def _buys_nothing(call: PaidCall) -> NoReturn:
    raise AssertionError(f"listing voices is free, and {call.provider} was to be paid")


def voice_sample(
    project: Project,
    voice: str,
    language: str,
    *,
    pay: Callable[[PaidCall], bytes],
    cancelled: CancelCheck,
    choice: Choice | None = None,
) -> Path:
    """Return a few seconds of a voice, a WAV; the same one again costs nothing. Languages without a sentence hear English.

    Raises:
        BadInput: there is no such voice, or a key, a model or the money is missing.
        ProviderError: the service did not speak.
    """
    speech = cast(base.Speech, provider_open(project, "speech", pay=pay, cancelled=cancelled, choice=choice))
    line = Line(SAMPLES.get(language.lower()[:2], SAMPLES["en"]), voice, language=language)
    return speech.speak([line], cache_dir("speech"), report=lambda share, message: None, cancelled=cancelled)[0].path


def voices_check(project: Project, language: str) -> None:
    """Refuse at the form a language that nobody speaks; a service that must be asked for its voices is asked by the stage.

    Raises:
        BadInput: with what to change.
    """
    choice = choice_of(project, "speech")
    if choice.service != EMBEDDED:
        connection_for(
            owner=owner_of(project), service=choice.service, capability="speech", model=choice.model, options=choice.options
        )
    speech = provider_open(project, "speech", pay=_buys_nothing, cancelled=lambda: False)
    if not (isinstance(speech, ServiceSpeech) and speech.lists_voices):
        voices_choose(project, language, speech.voices(language))


def voices_choose(project: Project, language: str, voices: Sequence[Voice]) -> dict[str, str]:
    """Return a voice for each host: the one chosen for it if it is among these, else the first that the other has not.

    Raises:
        BadInput: there are no two.
    """
    choice = choice_of(project, "speech")
    if len(voices) < 2:
        if choice.service == EMBEDDED:
            raise BadInput(
                Sentence(
                    "There are no two natural offline voices for “%(language)s” yet. Offline voices speak English "
                    "(en). Choose English, or connect a speech service that speaks it.",
                    language=language,
                ),
                code="NO_VOICE_FOR_LANGUAGE",
            )
        raise BadInput(
            Sentence(
                "%(label)s has no two voices for “%(language)s”. Choose another language or speech service.",
                label=service_get(choice.service).label,
                language=language,
            ),
            code="NO_VOICE_FOR_LANGUAGE",
        )
    known = [voice.key for voice in voices]
    chosen = {speaker: str(project.hosts.get(speaker, {}).get("voice", "")) for speaker in ("A", "B")}
    kept = {speaker: voice for speaker, voice in chosen.items() if voice in known}
    for speaker in ("A", "B"):
        if speaker not in kept:
            kept[speaker] = next(voice for voice in known if voice not in kept.values())
    return {speaker: kept[speaker] for speaker in ("A", "B")}


class HostVoices:
    """Speaks a project's hosts in one run of a stage; the embedded voices step in for all lines where that was allowed."""

    def __init__(self, context: StageContext, language: str) -> None:
        self._context, self._language = context, language
        self._choice = choice_of(context.project, "speech")
        self._book = pronunciations_of(context.project)
        self.stepped_in = ""
        """What the creator is told when the embedded voices speak instead of the service's."""
        self._speech = cast(base.Speech, provider_for(context, "speech"))
        self._speaking: dict[str, str] = {}
        try:
            self._speaking = voices_choose(context.project, language, self._speech.voices(language))
        except ProviderError as error:
            self._step_in(error)
        self.voices = dict(self._speaking)
        """The voice of each host; what is chosen stays so when the embedded voices step in later."""

    def speak(
        self, turns: Sequence[tuple[str, str]], *, report: Report, on_line: Callable[[int, SpokenLine], None]
    ) -> list[SpokenLine]:
        """Speak (speaker, text) pairs; what was spoken before costs nothing.

        Raises:
            ProviderError: the service could not, and nobody may step in.
        """
        try:
            return self._speak(turns, report=report, on_line=on_line)
        except CallUnknown:
            raise
        except ProviderError as error:
            if self.stepped_in:
                raise
            self._step_in(error)
        return self._speak(turns, report=report, on_line=on_line)

    def _speak(self, turns: Sequence[tuple[str, str]], **watchers: Any) -> list[SpokenLine]:
        return self._speech.speak(
            [Line(text, self._speaking[speaker], self._book, self._language) for speaker, text in turns],
            cache_dir("speech"),
            cancelled=self._context.cancelled,
            **watchers,
        )

    def _step_in(self, error: ProviderError) -> None:
        """Let the embedded voices speak from now on, or raise the error where they may not or cannot."""
        is_tried_again = error.retryable and self._context.task.automatic_retries < _AUTOMATIC_TRIES
        embedded = cast(base.Speech, provider_get("speech", EMBEDDED))
        voices = embedded.voices(self._language)
        if not self._choice.fallback or self._choice.service == EMBEDDED or is_tried_again or len(voices) < 2:
            raise error
        self._speech = embedded
        self._speaking = {"A": voices[0].key, "B": voices[1].key}
        label = service_get(self._choice.service).label
        self.stepped_in = Sentence(
            "The embedded voices stepped in, as you allowed: %(service)s did not speak this. %(reason)s",
            service=label,
            reason=error,
        )
