"""What is heard in a coded sound, from the measures of its decoded samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videoflow.render.loudness import SILENCE_LUFS, STEP, Grid, decibels, integrated_lufs

SILENCE_DB = -50
LONGEST_GAP_STEPS = 500
_SHORT_TERM_STEPS, _HOP_STEPS = 3_000, 100

Spans = Mapping[str, Sequence[tuple[float, float]]]
"""The seconds in which each speaker speaks alone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is measured on decoded samples. Source of the measures: ITU-R BS.1770, EBU Tech 3342."""

    loudness_lufs: float
    true_peak_db: float
    range_lu: float
    silences: tuple[tuple[float, float], ...]
    """Seconds from and until which nothing reaches −50 dBFS, of half a second at least."""
    speakers: Mapping[str, float]
    """Loudness in LUFS while each speaker speaks alone."""


def heard_of(energies: Grid, maxima: Grid, spans: Spans, seconds: float) -> Heard:
    """Return what is heard by energies and true peaks per millisecond."""
    levels = {speaker: round(level, 2) for speaker, level in speaker_levels(energies, spans).items()}
    return Heard(
        round(integrated_lufs(energies), 2),
        round(decibels(float(maxima.max(initial=0.0))), 2),
        round(_range_lu(energies), 1),
        _silences(maxima, seconds),
        levels,
    )


def speaker_levels(energies: Grid, spans: Spans) -> dict[str, float]:
    """Return the loudness of each speaker who is heard at all."""
    levels = {}
    for speaker, own in spans.items():
        parts = [energies[int(start * 1000) : int(end * 1000)] for start, end in own]
        level = integrated_lufs(np.concatenate(parts)) if parts else SILENCE_LUFS
        if level > SILENCE_LUFS:
            levels[speaker] = level
    return levels


def _silences(maxima: Grid, seconds: float) -> tuple[tuple[float, float], ...]:
    quiet = np.concatenate([[False], maxima < 10.0 ** (SILENCE_DB / 20.0), [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1])
    pairs = edges.reshape(-1, 2)
    return tuple((start / 1000, min(seconds, end / 1000)) for start, end in pairs.tolist() if end - start >= LONGEST_GAP_STEPS)


def _range_lu(energies: Grid) -> float:
    """Return the loudness range: 3 s windows each 100 ms, gated at −70 LUFS and −20 LU, from the 10th to the 95th percentile."""
    if len(energies) < _SHORT_TERM_STEPS:
        return 0.0
    total = np.concatenate([[0.0], np.cumsum(energies)])
    starts = np.arange(0, len(energies) - _SHORT_TERM_STEPS + 1, _HOP_STEPS)
    power = (total[starts + _SHORT_TERM_STEPS] - total[starts]) / (_SHORT_TERM_STEPS * STEP)
    power = power[power > 10.0 ** ((SILENCE_LUFS + 0.691) / 10.0)]
    power = power[power > power.mean() * 0.01] if len(power) else power
    if not len(power):
        return 0.0
    low, high = np.percentile(10.0 * np.log10(power), (10, 95))
    return float(high - low)
