"""What a step would cost before it is started: how much of each service it asks for, at the prices that are known.

The figures are the most that a run takes. What is unchanged since an earlier run is kept and not asked for again.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from videoflow.pipeline.budget import price_of
from videoflow.pipeline.connections import Choice, choice_of, model_default
from videoflow.pipeline.models import Project, script_current
from videoflow.providers.base import Capability
from videoflow.providers.services import EMBEDDED, SERVICES

WORDS_PER_MINUTE = 150
LETTERS_PER_WORD = 6.0
TOKENS_PER_WORD = 1.5
_PROMPT_TOKENS = 4000
"""Instructions, schema and evidence of one request to a writer."""
_WRITER_REQUESTS = 3
"""The script, one repair and one extension."""
_TOKENS_AROUND_A_WORD = 3.0
"""Sources, cues and the form of the answer, for each word spoken: rather too many than too few."""
_SECONDS_PER_SCENE = 6.5
_SPEECH_TOKENS_PER_SECOND = 32
"""Audio tokens of a spoken second, rounded up."""


@dataclass(frozen=True, slots=True)
class EstimateLine:
    capability: Capability
    service: str
    label: str
    model: str
    units: float
    unit: str
    """As in the price list: "1,000 characters"."""
    micros: int | None
    """None when no price is known; 0 when it costs nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    micros: int | None
    """Millionths of a US dollar; None as soon as one line's price is not known."""
    lines: tuple[EstimateLine, ...]
    """One for each outside service that the step asks; empty when all of it is embedded."""


@dataclass(frozen=True, slots=True)
class _Size:
    """How much there is to write, say and show."""

    words: float
    letters: float
    seconds: float
    scenes: int


def _size(project: Project) -> _Size:
    """Read it from the script where there is one, else from the length that is wanted."""
    script = script_current(project)
    if script is None:
        words = project.minimum_seconds / 60 * WORDS_PER_MINUTE
        return _Size(
            words, words * LETTERS_PER_WORD, project.minimum_seconds, math.ceil(project.minimum_seconds / _SECONDS_PER_SCENE)
        )
    texts = list(script.turns.values_list("text", flat=True))
    scenes = script.scenes.count() or math.ceil(script.measured_seconds / _SECONDS_PER_SCENE)
    return _Size(sum(len(text.split()) for text in texts), sum(map(len, texts)), script.measured_seconds, scenes)


def _script_tokens(size: _Size) -> float:
    answer = size.words * (TOKENS_PER_WORD + _TOKENS_AROUND_A_WORD)
    return _WRITER_REQUESTS * (_PROMPT_TOKENS + answer)


_UNITS: Mapping[str, Callable[[_Size, Capability], float]] = {
    "1,000 tokens": lambda size, capability: (
        (_script_tokens(size) if capability == "writer" else size.seconds * _SPEECH_TOKENS_PER_SECOND + size.letters / 4) / 1000
    ),
    "1,000 characters": lambda size, _: size.letters / 1000,
    "picture": lambda size, _: float(size.scenes),
    "second of video": lambda size, _: size.seconds,
}
_USED: Mapping[str, tuple[Capability, ...]] = {
    "trending_analysis": ("trends",),
    "script_generation": ("writer", "speech"),
    "media_generation": ("speech", "images"),
    "youtube_upload": ("publisher",),
}


def estimate(project: Project, stage: str) -> Estimate:
    """Return what a stage's run costs at most with the project's choices.

    Raises:
        BadInput: a service is chosen that this studio does not have.
    """
    chosen = [(capability, choice_of(project, capability)) for capability in _USED.get(stage, ())]
    outside = [(capability, choice) for capability, choice in chosen if choice.service != EMBEDDED]
    if not outside:
        return Estimate(0, ())
    lines = tuple(_lines(outside, _size(project)))
    known = [line.micros for line in lines if line.micros is not None]
    return Estimate(sum(known) if len(known) == len(lines) else None, lines)


def _lines(chosen: list[tuple[Capability, Choice]], size: _Size) -> Iterator[EstimateLine]:
    for capability, choice in chosen:
        model = choice.model or model_default(choice.service, capability)
        price = price_of(choice.service, capability, model)
        count = _UNITS.get(price.unit)
        units = count(size, capability) if count else 0.0
        micros = price.micros if not price.micros else math.ceil(price.micros * units)
        yield EstimateLine(capability, choice.service, SERVICES[choice.service].label, model, units, price.unit, micros)
