"""When each shown word of a line is said: as the service says, else as an aligner hears it, else by the length of the words."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

import av
import numpy as np

from videoflow.providers import aligner
from videoflow.providers.base import SpokenWord
from videoflow.providers.recordings import Samples, levels_db, sounding
from videoflow.providers.speaking.decoding import Sound
from videoflow.providers.speaking.said import Said, letters

Times = list[tuple[float, float] | None]
Timing = Literal["engine", "aligned", "estimated"]

_LEAST_SHARE_FOUND = 0.6
_SHORTEST_WORD_SECONDS = 0.02
_OUTSIDE_SECONDS = 0.3
"""So far beyond the sound's end a service's time may lie before all its times are doubted."""
_PAUSE_LETTERS = {".": 6.0, "!": 6.0, "?": 6.0, "…": 7.0, ",": 3.0, ";": 4.0, ":": 4.0, "。": 6.0, "、": 3.0, "，": 3.0}
_aligning = threading.Lock()


@dataclass(frozen=True, slots=True)
class TimedPiece:
    """A character or a word with the times that the service gave it, in seconds from the start of the sound."""

    text: str
    start: float
    end: float


def words_timed(said: Said, sound: Sound, pieces: Sequence[TimedPiece], *, language: str) -> tuple[list[SpokenWord], Timing]:
    """Return the shown tokens with their times, in order and without overlap, and where the times are from."""
    seconds = len(sound.samples) / sound.rate_hz
    found = _from_pieces(said, pieces, seconds)
    if found is not None:
        return _completed(said, found, sound), "engine"
    if language.lower().split("-")[0] == "en":
        found = _aligned(said, sound)
        if found is not None:
            return _completed(said, found, sound), "aligned"
    return _completed(said, [None] * len(said.tokens), sound), "estimated"


def _is_enough(said: Said, found: Times) -> bool:
    spoken = [times for (_, words), times in zip(said.tokens, found, strict=True) if letters(words)]
    return sum(times is not None for times in spoken) >= _LEAST_SHARE_FOUND * max(1, len(spoken))


def _from_pieces(said: Said, pieces: Sequence[TimedPiece], seconds: float) -> Times | None:
    """Match what the service timed to the tokens by their letters, for services write figures and marks in their own way."""
    heard: list[tuple[str, float, float]] = []
    before = 0.0
    for piece in pieces:
        if not (0 <= piece.start <= piece.end <= seconds + _OUTSIDE_SECONDS and piece.start >= before - 0.05):
            return None
        before = piece.start
        spelt = letters(piece.text)
        width = (piece.end - piece.start) / max(1, len(spelt))
        heard += [(letter, piece.start + place * width, piece.start + (place + 1) * width) for place, letter in enumerate(spelt)]
    owners = [(letter, index) for index, (_, words) in enumerate(said.tokens) for letter in letters(words)]
    if not heard or not owners:
        return None
    matcher = SequenceMatcher(None, [letter for letter, _ in owners], [letter for letter, _, _ in heard], autojunk=False)
    found: Times = [None] * len(said.tokens)
    for mine, theirs, size in matcher.get_matching_blocks():
        for step in range(size):
            index, (_, start, end) = owners[mine + step][1], heard[theirs + step]
            earlier = found[index]
            found[index] = (earlier[0] if earlier else start, end)
    return found if _is_enough(said, found) else None


def aligned_words(samples: Samples, rate_hz: int, words: Sequence[str]) -> Times:
    """Return when each English word is heard; one alignment at a time, for there is one aligner in a process."""
    with _aligning:
        return aligner.align_words(_resampled(samples, rate_hz, aligner.SAMPLE_RATE_HZ), words)


def _aligned(said: Said, sound: Sound) -> Times | None:
    words = said.text.split()
    heard = iter(aligned_words(sound.samples, sound.rate_hz, words))
    found: Times = []
    for _, token in said.tokens:
        times = [next(heard) for _ in token.split()]
        known = [pair for pair in times if pair is not None]
        found.append((known[0][0], known[-1][1]) if known else None)
    return found if _is_enough(said, found) else None


def _resampled(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate = rate_hz
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted_hz)
    frames = resampler.resample(frame) + resampler.resample(None)
    return np.concatenate([np.asarray(piece.to_ndarray(), np.float32).reshape(-1) for piece in frames])


def _completed(said: Said, found: Times, sound: Sound) -> list[SpokenWord]:
    """Give every token its times: those not found share what is left between their neighbours by the length of their words."""
    first, last = sounding(levels_db(sound.samples, sound.rate_hz), sound.samples, sound.rate_hz)
    end_of_all = last / sound.rate_hz
    weights = [_weight(words) for _, words in said.tokens]
    words: list[SpokenWord] = []
    before = found[0][0] if found and found[0] else first / sound.rate_hz
    index = 0
    while index < len(found):
        times = found[index]
        if times is not None:
            start = max(times[0], before)
            following = next((later[0] for later in found[index + 1 :] if later), end_of_all)
            end = min(max(times[1], start + _SHORTEST_WORD_SECONDS), max(following, start + _SHORTEST_WORD_SECONDS))
            words.append(SpokenWord(said.tokens[index][0], start, end))
            before = end
            index += 1
            continue
        run_end = next((later for later in range(index, len(found)) if found[later] is not None), len(found))
        limit = found[run_end][0] if run_end < len(found) else end_of_all  # type: ignore[index]
        room, total = max(0.0, limit - before), sum(spoken + pause for spoken, pause in weights[index:run_end])
        for place in range(index, run_end):
            spoken, pause = weights[place]
            end = before + (room * spoken / total if total else 0.0)
            words.append(SpokenWord(said.tokens[place][0], before, end))
            before = end + (room * pause / total if total else 0.0)
        index = run_end
    whole = len(sound.samples) / sound.rate_hz
    return [SpokenWord(word.text, round(min(word.start, whole), 3), round(min(word.end, whole), 3)) for word in words]


def _weight(words: str) -> tuple[float, float]:
    """Return how long the words and the pause after them are, in letters."""
    if not words:
        return 0.0, 0.0
    return float(len(letters(words)) + (1 if letters(words) else 0)), _PAUSE_LETTERS.get(words.rstrip("\"'”’)")[-1:], 0.0)
