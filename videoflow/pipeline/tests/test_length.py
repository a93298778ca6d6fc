from collections.abc import Sequence
from pathlib import Path

import pytest

from videoflow.errors import BadInput, Cancelled
from videoflow.pipeline.length import script_fit
from videoflow.providers.base import Conversation, DraftTurn, Exchange, SpokenLine

SECONDS_PER_WORD = 0.4


def speak(turns: Sequence[DraftTurn]) -> list[SpokenLine]:
    return [
        SpokenLine(Path("x.wav"), len(turn.text.split()) * SECONDS_PER_WORD, (), "engine", "v", "test", "test") for turn in turns
    ]


def exchange(name: str, *, required: bool = False, priority: float = 0.0, words: int = 10, speakers: str = "AB") -> Exchange:
    turns = tuple(DraftTurn("A" if who == "A" else "B", " ".join([name] * words)) for who in speakers)
    return Exchange(turns, section=name[0], required=required, priority=priority)


def talk(*exchanges: Exchange, fixed: bool = False) -> Conversation:
    return Conversation("Title", exchanges, (), "topic", fixed=fixed)


def never() -> None:
    pass


class TestScriptFit:
    def test_ok(self):
        many = talk(exchange("hook", required=True), *(exchange(f"e{n}", priority=n) for n in range(20)))
        script = script_fit(many, speak, minimum_seconds=60, check=never)
        assert 60 <= script.seconds < 75
        said = {item.turn.text.split()[0] for item in script.turns}
        assert "hook" in said
        assert "e19" in said  # the highest priority is taken first
        assert "e0" not in said

    def test_keeps_the_speaking_order(self):
        many = talk(
            exchange("a", required=True), exchange("b", priority=1), exchange("c", priority=2), exchange("d", required=True)
        )
        script = script_fit(many, speak, minimum_seconds=30, check=never)
        assert [item.turn.text[0] for item in script.turns] == list("aabbccdd")

    def test_a_slower_voice_than_guessed_still_lands_above_the_minimum_without_waste(self):
        def slow(turns: Sequence[DraftTurn]) -> list[SpokenLine]:
            return [SpokenLine(Path("x"), len(turn.text.split()) * 0.9, (), "engine", "v", "t", "t") for turn in turns]

        many = talk(exchange("hook", required=True), *(exchange(f"e{n}", priority=n, words=6) for n in range(40)))
        script = script_fit(many, slow, minimum_seconds=120, check=never)
        assert 120 <= script.seconds < 135

    def test_too_little_material_says_how_long_it_is_and_what_to_add(self):
        with pytest.raises(BadInput, match=r"carries 0:\d\d when spoken, and 3:00 are wanted.*Add about \d+ words"):
            script_fit(talk(exchange("a", required=True)), speak, minimum_seconds=180, check=never)

    def test_a_finished_script_is_spoken_as_written(self):
        script = script_fit(talk(exchange("a"), fixed=True), speak, minimum_seconds=180, check=never)
        assert len(script.turns) == 2
        assert script.seconds < 180

    def test_both_speakers_get_their_share(self):
        loud = [exchange(f"a{n}", required=True, speakers="AAAB") for n in range(5)]
        quiet = [exchange(f"b{n}", priority=1, speakers="BBBA") for n in range(9)]
        script = script_fit(talk(*loud, *quiet), speak, minimum_seconds=30, check=never)
        assert 0.35 <= script.share_a <= 0.65

    def test_a_monologue_is_refused(self):
        with pytest.raises(BadInput, match="One speaker would say"):
            script_fit(
                talk(*(exchange(f"a{n}", required=True, speakers="AAAA") for n in range(9))),
                speak,
                minimum_seconds=30,
                check=never,
            )

    def test_stops_when_cancelled(self):
        def cancelled() -> None:
            raise Cancelled("The work was cancelled.")

        with pytest.raises(Cancelled):
            script_fit(talk(exchange("a", required=True)), speak, minimum_seconds=180, check=cancelled)
