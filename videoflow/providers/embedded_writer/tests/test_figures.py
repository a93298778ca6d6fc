"""Figures as people say them."""

import pytest

from videoflow.providers.embedded_writer.figures import (
    day_of,
    possessive,
    say_clock,
    say_day,
    say_figure,
    say_list,
    say_ordinal,
    say_percent,
    say_several,
    say_times,
    say_weekday,
    spoken_words,
    with_article,
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (76_805_026, "76.8 million"), (513_422, "513,000"), (879, "880"), (1_204, "1,200"),
        (24_871, "25,000"), (999_999, "1 million"),
        (1_514_614, "1.5 million"), (113_159_069, "113 million"), (1_234_567_890, "1.2 billion"), (42, "42"), (0, "0"),
    ],
)  # fmt: skip
def test_say_figure(value, said):
    assert say_figure(value) == said


def test_the_rest():
    assert say_several(1, "channel") == "one channel"
    assert say_several(8, "video") == "eight videos"
    assert say_percent(0.42) == "0.4 percent"
    assert say_percent(37.6) == "38 percent"
    assert say_times(2.02) == "twice"
    assert say_times(3.44) == "3.4 times"
    assert say_list(["a", "b", "c"]) == "a, b and c"
    assert say_ordinal(22) == "22nd"
    assert say_day("2020-08-12T00:00:00Z") == "August 12"
    assert say_weekday("2020-08-12") == "Wednesday"
    assert day_of("soon") is None
    assert with_article("eight-hour day") == "an eight-hour day"
    assert possessive("Vlogs") == "Vlogs'"
    assert say_clock(72) == "1 minute 10 seconds"
    assert spoken_words("It has 1.5 million views") > spoken_words("It has many views")
