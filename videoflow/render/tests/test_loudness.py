import numpy as np
import pytest

from videoflow.render.loudness import STEP, Meter, gain_curve, limiter_gains, mastering_gain


def sine(frequency_hz: float, amplitude: float, seconds: float, channels: int = 2, phase: float = 0.0) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * 48_000)) / 48_000 + phase)
    return np.tile(wave.astype(np.float32), (channels, 1))


def metered(signal: np.ndarray, chunk: int = 7_001) -> Meter:
    meter = Meter(signal.shape[0])
    for first in range(0, signal.shape[1], chunk):
        meter.feed(signal[:, first : first + chunk])
    return meter


class TestMeter:
    def test_ok(self):
        """Source: EBU Tech 3341, test signal 1: a stereo sine of 1 kHz at −23 dBFS reads −23 LUFS."""
        assert metered(sine(1000, 10 ** (-23 / 20), 5)).loudness_lufs == pytest.approx(-23.0, abs=0.1)

    def test_one_channel_is_three_decibels_softer(self):
        assert metered(sine(1000, 0.1, 3, channels=1)).loudness_lufs == pytest.approx(-23.0, abs=0.1)

    def test_gates_out_silence(self):
        """Source: EBU Tech 3341, test signal 3 in short: soft stretches before and after do not count."""
        quiet, loud = sine(1000, 10 ** (-36 / 20), 2), sine(1000, 10 ** (-23 / 20), 12)
        assert metered(np.concatenate([quiet, loud, quiet], axis=1)).loudness_lufs == pytest.approx(-23.0, abs=0.15)

    def test_sees_peaks_between_samples(self):
        """A quarter-rate sine sampled off its peaks reads 3 dB low in samples."""
        signal = sine(12_000, 0.5, 0.5, phase=np.pi / 4)
        assert np.abs(signal).max() == pytest.approx(0.3536, abs=0.001)
        assert metered(signal).maxima[50:-50].max() == pytest.approx(0.5, abs=0.01)

    def test_silence(self):
        meter = metered(np.zeros((2, 48_000), np.float32))
        assert (meter.loudness_lufs, meter.true_peak_db) == (-70.0, -120.0)


class TestLimiter:
    def test_holds_the_ceiling_and_reaches_the_loudness(self):
        rng = np.random.default_rng(1)
        signal = (rng.normal(size=(2, 8 * 48_000)) * 0.05).astype(np.float32)
        signal[:, ::9_000] += 0.7
        meter = metered(signal)
        ceiling = 10 ** (-1.6 / 20)
        gain = mastering_gain(meter.energies, meter.maxima, -14.0, ceiling)
        gains = limiter_gains(meter.maxima, gain, ceiling) * gain
        curve = gain_curve(gains, 0, len(meter.maxima))
        mastered = metered(signal[:, : len(curve)] * curve)
        assert mastered.loudness_lufs == pytest.approx(-14.0, abs=0.15)
        assert mastered.true_peak_db < -1.5

    def test_every_step_recovers_from_the_one_before(self):
        need = np.minimum(1.0, 0.8 / np.random.default_rng(4).uniform(0.1, 3.0, 400))
        edged = np.concatenate([[1.0], need, [1.0]])
        points = np.concatenate([[1.0], np.minimum(edged[:-1], edged[1:]), np.ones(6)])
        released, level = [], 1.0
        for at in range(401):
            level = min(points[at : at + 7].min(), level + (1.0 - level) / 120)
            released.append(level)
        meant = [np.mean([released[max(0, at - back)] for back in range(5)]) for at in range(401)]
        assert limiter_gains(0.8 / need, 1.0, 0.8) == pytest.approx(np.array(meant), abs=1e-12)

    def test_leaves_soft_sound_alone(self):
        assert limiter_gains(np.full(500, 0.3), 1.0, 0.8).min() == 1.0

    def test_falls_before_a_peak_and_recovers_slowly(self):
        maxima = np.full(1000, 0.1)
        maxima[300] = 1.6
        gains = limiter_gains(maxima, 1.0, 0.8)
        assert gains[300] <= 0.5 + 1e-9
        assert 0.5 < gains[297] < 1.0
        assert gains[294] == 1.0
        assert 0.6 < gains[420] < 0.95
        assert np.abs(np.diff(gains)).max() < 0.15
        assert len(gain_curve(gains, 0, 1000)) == 1000 * STEP
