from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.render.audio import Reader, duck_envelope, mix_chunks, sound_make
from videoflow.render.loudness import Meter
from videoflow.render.tests.material import music, voice, wav


def job(tmp_path: Path, **changes):
    speech = [
        {"path": str(voice(tmp_path / "a.wav", 2.0, pitch_hz=190, peak=0.1)), "start": 0.5, "seconds": 2.0, "speaker": "A"},
        {
            "path": str(voice(tmp_path / "b.wav", 2.0, pitch_hz=100, peak=0.95, seed=2)),
            "start": 3.5,
            "seconds": 2.0,
            "speaker": "B",
        },
    ]
    bed = {"path": str(music(tmp_path / "bed.wav", 3.0)), "level_db": -20.0}
    return {
        "samples": 8 * 48_000,
        "out": str(tmp_path / "sound.m4a"),
        "aside": str(tmp_path / "x.part"),
        "speech": speech,
        "music": bed,
        **changes,
    }


def loudness(signal: np.ndarray) -> float:
    meter = Meter(2)
    meter.feed(signal.astype(np.float32))
    return meter.loudness_lufs


class TestSound:
    def test_ok(self, tmp_path):
        sound = sound_make(job(tmp_path), lambda _: None)
        assert sound.loudness_lufs == pytest.approx(-14.0, abs=0.3)
        assert sound.true_peak_db < -1.0
        with av.open(sound.path) as container:
            stream = container.streams.audio[0]
            assert (stream.codec_context.name, stream.codec_context.sample_rate) == ("aac", 48_000)
            assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(8.0, abs=0.03)
        assert sorted(path.suffix for path in tmp_path.iterdir() if path.suffix != ".wav") == [".json", ".m4a"]

    def test_speakers_are_equally_loud(self, tmp_path):
        mix = np.concatenate(list(mix_chunks(job(tmp_path, music=None), 8 * 48_000)), axis=1)
        first, second = mix[:, 24_000:120_000], mix[:, 168_000:264_000]
        assert loudness(first) == pytest.approx(loudness(second), abs=1.0)

    def test_music_lies_under_the_speech_and_rises_after_it(self, tmp_path):
        parts = job(tmp_path)
        with_music = np.concatenate(list(mix_chunks(parts, 10 * 48_000)), axis=1)
        without = np.concatenate(list(mix_chunks({**parts, "music": None}, 10 * 48_000)), axis=1)
        bed = with_music - without
        under, after = loudness(bed[:, 48_000:240_000]), loudness(bed[:, 336_000:384_000])
        assert loudness(without[:, 24_000:120_000]) - under == pytest.approx(28.0, abs=1.5)
        assert after - under == pytest.approx(8.0, abs=1.0)

    def test_clips_begin_and_end_without_a_click(self, tmp_path):
        constant = wav(tmp_path / "dc.wav", 0.5 * np.cos(2 * np.pi * 300 * np.arange(24_000) / 24_000))
        parts = job(tmp_path, speech=[{"path": str(constant), "start": 1.0, "seconds": 1.0, "speaker": "A"}], music=None)
        mix = np.concatenate(list(mix_chunks(parts, 3 * 48_000)), axis=1)
        inside = np.abs(np.diff(mix[0, 60_000:80_000])).max()
        assert np.abs(np.diff(mix[0, 47_000:48_200])).max() < inside * 1.1
        assert np.abs(np.diff(mix[0, 95_000:97_000])).max() < inside * 1.1

    def test_silence_stays_silence(self, tmp_path):
        sound = sound_make(job(tmp_path, speech=[], music=None, samples=48_000), lambda _: None)
        assert sound.loudness_lufs == -70.0

    def test_chunks_do_not_change_the_mix(self, tmp_path, monkeypatch):
        parts = job(tmp_path)
        whole = np.concatenate(list(mix_chunks(parts, 8 * 48_000)), axis=1)
        monkeypatch.setattr("videoflow.render.audio._CHUNK", 33_333)
        pieces = np.concatenate(list(mix_chunks(parts, 8 * 48_000)), axis=1)
        assert np.abs(whole[:, : 2 * 48_000] - pieces[:, : 2 * 48_000]).max() < 1e-4


def test_the_music_does_not_pump_between_turns():
    envelope = duck_envelope([(2.0, 4.0), (4.9, 7.0), (12.0, 13.0)], 20.0)
    assert envelope[100] == pytest.approx(1.0)
    assert np.ptp(envelope[200:700]) < 1e-9
    assert envelope[950] == pytest.approx(1.0)
    assert envelope[1200] == pytest.approx(10 ** (-8 / 20))
    assert np.abs(np.diff(envelope)).max() < 0.05


def test_any_rate_is_read_at_48_khz(tmp_path):
    reader = Reader(wav(tmp_path / "r.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050), 22_050), 1)
    signal = reader.read(100_000)
    reader.close()
    assert signal.shape[1] == pytest.approx(48_000, abs=64)
    peak = np.abs(np.fft.rfft(signal[0, :48_000])).argmax() * 48_000 / min(48_000, signal.shape[1])
    assert peak == pytest.approx(440, abs=1.5)
