from dataclasses import replace
from itertools import pairwise

import pytest

from videoflow.errors import BadInput
from videoflow.render import (
    CaptionStyle,
    Format,
    SpeakerStyle,
    Timeline,
    caption_warnings,
    captions_srt,
    captions_vtt,
    timeline_subtitles,
)
from videoflow.render.caption_drawing import (
    CaptionLook,
    caption_band,
    caption_draw,
    caption_layout,
    contrast,
    legible,
    overlay_make,
    rgb_of,
)
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

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("https://www.example.org/", "example.org"),
            ("(http://en.wikipedia.org/wiki/X).", "(en.wikipedia.org/wiki/X)."),
            ("WWW.example.co.uk,", "example.co.uk,"),
            ("https://", "https://"),
            ("wwwhat", "wwwhat"),
        ],
    )
    def test_an_address_is_shown_as_people_write_it(self, written, shown):
        captions = broken(spoken(f"See {written} now", 0.0, 4.0))
        assert " ".join(text for caption in captions for text in caption.texts) == f"See {shown} now"

    @pytest.mark.parametrize("form", [FULL, TALL])
    def test_a_long_address_is_cut_after_its_marks(self, form):
        address = "https://en.wikipedia.org/wiki/List_of_longest_suspension-bridge_spans_by_country_and_year"
        lines = [text for caption in broken(spoken(address, 0.0, 8.0), form=form) for text in caption.texts]
        assert len(lines) > 1
        assert "".join(lines) == address.removeprefix("https://")
        assert all(line[-1] in "/_-." for line in lines[:-1])

    def test_a_word_wider_than_a_line_is_cut_between_syllables(self):
        captions = broken(spoken("pneumonoultramicroscopicsilicovolcanoconiosis", 0.0, 4.0))
        assert [text for caption in captions for text in caption.texts] == ["pneumonoultramicroscopicsilico", "volcanoconiosis"]

    def test_joined_emoji_stay_whole(self):
        family, scotland = (
            "\U0001f468\u200d\U0001f469\u200d\U0001f466",
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        )
        captions = broken(spoken(f"{family * 40} {scotland} {scotland * 30}", 0.0, 6.0))
        pieces = [word.text for caption in captions for word in caption.words]
        assert "".join(pieces) == family * 40 + scotland * 31
        assert {piece.replace(family, "").replace(scotland, "") for piece in pieces} == {""}

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


class TestPhrases:
    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("We asked Dr. Smith about it and she said the numbers are right.", "Dr. Smith"),
            ("That is more than 4.2 million views in only five days of the week.", "4.2 million"),
            ("It was filmed in New York by somebody who lives there all year.", "New York"),
            ("They paid about $5 million for the rights to it in 2019 alone.", "$5 million"),
            ("And every figure that you will see, and that you'll hear, comes straight out of it.", "you'll hear"),
            ("Das war mehr als die anderen Themen, und zwar um 40 Prozent im Jahr.", "40 Prozent"),
        ],
    )
    @pytest.mark.parametrize("style", ["word", "sentence"])
    def test_names_and_numbers_stay_together(self, text, kept, style):
        lines = [part for caption in broken(spoken(text, 0.0, 6.0), style=CaptionStyle(style)) for part in caption.texts]
        assert any(kept in part for part in lines), lines

    @pytest.mark.parametrize("form", [FULL, TALL, SQUARE])
    def test_no_line_ends_with_an_article_or_a_preposition(self, form):
        text = "The creators of the clips in the list spend most of their time on the first seconds of a video, not on the end."
        lines = [part for caption in broken(spoken(text, 0.0, 9.0), form=form) for part in caption.texts]
        assert not [part for part in lines if part.split()[-1].lower() in ("the", "of", "a", "on", "in", "their")], lines

    def test_a_caption_lingers_in_a_pause_until_it_can_be_read(self):
        (caption,) = broken(spoken("Extraordinarily straightforward recommendations", 0.0, 1.0))
        assert caption.letters_per_second == pytest.approx(17.0, abs=1.0) or caption.end == pytest.approx(2.6)
        assert caption.end > 1.5

    def test_lines_never_begin_with_what_kinsoku_forbids(self):
        text = "料理動画は5日間で420万回再生され、「次の二つのテーマ」を合わせたよりも多くなりました。ちょっと驚きです！"
        for form in (FULL, TALL):
            for caption in broken(spoken(text, 0.0, 9.0), form=form):
                assert all(part[0] not in "、。」！ょっ" and part[-1] != "「" for part in caption.texts), caption.texts


class TestStyle:
    LINES = ((("Hello", False), ("there", False)), (("second", False), ("line", False)))

    def plate(self, form=FULL, **changes):
        return caption_layout(self.LINES, form, CaptionStyle(**changes)).plate

    def test_positions(self):
        top, middle, bottom = (self.plate(position=place) for place in ("top", "middle", "bottom"))
        assert top[3] < 300
        assert (middle[1] + middle[3]) / 2 == pytest.approx(540, abs=3)
        assert bottom[1] > 800
        assert self.plate(offset_share=-0.2)[1] == pytest.approx(bottom[1] - 216, abs=1)

    @pytest.mark.parametrize("form", [FULL, TALL, SQUARE])
    @pytest.mark.parametrize("position", ["top", "middle", "bottom"])
    def test_never_leaves_the_safe_area(self, form, position):
        for offset in (-0.5, 0.0, 0.5):
            style = CaptionStyle(position=position, offset_share=offset, bottom_share=0.02)
            assert not caption_layout(self.LINES, form, style).overflows(form)

    def test_the_band_holds_what_is_drawn(self):
        for style in (WORD, CaptionStyle("sentence", position="top"), CaptionStyle("classic", position="middle")):
            image, _, top = caption_draw(CaptionLook(self.LINES, "Maya", "#ffb020"), 1, FULL, style)
            drawn = image.getchannel("A").point(lambda value: 255 if value > 40 else 0).getbbox()
            first, last = caption_band(FULL, style)
            assert first <= top + drawn[1]
            assert top + drawn[3] <= last

    def test_box_outline_and_colours_are_drawn(self):
        look = CaptionLook(self.LINES, "Maya", "#ffb020")
        bare = caption_draw(look, None, FULL, CaptionStyle("sentence", box_opacity=0.0))[0]
        solid = caption_draw(look, None, FULL, CaptionStyle("sentence", box_opacity=1.0, box_colour="#336699"))[0]
        assert (51, 102, 153, 255) in {colour for _, colour in solid.getcolors(1 << 24)}
        assert (51, 102, 153, 255) not in {colour for _, colour in bare.getcolors(1 << 24)}
        thin, thick = (
            caption_draw(look, None, FULL, CaptionStyle("classic", outline_share=share))[0].getchannel("A").histogram()[255]
            for share in (0.02, 0.12)
        )
        assert thick > 1.5 * thin
        plain = caption_draw(look, 1, FULL, CaptionStyle(speaker_colours=False, speaker_names=False))[0]
        assert (255, 176, 32, 255) not in {colour for _, colour in plain.getcolors(1 << 24)}

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"size_share": 0.5}, r"caption size is 50\.0 %; 2\.5 to 10 % are possible"),
            ({"box_opacity": float("nan")}, "opacity"),
            ({"text_colour": "white"}, "#ffffff"),
            ({"position": "left"}, "at the top, in the middle or at the bottom"),
            ({"name": "karaoke"}, "no caption style “karaoke”"),
        ],
    )
    def test_what_cannot_be_drawn_is_refused(self, changes, said):
        with pytest.raises(BadInput, match=said):
            broken(spoken("Hello", 0.0, 1.0), style=CaptionStyle(**changes))


class TestWarnings:
    def kinds(self, text="Hello there", colours=("#ffb020",), **changes):
        return [warning.kind for warning in caption_warnings(CaptionStyle(**changes), text, speaker_colours=colours)]

    @pytest.mark.parametrize("name", ["word", "sentence", "classic", "none"])
    def test_ok(self, name):
        assert self.kinds(name=name) == []

    def test_contrast(self):
        assert self.kinds(text_colour="#555555") == ["contrast"]
        assert self.kinds(box_opacity=0.4, outline_share=0.0) == ["contrast"]
        assert self.kinds(box_colour="#ffffff", box_opacity=1.0) == ["contrast"]
        assert self.kinds(box_colour="#ffffff", box_opacity=1.0, text_colour="#101010") == []

    def test_bare_letters_small_letters_dark_marks_and_missing_characters(self):
        assert self.kinds(box_opacity=0.0, outline_share=0.0) == ["outline"]
        assert self.kinds(size_share=0.026) == ["size"]
        assert self.kinds(colours=("#ffb020", "#200040")) == ["speaker_colour"]
        assert self.kinds(text="A \U00012345 sign") == ["missing_glyph"]
        assert self.kinds(text="A \U0001f44d\U0001f3fd sign") == ["skin_tone"]
        assert self.kinds(text="A \U0001f44d sign") == []

    def test_captions_that_do_not_fit(self):
        tiny = Format(320, 180)
        warnings = caption_warnings(CaptionStyle(size_share=0.10), "W" * 400, Format(180, 320, 30))
        assert all(warning.kind != "overflow" for warning in warnings)
        assert caption_warnings(WORD, "Hello", tiny) == []


class TestFiles:
    def test_cues_are_the_same_for_every_format(self):
        line = Timeline(TALL, 8.0, (), (), (spoken(TURN, 0.0, 6.0),), (), CaptionStyle("none"))
        cues = timeline_subtitles(line)
        assert [cue.texts for cue in cues] == [cue.texts for cue in timeline_subtitles(replace(line, format=FULL))]
        assert all(len(cue.lines) <= 2 and max(map(len, cue.texts)) <= 44 for cue in cues)
        assert all(cue.letters_per_second <= 21 for cue in cues)

    def test_vtt_voices_have_colours(self):
        captions = broken(spoken("Hi", 0.0, 0.5))
        text = captions_vtt(captions, {"A": 'May"a'}, [SpeakerStyle("A", 'May"a', "#000080")])
        (style,) = [block for block in text.split("\n\n") if block.startswith("STYLE")]
        assert style.startswith('STYLE\n::cue(v[voice="May\\"a"]) { color: #')
        assert "#000080" not in style

    def test_srt(self):
        captions = broken(spoken("Hello & <welcome> back", 3661.5, 1.5), seconds=4000.0)
        assert captions_srt(captions) == "1\n01:01:01,500 --> 01:01:03,500\nHello & <welcome> back\n"

    def test_vtt(self):
        captions = broken(spoken("Hello & <welcome> back", 0.0, 1.5), spoken("Hi", 2.5, 0.5, "B"))
        lines = captions_vtt(captions, {"A": "Maya", "B": "Ben"}).split("\n")
        assert lines[:4] == ["WEBVTT", "", "00:00:00.000 --> 00:00:02.000", "<v Maya>Hello &amp; &lt;welcome&gt; back"]
        assert lines[6] == "<v Ben>Hi"
