"""Figures for people, shortened titles, and phrases that keep their meaning."""

import pytest

from videoflow.providers.embedded_pictures.thumbnail import headline
from videoflow.providers.embedded_pictures.wording import (
    figures_in,
    human_amount,
    human_number,
    key_phrase,
    listing_in,
    plain_title,
    shortened,
)


class TestHumanNumber:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (0, "0"),
            (950, "950"),
            (12_400, "12.4K"),
            (999_999, "1M"),
            (1_514_646, "1.5M"),
            (91_400_000, "91.4M"),
            (150e6, "150M"),
            (2e9, "2B"),
            (-3100, "-3.1K"),
        ],
    )
    def test_ok(self, value, shown):
        assert human_number(value) == shown

    def test_units_that_are_signs_stand_with_the_figure(self):
        assert human_amount(45, "percent") == "45%"
        assert human_amount(3_200_000, "$") == "$3.2M"
        assert human_amount(4.5, "€") == "€4.50"
        assert human_amount(600, "¥") == "¥600"


class TestShortened:
    def test_ok(self):
        assert shortened("A title that fits", 40) == "A title that fits"

    def test_cuts_at_a_word_and_not_after_a_little_one(self):
        assert shortened("Reaction to the trailer of the year", 26) == "Reaction to the trailer…"


class TestPlainTitle:
    def test_ok(self):
        assert plain_title("I ASKED HER TO BE MY GIRLFRIEND... 😱 #love") == "I Asked Her To Be My Girlfriend..."

    def test_drops_boilerplate(self):
        assert plain_title("Cardi B - WAP [Official Music Video]") == "Cardi B - WAP"


class TestKeyPhrase:
    def test_ok(self):
        assert "happiest room" in key_phrase("So Alexandra Cooper has the happiest room, whatever the size of it.", 7)

    def test_never_drops_a_negation(self):
        phrase = key_phrase("And one of them can't stop talking.", 4).lower()
        assert "stop talking" not in phrase or "can't" in phrase

    def test_takes_whole_clauses(self):
        assert key_phrase("Which means I get to be curious, and he gets to be right.", 6) == "I get to be curious"
        assert key_phrase("Before anyone runs off, give me the headlines.", 6) == "Give me the headlines"

    def test_is_as_short_as_asked(self):
        assert len(key_phrase("word " * 60, 6).split()) <= 6


class TestFiguresIn:
    def test_ok(self):
        assert figures_in("It reached 91.4 million views in five days.")[0].shown == "91.4M"

    def test_years_and_small_counts_are_no_figures(self):
        assert figures_in("In 2020 there were 3 of them, see 2020-08-12.") == ()


class TestListingIn:
    def test_ok(self):
        assert listing_in("It was music, gaming and sports.")[1:] == ("Gaming", "Sports")

    def test_clauses_are_no_list(self):
        assert listing_in("I'm Maya, he's Theo, and that's what people were watching.") == ()


def test_comma_before_one_or_two_digits_is_that_of_a_fraction():
    assert [figure.shown for figure in figures_in("It rose by 37,5 % to 1,234,567 views.")] == ["37.5%", "1.2M"]


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Cardi B's WAP vs. K-pop in Entertainment: What People Watched", "Cardi B's WAP vs. K-pop"),
        ("The pandemic vs. Cooking and recipes in Comedy: What People Watched", "The pandemic vs. Cooking"),
        ("Why bridges hum: A Conversation", "Why bridges hum: A Conversation"),
    ],
)
def test_headline_never_ends_at_a_shortened_word(title, words):
    assert headline(title) == words
