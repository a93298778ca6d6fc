import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from videoflow.fonts import (
    FAMILIES,
    Face,
    break_opportunities,
    is_rtl,
    line_metrics,
    missing_glyphs,
    text_draw,
    text_runs,
    text_width,
)
from videoflow.fonts.faces import FILES

ROOT = Path(__file__).resolve().parents[3]
SENTENCES = {
    "Latin": "Zażółć gęślą jaźń — “quoted”, €100 & 50 %",
    "Cyrillic": "Съешь же ещё этих мягких булок",
    "Greek": "Γειά σου Κόσμε",
    "Arabic": "مرحبا بالعالم ١٢٣",
    "Hebrew": "שלום עולם",
    "Hindi": "नमस्ते क्षत्रिय विद्यार्थी",
    "Thai": "สวัสดีชาวโลก ทำน้ำ",
    "Chinese": "你好，世界。",
    "Japanese": "こんにちは、世界。カタカナ",
    "Korean": "안녕하세요 세계",
    "emoji": "🎉 👩‍🚀 🇯🇵 👍🏽 ❤️ 😀",
}


def drawn(text: str, face: Face, **options: object) -> Image.Image:
    image = Image.new("RGB", (1600, 120), "black")
    text_draw(ImageDraw.Draw(image), (10, 80), text, face, 48, "white", **options)
    return image


@pytest.mark.parametrize("script", SENTENCES)
def test_every_script_has_its_glyphs_and_is_drawn(script):
    text = SENTENCES[script]
    assert missing_glyphs(text) == ()
    box = drawn(text, Face()).getbbox()
    assert box is not None
    assert 0.85 < (box[2] - 10) / text_width(text, Face(), 48) < 1.1


UNSHAPED = """
from PIL import _imagingft
_imagingft.HAVE_RAQM = False  # as on a system without FriBidi
import json
from videoflow.fonts import missing_glyphs
from videoflow.fonts.tests.test_fonts import SENTENCES, Face, drawn
for text in SENTENCES.values():
    assert drawn(text, Face()).getbbox()
print(json.dumps([name for name, text in SENTENCES.items() if missing_glyphs(text)]))
"""


def test_without_fribidi_the_scripts_that_need_it_count_as_missing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNSHAPED], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["Arabic", "Hebrew", "Hindi", "Thai"]


def test_a_missing_glyph_is_named():
    assert missing_glyphs("a\U00013000b") == ("\U00013000",)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_there_in_light_and_heavy(family):
    light, heavy = (text_width("Hamburgefonstiv", Face(family, weight), 60) for weight in (400, 900))
    assert heavy > light > 200
    ascent, descent = line_metrics(Face(family), 60)
    assert ascent > descent > 0


def test_arabic_is_joined_and_devanagari_forms_conjuncts():
    assert text_width("بببب", Face(), 48) < 4 * text_width("ب", Face(), 48) * 0.9
    assert text_width("क्ष", Face(), 48) < text_width("क", Face(), 48) + text_width("ष", Face(), 48)


def test_right_to_left_runs_stand_in_visual_order():
    assert is_rtl("العربية and English")
    words = [run.text.strip() for run in text_runs("العربية and English", Face(), 48) if run.text.strip()]
    assert words[0] == "and English"
    assert words[-1] == "العربية"
    assert not is_rtl("English العربية")


def test_a_word_keeps_its_space_after_a_letter_of_another_file():
    assert text_width("ź 1", Face("fraunces"), 48) > text_width("ź1", Face("fraunces"), 48) + 6


@pytest.mark.parametrize(
    ("joined", "first"),
    [("👩‍🚀", "👩"), ("👨‍👩‍👧‍👦", "👨"), ("🏳️‍🌈", "🏳️"), ("👩🏽‍❤️‍👨🏿", "👩"), ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🏴"), ("🐈‍⬛", "🐈")],
)
def test_joined_emoji_are_one_picture_of_their_own(joined, first):
    assert text_width(joined, Face(), 48) == pytest.approx(text_width(first, Face(), 48))
    assert drawn(joined, Face()).tobytes() != drawn(first, Face()).tobytes()
    assert missing_glyphs(joined) == ()


@pytest.mark.parametrize(
    ("written", "shown"),
    [("🍕‍🚗", "🍕🚗"), ("👍🏽", "👍"), ("👩‍x", "👩x"), ("क्‍ष", "क्‍ष")],
)
def test_what_joins_to_no_picture_stands_side_by_side(written, shown):
    assert drawn(written, Face()).tobytes() == drawn(shown, Face()).tobytes()


def test_stroke_makes_letters_heavier():
    plain, stroked = drawn("Stroke", Face()), drawn("Stroke", Face(), stroke_px=4, stroke_fill="white")
    assert sum(stroked.convert("L").histogram()[128:]) > sum(plain.convert("L").histogram()[128:])


def test_lines_break_at_spaces_and_between_cjk_but_not_before_punctuation():
    assert break_opportunities("one two") == (4,)
    assert break_opportunities("世界。人") == (1, 3)


def test_the_files_are_the_ones_that_were_vendored():
    for line in (FILES / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((FILES / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("char", ["\U000e0fff", "\U000e01d3", "\U000e0100", "\n", "\r", "\x85", "\u2029"])
def test_a_character_that_the_layout_engine_refuses_costs_no_picture(char: str) -> None:
    face = Face()
    plain = text_width("ab", face, 48) if ord(char) > 0xFFFF else text_width("a b", face, 48)
    assert text_width(f"a{char}b", face, 48) == plain
    assert missing_glyphs(f"a{char}b") == ()
    assert drawn(f"a{char}b", face).getbbox() is not None


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Hello אבג 123 world", "Hello 123 גבא world"),
        ("אבג 123 456 דהו", "והד 456 123 גבא"),
        ("אבג abc 12.5% דהו", "והד abc 12.5% גבא"),
        ("price אבג 100-200", "price 100-200 גבא"),
        ("CEO אבג: 3/4", "CEO 3/4 :גבא"),
        ("English 12% עברית", "English 12% תירבע"),
    ],
)
def test_numbers_stand_where_readers_of_both_directions_expect_them(text, seen):
    drawn_text = "".join(run.text if run.direction == "ltr" else run.text[::-1] for run in text_runs(text, Face(), 48))
    assert drawn_text == seen
