"""Storyboards: cover, cuts, variety, and that what is shown fits what is said."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from videoflow.providers.base import Cue, Datum, Host, Shot, SpeakerId, SpokenTurn, SpokenWord
from videoflow.providers.embedded_pictures import EmbeddedPictures
from videoflow.providers.embedded_pictures.storyboard.beats import LONGEST_SECONDS

HOSTS = (Host("A", "Maya", "Asks"), Host("B", "Theo", "Counts"))
SAID = (
    "So what did everybody watch in the second week of August, and why should anyone care?",
    "Mostly music. One single song collected ninety million views, and nothing else came close to that.",
    "That is a lot of people pressing play on the same three minutes, over and over again, all week long.",
    "In total 93,900,000 views went to one video. The runner-up stopped at 10.2 million, which is still a lot.",
    "My notes say it was music, gaming and sports. Basketball came back inside a bubble, and fans came back with it.",
    "Someone wrote “I have never seen a comment section this calm before” and I would like that framed on a wall.",
    "Minecraft builders, meanwhile, simply kept building. Slow, steady, and somehow always near the top of the list.",
    "Is that a trend, or is that just what the weekend looks like for half of the planet?",
)


def turns_of(count: int, cues: dict[int, Cue] | None = None) -> tuple[list[SpokenTurn], float]:
    turns: list[SpokenTurn] = []
    at = 0.2
    for index in range(count):
        text, words, start = SAID[index % len(SAID)], [], at
        for word in text.split():
            seconds = 0.12 + 0.045 * len(word)
            words.append(SpokenWord(word, round(at, 3), round(at + seconds, 3)))
            at += seconds + (0.25 if word[-1] in ".?!" else 0.02)
        speaker: SpeakerId = "A" if index % 2 == 0 else "B"
        section = f"Part {index * 4 // count + 1}"
        turns.append(SpokenTurn(index, speaker, "x", text, section, start, at, tuple(words), (cues or {}).get(index)))
        at += 0.3
    return turns, at + 0.5


def board_of(turns: list[SpokenTurn], total: float, *, aspect: str = "16:9", seed: int = 3) -> list[Shot]:
    pictures = EmbeddedPictures()
    look = pictures.look(topic="music of the week", keywords=("music", "basketball", "minecraft"), seed=seed)
    return pictures.storyboard(
        turns, title="What everybody watched", look=look, aspect=aspect, total_seconds=total, hosts=HOSTS, seed=seed
    )


class TestStoryboard:
    @pytest.mark.parametrize("aspect", ["16:9", "9:16", "1:1"])
    @pytest.mark.parametrize("seed", [1, 2, 3, 4])
    def test_ok(self, aspect, seed):
        turns, total = turns_of(30)
        shots = board_of(turns, total, aspect=aspect, seed=seed)
        assert total > 170
        assert shots[0].start == 0
        for before, after in pairwise(shots):
            assert after.start == pytest.approx(before.start + before.seconds, abs=0.002)
            assert after.layout != before.layout
        assert shots[-1].start + shots[-1].seconds == pytest.approx(total, abs=0.002)
        seconds: dict[str, float] = defaultdict(float)
        for shot in shots:
            seconds[shot.layout] += shot.seconds
        assert len(seconds) >= 6
        assert max(seconds.values()) <= 0.25 * total
        assert sum(shot.seconds for shot in shots if shot.kind == "clip") >= 0.25 * total
        assert shots[0].layout == "title"
        assert shots[-1].layout == "outro"
        assert seconds["chapter"] > 0

    def test_shots_are_a_few_seconds_long(self):
        turns, total = turns_of(30)
        lengths = [shot.seconds for shot in board_of(turns, total)]
        assert max(lengths) <= LONGEST_SECONDS + 1.5
        assert sorted(lengths)[len(lengths) // 2] >= 2.5

    def test_cuts_fall_between_words(self):
        turns, total = turns_of(12)
        words = [word for turn in turns for word in turn.words]
        for shot in board_of(turns, total)[1:]:
            assert not any(word.start + 0.01 < shot.start < word.end - 0.01 for word in words), shot

    def test_equal_for_equal_seed_and_other_for_other(self):
        turns, total = turns_of(12)
        assert board_of(turns, total, seed=5) == board_of(turns, total, seed=5)
        assert [shot.layout for shot in board_of(turns, total, seed=5)] != [
            shot.layout for shot in board_of(turns, total, seed=6)
        ]

    def test_no_two_shots_have_the_same_spec(self):
        turns, total = turns_of(30)
        specs = [repr((shot.layout, shot.spec)) for shot in board_of(turns, total)]
        assert len(set(specs)) == len(specs)

    def test_shows_the_chart_the_script_asks_for(self):
        data = tuple(Datum(f"2020-08-{day}", day * 1e6, "views", f"2020-08-{day}") for day in range(12, 17))
        turns, total = turns_of(8, {2: Cue("line", "A song, day by day", data=data)})
        shots = [shot for shot in board_of(turns, total) if 2 in shot.turn_indexes]
        line = next(shot for shot in shots if shot.layout == "line")
        assert [row["value"] for row in line.spec["data"]] == [datum.value for datum in data]

    @pytest.mark.parametrize("seed", range(1, 5))
    def test_a_figure_is_one_that_is_said_while_it_is_shown(self, seed):
        cue = Cue("figure", "views", text="views", data=(Datum("views", 94_200_000, "views"),))  # said as 93,900,000
        turns, total = turns_of(12, {3: cue})
        opening, second = [shot for shot in board_of(turns, total, seed=seed) if 3 in shot.turn_indexes]
        assert opening.layout == "chapter"  # so that the figure of the data comes to nothing
        assert "10.2" in [word for word, _start, _end in second.spec["words"]]
        assert (second.layout, second.spec["data"][0]["value"]) == ("figure", 10_200_000)

    def test_reads_figures_and_quotations_out_of_a_plain_script(self):
        turns, total = turns_of(8)
        layouts = {index: {shot.layout for shot in board_of(turns, total) if index in shot.turn_indexes} for index in (3, 5)}
        assert "figure" in layouts[3]
        assert "quote" in layouts[5]

    def test_shows_the_country_that_is_named(self):
        turns, total = turns_of(8)
        spoken = replace(turns[4], text="Most of it was filmed in Lebanon, with a phone.", words=(), cue=None)
        shots = board_of([*turns[:4], spoken, *turns[5:]], total)
        places = [shot.spec["countries"] for shot in shots if shot.layout == "map"]
        assert places == [["LB"]]

    def test_a_title_of_one_word_is_no_quotation(self):
        cue = Cue("quote", "News", text="“Boom”", attribution="A channel", data=(Datum("Boom", 9e6, "views"),))
        turns, total = turns_of(8, {2: cue})
        assert all(shot.layout != "quote" or "Boom" not in shot.spec["text"] for shot in board_of(turns, total))

    def test_one_turn_is_covered(self):
        turns, total = turns_of(1)
        shots = board_of(turns, total)
        assert sum(shot.seconds for shot in shots) == pytest.approx(total, abs=0.002)

    def test_nothing_spoken_still_gives_a_title(self):
        shots = board_of([], 4.0)
        assert [(shot.layout, shot.seconds) for shot in shots] == [("title", 4.0)]
