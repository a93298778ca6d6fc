"""What stands on the screen when: large words light up as they are said, and a chart is there from its first frame."""

from dataclasses import replace

import numpy as np
import pytest

from videoflow.providers.base import Cue, Shot, SpokenTurn, SpokenWord
from videoflow.providers.embedded_pictures.animation import HEAD_START_SECONDS
from videoflow.providers.embedded_pictures.animator import still
from videoflow.providers.embedded_pictures.board import Board
from videoflow.providers.embedded_pictures.drawing import board_laid
from videoflow.providers.embedded_pictures.icons import icons_for
from videoflow.providers.embedded_pictures.look import look_derive
from videoflow.providers.embedded_pictures.tests.test_storyboard import board_of, turns_of

LOOK = look_derive(topic="bees", keywords=("honey",), seed=2)
WORDS: list[tuple[str, float, float]] = [
    ("So,", 0.1, 0.4),
    ("One", 1.0, 1.2),
    ("bee", 1.3, 1.6),
    ("visits", 2.2, 2.6),
    ("fifty", 2.9, 3.2),
    ("flowers.", 3.3, 3.9),
]
ROWS = [
    {"label": f"Field {number}", "value": 900.0 - 150 * number, "unit": "hives", "date": f"2026-05-0{number + 1}"}
    for number in range(4)
]


def laid(layout: str, **spec) -> Board:
    whole = {"ground": "main", "seed": 4, "speaker": "A", "section": "Bees", "hosts": [], **spec}
    return board_laid(layout, whole, LOOK, width_px=640, height_px=360, seconds=4.2, moving=True)


class TestWordsInLargeType:
    def test_ok(self):
        board = laid("kinetic", phrase="One bee visits fifty flowers", words=WORDS)
        lit = sorted(layer.at for layer in board.layers if layer.enter == "fade" and layer.seconds == pytest.approx(0.24))
        said = [start - 0.08 + HEAD_START_SECONDS for _, start, _ in WORDS[1:]]
        assert lit == pytest.approx(said)

    def test_a_word_said_before_its_phrase_is_not_taken_for_it(self):
        words = [("One", 0.0, 0.2), ("moment.", 0.3, 0.6), *WORDS[1:]]
        board = laid("kinetic", phrase="One bee visits", words=words)
        lit = [layer.at for layer in board.layers if layer.enter == "fade" and layer.seconds == pytest.approx(0.24)]
        assert min(lit) == pytest.approx(1.0 - 0.08 + HEAD_START_SECONDS)

    @pytest.mark.parametrize("seed", range(1, 9))
    def test_only_words_that_are_being_said_are_chosen(self, seed):
        turns, total = turns_of(30)
        for shot in board_of(turns, total, seed=seed):
            if shot.layout == "kinetic":
                assert _unsaid(shot, "phrase") == []

    def test_a_question_is_not_shown_before_it_is_asked(self):
        turns, total = turns_of(8, {2: Cue("question", "Over and over again, all week long?")})
        asked = [shot for shot in board_of(turns, total) if 2 in shot.turn_indexes and shot.layout == "question"]
        assert all(len(_unsaid(shot, "text")) <= 3 for shot in asked)


def _unsaid(shot: Shot, name: str) -> list[str]:
    said = {str(word[0]).strip("“”.,;:!?").lower() for word in shot.spec["words"]}
    return [word for word in str(shot.spec[name]).lower().replace("“", "").split() if word.strip("“”.,;:!?…") not in said]


class TestAnswers:
    def test_come_after_their_short_questions(self):
        """A question of a second and a half has a picture of its own: nothing of the answer stands there before."""
        turns, total = turns_of(8)
        asked = replace(turns[4], text="Who won that?", words=(), cue=None, end=turns[4].start + 1.5)
        answer = replace(
            turns[5], text="The team from the north.", start=asked.end + 0.1, end=asked.end + 3.1, words=(), cue=None
        )
        later = [
            replace(turn, start=answer.end + 0.1 + number, end=answer.end + 1.0 + number, words=())
            for number, turn in enumerate(turns[6:])
        ]
        shots = board_of([*turns[:4], asked, answer, *later], total)
        (question,) = [shot for shot in shots if 4 in shot.turn_indexes]
        assert question.turn_indexes == (4,)


class TestCharts:
    @pytest.mark.parametrize("layout", ["bars", "columns", "line", "ranking", "bubbles"])
    def test_are_there_from_the_first_frame(self, layout):
        board = laid(layout, heading="Hives by field", data=ROWS)
        final = still(board.base, board.layers, 60.0).astype(int)
        first = still(board.base, board.layers, HEAD_START_SECONDS).astype(int)
        drawn = np.abs(final - board.base.astype(int)).max(axis=2) > 40
        missing = drawn & (np.abs(first - board.base.astype(int)).max(axis=2) <= 8)
        assert missing.sum() < 0.25 * drawn.sum()

    @pytest.mark.parametrize("layout", ["bars", "columns", "line", "ranking", "bubbles"])
    def test_are_finished_within_two_seconds(self, layout):
        board = laid(layout, heading="Hives by field", data=ROWS)
        moving = [layer for layer in board.layers if layer.sway is None]
        assert max(layer.settled_at() for layer in moving) <= HEAD_START_SECONDS + 2.0


class TestFigures:
    def test_a_range_is_not_shown_as_one_figure(self):
        turns, total = turns_of(8)
        text = "A colony holds between 20,000 and 60,000 workers, and one of them visits 50 to 100 flowers."
        shots = board_of([*turns[:4], _said(turns[4], text), *turns[5:]], total)
        assert all(shot.layout != "figure" for shot in shots if 4 in shot.turn_indexes)

    def test_the_figure_said_under_a_card_is_shown_with_the_rest_of_its_sentence(self):
        turns, total = turns_of(30)
        text = "In total 93,900,000 views went to one video and hardly anything was left for all the others on the list."
        at, words = 0.2, []
        for word in text.split():
            words.append(SpokenWord(word, at, at + 0.4))
            at += 0.42
        spoken = SpokenTurn(0, "A", "x", text, turns[0].section, 0.2, at, tuple(words), None)
        later = [replace(turn, start=turn.start + at, end=turn.end + at, words=()) for turn in turns[1:]]
        title, second = board_of([spoken, *later], total + at)[:2]
        assert "93,900,000" in [word for word, _start, _end in title.spec["words"]]
        assert (second.layout, second.spec["data"][0]["value"]) == ("figure", 93_900_000)


def _said(turn: SpokenTurn, text: str) -> SpokenTurn:
    return replace(turn, text=text, words=(), cue=None)


class TestIcons:
    def test_the_topic_speaks_where_the_words_do_not(self):
        assert icons_for("It stays impressive", 1, topic="The honeybee colony") == ("bug",)
        assert icons_for("The moon pulls the water", 1, topic="The honeybee colony") != ("bug",)
