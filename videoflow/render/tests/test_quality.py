from dataclasses import asdict, replace
from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.errors import Cancelled
from videoflow.render import Composition, Scene, Timeline, compose, timeline_captions
from videoflow.render.listening import Heard, heard_of
from videoflow.render.picture_watch import PictureWatch
from videoflow.render.quality import QualityReport, Seen, caption_findings, end_is_whole, frame_mark, quality_check
from videoflow.render.sound_mix import window_measure
from videoflow.render.tests.material import SMALL, SPEAKERS, clip, ebur128, picture, spoken, timeline, wav

HEARD = Heard(-14.0, -1.5, 3.0, (), {"A": -14.0, "B": -14.2})


def watched(frames: list[np.ndarray], first: int = 0, band: tuple[int, int] = (0, 0)) -> Seen:
    watch = PictureWatch(320, 180, band)
    for frame in frames:
        watch.look(frame)
    return Seen(first, len(frames), watch.about())


def flat(luma: int, count: int = 1) -> list[np.ndarray]:
    return [np.full((180, 320), luma, np.uint8) for _ in range(count)]


def moving(count: int, start: int = 0) -> list[np.ndarray]:
    ramp = np.tile(np.linspace(40, 220, 320).astype(np.uint8), (180, 1))
    return [np.roll(ramp, 3 * (start + number), axis=1) for number in range(count)]


def line_of(path: Path, seconds: float, motion: str = "still") -> Timeline:
    return Timeline(SMALL, seconds, (Scene("a", path, "image", 0.0, seconds, motion),), (), (), ())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small real video and its timeline."""
    folder = tmp_path_factory.mktemp("made")
    line = timeline(folder)
    return compose(line, folder / "v.mp4", folder / "work", report=lambda *_: None, cancelled=lambda: False), line


def judged(made: Composition, line: Timeline, seen: list[Seen] | None = None, heard: Heard = HEARD) -> QualityReport:
    return quality_check(made.path, line, timeline_captions(line), seen or [], heard, cancelled=lambda: False)


def kinds(report) -> dict[str, str]:
    return {finding.kind: finding.severity for finding in report.findings}


class TestReport:
    def test_ok(self, made):
        report = made[0].report
        assert report.broken == ()
        assert report.verdict == "ok", report.findings
        assert report.figures["speakers_apart_lu"] <= 1.0
        assert report.figures["loudness_lufs"] == pytest.approx(-14.0, abs=0.3)

    def test_black_is_found_over_segments_with_its_times(self, made):
        seen = [watched([*moving(30), *flat(16, 15)]), watched([*flat(18, 15), *moving(60)], 45)]
        report = judged(made[0], made[1], [replace(part, about={**part.about, "mark": made_mark(made, part)}) for part in seen])
        (black,) = [finding for finding in report.findings if finding.kind == "black"]
        assert (black.start, black.end, black.severity) == (1.0, 2.0, "warn")
        assert black.message == "The picture is black for 1.0 s."

    def test_long_black_and_silence_block(self, made):
        line = replace(made[1])
        seen = [watched(flat(16, 160))]
        report = judged(made[0], line, [replace(seen[0], about={**seen[0].about, "mark": made_mark(made, seen[0])})])
        assert (report.verdict, kinds(report)["black"]) == ("block", "block")
        silent = judged(made[0], line, heard=replace(HEARD, silences=((0.0, 5.5),)))
        assert (silent.verdict, kinds(silent)["silence"]) == ("block", "block")
        assert kinds(judged(made[0], line, heard=replace(HEARD, silences=((1.0, 1.7),))))["silence"] == "warn"

    def test_a_picture_that_should_move_is_told_from_a_still(self, made):
        frames = flat(120, 150)
        seen = watched(frames)
        seen = replace(seen, about={**seen.about, "mark": made_mark(made, seen)})
        moving_line = replace(made[1], scenes=(replace(made[1].scenes[0], seconds=6.0),))
        still_line = replace(moving_line, scenes=(replace(moving_line.scenes[0], motion="still"),))
        assert kinds(judged(made[0], moving_line, [seen]))["frozen"] == "warn"
        assert "frozen" not in kinds(judged(made[0], still_line, [seen]))

    def test_another_picture_than_was_painted_breaks_the_file(self, made):
        report = judged(made[0], made[1], [watched(flat(16, 30))])
        assert report.broken == ("The finished file does not show what was painted; compose it again.",)
        assert report.verdict == "block"

    @pytest.mark.parametrize("kind", ["video", "audio"])
    def test_a_damaged_end_breaks_the_file(self, made, tmp_path, kind):
        with av.open(made[0].path) as container:
            places = [(packet.pos, packet.size) for packet in container.demux(container.streams.get({kind: 0})) if packet.size]
        content, damaged = bytearray(made[0].path.read_bytes()), tmp_path / "damaged.mp4"
        for position, size in places[-8:]:
            content[position + 5 : position + size] = b"\xa5" * (size - 5)
        damaged.write_bytes(content)
        assert end_is_whole(made[0].path, made[0].seconds, lambda: False)
        assert not end_is_whole(damaged, made[0].seconds, lambda: False)
        with pytest.raises(Cancelled):
            end_is_whole(damaged, made[0].seconds, lambda: True)

    def test_speakers_apart_loudness_and_peak(self, made):
        report = judged(made[0], made[1], heard=Heard(-16.5, -0.4, 3.0, (), {"A": -14.0, "B": -16.2}))
        assert {"speaker_level", "loudness", "peak"} <= kinds(report).keys()
        message = next(finding.message for finding in report.findings if finding.kind == "speaker_level")
        assert message == "Ben is 2.2 LU softer than Maya."

    def test_sources(self, made, tmp_path):
        small = picture(tmp_path / "small.png", size=(160, 90))
        scenes = (replace(made[1].scenes[0], media=small, is_placeholder=True), *made[1].scenes[1:])
        report = judged(made[0], replace(made[1], scenes=scenes))
        assert (kinds(report)["placeholder"], kinds(report)["low_resolution"]) == ("block", "warn")
        message = next(finding.message for finding in report.findings if finding.kind == "low_resolution")
        assert message == "Picture 1 has 160 × 90 pixels and is enlarged 2.0 times, so it looks soft."

    def test_captions_away_from_their_voice(self, made):
        off = replace(made[1], captions=(spoken("What is everyone watching", 2.4, 1.0), made[1].captions[1]))
        assert kinds(judged(made[0], off))["caption_drift"] == "warn"

    def test_a_file_that_is_too_short_and_without_sound_is_broken(self, tmp_path):
        path = clip(tmp_path / "c.mp4")
        report = quality_check(path, line_of(picture(tmp_path / "p.png"), 3.0), (), [], HEARD, cancelled=lambda: False)
        assert "the picture lasts 1.00 s instead of 3.00 s" in report.broken[0]
        assert "its index does not come first" in report.broken[0]


def made_mark(made: tuple[Composition, Timeline], part: Seen) -> str | None:
    """Return the mark that the finished file really has where a part begins, so that only what is tested is found."""
    with av.open(made[0].path) as container:
        return frame_mark(container, container.streams.video[0], part.first_frame / 30, 30.0)


class TestWatch:
    def test_movement_in_the_captions_rows_does_not_count(self):
        frames = flat(120, 60)
        for number, frame in enumerate(frames):
            frame[140:170, 3 * number : 3 * number + 40] = 250
        assert all(end - start == 1 for start, end in watched(frames).about["still"])
        assert watched(frames, band=(136, 174)).about["still"] == [[0, 60]]

    def test_a_slow_drift_is_movement(self):
        ramp = np.linspace(40, 220, 320)
        frames = [np.tile((ramp + 0.2 * number).astype(np.uint8), (180, 1)) for number in range(150)]
        assert all(end - start < 30 for start, end in watched(frames).about["still"])


class TestListening:
    def test_silences_levels_and_range(self, tmp_path):
        tone = 0.25 * np.sin(2 * np.pi * 500 * np.arange(12 * 48_000) / 48_000)
        tone[2 * 48_000 : 3 * 48_000] = 0.0
        tone[3 * 48_000 :] *= 0.5
        energies, maxima = window_measure(np.stack([tone, tone]).astype(np.float32), 0, is_last=True)
        heard = heard_of(energies, maxima, {"A": [(0.0, 2.0)], "B": [(3.0, 12.0)]}, 12.0)
        ((start, end),) = heard.silences
        assert start == pytest.approx(2.0, abs=0.003)
        assert end == pytest.approx(3.0, abs=0.003)
        assert heard.speakers["A"] - heard.speakers["B"] == pytest.approx(6.0, abs=0.3)
        assert Heard(**asdict(heard)) == heard
        loudness, peak, spread = ebur128(wav(tmp_path / "t.wav", np.stack([tone, tone]), 48_000))
        assert heard.loudness_lufs == pytest.approx(loudness, abs=0.1)
        assert heard.true_peak_db == pytest.approx(peak, abs=0.1)
        assert heard.range_lu == pytest.approx(spread, abs=0.3)


def test_captions_are_judged(tmp_path):
    line = replace(line_of(picture(tmp_path / "p.png"), 4.0), speakers=SPEAKERS)
    fast = replace(line, captions=(spoken("Everything you always wanted to know about it and more", 0.0, 0.9),), seconds=1.0)
    found = {finding.kind for finding in caption_findings(timeline_captions(fast), fast)}
    assert "reading_speed" in found
    strange = replace(line, captions=(spoken("A \U00012345 sign", 0.0, 3.0),))
    assert {finding.kind for finding in caption_findings(timeline_captions(strange), strange)} == {"missing_glyph"}
