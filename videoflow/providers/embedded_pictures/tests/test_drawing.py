"""Real drawing at small sizes: every layout in every format, clips that decode, reuse, cancelling, the thumbnail."""

import json
from dataclasses import asdict, replace

import av
import cv2
import numpy as np
import pytest

from videoflow.errors import BadInput, Cancelled
from videoflow.fonts import Face
from videoflow.providers.base import Shot
from videoflow.providers.embedded_pictures import EmbeddedPictures
from videoflow.providers.embedded_pictures.animator import Animator, still
from videoflow.providers.embedded_pictures.colour import contrast
from videoflow.providers.embedded_pictures.drawing import TAIL_SECONDS, board_laid, picture_size
from videoflow.providers.embedded_pictures.icons import icon_sprite, icons_for
from videoflow.providers.embedded_pictures.layouts import LAYOUTS
from videoflow.providers.embedded_pictures.lettering import line_of, pieces_of
from videoflow.providers.embedded_pictures.look import PALETTES, SHAPES, look_derive, scheme_for

LONG = (
    "THE ULTIMATE GUIDE TO ABSOLUTELY EVERYTHING THAT HAPPENED THIS WEEK 🎉 | Part 12 of 48 – Uncut, Unrated, Unbelievable (4K)"
)
SCRIPTS = (
    "مرحبا بالعالم كله اليوم",
    "新しい動画が世界中で話題になっています",
    "नमस्ते दुनिया आज का वीडियो",
    "Что смотрели люди на этой неделе",
    "오늘의 인기 동영상",
)
ROWS = [{"label": LONG, "value": 91_400_000.0, "unit": "views", "date": "2020-08-12"}] + [
    {"label": text, "value": 1000.0 * 7**number, "unit": "views", "date": f"2020-08-{13 + number}"}
    for number, text in enumerate(SCRIPTS)
]
SPEC = {
    "heading": LONG,
    "text": LONG,
    "phrase": LONG,
    "word": "Supercalifragilistic",
    "caption": LONG,
    "attribution": "A channel with quite a long name and 中文",
    "items": [LONG, *SCRIPTS],
    "data": ROWS,
    "videos": [{"title": LONG, "channel": "Someone", "value": 5e6}, {"title": SCRIPTS[1], "channel": "誰か", "value": None}],
    "hosts": [
        {"speaker": "A", "name": "Maya", "role": "Asks"},
        {"speaker": "B", "name": "Maximiliana-Theodora", "role": "Counts everything twice"},
    ],
    "countries": ["JP"],
    "words": [["THE", 0.1, 0.3], ["ULTIMATE", 0.4, 0.9]],
    "section": LONG,
    "speaker": "B",
    "number": 12,
    "count": 14,
    "title": LONG,
    "seed": 9,
}
LOOK = look_derive(topic="music", keywords=("rap",), seed=1)


def shot_of(layout: str, kind: str, seconds: float = 0.6) -> Shot:
    return Shot(0, (0,), 0.0, seconds, kind, layout, {**SPEC, "section": "Music", "ground": "main"}, "still", "cut")


def drawn(shots: list[Shot], out, **how):
    return EmbeddedPictures().draw(
        shots,
        out,
        look=LOOK,
        width_px=320,
        height_px=180,
        fps=10,
        report=lambda share, text: None,
        cancelled=how.pop("cancelled", lambda: False),
        **how,
    )


class TestLook:
    def test_ok(self):
        assert look_derive(topic="music", keywords=("rap",), seed=1) == LOOK
        assert json.loads(json.dumps(LOOK)) == LOOK
        assert set(LOOK["speaker_colours"]) == {"A", "B"}

    def test_topics_and_seeds_give_different_looks(self):
        looks = [look_derive(topic=topic, keywords=(), seed=seed) for topic in ("music", "space research") for seed in range(12)]
        assert len({look["palette"] for look in looks}) >= 5
        assert len({look["shapes"] for look in looks}) >= 5
        assert len({look["display"] for look in looks}) >= 3

    @pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
    @pytest.mark.parametrize("ground", ["main", "alternate", "a", "b", "spark"])
    def test_every_ground_can_be_read(self, palette, ground):
        look = {
            **LOOK,
            "ground": palette.ground,
            "alternate": palette.alternate,
            "a": palette.a,
            "b": palette.b,
            "spark": palette.spark,
        }
        scheme = scheme_for(look, ground)
        assert contrast(scheme.ink, scheme.ground) >= 4.5
        assert contrast(scheme.muted, scheme.ground) >= 4.5
        assert contrast(scheme.surface_ink, scheme.surface) >= 4.5
        assert min(contrast(scheme.text_a, scheme.ground), contrast(scheme.text_b, scheme.ground)) >= 3.0


class TestLayouts:
    @pytest.mark.parametrize("layout", sorted(LAYOUTS))
    @pytest.mark.parametrize("size", [(640, 360), (360, 640), (480, 480)], ids=["wide", "tall", "square"])
    def test_words_stay_inside_the_frame(self, layout, size):
        """No piece of text is cut by an edge, and none stands under the captions of a wide frame."""
        board = board_laid(layout, SPEC, LOOK, width_px=size[0], height_px=size[1], seconds=4.0, moving=True)
        pixels = still(board.base, board.layers, 60.0)
        assert float(np.abs(pixels.astype(int) - board.base.astype(int)).mean()) > 1.0
        cut_on_purpose = {"chapter", "question", "versus", "title", "outro"}
        for layer in board.layers:
            inked = np.argwhere(layer.sprite.keep[:, :, 0] < 128)
            fills_the_frame = layer.sprite.width >= size[0] and layer.sprite.height >= size[1]
            if layout in cut_on_purpose or layer.sway is not None or fills_the_frame or not len(inked):
                continue
            top, left = inked.min(axis=0)
            bottom, right = inked.max(axis=0)
            assert layer.x + left >= -1
            assert layer.x + right <= size[0] + 1
            assert layer.y + top >= -1
            if size[0] > size[1]:
                assert layer.y + bottom <= size[1] * 0.80

    @pytest.mark.parametrize("layout", sorted(LAYOUTS))
    def test_words_of_emoji_alone_stop_no_picture(self, layout):
        words = dict.fromkeys(("heading", "text", "phrase", "word", "caption", "attribution", "section", "title"), "🎉")
        rows = [{**row, "label": "🎉"} for row in ROWS[:2]]
        spec = {**SPEC, **words, "items": ["🎉", "🎊"], "data": rows, "videos": [{"title": "🎉", "channel": "🎉", "value": None}]}
        for given in (spec, spec if layout in {"bubbles", "line"} else {**spec, "data": []}):
            board = board_laid(layout, given, LOOK, width_px=320, height_px=180, seconds=1.0, moving=True)
            assert still(board.base, board.layers, 60.0).any()

    @pytest.mark.parametrize("shapes", SHAPES)
    def test_every_vocabulary_paints(self, shapes):
        boards = [
            board_laid(
                "spotlight",
                {**SPEC, "seed": seed},
                {**LOOK, "shapes": shapes},
                width_px=320,
                height_px=180,
                seconds=3,
                moving=True,
            )
            for seed in (1, 2, 1)
        ]
        assert np.array_equal(boards[0].base, boards[2].base)
        assert not np.array_equal(boards[0].base, boards[1].base)

    def test_seeds_vary_the_picture(self):
        pictures = [
            still(board.base, board.layers, 60.0)
            for board in (
                board_laid("poster", {**SPEC, "seed": seed}, LOOK, width_px=320, height_px=180, seconds=3, moving=True)
                for seed in (1, 2)
            )
        ]
        assert not np.array_equal(*pictures)


class TestAnimator:
    def test_ok(self):
        """What is put together piece by piece equals the picture drawn at once."""
        board = board_laid("hosts", SPEC, LOOK, width_px=320, height_px=180, seconds=3, moving=True)
        animator = Animator(board.base, board.layers)
        for step in range(40):
            animator.advance(step / 10)
        whole = still(board.base, board.layers, 3.9)
        assert int(np.abs(animator.canvas.astype(int) - whole.astype(int)).max()) <= 3


class TestLettering:
    def test_edges_of_light_text_are_soft(self):
        """Where a letter covers half of a pixel, it gives half of its light."""
        sprite = line_of("Weekend", Face("inter", 700), 60, "#ffffff").sprite
        cover = 255 - sprite.keep[:, :, 0].astype(int)
        edges = (cover > 20) & (cover < 235)
        assert edges.sum() > 100
        assert int(np.abs(sprite.light[:, :, 0].astype(int) - cover)[edges].max()) <= 2

    def test_a_number_stays_with_its_scale(self):
        assert pieces_of("About 1.1 million views") == ["About ", "1.1 million ", "views"]


class TestIcons:
    def test_ok(self):
        assert icons_for("The NBA playoffs in a bubble", 1) in {("basketball",), ("trophy",)}
        assert len(set(icons_for("xyzzy", 4))) == 4

    def test_is_drawn_in_its_colours(self):
        sprite = icon_sprite("basketball", 64, "#ff0000")
        assert sprite.light[:, :, 0].max() > 200
        assert sprite.light[:, :, 1].max() == 0


class TestDraw:
    def test_ok(self, tmp_path):
        shots = [shot_of("bars", "clip"), shot_of("quote", "image")]
        arrived: list[int] = []
        clip, image = drawn(shots, tmp_path, on_picture=lambda index, picture: arrived.append(index))
        assert sorted(arrived) == [0, 1]
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            assert (stream.width, stream.height, stream.pix_fmt, stream.codec_context.colorspace) == (320, 180, "yuv420p", 1)
        assert len(frames) == round((0.6 + TAIL_SECONDS) * 10)
        assert not np.array_equal(frames[0], frames[-1])
        pixels = cv2.imread(str(image.path))
        assert (pixels.shape[1], pixels.shape[0]) == (image.width_px, image.height_px) == picture_size(320, 180)
        assert not list(tmp_path.glob("*.part*"))

    def test_colours_survive_the_encoder(self, tmp_path):
        [clip] = drawn([shot_of("versus", "clip")], tmp_path)
        with av.open(str(clip.path)) as container:
            last = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)][-1]
        board = board_laid(
            "versus", {**SPEC, "section": "Music", "ground": "main"}, LOOK, width_px=320, height_px=180, seconds=0.6, moving=True
        )
        wanted = still(board.base, board.layers, 1.2)[170, 10].astype(float)
        luma = 16 + 0.18259 * wanted[0] + 0.61423 * wanted[1] + 0.06201 * wanted[2]
        assert float(last[170, 10]) == pytest.approx(luma, abs=4)

    def test_draws_nothing_twice(self, tmp_path):
        shots = [shot_of("bars", "clip"), shot_of("quote", "image")]
        first = {picture.path: picture.path.stat().st_mtime_ns for picture in drawn(shots, tmp_path)}
        assert {picture.path: picture.path.stat().st_mtime_ns for picture in drawn(shots, tmp_path)} == first

    def test_a_cut_off_file_is_drawn_again(self, tmp_path):
        shots = [shot_of("quote", "image")]
        [picture] = drawn(shots, tmp_path)
        picture.path.write_bytes(picture.path.read_bytes()[:500])
        drawn(shots, tmp_path)
        assert cv2.imread(str(picture.path)) is not None

    def test_place_and_transition_do_not_change_the_file(self, tmp_path):
        shot = shot_of("quote", "image")
        moved = replace(shot, index=7, start=20.0, transition="wipe", motion="push_in")
        assert drawn([shot], tmp_path)[0].path == drawn([moved], tmp_path)[0].path

    def test_cancel_leaves_nothing_half_written(self, tmp_path):
        with pytest.raises(Cancelled):
            drawn([replace(shot_of("bars", "clip"), seconds=300.0)], tmp_path, cancelled=lambda: any(tmp_path.rglob("*.part.*")))
        assert not list(tmp_path.glob("*.mp4"))

    def test_refuses_odd_sizes(self, tmp_path):
        with pytest.raises(BadInput, match="321"):
            EmbeddedPictures().draw(
                [], tmp_path, look=LOOK, width_px=321, height_px=180, fps=10, report=lambda a, b: None, cancelled=lambda: False
            )

    def test_shots_are_json(self):
        assert json.loads(json.dumps(asdict(shot_of("bars", "clip"))))["layout"] == "bars"


class TestThumbnail:
    @pytest.mark.parametrize("title", ["What everybody watched", LONG, SCRIPTS[0], SCRIPTS[1]])
    def test_ok(self, tmp_path, title):
        path = EmbeddedPictures().thumbnail(title=title, look=LOOK, keywords=("music",), seed=1, out=tmp_path / "thumbnail.jpg")
        pixels = cv2.imread(str(path))
        assert pixels.shape == (720, 1280, 3)
        assert path.stat().st_size < 2_000_000
        assert float(cv2.resize(pixels, (168, 94)).std()) > 30
