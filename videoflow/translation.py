"""Sentences on their way to readers: kept in rows with what they were made of, and said in the language of whoever reads."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import models
from django.utils.translation import gettext, pgettext

from videoflow.sentences import Sentence, packed, unpacked

if TYPE_CHECKING:
    _Text: TypeAlias = models.TextField[str, str]
    _Json: TypeAlias = models.JSONField[Any, Any]
else:  # Django's own classes take no types
    _Text, _Json = models.TextField, models.JSONField
_FIGURE = re.compile(r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?= ?[^\d\s.,:]{0,4}$)")
"""A figure as English writes it, alone or with its unit; no time, date, address or version of three parts."""


def translated(text: str) -> str:
    """Return a sentence in the language that is active; one that no catalogue has stays as it is."""
    if isinstance(text, Sentence):
        return gettext(text.wording) % {name: _value(value) for name, value in text.values.items()}
    return gettext(text) if text else ""


def _value(value: object) -> object:
    if isinstance(value, Sentence):
        return translated(value)
    return _FIGURE.sub(_written, str(value), count=1) if _FIGURE.match(str(value)) else value


def _written(figure: re.Match[str]) -> str:
    point, comma = pgettext("decimal separator", "."), pgettext("thousands separator", ",")
    return figure.group().translate({ord("."): point, ord(","): comma})


class SentenceField(_Text):
    """A column for one sentence: the English text, and behind it what it takes to say it in another language.

    Text longer than ``longest`` characters is cut, and then stays English.
    """

    def __init__(self, *args: Any, longest: int = 500, **options: Any) -> None:
        self.longest = longest
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"longest": self.longest}

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return text if text is None else packed(text) if len(text) <= self.longest else text[: self.longest]

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return value and unpacked(value)


class SentencesField(_Json):
    """A JSON column in which texts, however deep, can be sentences, each kept as ``SentenceField`` keeps its one."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - as Django has it
        return super().get_db_prep_value(_each(packed, value), connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return _each(unpacked, super().from_db_value(value, expression, connection))


def _each(change: Callable[[str], str], value: Any) -> Any:
    """Return JSON with every text in it changed, names of fields left out."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each(change, one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each(change, one) for one in value]
    return value
