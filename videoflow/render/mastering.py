"""The gain of the finished mix over time: loud enough, under the ceiling, and every speaker as loud as the others after that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from videoflow.render.listening import Spans, speaker_levels
from videoflow.render.loudness import Grid, decibels, limiter_gains, mastering_gain

MOST_TRIM_DB = 2.5
EQUAL_LU = 0.15
RAMP_STEPS = 60
KEPT_GAIN_DB = 0.1
KEPT_VOICE_DB = 0.25
"""An edit that moves the levels by less keeps those of before, so that what it does not touch need not be coded anew. A change
of 0.5 dB in a voice is about the least that is heard."""
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Levels:
    """What was decided about the loudness of a sound as a whole, and for which target and ceiling."""

    target_lufs: float
    ceiling_db: float
    voices_db: Mapping[str, float]
    """Gain of every speaker before the mix."""
    trims_db: Mapping[str, float]
    """Gain of every speaker who speaks alone, after it."""
    gain_db: float

    def holds_for(self, other: "Levels") -> bool:
        """Return whether these levels may stand where others were worked out: nobody hears the difference."""
        pairs = [(self.trims_db.get(speaker, 0.0), trim) for speaker, trim in other.trims_db.items()]
        return abs(self.gain_db - other.gain_db) <= KEPT_GAIN_DB and all(abs(a - b) <= KEPT_VOICE_DB for a, b in pairs)


def levels_decide(
    energies: Grid, maxima: Grid, spans: Spans, target_lufs: float, ceiling_db: float, voices_db: Mapping[str, float]
) -> Levels:
    """Work out the gain of a mix, and of each speaker in it, from its measures.

    A limiter takes more from a voice with high peaks, so voices that were equal before it are not after it; each speaker's
    ``spans`` (seconds in which they speak alone) are trimmed by up to 2.5 dB until they are.
    """
    trims, ceiling = dict.fromkeys(spans, 0.0), 10.0 ** (ceiling_db / 20.0)
    gain: float | None = None
    for number in range(_ROUNDS):
        trim = _trim_grid(len(energies), spans, trims)
        inside = np.maximum(trim[:-1], trim[1:])
        raised, peaks = energies * inside**2, maxima * inside
        gain = mastering_gain(raised, peaks, target_lufs, ceiling, start=gain)
        gains = limiter_gains(peaks, gain, ceiling) * gain
        middle = (gains[:-1] + gains[1:]) / 2.0
        levels = speaker_levels(raised * middle[: len(raised)] ** 2, spans)
        if number == _ROUNDS - 1 or len(levels) < 2 or max(levels.values()) - min(levels.values()) <= EQUAL_LU:
            break
        common = sum(levels.values()) / len(levels)
        for speaker, level in levels.items():
            trims[speaker] = min(MOST_TRIM_DB, max(-MOST_TRIM_DB, trims[speaker] + common - level))
    return Levels(target_lufs, ceiling_db, voices_db, trims, decibels(gain or 1.0))


def master_gains(maxima: Grid, spans: Spans, levels: Levels) -> Grid:
    """Return the gain at every millisecond's edge (one more than steps), to six places: equal stretches get equal ones."""
    trim = _trim_grid(len(maxima), spans, levels.trims_db)
    gain = 10.0 ** (levels.gain_db / 20.0)
    limited = limiter_gains(maxima * np.maximum(trim[:-1], trim[1:]), gain, 10.0 ** (levels.ceiling_db / 20.0))
    return np.asarray(np.round(limited * gain * trim, 6))


def _trim_grid(steps: int, spans: Spans, trims: Mapping[str, float]) -> Grid:
    """Return the trims as a factor at every point, smooth at the spans' edges."""
    decibels = np.zeros(steps + 1)
    for speaker, own in spans.items():
        for start, end in own:
            decibels[max(0, int(start * 1000)) : max(0, int(end * 1000) + 1)] = trims[speaker]
    if any(trims.values()):
        padded = np.pad(decibels, RAMP_STEPS // 2, mode="edge")
        total = np.concatenate([[0.0], np.cumsum(padded)])
        decibels = (total[RAMP_STEPS:] - total[:-RAMP_STEPS])[: steps + 1] / RAMP_STEPS
    return np.asarray(10.0 ** (decibels / 20.0))
