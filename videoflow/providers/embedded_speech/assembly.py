"""Breaths to one finished line: silence trimmed, pauses set, word times found, level made equal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videoflow.errors import VideoflowError
from videoflow.providers.embedded_speech.engines import SAMPLE_RATE_HZ, Samples, Take
from videoflow.providers.embedded_speech.phonemes import Breath
from videoflow.providers.embedded_speech.speech_text import SpokenToken
from videoflow.providers.loudness import loudness_lufs, without_rumble
from videoflow.providers.recordings import STEPS_PER_SECOND, levelled, levels_db, softened, sounding

_PAUSES_SECONDS = {".": 0.34, "!": 0.32, "?": 0.40, "…": 0.42, ";": 0.24, ":": 0.24, ",": 0.16, "": 0.05}
_SHORTEST_SENTENCE_PAUSE_SECONDS = 0.24
_WORD_ONSET_DB = -32.0
_WORD_END_DB = -34.0
_LAG_SECONDS = 0.035
"""The models' phoneme lengths run behind the sound by this much: median of 106 words after a pause, both voices alike."""
_STEP = SAMPLE_RATE_HZ // STEPS_PER_SECOND
_SECONDS_PER_PHONEME = (0.03, 0.30)
_SHORTEST_WORD_SECONDS = 0.02


class SpeechUnusable(VideoflowError):
    """The model answered with something that is not plausible speech."""

    code = "PROVIDER_FAILED"


@dataclass(frozen=True, slots=True)
class FinishedLine:
    samples: Samples
    words: tuple[tuple[str, float, float], ...]
    """(token as shown, start, end) in seconds."""
    lufs: float
    peak: float


def finish(tokens: Sequence[SpokenToken], breaths: Sequence[Breath], takes: Sequence[Take]) -> FinishedLine:
    """Join the takes of a line's breaths.

    Raises:
        SpeechUnusable: silence, or far too long or short for what is said.
    """
    pieces: list[Samples] = []
    spoken: dict[int, list[float]] = {}
    position = 0
    for index, (breath, take) in enumerate(zip(breaths, takes, strict=True)):
        samples = without_rumble(take.samples, SAMPLE_RATE_HZ)
        levels = levels_db(samples, SAMPLE_RATE_HZ)
        first, last = sounding(levels, samples, SAMPLE_RATE_HZ)
        if index:
            pause = np.zeros(int(_PAUSES_SECONDS[breaths[index - 1].mark] * SAMPLE_RATE_HZ), np.float32)
            pieces.append(pause)
            position += len(pause)
        begin = first
        for number, (token, start, end) in enumerate(edges := _word_edges(breath, take, levels, first, last)):
            missing = _missing_pause(breath, edges, number)
            if missing:
                cut = _quietest(levels, edges[number - 1][2], start)
                pieces += [softened(samples[begin:cut], SAMPLE_RATE_HZ), np.zeros(missing, np.float32)]
                position += cut - begin + missing
                begin = cut
            offset = position - begin
            times = spoken.setdefault(token, [start + offset, end + offset])
            times[1] = end + offset
        pieces.append(softened(samples[begin:last], SAMPLE_RATE_HZ))
        position += last - begin
    joined = np.concatenate(pieces)
    _check_plausible(joined, sum(len(breath.phonemes) for breath in breaths))
    line = levelled(joined, SAMPLE_RATE_HZ)
    seconds = len(line) / SAMPLE_RATE_HZ
    words = _token_times(tokens, {token: (a / SAMPLE_RATE_HZ, b / SAMPLE_RATE_HZ) for token, (a, b) in spoken.items()}, seconds)
    return FinishedLine(line, words, loudness_lufs(line, SAMPLE_RATE_HZ), float(np.abs(line).max()))


def _word_edges(breath: Breath, take: Take, levels: Samples, first: int, last: int) -> list[tuple[int, int, int]]:
    """(token, start, end) in samples of the take. Beside a pause a word begins and ends where its sound does."""
    lag = int(_LAG_SECONDS * SAMPLE_RATE_HZ)
    edges: list[tuple[int, int, int]] = []
    before = first
    after_pause = True
    for span in breath.spans:
        start, end = int(take.edges[span.start]) - lag, int(take.edges[span.end]) - lag
        if after_pause:
            loud = np.flatnonzero(levels[before // _STEP : -(-end // _STEP)] > _WORD_ONSET_DB)
            start = before // _STEP * _STEP + int(loud[0]) * _STEP if len(loud) else start
        after_pause = span.end >= len(breath.phonemes) or breath.phonemes[span.end] != " "
        if after_pause:
            end = last if span.end + 1 >= len(breath.phonemes) else end
            loud = np.flatnonzero(levels[max(0, start) // _STEP : -(-end // _STEP)] > _WORD_END_DB)
            end = min(end, start // _STEP * _STEP + int(loud[-1] + 1) * _STEP) if len(loud) else end
        start = min(max(start, before), last)
        before = min(max(end, start), last)
        edges.append((span.token, start, before))
    return edges


def _missing_pause(breath: Breath, edges: Sequence[tuple[int, int, int]], number: int) -> int:
    """Samples of silence to add before a word that opens a sentence: the models run over the end of a very short one."""
    if not number or breath.phonemes[breath.spans[number - 1].end] not in ".!?…":
        return 0
    pause = edges[number][1] - edges[number - 1][2]
    return max(0, int(_SHORTEST_SENTENCE_PAUSE_SECONDS * SAMPLE_RATE_HZ) - pause)


def _quietest(levels: Samples, start: int, end: int) -> int:
    """The middle of the quietest 10 ms between two words, in samples."""
    first = max(0, start // _STEP - 1)
    return (first + int(levels[first : max(end // _STEP, first + 1) + 1].argmin())) * _STEP + _STEP // 2


def _check_plausible(samples: Samples, phonemes: int) -> None:
    per_phoneme = len(samples) / SAMPLE_RATE_HZ / max(1, phonemes)
    low, high = _SECONDS_PER_PHONEME
    if (
        not np.isfinite(samples).all()
        or loudness_lufs(samples, SAMPLE_RATE_HZ) < -60
        or not low <= per_phoneme <= high + 1.5 / max(1, phonemes)
    ):
        raise SpeechUnusable(
            "The embedded voice could not speak one of the lines. Change its wording a little and try again.",
            details={"seconds_per_phoneme": round(per_phoneme, 4), "phonemes": phonemes},
        )


def _token_times(
    tokens: Sequence[SpokenToken], spoken: dict[int, tuple[float, float]], seconds: float
) -> tuple[tuple[str, float, float], ...]:
    """Times for every shown token, in order and without overlap; silent ones stand in the pause after the word before them."""
    times: list[tuple[str, float, float]] = []
    before = 0.0
    for index, token in enumerate(tokens):
        following = next((spoken[later][0] for later in range(index + 1, len(tokens)) if later in spoken), seconds)
        if index in spoken:
            start, end = spoken[index]
            start = max(start, before)
            end = min(max(end, start + _SHORTEST_WORD_SECONDS), max(following, start), seconds)
        else:
            start = end = min(before, seconds)
        times.append((token.text, round(start, 3), round(end, 3)))
        before = end
    return tuple(times)
