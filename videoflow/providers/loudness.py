"""How loud audio is heard (ITU-R BS.1770), and how to change it without clipping."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_BLOCK_SECONDS = 0.4
_STEP_SECONDS = 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_RUMBLE_HZ = 45.0


def loudness_lufs(samples: Samples, rate_hz: int) -> float:
    """Gated loudness of ``[frames]`` or ``[frames, channels]``; minus infinity for silence.

    Source: https://www.itu.int/rec/R-REC-BS.1770 (K weighting applied to the spectrum, blocks of 400 ms).
    """
    channels = samples.reshape(len(samples), -1)
    block, step = int(_BLOCK_SECONDS * rate_hz), int(_STEP_SECONDS * rate_hz)
    if len(channels) < block:
        channels = np.concatenate([channels, np.zeros((block - len(channels), channels.shape[1]), np.float32)])
    power = np.zeros(len(channels))
    for channel in channels.T:
        spectrum = np.fft.rfft(channel)
        weighted = np.fft.irfft(spectrum * _k_weight(np.fft.rfftfreq(len(channel), 1 / rate_hz)), len(channel))
        power += weighted**2
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(channels) - block + 1, step)
    blocks = (total[starts + block] - total[starts]) / block
    with np.errstate(divide="ignore"):
        levels = -0.691 + 10 * np.log10(blocks)
    heard = blocks[levels > _ABSOLUTE_GATE_LUFS]
    if not len(heard):
        return float("-inf")
    gate = -0.691 + 10 * np.log10(heard.mean()) + _RELATIVE_GATE_LU
    return float(-0.691 + 10 * np.log10(blocks[(levels > _ABSOLUTE_GATE_LUFS) & (levels > gate)].mean()))


def without_rumble(samples: Samples, rate_hz: int) -> Samples:
    """Remove any constant offset and what lies below 45 Hz, which no small speaker plays and every limiter hears."""
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    keep = 1 / np.sqrt(1 + (_RUMBLE_HZ / np.maximum(frequencies, 1e-3)) ** 8)
    return np.fft.irfft(np.fft.rfft(samples) * keep, len(samples)).astype(np.float32)


def limited(samples: Samples, rate_hz: int, *, ceiling: float) -> Samples:
    """Turn down the few milliseconds around each peak above ``ceiling`` (0 to 1), for all channels alike."""
    peaks = np.abs(samples).reshape(len(samples), -1).max(axis=1)
    if peaks.max(initial=0.0) <= ceiling:
        return samples
    reach = int(0.004 * rate_hz)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    padded = np.pad(needed, 2 * reach, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * reach + 3)[1:-1]
    gain = np.convolve(lowest, window / window.sum(), mode="valid")
    return (samples * gain.reshape(-1, *[1] * (samples.ndim - 1))).astype(np.float32)


def _k_weight(frequencies: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Magnitude of the K weighting: the head's shelf of 4 dB above 1.7 kHz, and a high pass at 38 Hz."""
    s = 1j * np.maximum(frequencies, 1e-6)
    shelf_hz, shelf_q, shelf_gain = 1681.974, 0.7071752, 10 ** (3.999844 / 20)
    band = shelf_gain**0.4996667741545416
    high = (shelf_gain * s**2 + band * shelf_hz / shelf_q * s + shelf_hz**2) / (s**2 + shelf_hz / shelf_q * s + shelf_hz**2)
    pass_hz, pass_q = 38.13547, 0.5003270
    low = s**2 / (s**2 + pass_hz / pass_q * s + pass_hz**2)
    return np.asarray(np.abs(high * low))
