"""The stock itself: well formed, without figures of its own, and with a dialogue for every move."""

import random
import re
from typing import get_args

import pytest

from videoflow.providers.base import CueKind
from videoflow.providers.embedded_writer import theme_script
from videoflow.providers.embedded_writer.stock import Dialogue, Said, StockLine, dialogue_fill, stock_read
from videoflow.providers.embedded_writer.tests.factories import numbers_in

DIALOGUES = [(name, dialogue) for name in ("themes", "topic") for group in stock_read(name).values() for dialogue in group]


def test_no_figure_stands_in_the_stock():
    allowed = {"one", "first", "second", "hundred", "thousand"}
    for _, dialogue in DIALOGUES:
        for line in dialogue.lines:
            bare = re.sub(r"\{[^}]*\}", "", line.template).replace("out of 100", "").replace("points out of 100", "")
            assert [written for _, written in numbers_in(bare) if written not in allowed] == [], line.template


def test_no_line_stands_twice():
    texts = [
        line.template
        for _, dialogue in DIALOGUES
        for line in dialogue.lines
        if len(re.sub(r"\{[^}]*\}|\W", "", line.template)) > 12
    ]
    assert len(texts) == len(set(texts))


def test_cues_are_known():
    known = {*get_args(CueKind), "", "second"}
    assert {line.cue for _, dialogue in DIALOGUES for line in dialogue.lines} <= known


@pytest.mark.parametrize("move", sorted(theme_script._PLAN))
def test_every_planned_move_has_dialogues(move):
    assert len(stock_read("themes")[move]) >= 2


class TestFill:
    def test_ok(self):
        line = StockLine("A", "", "{title} is {a:kind}, {s:who} best. {n} came.")
        facts = {
            "title": Said("“Smile”", ("v1",)),
            "kind": Said("album"),
            "who": Said("Drake"),
            "n": Said("eight people", ("v2",)),
        }
        (filled,) = dialogue_fill(Dialogue("x", (line,), frozenset(), frozenset()), facts, random.Random(1))
        assert filled.text == "“Smile” is an album, Drake's best. Eight people came."
        assert filled.keys == ("v1", "v2")

    def test_a_title_that_asks_keeps_one_mark(self):
        line = StockLine("A", "", "What about {title}? I like {title}.")
        (filled,) = dialogue_fill(Dialogue("x", (line,), frozenset(), frozenset()), {"title": Said("“Why?”")}, random.Random(1))
        assert filled.text == "What about “Why?” I like “Why?”"
