import threading
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.render import CaptionStyle, Format, Scene, poster, preview_scene, preview_whole, previews, probe, remake_of
from videoflow.render.previews import preview_format
from videoflow.render.tests.material import picture, timeline

BIG = Format(1280, 720, 30)


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory):
    return timeline(tmp_path_factory.mktemp("in"), BIG)


@pytest.fixture(scope="module")
def whole(line, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("whole")
    told: list[float] = []
    made = preview_whole(line, folder / "w.mp4", folder / "work", report=lambda share, _: told.append(share), cancelled=never)
    return made, folder, told


class TestFormat:
    @pytest.mark.parametrize(
        ("form", "size"),
        [
            (Format(), (640, 360)),
            (Format(1080, 1920, 24), (360, 640)),
            (Format(1080, 1080, 60), (360, 360)),
            (Format(320, 180), (320, 180)),
        ],
    )
    def test_keeps_shape_and_rate(self, form, size):
        small = preview_format(form)
        assert (small.width_px, small.height_px) == size
        assert (small.fps, small.quality, small.codec) == (form.fps, "draft", "h264")


class TestWhole:
    def test_ok(self, whole):
        made, folder, told = whole
        facts = probe(made.path)
        assert (facts.width_px, facts.height_px, facts.frames, facts.audio_codec) == (640, 360, 120, "aac")
        assert (made.seconds, made.made, made.reused) == (4.0, 5, 0)
        assert told == sorted(told)
        assert told[-1] == 1.0
        assert [path.name for path in folder.rglob("*.part")] == []

    def test_a_second_time_makes_nothing_anew(self, whole, line):
        _, folder, _ = whole
        again = preview_whole(line, folder / "again.mp4", folder / "work", report=lambda *_: None, cancelled=never)
        assert (again.made, again.reused) == (0, 5)

    def test_its_sound_is_that_of_the_video_and_its_pictures_are_not(self, whole, line):
        remake = remake_of(line, whole[1] / "work")
        assert not remake.sound_missing
        assert len(remake.missing) == 5

    def test_a_cancel_leaves_nothing(self, line, tmp_path):
        stop = threading.Event()
        with pytest.raises(Cancelled):
            preview_whole(line, tmp_path / "w.mp4", tmp_path / "work", report=lambda *_: stop.set(), cancelled=stop.is_set)
        assert [path.name for path in tmp_path.rglob("*") if path.suffix in (".part", ".mp4") and path.parent == tmp_path] == []
        assert list(tmp_path.rglob("*.part")) == []

    def test_a_limit_ends_it_with_a_sentence(self, line, tmp_path):
        with pytest.raises(VideoflowError, match="took longer than 0 s") as caught:
            preview_whole(line, tmp_path / "w.mp4", tmp_path / "work", report=lambda *_: None, cancelled=never, limit_seconds=0)
        assert caught.value.retryable
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [], "it was worked on after the limit"


class TestScene:
    def test_uses_the_parts_of_the_whole(self, whole, line):
        _, folder, _ = whole
        made = preview_scene(line, 1, folder / "s.mp4", folder / "work", cancelled=never)
        assert (made.made, made.reused) == (0, 3)
        # Scene two stands from 1.5 s to 3.0 s and comes in during the 0.4 s before.
        assert made.seconds == pytest.approx(1.9, abs=0.001)
        assert probe(made.path).seconds == pytest.approx(1.9, abs=0.05)

    def test_shows_what_the_whole_shows(self, whole, line):
        result, folder, _ = whole
        made = preview_scene(line, 1, folder / "s.mp4", folder / "work", cancelled=never)
        with av.open(result.path) as container, av.open(made.path) as other:
            frames = [frame.to_ndarray() for frame in container.decode(video=0)][33:90]
            assert all(np.array_equal(a, b.to_ndarray()) for a, b in zip(frames, other.decode(video=0), strict=True))

    def test_is_heard_where_it_is_seen(self, whole, line):
        """Line B starts at 2.0 s, the scene's first picture at 1.1 s; line A ends at 1.8 s."""
        _, folder, _ = whole
        quiet = replace(line, music=None)
        made = preview_scene(quiet, 1, folder / "q.mp4", folder / "work", cancelled=never)
        with av.open(made.path) as container:
            samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        level = [
            float(np.abs(samples[:, int(a * 48_000) : int(b * 48_000)]).mean()) for a, b in ((0.1, 0.6), (0.75, 0.85), (1.0, 1.8))
        ]
        assert level[0] > 0.01
        assert level[1] < 0.1 * level[0]
        assert level[2] > 0.01

    def test_reads_no_file_that_it_does_not_show(self, line, tmp_path):
        lost = replace(line, scenes=(*line.scenes[:2], replace(line.scenes[2], media=tmp_path / "gone.mp4")))
        assert preview_scene(lost, 0, tmp_path / "s.mp4", tmp_path / "work", cancelled=never).seconds == pytest.approx(1.5)
        with pytest.raises(BadInput, match=r"gone\.mp4 does not exist"):
            preview_scene(lost, 1, tmp_path / "s.mp4", tmp_path / "work", cancelled=never)

    def test_there_is_no_such_scene(self, line, tmp_path):
        with pytest.raises(BadInput, match="There is no scene 4; the video has 3"):
            preview_scene(line, 3, tmp_path / "s.mp4", tmp_path / "work", cancelled=never)


class TestPoster:
    def test_shows_the_middle_of_the_scene_without_captions(self, tmp_path):
        scene = Scene("one", picture(tmp_path / "p.png", 3, (1280, 720)), "image", 0.0, 2.0, "still")
        base = replace(timeline(tmp_path / "in", BIG, CaptionStyle("word")), seconds=2.0, scenes=(scene,), speech=(), music=None)
        made = poster(base, 0, tmp_path / "p.jpg", width_px=320)
        with Image.open(made) as shown, Image.open(tmp_path / "p.png") as original:
            assert (shown.format, shown.size) == ("JPEG", (320, 180))
            miss = np.abs(np.asarray(shown).astype(int) - np.asarray(original.convert("RGB").resize((320, 180))).astype(int))
        assert miss.mean() < 4

    def test_of_a_clip(self, line, tmp_path):
        with Image.open(poster(line, 2, tmp_path / "c.jpg")) as shown:
            assert shown.size == (640, 360)
            assert np.asarray(shown).std() > 20

    def test_needs_only_its_own_file(self, line, tmp_path):
        lost = replace(line, scenes=(line.scenes[0], replace(line.scenes[1], media=tmp_path / "gone.png"), line.scenes[2]))
        poster(lost, 0, tmp_path / "a.jpg")
        with pytest.raises(BadInput, match=r"gone\.png does not exist"):
            poster(lost, 1, tmp_path / "b.jpg")
        assert not (tmp_path / "b.jpg").exists()


def test_the_limit_does_not_hide_a_cancel():
    with pytest.raises(Cancelled), previews._bounded(lambda: True, 0.0):
        raise Cancelled("stop")
