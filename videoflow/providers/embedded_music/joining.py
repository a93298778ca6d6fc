"""Where one piece of music can turn into another unnoticed: same harmony, same beat."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from videoflow.providers.embedded_music.tracks import SAMPLE_RATE_HZ, Samples

_HOP = SAMPLE_RATE_HZ // 50
_WINDOW = 4096
_COMPARED_SECONDS = 3.0
_SEARCHED_SECONDS = 9.0
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 5000.0
_LEVEL_STEPS = 101
_LULL_DB = 1.0
_LULL_COST_PER_DB = 0.1
_BEAT_BANDS_HZ = ((30.0, 160.0), (160.0, 1200.0), (1200.0, 6000.0), (6000.0, 16000.0))

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Join:
    """Leave the one piece at frame ``leave`` and be in the other at frame ``enter``."""

    leave: int
    enter: int
    likeness: float
    """1 is the same music."""


@dataclass(frozen=True, slots=True)
class Described:
    """A piece for every 20 ms."""

    marks: Features
    """``[time, 16]``: harmony (12 pitch classes) and attacks (4 bands), each scaled to an equal say."""
    level_db: Features
    """Level over the 2 s around, beside the whole piece."""


def describe(samples: Samples) -> Described:
    mono = np.pad(samples.mean(axis=1), (0, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::_HOP][: len(samples) // _HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)).astype(np.float32)
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE_HZ)
    tonal = (frequencies > _LOWEST_HZ) & (frequencies < _HIGHEST_HZ)
    pitch_class = np.round(12 * np.log2(frequencies[tonal] / 440)).astype(int) % 12
    harmony = np.stack([spectrum[:, tonal][:, pitch_class == pitch].sum(axis=1) for pitch in range(12)], axis=1)
    bands = np.stack(
        [spectrum[:, (frequencies >= low) & (frequencies < high)].sum(axis=1) for low, high in _BEAT_BANDS_HZ], axis=1
    )
    attacks = np.maximum(0, np.diff(np.log(bands + 1e-3), axis=0, prepend=np.log(bands[:1] + 1e-3)))
    together = [_scaled(harmony) / np.sqrt(2 * harmony.shape[1]), _scaled(attacks) / np.sqrt(2 * attacks.shape[1])]
    marks = np.concatenate(together, axis=1).astype(np.float32)
    power = (samples[: len(marks) * _HOP] ** 2).reshape(len(marks), -1).mean(axis=1)
    around = np.convolve(np.pad(power, _LEVEL_STEPS // 2, mode="reflect"), np.full(_LEVEL_STEPS, 1 / _LEVEL_STEPS), "valid")
    level_db = 10 * np.log10((around[: len(marks)] + 1e-12) / (power.mean() + 1e-12))
    return Described(marks, level_db.astype(np.float32))


def best_join(leaving: Described, entering: Described, *, apart_seconds: float = 0.0) -> Join:
    """The best pair of a late moment in ``leaving`` and an early one in ``entering``, compared over 3 s; no join in a lull.

    ``apart_seconds``: within one piece, the least it has to jump back.
    """
    window = int(_COMPARED_SECONDS * SAMPLE_RATE_HZ / _HOP)
    searched = int(_SEARCHED_SECONDS * SAMPLE_RATE_HZ / _HOP)
    late_from = max(0, len(leaving.marks) - window - searched)
    late, early = leaving.marks[late_from:], entering.marks[: searched + window]
    products = late @ early.T
    rows, columns = products.shape[0] - window, products.shape[1] - window
    likeness = np.zeros((rows, columns), np.float32)
    for row_offset in range(window):  # the mean along each diagonal of the window's length
        likeness += products[row_offset : row_offset + rows, row_offset : row_offset + columns]
    likeness /= window
    middle = window // 2
    lull = np.maximum(0, -_LULL_DB - leaving.level_db[late_from + middle :][:rows])[:, None]
    lull = lull + np.maximum(0, -_LULL_DB - entering.level_db[middle:][:columns])[None, :]
    likeness -= _LULL_COST_PER_DB * lull
    if apart_seconds:
        apart = int(apart_seconds * SAMPLE_RATE_HZ / _HOP)
        too_near = (np.arange(rows)[:, None] + late_from) - np.arange(columns)[None, :] < apart
        likeness[too_near] = -np.inf
    row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return Join((late_from + int(row) + middle) * _HOP, (int(column) + middle) * _HOP, float(likeness[row, column]))


def _scaled(values: Features) -> Features:
    return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6), np.float32)
