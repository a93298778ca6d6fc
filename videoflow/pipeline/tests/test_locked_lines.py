from videoflow.pipeline.length import TAIL_SECONDS
from videoflow.pipeline.locked_lines import lines_seconds, lines_share_a, locked_place
from videoflow.pipeline.models import Turn


def line(text: str, speaker: str = "A", section: str = "New", **facts: object) -> Turn:
    return Turn(text=text, speaker=speaker, section=section, measured_seconds=2.0, pause_seconds=0.5, **facts)


def test_a_locked_line_comes_back_at_its_place():
    locked = line("Keep me.", "B", "Old", position=1, is_locked=True)
    lines = locked_place([line("One."), line("Two.", "B"), line("Three.")], [locked])
    assert [turn.text for turn in lines] == ["One.", "Keep me.", "Two.", "Three."]
    assert (lines[1].key, lines[1].is_locked, lines[1].section) == (locked.key, True, "New")
    assert lines[1]._state.adding


def test_a_line_that_says_the_same_becomes_the_locked_one():
    locked = line("Two.", "B", position=0, is_locked=True)
    lines = locked_place([line("One."), line("Two.", "B")], [locked])
    assert [turn.text for turn in lines] == ["One.", "Two."] and lines[1].key == locked.key


def test_beyond_the_end_it_stands_last():
    lines = locked_place([line("One.")], [line("Late.", "B", position=9, is_locked=True)])
    assert [turn.text for turn in lines] == ["One.", "Late."]


def test_the_length_is_speech_pauses_and_tail():
    lines = [line("One."), line("Two.", "B")]
    assert lines_seconds(lines) == 5.0 + TAIL_SECONDS and lines_share_a(lines) == 0.5
