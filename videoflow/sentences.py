"""Sentences for people: English text that still knows its wording and its figures, so that it can be said in another."""

import json
from collections.abc import Mapping
from typing import Any, Self

_MARK = "\x1f"  # a unit separator, which JSON never has unescaped


class Sentence(str):
    """``Sentence("Spoke %(done)s of %(lines)s lines", done=3, lines=40)``: the text ``Spoke 3 of 40 lines``, and its making.

    ``wording`` is the key of its translations. A value is a figure, a text that is the same in every language, or a Sentence;
    an exception stands for its own sentence. Text without values needs no Sentence: it is its own wording.
    """

    __slots__ = ("values", "wording")
    wording: str
    values: Mapping[str, object]

    def __new__(cls, wording: str, /, **values: object) -> Self:
        kept = {name: _kept(value) for name, value in values.items()}
        sentence = super().__new__(cls, wording % kept)
        sentence.wording, sentence.values = wording, kept
        return sentence

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (self.wording, dict(self.values))


def _kept(value: object) -> object:
    if isinstance(value, BaseException):
        value = value.args[0] if value.args else ""
    return value if isinstance(value, int | float | Sentence) else str(value)


def _remade(wording: str, values: Mapping[str, object]) -> Sentence:
    return Sentence(wording, **values)


def sentences_joined(*sentences: str, between: str = " ") -> str:
    """Return sentences one after the other, as one that is translated one by one; empty ones are left out."""
    said = [sentence for sentence in sentences if sentence]
    if len(said) < 2:
        return said[0] if said else ""
    names = [f"part{number}" for number in range(len(said))]
    return Sentence(between.join(f"%({name})s" for name in names), **dict(zip(names, said, strict=True)))


def packed(text: str) -> str:
    """Return one string that ``unpacked`` makes the same sentence of, in another process or read from a row; plain text stays."""
    if not isinstance(text, Sentence) or (not text.values and text == text.wording):
        return str(text)
    return f"{text}{_MARK}{json.dumps(_facts(text), ensure_ascii=False, separators=(',', ':'))}"


def unpacked(text: str) -> str:
    """Return what was packed; plain text is returned as it is."""
    _, mark, facts = text.rpartition(_MARK)
    if not mark:
        return text
    try:
        return _of_facts(json.loads(facts))
    except (ValueError, TypeError, KeyError):  # text of somebody who typed the separator
        return text


def _facts(sentence: Sentence) -> dict[str, Any]:
    values = {name: _facts(value) if isinstance(value, Sentence) else value for name, value in sentence.values.items()}
    return {"wording": sentence.wording, "values": values}


def _of_facts(facts: Mapping[str, Any]) -> Sentence:
    values = {name: _of_facts(value) if isinstance(value, dict) else value for name, value in facts["values"].items()}
    return Sentence(facts["wording"], **values)
