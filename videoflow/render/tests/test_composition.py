import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from videoflow.errors import BadInput, Cancelled, DiskFull, VideoflowError
from videoflow.render import (
    CaptionStyle,
    Composition,
    Format,
    MusicTrack,
    Scene,
    SpeechClip,
    Timeline,
    compose,
    probe,
    quality,
    remake_of,
)
from videoflow.render.quality import index_comes_first
from videoflow.render.tests.material import SMALL, clip, ebur128, ffmpeg, music, picture, spoken, timeline, wav

Compose = Callable[..., Composition]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Timeline, Composition, Path, list[tuple[float, str]]]:
    folder = tmp_path_factory.mktemp("made")
    line, told = timeline(folder / "in"), []
    result = compose(line, folder / "out.mp4", folder / "work", report=lambda *said: told.append(said), cancelled=lambda: False)
    return line, result, folder, told


def quick(line: Timeline, folder: Path, **changes: Any) -> Composition:
    settings: dict[str, Any] = {"report": lambda *_: None, "cancelled": lambda: False, "workers": 1}
    return compose(line, folder / "out.mp4", folder / "work", **{**settings, **changes})


class TestCompose:
    def test_ok(self, made):
        _, result, _, told = made
        facts = probe(result.path)
        assert (result.frames, result.seconds) == (120, 4.0)
        assert (facts.video_codec, facts.pixel_format, facts.colour) == ("h264", "yuv420p", (1, 1, 1, 1))
        assert (facts.audio_codec, facts.sample_rate, facts.channels) == ("aac", 48_000, 2)
        assert index_comes_first(result.path)
        assert result.report.verdict == "ok", result.report.findings
        assert [share for share, _ in told] == sorted(share for share, _ in told)
        assert any("of 120" in message for _, message in told)

    def test_is_at_fourteen_lufs_for_another_meter(self, made):
        loudness, peak, _ = ebur128(made[1].path)
        assert loudness == pytest.approx(-14.0, abs=0.5)
        assert peak < -1.0

    def test_every_frame_stands_a_thirtieth_after_the_one_before(self, made):
        with av.open(made[1].path) as container:
            times = sorted(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.pts is not None)
        assert [round(time * 30) for time in times] == list(range(120))

    def test_keeps_title_and_comment(self, made):
        with av.open(made[1].path) as container:
            assert container.metadata["title"] == "A title"
            assert container.metadata["comment"] == "Made by the parts"

    def test_a_second_time_makes_nothing_anew(self, made):
        line, _, folder, _ = made
        remake = remake_of(line, folder / "work")
        assert (remake.missing, remake.sound_missing) == ((), False)
        again = compose(
            replace(line, title="Other"), folder / "again.mp4", folder / "work", report=lambda *_: None, cancelled=lambda: False
        )
        assert (again.segments_made, again.segments_reused) == (0, 5)

    def test_a_changed_word_remakes_only_its_segments(self, made):
        line, _, folder, _ = made
        changed = replace(line, captions=(line.captions[0], spoken("Cooking, and by a huge margin.", 2.0, 1.7, "B")))
        remake = remake_of(changed, folder / "work")
        assert 0 < len(remake.missing) < 5
        assert min(segment.first_frame for segment in remake.missing) >= 33
        assert not remake.sound_missing

    def test_a_damaged_segment_is_made_again(self, made, tmp_path):
        line, _, folder, _ = made
        shutil.copytree(folder / "work", tmp_path / "work")
        victim = next((tmp_path / "work" / "segments").glob("*.mp4"))
        victim.write_bytes(victim.read_bytes()[:-7])
        assert len(remake_of(line, tmp_path / "work").missing) == 1
        assert not victim.exists()

    @pytest.mark.parametrize("form", [Format(180, 320, 25), Format(240, 240, 60)])
    def test_other_shapes_and_rates(self, tmp_path, form):
        line = timeline(tmp_path / "in", form, CaptionStyle("classic"))
        result = quick(replace(line, seconds=1.5, scenes=line.scenes[:1], speech=(), captions=line.captions[:1]), tmp_path)
        assert (result.width_px, result.height_px, result.fps) == (form.width_px, form.height_px, form.fps)
        assert {finding.kind for finding in result.report.findings if finding.severity != "info"} <= {"low_resolution"}

    def test_scenes_shorter_than_a_transition(self, tmp_path):
        source = picture(tmp_path / "p.png")
        lengths = [1, 2, 3, 5, 9, 12, 1, 7]
        starts = np.cumsum([0, *lengths[:-1]]) / 30
        scenes = [
            Scene(str(i), source, "image", float(start), n / 30, "push_in", transition="wipe", transition_seconds=2.0)
            for i, (start, n) in enumerate(zip(starts, lengths, strict=True))
        ]
        result = quick(Timeline(SMALL, 40 / 30, tuple(scenes), (), (), ()), tmp_path)
        assert (result.frames, probe(result.path).frames) == (40, 40)

    def test_sound_and_picture_are_together(self, tmp_path):
        tone = np.zeros(48_000)
        tone[24_000:26_400] = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(2400) / 24_000)
        flash = clip(tmp_path / "flash.mp4", "color=black:s=320x180:r=30:d=2,drawbox=c=white:t=fill:enable='between(n,30,31)'")
        line = Timeline(
            SMALL,
            2.0,
            (Scene("f", flash, "clip", 0.0, 2.0),),
            (SpeechClip(wav(tmp_path / "t.wav", tone), 0.0, 2.0, "A"),),
            (),
            (),
        )
        result = quick(line, tmp_path)
        with av.open(result.path) as container:
            seen = next(frame.time for frame in container.decode(video=0) if frame.to_ndarray()[:180].mean() > 180)
        with av.open(result.path) as container:
            loud = [
                (frame.time, np.flatnonzero(np.abs(frame.to_ndarray()).max(axis=0) > 0.05)) for frame in container.decode(audio=0)
            ]
        heard = next(time + places[0] / 48_000 for time, places in loud if len(places))
        assert seen == pytest.approx(1.0, abs=0.001)
        assert heard == pytest.approx(1.0, abs=0.002)

    def test_colours_survive(self, tmp_path):
        card = np.zeros((180, 320, 3), np.uint8)
        colours = [(200, 30, 40), (20, 160, 60), (40, 60, 210), (240, 240, 240)]
        for number, colour in enumerate(colours):
            card[:, number * 80 : number * 80 + 80] = colour
        cv2.imwrite(str(tmp_path / "card.png"), card[:, :, ::-1])
        result = quick(Timeline(SMALL, 0.5, (Scene("c", tmp_path / "card.png", "image", 0.0, 0.5),), (), (), ()), tmp_path)
        ffmpeg("-ss", "0.2", "-i", str(result.path), "-frames:v", "1", str(tmp_path / "seen.png"))
        seen = np.asarray(cv2.imread(str(tmp_path / "seen.png")))[:, :, ::-1]
        for number, colour in enumerate(colours):
            assert np.abs(seen[90, number * 80 + 40].astype(int) - colour).max() <= 4


class TestRefusals:
    def test_names_the_file_that_lies(self, tmp_path):
        line = timeline(tmp_path / "in")
        (tmp_path / "in" / "two.png").write_text("I am a text")
        with pytest.raises(BadInput, match=r"two\.png is not a picture"):
            quick(line, tmp_path)
        assert not (tmp_path / "out.mp4").exists()

    def test_a_line_that_is_cut_off(self, tmp_path):
        line = timeline(tmp_path / "in")
        with pytest.raises(BadInput, match=r"a\.wav is cut off: it should last 3\.0 s and has 1\.6 s"):
            quick(replace(line, speech=(replace(line.speech[0], seconds=3.0),)), tmp_path)

    def test_a_gap_between_scenes(self, tmp_path):
        line = timeline(tmp_path / "in")
        with pytest.raises(BadInput, match="Scene two does not follow"):
            quick(replace(line, scenes=(line.scenes[0], replace(line.scenes[1], start=1.8), line.scenes[2])), tmp_path)

    def test_no_room_says_how_much_is_needed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(
            "videoflow.render.composition.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000)
        )
        with pytest.raises(DiskFull, match="MB of disk space") as caught:
            quick(timeline(tmp_path / "in"), tmp_path)
        assert caught.value.details["free_bytes"] == 1000
        assert int(str(caught.value.details["needed_bytes"])) > 100_000

    def test_what_fails_its_check_gets_no_name(self, tmp_path, monkeypatch):
        monkeypatch.setattr(quality, "MARK_TOLERANCE", -1.0)
        line = timeline(tmp_path / "in")
        with pytest.raises(VideoflowError, match="did not pass its check") as caught:
            quick(replace(line, seconds=1.5, scenes=line.scenes[:1], speech=(), captions=()), tmp_path)
        assert caught.value.code == "QUALITY_CHECK_FAILED"
        assert sorted(item.name for item in tmp_path.iterdir()) == ["in", "work"]

    def test_cancel_leaves_no_process_and_no_partial_file(self, tmp_path):
        told: list[str] = []
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        before = children.read_text() if children.exists() else ""
        with pytest.raises(Cancelled):
            quick(
                timeline(tmp_path / "in", Format(1280, 720, 30)),
                tmp_path,
                report=lambda _, message: told.append(message),
                cancelled=lambda: any("Frame" in message for message in told),
                workers=2,
            )
        assert not [path for path in tmp_path.rglob("*") if path.suffix == ".part" or path.name == "out.mp4"]
        assert (children.read_text() if children.exists() else "") == before

    def test_a_cancelled_composition_leaves_another_ones_work_alone(self, tmp_path):
        (tmp_path / "work" / "segments").mkdir(parents=True)
        foreign, stale = tmp_path / "work" / "segments" / "k.other.part", tmp_path / "work" / "segments" / "k.dead.part"
        foreign.write_bytes(b"being written")
        stale.write_bytes(b"left by a killed one")
        os.utime(stale, (1_000_000_000, 1_000_000_000))
        told: list[str] = []
        with pytest.raises(Cancelled):
            quick(
                timeline(tmp_path / "in"),
                tmp_path,
                report=lambda _, message: told.append(message),
                cancelled=lambda: any("Frame" in message for message in told),
            )
        assert (foreign.exists(), stale.exists()) == (True, False)

    def test_cancel_during_the_join(self, made, tmp_path):
        line, _, folder, _ = made
        told: list[str] = []
        with pytest.raises(Cancelled):
            compose(
                line,
                tmp_path / "out.mp4",
                folder / "work",
                report=lambda _, message: told.append(message),
                cancelled=lambda: "Joining picture and sound" in told,
            )
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_while_working(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        (tmp_path / "sitecustomize.py").write_text(
            "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        )
        with pytest.raises(DiskFull, match="The disk became full"):
            quick(timeline(tmp_path / "in", Format(640, 360, 30)), tmp_path)
        assert not list(tmp_path.rglob("*.part"))


class TestPlacedMusic:
    def test_a_short_track_is_looped_without_a_hole(self, tmp_path):
        source = music(tmp_path / "bed.wav", 3.0)
        line = timeline(tmp_path / "in")
        long = Timeline(SMALL, 9.0, (Scene("p", line.scenes[0].media, "image", 0.0, 9.0),), (), (), (), music=MusicTrack(source))
        result = quick(long, tmp_path)
        assert not [finding for finding in result.report.findings if finding.kind == "silence"]
