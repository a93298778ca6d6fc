"""The gain of the finished mix over time: loud enough, under the ceiling, and every speaker as loud as the others after that."""

from collections.abc import Mapping, Sequence

import numpy as np

from videoflow.render.loudness import SILENCE_LUFS, Grid, integrated_lufs, limiter_gains, mastering_gain

Spans = Mapping[str, Sequence[tuple[float, float]]]

MOST_TRIM_DB = 2.5
EQUAL_LU = 0.15
RAMP_STEPS = 60
_ROUNDS = 4


def master_gains(energies: Grid, maxima: Grid, spans: Spans, target_lufs: float, ceiling: float) -> Grid:
    """Return the gain at every millisecond's edge (one more than steps).

    A limiter takes more from a voice with high peaks, so voices that were equal before it are not after it; each speaker's
    ``spans`` (seconds in which they speak alone) are trimmed by up to 2.5 dB until they are.
    """
    trims = dict.fromkeys(spans, 0.0)
    gain: float | None = None
    for number in range(_ROUNDS):
        trim = _trim_grid(len(energies), spans, trims)
        inside = np.maximum(trim[:-1], trim[1:])
        raised, peaks = energies * inside**2, maxima * inside
        gain = mastering_gain(raised, peaks, target_lufs, ceiling, start=gain)
        gains = limiter_gains(peaks, gain, ceiling) * gain
        middle = (gains[:-1] + gains[1:]) / 2.0
        levels = _levels(raised * middle[: len(raised)] ** 2, spans)
        if number == _ROUNDS - 1 or len(levels) < 2 or max(levels.values()) - min(levels.values()) <= EQUAL_LU:
            break
        common = sum(levels.values()) / len(levels)
        for speaker, level in levels.items():
            trims[speaker] = min(MOST_TRIM_DB, max(-MOST_TRIM_DB, trims[speaker] + common - level))
    return gains * trim


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


def _levels(energies: Grid, spans: Spans) -> dict[str, float]:
    """Return the loudness of each speaker who is heard at all."""
    levels = {}
    for speaker, own in spans.items():
        parts = [energies[int(start * 1000) : int(end * 1000)] for start, end in own]
        level = integrated_lufs(np.concatenate(parts)) if parts else SILENCE_LUFS
        if level > SILENCE_LUFS:
            levels[speaker] = level
    return levels
