"""Music under speech: looped without a seam that can be heard, and turned down while somebody speaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from videoflow.errors import BadInput
from videoflow.render.loudness import RATE, Grid, Signal
from videoflow.sentences import Sentence

DUCK_DB = -8.0
ATTACK_SECONDS = 0.35
RELEASE_SECONDS = 0.9
BRIDGED_SECONDS = 1.6
"""Pauses shorter than this do not bring the music up, so it does not pump between turns."""
ENVELOPE_RATE = 100

WINDOW_SECONDS = 12.0
"""How much of a track's end and beginning is searched for a place to turn back."""
SEAM_SECONDS = 2.0
SHORTEST_SECONDS = 0.5
_COMPARED_RATE = 12_000
_LEVEL_STEP = RATE // 20
_FADED_DB = 3.0
"""A track's own fade begins where it is this much softer than its body; from there on it is not used for a loop."""


class SoundSource(Protocol):
    """Something that gives samples in order; fewer than asked for only at its end."""

    def read(self, samples: int) -> Signal: ...

    def close(self) -> None: ...


class SourceOpener(Protocol):
    def __call__(self, path: Path, channels: int) -> SoundSource: ...


@dataclass(frozen=True, slots=True)
class Seam:
    """Leave the tail under a crossfade that ends at ``leave``; enter the head at ``enter``."""

    leave: int
    enter: int
    samples: int
    likeness: float
    """Correlation of the two over the crossfade, −1 to 1."""


def _body(signal: Signal) -> tuple[int, int]:
    """Return from where to where a stretch of music is as loud as it mostly is, in samples."""
    steps = signal.shape[1] // _LEVEL_STEP
    if steps < 8:
        return 0, int(signal.shape[1])
    power = (signal[:, : steps * _LEVEL_STEP] ** 2).mean(axis=0).reshape(steps, _LEVEL_STEP).mean(axis=1)
    width = min(10, steps)
    smooth = np.convolve(power, np.ones(width) / width, mode="valid")  # half a second, so that beats do not count as fades
    loud = np.flatnonzero(smooth >= np.median(smooth) * 10.0 ** (-_FADED_DB / 10.0))
    if not len(loud) or not smooth.max() > 0.0:
        return 0, int(signal.shape[1])
    return int(loud[0]) * _LEVEL_STEP, min(int(signal.shape[1]), (int(loud[-1]) + width) * _LEVEL_STEP)


def seam_find(tail: Signal, head: Signal) -> Seam:
    """Find where the end of a track can turn into its beginning: fades left out, where the waves agree best.

    Waves that agree are in the same beat and chord, so the place is found by the normalised correlation of the last two seconds
    with everything in the head, at 12 kHz and then to the sample.
    """
    _, leave = _body(tail)
    first, last = _body(head)
    last = (first + last) // 2  # what is skipped at each turn is lost, and a short track must not be skipped whole
    samples = int(min(SEAM_SECONDS * RATE, leave // 3, (last - first) // 2))
    if samples < RATE // 100 or tail.shape[1] - leave + last > 0.9 * head.shape[1]:
        return Seam(tail.shape[1], 0, min(tail.shape[1], head.shape[1]) // 8, 0.0)
    step = RATE // _COMPARED_RATE
    ending = tail[:, leave - samples : leave].mean(axis=0)
    searched = head[:, first:last].mean(axis=0)
    coarse, mark = _decimated(searched, step), _decimated(ending, step)
    size = 1 << (len(coarse) + len(mark)).bit_length()
    product = np.fft.irfft(np.fft.rfft(coarse, size) * np.conj(np.fft.rfft(mark, size)), size)[: len(coarse) - len(mark) + 1]
    energy = np.concatenate([[0.0], np.cumsum(coarse.astype(np.float64) ** 2)])
    local = energy[len(mark) :] - energy[: len(energy) - len(mark)]
    scores = product / np.sqrt(np.maximum(local, 1e-9) * max(1e-9, float((mark.astype(np.float64) ** 2).sum())))
    about = int(scores.argmax()) * step
    best = max(
        range(max(0, about - step), min(len(searched) - samples, about + step) + 1),
        key=lambda at: _likeness(searched, ending, at),
    )
    return Seam(leave, first + best, samples, _likeness(searched, ending, best))


def _decimated(wave: Signal, step: int) -> Signal:
    """Return the mean of every ``step`` samples: enough of a low-pass to compare waves by."""
    return np.asarray(wave[: len(wave) // step * step].reshape(-1, step).mean(axis=1), np.float32)


def _likeness(searched: Signal, ending: Signal, at: int) -> float:
    other = searched[at : at + len(ending)]
    scale = float(np.sqrt((other**2).sum() * (ending**2).sum()))
    return float((other * ending).sum()) / scale if scale > 1e-9 else 0.0


def crossfade(leaving: Signal, entering: Signal, likeness: float) -> Signal:
    """Blend two stretches of one length at steady power, whether they agree (1) or have nothing in common (0)."""
    angle = (np.arange(leaving.shape[1]) + 0.5) / leaving.shape[1] * (np.pi / 2.0)
    level = 1.0 / np.sqrt(1.0 + max(-0.5, min(1.0, likeness)) * np.sin(2.0 * angle))
    blended = leaving * (np.cos(angle) * level) + entering * (np.sin(angle) * level)
    return np.asarray(blended, np.float32)


class EndlessMusic:
    """Music of any length: a track that ends turns back to its beginning where that is not heard."""

    def __init__(self, path: Path, opener: SourceOpener) -> None:
        self._path, self._opener = path, opener
        self._reader = opener(path, 2)
        self._window = int(WINDOW_SECONDS * RATE)
        self._held = self._reader.read(self._window)

    def read(self, samples: int) -> Signal:
        """Return exactly ``samples``.

        Raises:
            BadInput: the track is too short to be played again and again.
        """
        while self._held.shape[1] < samples + self._window:
            more = self._reader.read(self._window)
            if more.shape[1]:
                self._held = np.concatenate([self._held, more], axis=1)
            else:
                self._turn_back()
        out, self._held = self._held[:, :samples], self._held[:, samples:]
        return out

    def _turn_back(self) -> None:
        self._reader.close()
        self._reader = self._opener(self._path, 2)
        head = self._reader.read(self._window)
        if head.shape[1] < SHORTEST_SECONDS * RATE:
            raise BadInput(
                Sentence(
                    "%(name)s lasts less than half a second, which is no music; choose a longer track.", name=self._path.name
                )
            )
        kept = max(0, self._held.shape[1] - self._window)
        seam = seam_find(self._held[:, kept:], head)
        leave, samples = kept + seam.leave, seam.samples
        blended = crossfade(self._held[:, leave - samples : leave], head[:, seam.enter : seam.enter + samples], seam.likeness)
        self._held = np.concatenate([self._held[:, : leave - samples], blended, head[:, seam.enter + samples :]], axis=1)

    def close(self) -> None:
        self._reader.close()


def duck_envelope(spoken: Sequence[tuple[float, float]], seconds: float) -> Grid:
    """Return the music's gain at 100 points a second: 1 while nobody speaks, −8 dB under speech, in decibel-smooth ramps.

    The speech is known beforehand, so the music is down when it begins: the ramp of 0.35 s ends there.
    """
    depth = np.zeros(int(np.ceil(seconds * ENVELOPE_RATE)) + 2)
    merged: list[list[float]] = []
    for start, end in sorted(spoken):
        if merged and start - merged[-1][1] < BRIDGED_SECONDS:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    for start, end in merged:
        first = max(0, int((start - ATTACK_SECONDS) * ENVELOPE_RATE))
        reach = depth[first : max(first, int((end + RELEASE_SECONDS) * ENVELOPE_RATE) + 2)]
        times = (first + np.arange(len(reach))) / ENVELOPE_RATE
        rise = np.clip((times - (start - ATTACK_SECONDS)) / ATTACK_SECONDS, 0.0, 1.0)
        fall = np.clip(((end + RELEASE_SECONDS) - times) / RELEASE_SECONDS, 0.0, 1.0)
        np.maximum(reach, np.minimum(rise, fall), out=reach)
    shaped = depth * depth * (3.0 - 2.0 * depth)
    return np.asarray(10.0 ** (DUCK_DB * shaped / 20.0))
