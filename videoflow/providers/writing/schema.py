"""What a language model is asked to answer with: pydantic models, and the JSON Schema subset that every service takes."""

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

TURN_LIMIT = 1200  # characters; about a minute and a half of speech, more than one turn should be
EXCHANGES_LIMIT = 400
_UNKNOWN_TO_SERVICES = frozenset(
    ("title", "default", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "description")
)


class _Answer(BaseModel):
    """Fields that the model adds of its own accord are left out; it cannot smuggle anything in with them."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class TurnAnswer(_Answer):
    """One speaker's words. ``sources`` are keys of the evidence given; ``on_screen`` a few words for the picture."""

    speaker: Literal["A", "B"]
    text: str = Field(min_length=1, max_length=TURN_LIMIT)
    sources: list[str] = Field(default_factory=list, max_length=12)
    on_screen: str = Field(default="", max_length=200)


class ExchangeAnswer(_Answer):
    """A few turns that make sense together; one that is not ``core`` can be left out."""

    section: str = Field(min_length=1, max_length=120)
    core: bool = True
    turns: list[TurnAnswer] = Field(min_length=1, max_length=40)


class MoreAnswer(_Answer):
    """Further exchanges of a conversation."""

    exchanges: list[ExchangeAnswer] = Field(min_length=1, max_length=EXCHANGES_LIMIT)


class ScriptAnswer(MoreAnswer):
    """A whole conversation."""

    title: str = Field(min_length=1, max_length=300)
    keywords: list[str] = Field(default_factory=list, max_length=40)


class LineAnswer(_Answer):
    """Other words for one line, named by its number."""

    line: int
    text: str = Field(min_length=1, max_length=TURN_LIMIT)
    sources: list[str] = Field(default_factory=list, max_length=12)


class LinesAnswer(_Answer):
    """Other words for lines."""

    lines: list[LineAnswer] = Field(min_length=1, max_length=EXCHANGES_LIMIT)


AnyAnswer = TypeVar("AnyAnswer", ScriptAnswer, MoreAnswer, LinesAnswer)


class Unusable(Exception):
    """The text is not the wanted answer; the sentence tells the model what is wrong with it."""


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the model's JSON Schema in the subset that all services take: closed objects, everything required, no limits."""
    whole = model.model_json_schema()
    plain: dict[str, Any] = _plain(whole, whole.get("$defs", {}))
    return plain


def _plain(node: Any, known: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(item, known) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(known[node["$ref"].rpartition("/")[2]], known)
    plain = {name: value for name, value in node.items() if name not in _UNKNOWN_TO_SERVICES and name != "$defs"}
    if plain.get("type") == "object":
        fields = {name: _plain(value, known) for name, value in node["properties"].items()}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {name: _plain(value, known) for name, value in plain.items()}


def answer_read(text: str, model: type[AnyAnswer]) -> AnyAnswer:
    """Return the answer that a text holds, with or without other words around it.

    Raises:
        Unusable: there is no complete JSON object in it, or it is not of the wanted shape.
    """
    found = object_first(text)
    if found is None:
        raise Unusable("There is no complete JSON object in your answer.")
    try:
        return model.model_validate(found)
    except ValidationError as error:
        faults = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:8]]
        raise Unusable("Your JSON object does not fit the schema. " + "; ".join(faults)) from None


def object_first(text: str) -> dict[str, Any] | None:
    """Return the first balanced JSON object of a text; None when there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    tries = 0
    while start >= 0 and tries < 50:
        try:
            found, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found:
            return found
        start = text.find("{", start + 1)
        tries += 1
    return None
