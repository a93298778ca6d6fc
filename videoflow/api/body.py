"""Read a request's JSON strictly: one meaning for each body, or a refusal."""

import json
import math
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from videoflow.errors import BadInput

DEPTH_LIMIT = 40
LARGEST_INTEGER = 2**63 - 1


def _refuse(message: str) -> NoReturn:
    raise BadInput(message, code="BAD_JSON")


def _integer(text: str) -> int:
    if len(text) > 20 or not -LARGEST_INTEGER - 1 <= int(text) <= LARGEST_INTEGER:
        _refuse("The body has a whole number that does not fit into 64 bits.")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        _refuse("The body has a number that is too large.")
    return value


def _constant(text: str) -> NoReturn:
    _refuse(f"The body has {text}, which is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("The body has an object that names a field twice.")
    return found


def _text_check(text: str) -> None:
    if "\0" in text:
        _refuse("The body has a text with a NUL character, which cannot be stored.")
    if any("\ud800" <= char <= "\udfff" for char in text):
        _refuse("The body has a text with half a character (a lone surrogate), which cannot be stored.")


def _check(value: Any) -> None:
    """Walk the value without recursion and refuse texts that cannot be stored and nesting that is too deep."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            _refuse(f"The body is nested more than {DEPTH_LIMIT} levels deep.")
        if isinstance(item, str):
            _text_check(item)
        elif isinstance(item, dict):
            for key, part in item.items():
                _text_check(key)
                waiting.append((part, depth + 1))
        elif isinstance(item, list):
            waiting.extend((part, depth + 1) for part in item)


def json_read(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        BadInput: it is not JSON in UTF-8, names a field twice, or has NaN, infinities, NUL characters, lone surrogates, whole
            numbers beyond 64 bits or more than 40 levels.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("The body is not text in UTF-8.")
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
    except RecursionError:
        _refuse(f"The body is nested more than {DEPTH_LIMIT} levels deep.")
    except json.JSONDecodeError as error:
        _refuse(f"The body is not JSON: line {error.lineno}, column {error.colno}.")
    _check(value)
    return value


class StrictParser(Parser):
    """Hand the strict reader to the router. An object is the only body any route takes."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        value = json_read(request.body)
        if not isinstance(value, dict):
            _refuse("The body must be a JSON object.")
        return value
