import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.providers.embedded_speech import number_words as say


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "zero"), (13, "thirteen"), (40, "forty"), (110, "one hundred ten"), (1_000_001, "one million one"), (-5, "minus five")],
)
def test_cardinal(number, words):
    assert " ".join(say.cardinal(number)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1999, "nineteen ninety nine"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2005, "two thousand five"),
        (1800, "eighteen hundred"),
    ],
)
def test_year(number, words):
    assert " ".join(say.year(number)) == words


@given(st.integers(min_value=0, max_value=10**20))
def test_no_count_is_too_large(number):
    assert all(word.isalpha() for word in say.cardinal(number))


def test_no_thirteenth_month():
    assert say.date(2020, 13, 1) is None
