import wave

import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_music import EmbeddedMusic, music_moods
from videoflow.providers.embedded_music.joining import best_join, describe
from videoflow.providers.embedded_music.music import crossfaded, joined
from videoflow.providers.embedded_music.tracks import MOODS, SAMPLE_RATE_HZ, load
from videoflow.providers.loudness import loudness_lufs


def samples_of(path):
    with wave.open(str(path)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (2, 2, 48_000)
        return np.frombuffer(audio.readframes(audio.getnframes()), "<i2").reshape(-1, 2).astype(np.float32) / 32768


@pytest.fixture(scope="module")
def bed(tmp_path_factory):
    return EmbeddedMusic().bed(mood="calm", seconds=95.37, seed=4, out=tmp_path_factory.mktemp("music") / "bed.wav")


class TestBed:
    def test_ok(self, bed):
        samples = samples_of(bed.path)
        assert len(samples) == round(95.37 * SAMPLE_RATE_HZ)
        assert loudness_lufs(samples, SAMPLE_RATE_HZ) == pytest.approx(-20, abs=1.0)
        assert np.abs(samples).max() < 0.9
        assert (bed.mood, bed.licence, bed.provider) == ("calm", "MIT", "embedded")
        assert not list(bed.path.parent.glob("*.part"))

    def test_fades_at_both_ends(self, bed):
        samples = samples_of(bed.path)
        assert np.abs(samples[:100]).max() < 1e-3
        assert np.abs(samples[-100:]).max() < 1e-3
        end = np.sqrt((samples[-SAMPLE_RATE_HZ // 2 :] ** 2).mean())
        assert end < 0.2 * np.sqrt((samples[-4 * SAMPLE_RATE_HZ : -3 * SAMPLE_RATE_HZ] ** 2).mean())

    def test_never_falls_silent_or_jumps(self, bed):
        samples = samples_of(bed.path)[SAMPLE_RATE_HZ : -3 * SAMPLE_RATE_HZ]
        blocks = samples[: len(samples) // 4800 * 4800].reshape(-1, 9600)
        levels = 10 * np.log10((blocks**2).mean(axis=1) + 1e-12)
        assert levels.min() > np.median(levels) - 20
        assert np.abs(np.diff(samples, axis=0)).max() < 0.3

    def test_equal_seeds_are_equal_files(self, tmp_path):
        music = EmbeddedMusic()
        first, again = (music.bed(mood="tech", seconds=5, seed=7, out=tmp_path / name) for name in ("a.wav", "b.wav"))
        assert first.path.read_bytes() == again.path.read_bytes()

    def test_refuses_unknown_moods_and_impossible_lengths(self, tmp_path):
        with pytest.raises(BadInput, match="Choose one of: calm"):
            EmbeddedMusic().bed(mood="polka", seconds=10, seed=1, out=tmp_path / "x.wav")
        with pytest.raises(BadInput, match="half a second"):
            EmbeddedMusic().bed(mood="calm", seconds=0, seed=1, out=tmp_path / "x.wav")


def test_the_level_is_kept_at_every_seam():
    pieces = joined(MOODS["calm"][0], np.random.default_rng(1))
    heard = [next(pieces) for _ in range(8)]
    for before, seam, after in zip(heard[0::2], heard[1::2], heard[2::2], strict=False):
        around = np.concatenate([before[-2 * SAMPLE_RATE_HZ :], after[: 2 * SAMPLE_RATE_HZ]])
        assert abs(10 * np.log10((seam**2).mean() / (around**2).mean())) < 4


def test_every_mood_has_its_pieces():
    assert {"calm", "upbeat", "serious", "playful", "tech"} <= set(music_moods())
    for families in MOODS.values():
        assert all(len(load(name)) > 20 * SAMPLE_RATE_HZ for name in families[0].names[:1])


def test_best_join_finds_where_the_music_repeats():
    noise = np.random.default_rng(1).standard_normal((20 * SAMPLE_RATE_HZ, 2)).astype(np.float32) * 0.01
    for beat in range(40):  # a different pitch on each half second, the whole again after ten seconds
        start = beat * SAMPLE_RATE_HZ // 2
        time = np.arange(SAMPLE_RATE_HZ // 4) / SAMPLE_RATE_HZ
        noise[start : start + len(time)] += np.sin(2 * np.pi * 220 * 2 ** ((beat % 20 * 7 % 12) / 12) * time)[:, None].astype(
            np.float32
        )
    described = describe(noise)
    join = best_join(described, described, apart_seconds=8)
    assert (join.leave - join.enter) / SAMPLE_RATE_HZ == pytest.approx(10.0, abs=0.05)
    assert join.likeness > 0.7


@pytest.mark.parametrize("alike", [True, False])
def test_a_crossfade_keeps_the_level(alike):
    source = np.random.default_rng(2)
    leaving = source.standard_normal((SAMPLE_RATE_HZ, 2)).astype(np.float32) * 0.1
    entering = leaving if alike else source.standard_normal((SAMPLE_RATE_HZ, 2)).astype(np.float32) * 0.1
    middle = crossfaded(leaving, entering)[20_000:28_000]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.1, rel=0.05)
