import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoflow.providers.embedded_speech.phonemes import Phonemizer
from videoflow.providers.embedded_speech.speech_text import has_something_to_say, read_aloud

_PHONEMIZER = Phonemizer()


def said(text, *pronunciations):
    return " ".join(word for token in _PHONEMIZER.tokens(text, pronunciations) for word in token.words)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1,514,646 views", "one million five hundred fourteen thousand six hundred forty six views"),
        ("1.5M likes", "one point five million likes"),
        ("It made $3.2 million.", "It made three point two million dollars."),
        ("$1.50 or €20 or £3.5bn", "one dollar and fifty cents or twenty euros or three point five billion pounds"),
        ("a $10,000,000 house", "a ten million dollar house"),
        ("45% and 3x", "forty five percent and three times"),
        ("in 2020, 2020 views", "in twenty twenty, two thousand twenty views"),
        ("the 21st time", "the twenty first time"),
        ("at 7:30 pm, 7:05, 9am and 12:00", "at seven thirty P.M, seven oh five, nine A.M and twelve o'clock"),
        ("On 2020-08-12 and Aug 12.", "On August twelfth, twenty twenty and August twelfth."),
        ("5-10 videos, 2019-20", "five to ten videos, twenty nineteen to twenty twenty"),
        ("the '90s and 1990s", "the nineties and nineteen nineties"),
        ("PS5, 5G, 1080p, 60fps", "P.S five, five G, ten eighty P, sixty frames per second"),
        ("Mr. Smith vs. Dr. Dre, etc.", "Mister Smith versus Doctor Dre, et cetera."),
        ("e.g. a song feat. Drake", "for example, a song featuring Drake"),
        ("6 ft tall, ft. Drake", "six feet tall, featuring Drake"),
        ("The NBA's DVDs at NASA", "The N.B.A's D.V.D's at Nasa"),
        ("THE BEST US VIDEO EVER", "The Best Us Video Ever"),
        ("made in the US", "made in the U.S"),
        ("youtube.com/watch?v=abc123", "youtube dot com"),
        ("https://www.bbc.co.uk/news now", "bbc dot co dot U.K now"),
        ("mail info@example.org.", "mail info at example dot org."),
        ("#ApexSeason6 by @MrBeast", "Apex Season six by Mister Beast"),
        ("#1 on the chart", "number one on the chart"),
        ("Salt & pepper + ice", "Salt and pepper plus ice"),
        ("wow 😂🔥 great 💯", "wow great"),
        ("Song (Official Video) | Label", "Song, Official Video, Label"),
        ("**Bold** “quotes” and_more", "Bold quotes and more"),
        ("Part II of King Henry VIII", "Part two of King Henry the eighth"),
        ("Wait... what?!", "Wait… what?"),
        ("A.I. is here. J.K. Rowling", "A.I is here. J.K Rowling"),
    ],
)
def test_is_read_as_a_person_would(written, spoken):
    assert said(written) == spoken


def test_every_shown_token_comes_back_in_order():
    text = "So — 1,514,646 views 😂 (in $3 million) | ok"
    tokens = _PHONEMIZER.tokens(text, ())
    assert [token.text for token in tokens] == text.split()
    assert [len(token.words) > 0 for token in tokens] == [True, False, True, True, False, True, True, True, False, True]


def test_pronunciation_book_wins_also_over_several_words_and_possessives():
    assert said("Nvidia's Jen-Hsun Huang spoke.", ("Nvidia", "en-vidia"), ("Jen-Hsun Huang", "jensen hwang")) == (
        "en-vidia's jensen hwang spoke."
    )


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_keeps_its_tokens_and_says_whole_words(text):
    tokens = read_aloud(text, is_word=_PHONEMIZER.is_word)
    assert [token.text for token in tokens] == text.split()
    assert all(word and not any(letter.isspace() for letter in word) for token in tokens for word in token.words)


@pytest.mark.parametrize("text", ["", "  ", "😂🔥", "방탄소년단", "... !!! —"])
def test_nothing_to_say(text):
    assert not has_something_to_say(text)
