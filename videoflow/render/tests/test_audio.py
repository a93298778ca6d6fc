from contextlib import closing
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render.artefacts import part_about
from videoflow.render.audio import SoundMaker, sound_job, sound_make
from videoflow.render.loudness import Meter, integrated_lufs
from videoflow.render.mastering import levels_decide, master_gains
from videoflow.render.music_bed import EndlessMusic, crossfade, duck_envelope, seam_find
from videoflow.render.sound_mix import Mix
from videoflow.render.sound_reader import Reader
from videoflow.render.sound_shelf import SoundShelf
from videoflow.render.sound_stems import Scratch
from videoflow.render.tests.material import clip, music, timeline, voice, wav


def job(tmp_path: Path, **changes):
    speech = [
        {
            "path": str(voice(tmp_path / "a.wav", 2.0, pitch_hz=190, peak=0.1)),
            "start": 0.5,
            "seconds": 2.0,
            "speaker": "A",
            "sha256": "a",
        },
        {
            "path": str(voice(tmp_path / "b.wav", 2.0, pitch_hz=100, peak=0.95, seed=2)),
            "start": 3.5,
            "seconds": 2.0,
            "speaker": "B",
            "sha256": "b",
        },
    ]
    bed = {"path": str(music(tmp_path / "bed.wav", 3.0)), "level_db": -20.0, "sha256": "m"}
    return {
        "samples": 8 * 48_000,
        "loudness_lufs": -14.0,
        "out": str(tmp_path / "sound.m4a"),
        "aside": str(tmp_path / "x.part"),
        "speech": speech,
        "clips": [],
        "music": bed,
        **changes,
    }


def spoken_second(path: Path) -> dict[str, object]:
    return {"path": str(path), "start": 1.0, "seconds": 1.0, "speaker": "A", "sha256": "x"}


def mixed(tmp_path: Path, parts, seconds: float) -> np.ndarray:
    parts, shelf = {**parts, "samples": round(seconds * 48_000)}, SoundShelf(tmp_path, "test")
    with (tmp_path / "scratch").open("w+b") as scratch, (tmp_path / "mix").open("w+b") as file:
        laid = Scratch(scratch)
        mix = Mix(parts, SoundMaker(parts, shelf, laid).stems(), shelf, laid, file)
        with closing(mix):
            return mix.read(0, mix.total)


def loudness(signal: np.ndarray) -> float:
    meter = Meter(2)
    meter.feed(signal.astype(np.float32))
    return meter.loudness_lufs


class TestSound:
    def test_ok(self, tmp_path):
        sound = sound_make(job(tmp_path), lambda _: None)
        assert sound.heard.loudness_lufs == pytest.approx(-14.0, abs=0.3)
        assert sound.heard.true_peak_db <= -1.0
        assert part_about(sound.path)["speakers"].keys() == {"A", "B"}
        with av.open(sound.path) as container:
            stream = container.streams.audio[0]
            assert (stream.codec_context.name, stream.codec_context.sample_rate) == ("aac", 48_000)
            assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(8.0, abs=0.03)
        assert sorted(path.suffix for path in tmp_path.iterdir() if path.suffix not in (".wav", ".sound")) == [".json", ".m4a"]

    def test_speakers_are_equally_loud(self, tmp_path):
        mix = mixed(tmp_path, job(tmp_path, music=None), 8)
        first, second = mix[:, 24_000:120_000], mix[:, 168_000:264_000]
        assert loudness(first) == pytest.approx(loudness(second), abs=1.0)

    def test_music_lies_under_the_speech_and_rises_after_it(self, tmp_path):
        parts = job(tmp_path)
        with_music = mixed(tmp_path, parts, 10)
        without = mixed(tmp_path, {**parts, "music": None}, 10)
        bed = with_music - without
        under, after = loudness(bed[:, 48_000:240_000]), loudness(bed[:, 336_000:384_000])
        assert loudness(without[:, 24_000:120_000]) - under == pytest.approx(28.0, abs=1.5)
        assert after - under == pytest.approx(8.0, abs=1.0)

    def test_clips_begin_and_end_without_a_click(self, tmp_path):
        constant = wav(tmp_path / "dc.wav", 0.5 * np.cos(2 * np.pi * 300 * np.arange(24_000) / 24_000))
        parts = job(tmp_path, speech=[spoken_second(constant)], music=None)
        mix = mixed(tmp_path, parts, 3)
        inside = np.abs(np.diff(mix[0, 60_000:80_000])).max()
        assert np.abs(np.diff(mix[0, 47_000:48_200])).max() < inside * 1.1
        assert np.abs(np.diff(mix[0, 95_000:97_000])).max() < inside * 1.1

    def test_silence_stays_silence(self, tmp_path):
        sound = sound_make(job(tmp_path, speech=[], music=None, samples=48_000), lambda _: None)
        assert sound.heard.loudness_lufs == -70.0
        assert sound.heard.silences == ((0.0, 1.0),)


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


class TestClipSound:
    def test_comes_with_its_picture_and_begins_again_with_it(self, tmp_path):
        line = timeline(tmp_path)
        path = clip(tmp_path / "loud.mp4", "testsrc2=s=320x180:r=30:d=1,format=yuv420p[out0];sine=f=400:d=1[out1]", "-shortest")
        scenes = (*line.scenes[:2], replace(line.scenes[2], media=path, seconds=3.0, clip_level_db=-6.0))
        hashes = dict.fromkeys([path, *(clip.path for clip in line.speech), line.music.path], "x")
        described = sound_job(replace(line, scenes=scenes, seconds=6.0), hashes, 6 * 48_000)
        (own,) = described["clips"]
        assert (own["start"], own["seconds"], own["again"]) == (3.0, 3.0, True)
        mix = mixed(tmp_path, {**described, "speech": [], "music": None}, 6.0)
        assert np.abs(mix[:, : 3 * 48_000]).max() == 0.0
        assert loudness(mix[:, int(3.1 * 48_000) :]) == pytest.approx(-20 + 3 - 6, abs=1.0)
        assert np.abs(mix[:, int(5.2 * 48_000) : int(5.6 * 48_000)]).max() > 0.01

    def test_a_slowed_clip_is_heard_as_long_at_its_own_pitch(self, tmp_path):
        line = timeline(tmp_path)
        path = clip(tmp_path / "loud.mp4", "testsrc2=s=320x180:r=30:d=2,format=yuv420p[out0];sine=f=400:d=2[out1]", "-shortest")
        slow = replace(line.scenes[2], media=path, seconds=3.0, clip_level_db=-6.0, clip_end="slow")
        hashes = dict.fromkeys([path, *(clip.path for clip in line.speech), line.music.path], "x")
        described = sound_job(replace(line, scenes=(*line.scenes[:2], slow), seconds=6.0), hashes, 6 * 48_000)
        mix = mixed(tmp_path, {**described, "speech": [], "music": None}, 6.0)[0, 3 * 48_000 :]
        heard = np.flatnonzero(np.abs(mix) > 0.01)
        assert heard[0] < 4_800
        assert heard[-1] > 2.85 * 48_000
        spectrum = np.abs(np.fft.rfft(mix[24_000:120_000]))
        assert spectrum.argmax() / 2 == pytest.approx(400, abs=3)

    def test_mute_unless_asked_for(self, tmp_path):
        line = timeline(tmp_path)
        hashes = dict.fromkeys([*(clip.path for clip in line.speech), line.music.path], "x")
        assert sound_job(line, hashes, 48_000)["clips"] == []


class TestLoop:
    def beats(self, path: Path, seconds: float, *, fade: float = 0.0) -> Path:
        """A chord with a beat twice a second, that ends off the beat and may fade out."""
        times = np.arange(int(seconds * 48_000)) / 48_000
        chord = sum(np.sin(2 * np.pi * pitch * times) for pitch in (196.0, 247.0, 294.0)) * 0.08
        envelope = 0.4 + 0.6 * np.exp(-8 * (times % 0.5))
        ending = np.clip((seconds - times) / fade, 0.0, 1.0) if fade else 1.0
        return wav(path, np.stack([chord * envelope * ending] * 2), 48_000)

    @pytest.mark.parametrize("fade", [0.0, 1.5])
    def test_turns_back_without_a_click_in_level_and_on_the_beat(self, tmp_path, fade):
        track = EndlessMusic(self.beats(tmp_path / "beat.wav", 7.3, fade=fade), Reader)
        heard = np.concatenate([track.read(48_000 * 5) for _ in range(4)], axis=1)[0]
        track.close()
        assert heard.shape == (20 * 48_000,)
        assert np.abs(np.diff(heard)).max() < 1.15 * np.abs(np.diff(heard[: 5 * 48_000])).max()
        levels = 10 * np.log10((heard.reshape(-1, 24_000) ** 2).mean(axis=1))
        assert np.ptp(levels) < 1.5
        steps = (heard.reshape(-1, 480) ** 2).mean(axis=1)
        onsets = np.flatnonzero((steps[1:] > 2.0 * steps[:-1]) & (steps[1:] > 0.5 * steps.max()))
        gaps = np.diff(onsets) / 100
        assert np.abs(gaps - np.round(gaps * 2) / 2).max() <= 0.03

    def test_a_track_that_fades_all_the_way_still_goes_on(self, tmp_path):
        track = EndlessMusic(self.beats(tmp_path / "fading.wav", 3.0, fade=3.0), Reader)
        assert track.read(48_000 * 30).shape[1] == 48_000 * 30
        track.close()

    def test_a_blip_is_no_music(self, tmp_path):
        track = EndlessMusic(self.beats(tmp_path / "blip.wav", 0.2), Reader)
        with pytest.raises(BadInput, match=r"blip\.wav lasts less than half a second"):
            track.read(48_000)
        track.close()

    def test_equal_waves_are_found_and_do_not_swell(self):
        wave = np.tile(np.sin(2 * np.pi * 110 * np.arange(12 * 48_000) / 48_000), (2, 1)).astype(np.float32)
        seam = seam_find(wave, wave)
        assert seam.likeness > 0.99
        blended = crossfade(wave[:, seam.leave - seam.samples : seam.leave], wave[:, seam.enter : seam.enter + seam.samples], 1.0)
        assert np.abs(blended).max() < 1.03


def test_a_peaky_voice_is_as_loud_as_a_flat_one_after_the_limiter():
    rng = np.random.default_rng(3)
    flat, peaky = rng.normal(size=(2, 2, 4 * 48_000)) * 0.05
    peaky[:, ::4800] += 0.5
    meter = Meter(2)
    meter.feed(np.concatenate([flat, peaky], axis=1).astype(np.float32))
    spans = {"A": [(0.0, 4.0)], "B": [(4.0, 8.0)]}

    def apart(own):
        levels = levels_decide(meter.energies, meter.maxima, own, -14.0, -1.94, {})
        gains = master_gains(meter.maxima, own, levels)
        mastered = meter.energies * ((gains[:-1] + gains[1:]) / 2) ** 2
        return abs(integrated_lufs(mastered[:4000]) - integrated_lufs(mastered[4000:])), gains

    assert apart({})[0] > 1.5
    difference, gains = apart(spans)
    assert difference < 0.3
    assert (gains[:-1] * meter.maxima).max() <= 0.8 * 1.001
    assert np.abs(np.diff(gains)).max() < 0.3


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (11_025, 2), (44_100, 6), (96_000, 2)])
def test_speech_of_any_rate_and_channels_is_placed_right(tmp_path, rate, channels):
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)
    path = wav(tmp_path / "odd.wav", np.stack([tone] * channels), rate)
    parts = job(tmp_path, speech=[spoken_second(path)], music=None)
    mix = mixed(tmp_path, parts, 3.0)
    sounding = np.flatnonzero(np.abs(mix[0]) > 0.01) / 48_000
    assert sounding[0] == pytest.approx(1.0, abs=0.03)
    assert sounding[-1] == pytest.approx(2.0, abs=0.03)
    assert loudness(mix[:, 52_800:91_200]) == pytest.approx(-17.0, abs=0.5)
