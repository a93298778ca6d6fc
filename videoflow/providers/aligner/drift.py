"""How far the captions of a finished video are from the words that are heard in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from videoflow.errors import BadInput
from videoflow.providers.aligner.alignment import SAMPLE_RATE_HZ, Aligner, Samples

LIMIT_SECONDS = 0.120
_MARGIN_SECONDS = 0.4
_WORST = 5
_LONGEST_STRETCH_SECONDS = 30.0


class TimedWord(Protocol):
    """A caption word; times in seconds from the start of the video."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


@dataclass(frozen=True, slots=True)
class WordDrift:
    text: str
    caption_start: float
    heard_start: float

    @property
    def drift_ms(self) -> float:
        """Positive: the caption comes late."""
        return (self.caption_start - self.heard_start) * 1000


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Absolute distances in milliseconds over the words that could be checked."""

    max_ms: float
    p95_ms: float
    mean_ms: float
    median_ms: float
    bias_ms: float
    """Median with its sign; positive: captions come late."""
    share_within_limit: float
    """Share of the checked words within 120 ms, 0 to 1."""
    checked: int
    unchecked: int
    """Words outside the dictionary, and lines that could not be followed."""
    worst: tuple[WordDrift, ...]


def caption_drift(video: Path, lines: Sequence[Sequence[TimedWord]]) -> DriftReport:
    """Compare every caption word with the sound of the finished file, music and all; one inner sequence per spoken turn.

    Raises:
        BadInput: the file has no audio that can be read.
    """
    samples = _audio(video)
    aligner = Aligner()
    drifts: list[WordDrift] = []
    total = 0
    stretches = [stretch for line in lines for stretch in _stretches(line)]
    for index, words in enumerate(stretches):
        total += len(words)
        earliest = stretches[index - 1][-1].end if index else 0.0
        latest = stretches[index + 1][0].start if index + 1 < len(stretches) else len(samples) / SAMPLE_RATE_HZ
        begin = max(0.0, words[0].start - _MARGIN_SECONDS, min(earliest, words[0].start))
        finish = min(words[-1].end + _MARGIN_SECONDS, max(latest, words[-1].end))
        part = samples[int(begin * SAMPLE_RATE_HZ) : int(finish * SAMPLE_RATE_HZ)]
        heard = aligner.align_words(part, [word.text for word in words])
        drifts += [
            WordDrift(word.text, word.start, begin + times[0])
            for word, times in zip(words, heard, strict=True)
            if times is not None
        ]
    if not drifts:
        return DriftReport(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, total, ())
    signed = np.array([drift.drift_ms for drift in drifts])
    distance = np.abs(signed)
    worst = sorted(drifts, key=lambda drift: -abs(drift.drift_ms))[:_WORST]
    return DriftReport(
        max_ms=round(float(distance.max()), 1),
        p95_ms=round(float(np.percentile(distance, 95)), 1),
        mean_ms=round(float(distance.mean()), 1),
        median_ms=round(float(np.median(distance)), 1),
        bias_ms=round(float(np.median(signed)), 1),
        share_within_limit=round(float((distance <= LIMIT_SECONDS * 1000).mean()), 4),
        checked=len(drifts),
        unchecked=total - len(drifts),
        worst=tuple(worst),
    )


def _stretches(line: Sequence[TimedWord]) -> list[list[TimedWord]]:
    """A line in parts of at most half a minute, cut after the sentence that ends nearest to it."""
    parts: list[list[TimedWord]] = []
    for word in line:
        full = parts and word.end - parts[-1][0].start > _LONGEST_STRETCH_SECONDS
        sentence_ended = parts and parts[-1][-1].text.rstrip("\"'”’)").endswith((".", "!", "?"))
        if not parts or full or (sentence_ended and word.end - parts[-1][0].start > _LONGEST_STRETCH_SECONDS / 2):
            parts.append([])
        parts[-1].append(word)
    return parts


def _audio(video: Path) -> Samples:
    """The first audio stream as mono of 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    pieces: list[Samples] = []
    try:
        with av.open(str(video)) as container:
            if not container.streams.audio:
                raise BadInput("The video has no sound, so its captions cannot be checked against the words.")
            stream = container.streams.audio[0]
            first = 0.0
            for number, frame in enumerate(container.decode(stream)):
                if number == 0:
                    first = float(frame.time or 0.0)
                pieces += [np.asarray(piece.to_ndarray(), np.float32).reshape(-1) for piece in resampler.resample(frame)]
            pieces += [np.asarray(piece.to_ndarray(), np.float32).reshape(-1) for piece in resampler.resample(None)]
    except av.FFmpegError as error:
        raise BadInput("The video's sound cannot be read, so its captions cannot be checked against the words.") from error
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    offset = round(first * SAMPLE_RATE_HZ)
    return np.concatenate([np.zeros(offset, np.float32), samples]) if offset > 0 else samples[-offset:]
