import numpy as np
import pytest

from videoflow.providers.loudness import limited, loudness_lufs, without_rumble


def sine(hertz, rate_hz, seconds=2.0, peak=1.0):
    return (peak * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [24_000, 48_000])
def test_a_full_scale_tone_has_the_loudness_of_the_standard(rate_hz):
    assert loudness_lufs(sine(997, rate_hz), rate_hz) == pytest.approx(-3.01, abs=0.05)


def test_silence_does_not_count():
    tone = sine(997, 24_000, peak=0.1)
    padded = np.concatenate([tone, np.zeros(10 * 24_000, np.float32)])
    assert loudness_lufs(padded, 24_000) == pytest.approx(loudness_lufs(tone, 24_000), abs=0.6)
    assert loudness_lufs(np.zeros(24_000, np.float32), 24_000) == float("-inf")


def test_limited_keeps_the_ceiling_and_leaves_the_rest():
    samples = sine(300, 24_000, peak=0.3)
    samples[24_000] = 1.4
    calm = limited(samples, 24_000, ceiling=0.8)
    assert np.abs(calm).max() <= 0.8 + 1e-6
    assert np.array_equal(calm[:20_000], samples[:20_000])


def test_without_rumble_takes_offset_and_20_hz_and_keeps_the_voice():
    voice = sine(120, 24_000, peak=0.3)
    cleaned = without_rumble(voice + 0.2 + sine(20, 24_000, peak=0.3), 24_000)
    assert abs(cleaned.mean()) < 1e-4
    assert np.sqrt(np.mean((cleaned - voice)[2000:-2000] ** 2)) < 0.02
