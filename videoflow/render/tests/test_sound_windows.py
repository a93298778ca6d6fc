import wave
from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render.artefacts import part_about
from videoflow.render.audio import sound_make
from videoflow.render.mastering import Levels
from videoflow.render.sound_coding import Packets, run_code, sound_write
from videoflow.render.sound_mix import WINDOW
from videoflow.render.tests.material import ebur128, music, voice, wav

SECONDS = 24.0
RATE = 48_000


def line(folder: Path, name: str, number: int) -> dict[str, object]:
    path = voice(folder / f"{name}.wav", 2.5, pitch_hz=190 if number % 2 else 110, seed=number)
    return {"path": str(path), "sha256": name, "start": 3.0 * number + 0.2, "seconds": 2.5, "speaker": "AB"[number % 2]}


def job(folder: Path, name: str = "sound", **changes) -> dict[str, object]:
    """Eight lines in 24 s over music, in five windows of 4.8 s."""
    folder.mkdir(exist_ok=True)
    return {
        "samples": int(SECONDS * RATE),
        "loudness_lufs": -14.0,
        "out": str(folder / f"{name}.m4a"),
        "aside": str(folder / f"{name}.me.part"),
        "speech": [line(folder, f"line-{number}", number) for number in range(8)],
        "clips": [],
        "music": {"path": str(music(folder / "bed.wav", 20.0)), "sha256": "bed", "level_db": -20.0},
        **changes,
    }


def edited(folder: Path, **changes) -> dict[str, object]:
    """The same with the fourth line spoken differently, and about as loud."""
    parts = job(folder, "edited", **changes)
    with wave.open(str(folder / "line-3.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    again = wav(folder / "again.wav", samples[::-1])
    parts["speech"][3] |= {"path": str(again), "sha256": "again"}
    return parts


def decoded(path: Path) -> np.ndarray:
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sound, and the same after an edit in the same folder."""
    folder = tmp_path_factory.mktemp("sounds")
    first = sound_make(job(folder), lambda _: None)
    shelf = set(folder.glob("*.sound"))
    again = sound_make(edited(folder), lambda _: None)
    return folder, first, again, set(folder.glob("*.sound")) - shelf


class TestEdit:
    def test_only_the_windows_with_the_line_are_coded_anew(self, made):
        _, first, again, written = made
        before, after = packets(first.path), packets(again.path)
        assert len(before) == len(after)
        other = [number for number, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
        windows = {max(0, number - 1) * 1024 // WINDOW for number in other}
        assert windows == {1, 2}, "the line lasts from 9.2 s to 11.7 s, and 14.4 s begins a window that hears none of it"
        assert len(written) <= 6, "measures and packets of two windows, the line's measure, the levels"

    def test_another_meter_hears_the_same(self, made):
        for sound in made[1:3]:
            loudness, peak, spread = ebur128(sound.path)
            assert loudness == pytest.approx(-14.0, abs=0.5)
            assert peak <= -1.0
            assert sound.heard.loudness_lufs == pytest.approx(loudness, abs=0.1)
            assert sound.heard.true_peak_db == pytest.approx(peak, abs=0.3)
            assert sound.heard.range_lu == pytest.approx(spread, abs=0.5)

    def test_sounds_like_one_that_was_coded_whole(self, made, tmp_path):
        _, _, again, _ = made
        whole = sound_make(edited(tmp_path / "whole"), lambda _: None)
        one, two = decoded(again.path), decoded(whole.path)
        assert one.shape == two.shape
        apart = np.sqrt(((one - two) ** 2).mean(axis=0).reshape(-1, 480).mean(axis=1))
        loud = np.sqrt((two**2).mean())
        assert np.sqrt((apart**2).mean()) < 0.03 * loud
        assert again.heard.loudness_lufs == pytest.approx(whole.heard.loudness_lufs, abs=0.12)

    def test_the_same_again_writes_nothing(self, made):
        folder, _, again, _ = made
        shelf = {path: path.read_bytes() for path in folder.glob("*.sound")}
        sound = sound_make(edited(folder, out=str(folder / "third.m4a")), lambda _: None)
        assert packets(sound.path) == packets(again.path)
        assert part_about(sound.path) == part_about(again.path)
        assert {path: path.read_bytes() for path in folder.glob("*.sound")} == shelf

    def test_a_damaged_window_is_made_anew(self, made):
        folder, _, again, written = made
        damaged = max(written, key=lambda path: path.stat().st_size)
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
        sound = sound_make(edited(folder, out=str(folder / "fourth.m4a")), lambda _: None)
        assert len(packets(sound.path)) == len(packets(again.path))
        assert damaged.stat().st_size == pytest.approx(len(content), rel=0.1)

    def test_another_length_shares_no_end(self, made, tmp_path):
        folder, first, _, _ = made
        short = sound_make(job(folder, "short", samples=int(20.5 * RATE)), lambda _: None)
        assert 0 <= decoded(short.path).shape[1] - int(20.5 * RATE) < 1024
        assert packets(short.path)[:600] == packets(first.path)[:600]


class TestJoins:
    def signal(self, samples: int) -> np.ndarray:
        """Chords with a beat on every join, where a coder switches its windows."""
        times = np.arange(samples) / RATE
        chord = sum(np.sin(2 * np.pi * pitch * times) for pitch in (110.0, 277.2, 1760.0)) * 0.08
        since = (times + 0.002) % 0.4
        beat = np.exp(-12 * since) * sum(np.sin(2 * np.pi * 330 * number * since) for number in range(1, 12)) * 0.05
        return np.stack([chord + beat, chord - 0.5 * beat]).astype(np.float32)

    def written(self, path: Path, signal: np.ndarray, runs: list[range]) -> np.ndarray:
        total = signal.shape[1]
        coded = [one for run in runs for one in run_code(lambda first, last: signal[:, first:last], run, total)]
        kept = [Packets.of(one.arrays(7), 7) for one in coded]
        sound_write(path, kept)
        return decoded(path)

    def test_no_seam_is_louder_than_the_coder_itself(self, tmp_path):
        signal = self.signal(5 * WINDOW - 30_001)
        whole = self.written(tmp_path / "whole.m4a", signal, [range(5)])
        joined = self.written(tmp_path / "joined.m4a", signal, [range(2), range(2, 3), range(3, 4), range(4, 5)])
        assert whole.shape == joined.shape
        assert 0 <= whole.shape[1] - signal.shape[1] < 1024
        whole, joined = whole[:, : signal.shape[1]], joined[:, : signal.shape[1]]
        for join in (2 * WINDOW, 3 * WINDOW, 4 * WINDOW):
            near = slice(join - 3_000, join + 3_000)
            own, theirs = (np.sqrt(((coded - signal)[:, near] ** 2).mean()) for coded in (joined, whole))
            assert own < 1.02 * theirs
            assert np.abs((joined - signal)[:, near]).max() < 1.05 * np.abs((whole - signal)[:, near]).max()


class TestLevels:
    LEVELS = Levels(-14.0, -1.9, {"A": 3.0}, {"A": 0.2, "B": -0.2}, 8.0)

    @pytest.mark.parametrize(
        ("gain_db", "trim_db", "holds"), [(8.05, 0.3, True), (8.2, 0.2, False), (8.0, 0.6, False), (7.95, 0.0, True)]
    )
    def test_hold_while_nobody_hears_the_difference(self, gain_db, trim_db, holds):
        other = Levels(-14.0, -1.9, {"A": 3.0}, {"A": trim_db, "B": -0.2}, gain_db)
        assert self.LEVELS.holds_for(other) is holds

    def test_a_much_louder_edit_is_brought_to_the_same_loudness(self, tmp_path):
        sound_make(job(tmp_path, music=None), lambda _: None)
        parts = job(tmp_path, "loud", music=None)
        for number in (1, 3, 5):
            parts["speech"][number] = {
                **line(tmp_path, f"loud-{number}", number),
                "path": str(voice(tmp_path / f"loud-{number}.wav", 2.5, pitch_hz=400, peak=0.05, seed=9)),
            }
        sound = sound_make(parts, lambda _: None)
        assert ebur128(sound.path)[0] == pytest.approx(-14.0, abs=0.5)
        assert abs(sound.heard.speakers["A"] - sound.heard.speakers["B"]) < 1.0


def test_music_that_is_no_music_leaves_nothing_behind(tmp_path):
    parts = job(tmp_path)
    parts["music"] = {"path": str(music(tmp_path / "blip.wav", 0.2)), "sha256": "blip", "level_db": -20.0}
    with pytest.raises(BadInput, match=r"blip\.wav lasts less than half a second"):
        sound_make(parts, lambda _: None)
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*.m4a"))


def test_an_excerpt_does_not_decide_levels_for_the_whole(tmp_path):
    parts = job(tmp_path, music=None, samples=3 * RATE)
    parts["speech"] = parts["speech"][:1]
    sound_make({**parts, "excerpt": True}, lambda _: None)
    before = set(tmp_path.glob("*.sound"))
    sound_make(parts, lambda _: None)
    assert len(set(tmp_path.glob("*.sound")) - before) == 1, "the levels, which the excerpt left out"
