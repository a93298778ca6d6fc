"""Loudness and true peak after ITU-R BS.1770-5, and a look-ahead limiter, all on a grid of one millisecond.

Signals are float arrays of shape (channels, samples) at 48 kHz, full scale 1.0, and arrive in chunks of any length, so that
nothing here grows with the programme beyond one number per millisecond.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from videoflow.render.machine_code import NUMBER, POINTER, REAL, MachineCode

Signal = NDArray[np.float32]
Grid = NDArray[np.float64]

RATE = 48_000
STEP = 48
"""Samples of one grid step: 1 ms."""
SILENCE_LUFS = -70.0
_FFT_SIZE = 32_768

# Source: ITU-R BS.1770-5, tables 1 and 2 (48 kHz).
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_RLB = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))

Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]


def impulse_response(sections: tuple[Biquad, ...], taps: int) -> Grid:
    """Return the first ``taps`` samples of a chain of biquads; by then those used here have decayed below −120 dB."""
    response = np.zeros(taps)
    response[0] = 1.0
    for (b0, b1, b2), (_, a1, a2) in sections:
        x1 = x2 = y1 = y2 = 0.0
        for index, x0 in enumerate(response.tolist()):
            y0 = b0 * x0 + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            response[index] = y0
            x1, x2, y1, y2 = x0, x1, y0, y1
    return response


def high_pass(cutoff_hz: float) -> Biquad:
    """Return a Butterworth high-pass of second order. Source: R. Bristow-Johnson, Audio EQ Cookbook."""
    omega = 2.0 * math.pi * cutoff_hz / RATE
    alpha, cosine = math.sin(omega) / math.sqrt(2.0), math.cos(omega)
    a0 = 1.0 + alpha
    numerator = ((1.0 + cosine) / 2.0 / a0, -(1.0 + cosine) / a0, (1.0 + cosine) / 2.0 / a0)
    return numerator, (1.0, -2.0 * cosine / a0, (1.0 - alpha) / a0)


K_WEIGHTING = impulse_response((_SHELF, _RLB), 4096)


class Filter:
    """Convolve a signal that arrives in chunks with a fixed response (overlap-save); the output has the input's length."""

    def __init__(self, response: Grid, channels: int) -> None:
        self._tail = np.zeros((channels, len(response) - 1), np.float32)
        self._spectrum = np.fft.rfft(response, _FFT_SIZE).astype(np.complex64)
        self._hop = _FFT_SIZE - len(response) + 1

    def feed(self, chunk: Signal) -> Signal:
        kept = self._tail.shape[1]
        padded = np.concatenate([self._tail, chunk], axis=1)
        out = np.empty_like(chunk)
        for start in range(0, chunk.shape[1], self._hop):
            count = min(self._hop, chunk.shape[1] - start)
            piece = np.fft.rfft(padded[:, start : start + kept + count], _FFT_SIZE, axis=1) * self._spectrum
            out[:, start : start + count] = np.fft.irfft(piece, _FFT_SIZE, axis=1)[:, kept : kept + count]
        self._tail = padded[:, padded.shape[1] - kept :]
        return out


def _oversampling_phases(taps: int = 16, factor: int = 4) -> Signal:
    """Return the polyphase parts of a Kaiser-windowed sinc, one row for each point between two samples."""
    positions = np.arange(taps) - (taps // 2 - 1)
    rows = []
    for phase in range(1, factor):
        distance = phase / factor - positions
        window = np.i0(7.0 * np.sqrt(np.clip(1.0 - (distance / (taps / 2)) ** 2, 0.0, None))) / np.i0(7.0)
        row = np.sinc(distance) * window
        rows.append(row / row.sum())
    return np.stack(rows).astype(np.float32)


_PHASES = _oversampling_phases()


class Meter:
    """Take K-weighted energy and true peak of a signal, millisecond by millisecond."""

    def __init__(self, channels: int, *, peaks: bool = True) -> None:
        self._weighting = Filter(K_WEIGHTING, channels)
        self._rest = np.zeros((channels, 0), np.float32)
        self._before = np.zeros((channels, _PHASES.shape[1]), np.float32)
        self._peaks = peaks
        self._energies: list[Grid] = []
        self._maxima: list[Grid] = []

    def feed(self, chunk: Signal) -> None:
        signal = np.concatenate([self._rest, chunk], axis=1)
        whole = signal.shape[1] // STEP * STEP
        self._rest = signal[:, whole:]
        signal = signal[:, :whole]
        if not whole:
            return
        weighted = self._weighting.feed(signal)
        self._energies.append(np.einsum("cs,cs->s", weighted, weighted).reshape(-1, STEP).sum(axis=1, dtype=np.float64))
        if self._peaks:
            self._maxima.append(self._true_peaks(signal))

    def _true_peaks(self, signal: Signal) -> Grid:
        """Return the highest of samples and points between them per step; the latter are noted 8 samples (0.17 ms) late."""
        taps = _PHASES.shape[1]
        steps = signal.shape[1] // STEP
        peaks = np.abs(signal).reshape(signal.shape[0], steps, STEP).max(axis=(0, 2)).astype(np.float64)
        padded = np.concatenate([self._before, signal], axis=1)
        self._before = padded[:, padded.shape[1] - taps :]
        for phase in _PHASES:
            between = cv2.filter2D(padded, -1, phase[None], anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)[
                :, 1 : steps * STEP + 1
            ]
            np.maximum(peaks, np.abs(between).reshape(len(padded), steps, STEP).max(axis=(0, 2)), out=peaks)
        return np.asarray(peaks)

    @property
    def energies(self) -> Grid:
        """Sum of the squared K-weighted samples of all channels, per step."""
        return np.concatenate(self._energies) if self._energies else np.zeros(0)

    @property
    def maxima(self) -> Grid:
        """True peak per step, full scale 1.0."""
        return np.concatenate(self._maxima) if self._maxima else np.zeros(0)

    @property
    def loudness_lufs(self) -> float:
        return integrated_lufs(self.energies)

    @property
    def true_peak_db(self) -> float:
        return decibels(float(self.maxima.max(initial=0.0)))


def decibels(amplitude: float) -> float:
    return 20.0 * math.log10(max(amplitude, 1e-6))


def integrated_lufs(energies: Grid) -> float:
    """Return the gated loudness of per-millisecond energies: blocks of 400 ms each 100 ms, gates at −70 LUFS and −10 LU."""
    if len(energies) < 400:
        energies = np.concatenate([energies, np.zeros(400 - len(energies))])
    total = np.concatenate([[0.0], np.cumsum(energies)])
    starts = np.arange(0, len(energies) - 400 + 1, 100)
    power = (total[starts + 400] - total[starts]) / (400 * STEP)
    power = power[power > 10.0 ** ((SILENCE_LUFS + 0.691) / 10.0)]
    if not len(power):
        return SILENCE_LUFS
    power = power[power > power.mean() * 0.1]
    return float(-0.691 + 10.0 * np.log10(power.mean()))


_RELEASE = """
; gains[i] = level = min(gains[i], level + (1 - level) * recovery), from a level of 1: each needs the one before it.
define void @release(ptr noalias %gains, i64 %count, double %recovery) {
entry:
  br label %step

step:
  %i = phi i64 [0, %entry], [%i.next, %step]
  %level = phi double [1.0, %entry], [%lower, %step]
  %at = getelementptr double, ptr %gains, i64 %i
  %target = load double, ptr %at
  %missing = fsub double 1.0, %level
  %way = fmul double %missing, %recovery
  %recovered = fadd double %level, %way
  %over = fcmp ogt double %recovered, %target
  %lower = select i1 %over, double %target, double %recovered
  store double %lower, ptr %at
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %count
  br i1 %more, label %step, label %end

end:
  ret void
}
"""
_CODE = MachineCode(_RELEASE, {"release": (POINTER, NUMBER, REAL)})
LOOK_AHEAD_STEPS = 5
RELEASE_STEPS = 120


def limiter_gains(maxima: Grid, gain: float, ceiling: float) -> Grid:
    """Return the gain at every grid point (one more than steps) that keeps ``gain`` x signal under the ceiling.

    Interpolated linearly between the points it is never above what a peak allows: each point is bounded by the steps on both
    sides.
    It falls over 5 ms ahead of a peak and recovers with a time constant of 120 ms.
    """
    need = np.minimum(1.0, ceiling / np.maximum(maxima * gain, 1e-9))
    need = np.concatenate([[1.0], need, [1.0]])
    at_points = np.minimum(need[:-1], need[1:])
    # A peak's first overshoot may be seen one step late, so each point answers for its neighbours too.
    ahead = np.concatenate([[1.0], at_points, np.ones(LOOK_AHEAD_STEPS + 1)])
    released = ahead[: len(at_points)].copy()
    for later in range(1, LOOK_AHEAD_STEPS + 2):
        np.minimum(released, ahead[later : later + len(at_points)], out=released)
    if released.min(initial=1.0) < 1.0:
        _CODE.function("release")(released.ctypes.data, len(released), 1.0 / RELEASE_STEPS)
    # Averaging over the look-ahead turns the steps down into ramps that arrive in time.
    padded = np.concatenate([np.full(LOOK_AHEAD_STEPS - 1, released[0]), released])
    total = padded[: len(released)].copy()
    for later in range(1, LOOK_AHEAD_STEPS):
        total += padded[later : later + len(released)]
    return total / LOOK_AHEAD_STEPS


def gain_curve(gains: Grid, first_step: int, steps: int) -> NDArray[np.float32]:
    """Return the per-sample gain of ``steps`` steps from a grid of gains."""
    points = np.append(gains, gains[-1])[first_step : first_step + steps + 1]
    share = np.arange(STEP) / STEP
    return (points[:-1, None] * (1.0 - share) + points[1:, None] * share).reshape(-1).astype(np.float32)


def mastering_gain(energies: Grid, maxima: Grid, target_lufs: float, ceiling: float, *, start: float | None = None) -> float:
    """Return the gain with which the limited signal has the target loudness, worked out on the grid alone from a first guess."""
    loudness = integrated_lufs(energies)
    if loudness <= SILENCE_LUFS:
        return 1.0
    gain = start or float(10.0 ** ((target_lufs - loudness) / 20.0))
    for _ in range(12):
        gains = limiter_gains(maxima, gain, ceiling)
        steps = (gains[:-1] + gains[1:]) / 2.0 * gain
        miss = target_lufs - integrated_lufs(energies * steps[: len(energies)] ** 2)
        gain *= float(10.0 ** (miss / 20.0))
        if abs(miss) < 0.02:
            break
    return gain
