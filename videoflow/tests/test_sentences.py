import copy
import json
import pickle

import pytest

from videoflow.errors import BadInput
from videoflow.sentences import Sentence, packed, sentences_joined, unpacked

LINES = Sentence("Spoke %(done)s of %(lines)s lines", done=3, lines=40)


class TestSentence:
    def test_ok(self) -> None:
        assert LINES == "Spoke 3 of 40 lines"
        assert (LINES.wording, LINES.values) == ("Spoke %(done)s of %(lines)s lines", {"done": 3, "lines": 40})

    def test_is_plain_text_to_json(self) -> None:
        assert json.dumps({"message": LINES}) == '{"message": "Spoke 3 of 40 lines"}'

    def test_an_error_keeps_its_sentence_and_stands_for_it(self) -> None:
        error = BadInput(LINES)
        assert isinstance(str(error), Sentence)
        outer = Sentence("Trying again: %(reason)s", reason=error)
        assert outer == "Trying again: Spoke 3 of 40 lines"
        assert outer.values["reason"] == LINES and isinstance(outer.values["reason"], Sentence)

    @pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copied", "pickled"])
    def test_a_copy_is_a_sentence_too(self, again) -> None:
        assert (again(LINES), again(LINES).wording, again(LINES).values) == (LINES, LINES.wording, LINES.values)


class TestPacked:
    def test_a_sentence_within_a_sentence_comes_back(self) -> None:
        kept = unpacked(packed(Sentence("Measuring: %(message)s “%(name)s”", message=LINES, name="a\x1fb")))
        assert isinstance(kept, Sentence) and kept == "Measuring: Spoke 3 of 40 lines “a\x1fb”"
        inner = kept.values["message"]
        assert isinstance(inner, Sentence) and inner.values == {"done": 3, "lines": 40}

    @pytest.mark.parametrize("text", ["", "Starting", "a\x1fb", 'a\x1f{"wording": 1}', "a\x1f[1]", "a\x1f3"])
    def test_plain_text_stays(self, text: str) -> None:
        assert packed(text) == text == unpacked(text)
        assert not isinstance(unpacked(text), Sentence)

    def test_a_sentence_without_values_is_its_own_wording(self) -> None:
        assert packed(Sentence("Starting")) == "Starting"
        assert unpacked(packed(Sentence("100 %% done"))) == "100 % done"


class TestJoined:
    def test_leaves_empty_ones_out(self) -> None:
        assert sentences_joined("One.", "", "Two.") == "One. Two."
        assert sentences_joined("", LINES) is LINES
        assert sentences_joined("") == ""

    def test_keeps_each_sentence(self) -> None:
        assert LINES in sentences_joined("Begun", LINES, between=", ").values.values()  # type: ignore[attr-defined]
