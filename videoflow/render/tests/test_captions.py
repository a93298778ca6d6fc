from itertools import pairwise

import pytest

from videoflow.render import CaptionStyle, Format, captions_srt, captions_vtt
from videoflow.render.caption_drawing import CaptionLook, caption_draw, caption_layout, contrast, legible, overlay_make, rgb_of
from videoflow.render.captions import captions_break, line_limit_px
from videoflow.render.planes import planes_empty
from videoflow.render.tests.material import spoken

FULL, TALL, SQUARE = Format(), Format(1080, 1920, 30), Format(1080, 1080, 30)
WORD = CaptionStyle()
TURN = "Cooking clips gained 4.2 million views in five days, which is more than the next two themes together."


def broken(*lines, form=FULL, style=WORD, seconds=60.0):
    return captions_break(lines, form, style, seconds)


class TestBreaking:
    def test_ok(self):
        texts = [caption.texts for caption in broken(spoken(TURN, 0.0, 6.0))]
        assert texts == [
            ("Cooking clips gained", "4.2 million views in five days,"),
            ("which is more than the next", "two themes together."),
        ]

    @pytest.mark.parametrize("form", [FULL, TALL, SQUARE])
    @pytest.mark.parametrize("style", ["word", "sentence", "classic"])
    def test_two_lines_at_most_inside_the_safe_area(self, form, style):
        for caption in broken(spoken(TURN * 3, 0.0, 20.0), form=form, style=CaptionStyle(style)):
            assert 1 <= len(caption.lines) <= 2
            words = [[(word.text, word.joined) for word in line] for line in caption.lines]
            assert not caption_layout(words, form, CaptionStyle(style)).overflows(form)

    def test_nothing_is_lost(self):
        words = [word.text for caption in broken(spoken(TURN, 0.0, 6.0)) for word in caption.words]
        assert " ".join(words) == TURN

    def test_begins_with_its_first_word_and_lasts_long_enough(self):
        captions = broken(spoken(TURN, 1.0, 6.0), spoken("Right.", 8.0, 0.3, "B"))
        assert all(caption.start == caption.words[0].start for caption in captions)
        assert all(0.8 <= caption.end - caption.start <= 6.0 for caption in captions)

    def test_never_two_at_a_time_and_never_long_into_the_next_turn(self):
        captions = broken(spoken("I was just about to say that", 0.0, 3.0), spoken("Wait, listen to this", 2.2, 1.5, "B"))
        for one, other in pairwise(captions):
            assert one.end <= other.start
        assert captions[-2].end <= 2.2 + 0.3 + 1e-9

    def test_a_pause_clears_the_screen(self):
        first, second = spoken("Hello there friends", 0.0, 1.2), spoken("Back again", 5.0, 1.0)
        captions = broken(first, second)
        assert captions[0].end == pytest.approx(1.7)

    def test_a_word_wider_than_the_frame_is_cut(self):
        captions = broken(spoken("https://example.org/" + "a" * 150, 0.0, 4.0), form=TALL)
        assert "".join(word.text for caption in captions for word in caption.words).endswith("a" * 150)
        assert all(len(caption.lines) <= 2 for caption in captions)
        assert line_limit_px(TALL, WORD) < 1080 * 0.9

    def test_chinese_breaks_between_characters(self):
        text = "今天我们来看看大家这个星期都在看什么视频结果让我非常惊讶因为做饭的视频比第二名多了一倍以上"
        captions = broken(spoken(text, 0.0, 9.0))
        assert len(captions) >= 2
        assert "".join("".join(caption.texts) for caption in captions) == text
        assert all(len(caption.words) > 2 for caption in captions)

    def test_japanese_keeps_particles_with_their_word(self):
        (caption,) = broken(spoken("今週いちばん見られた動画を一緒に見ていきましょう。", 0.0, 4.0))
        assert caption.texts == ("今週いちばん見られた動画を", "一緒に見ていきましょう。")

    def test_what_cannot_be_shown_is_left_out(self):
        (caption,) = broken(spoken("A\U000e0fff sign\x07 here", 0.0, 3.0))
        assert caption.texts == ("A sign here",)


class TestDrawing:
    def test_ok(self):
        look = CaptionLook(((("Hello", False), ("world", False)),), "Maya", "#ffb020")
        image, left, top = caption_draw(look, 1, FULL, WORD)
        assert image.width % 2 == image.height % 2 == left % 2 == top % 2 == 0
        planes = planes_empty(1920, 1080)
        overlay_make(image, left, top).blend(planes)
        assert planes.y.max() > 200
        assert planes.u.min() < 60  # the pill's orange has little blue
        assert planes.y[:600].max() == 16

    def test_the_mark_moves(self):
        look = CaptionLook(((("Hello", False), ("world", False)),), "Maya", "#ffb020")
        assert caption_draw(look, 0, FULL, WORD)[0].tobytes() != caption_draw(look, 1, FULL, WORD)[0].tobytes()
        plain = CaptionStyle("sentence")
        assert caption_draw(look, 0, FULL, plain)[0].tobytes() == caption_draw(look, 1, FULL, plain)[0].tobytes()

    def test_arabic_stands_from_the_right(self):
        layout = caption_layout(
            [[("مرحبا", False), ("بكم", False), ("New", False), ("York", False), ("اليوم", False)]], FULL, WORD
        )
        lefts = {word.text: word.left for word in layout.lines[0]}
        assert lefts["مرحبا"] > lefts["بكم"] > lefts["York"] > lefts["New"] > lefts["اليوم"]

    def test_half_opaque_is_half_way(self):
        look = CaptionLook(((("Hello", False),),), "", "#ffb020")
        overlay = overlay_make(*caption_draw(look, None, FULL, CaptionStyle("sentence")))
        full, half = planes_empty(1920, 1080), planes_empty(1920, 1080)
        full.y[:] = half.y[:] = 200
        overlay.blend(full)
        overlay.blend(half, 0.5)
        expected = (full.y.astype(float) + 200) / 2
        assert abs(half.y - expected).max() <= 2

    @pytest.mark.parametrize("colour", ["#000000", "#400060", "#0000ff", "#ffb020", "nonsense"])
    def test_every_colour_is_made_legible(self, colour):
        assert contrast(legible(rgb_of(colour)), (12, 14, 20)) >= 6.5


class TestFiles:
    def test_srt(self):
        captions = broken(spoken("Hello & <welcome> back", 3661.5, 1.5), seconds=4000.0)
        assert captions_srt(captions) == "1\n01:01:01,500 --> 01:01:03,500\nHello & <welcome> back\n"

    def test_vtt(self):
        captions = broken(spoken("Hello & <welcome> back", 0.0, 1.5), spoken("Hi", 2.5, 0.5, "B"))
        lines = captions_vtt(captions, {"A": "Maya", "B": "Ben"}).split("\n")
        assert lines[:4] == ["WEBVTT", "", "00:00:00.000 --> 00:00:02.000", "<v Maya>Hello &amp; &lt;welcome&gt; back"]
        assert lines[6] == "<v Ben>Hi"
