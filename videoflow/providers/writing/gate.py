"""The gate between what a model wrote and what is said: known sources, figures that stand in them, quotations that were made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.providers.base import Cue, Datum, DraftTurn, Exchange
from videoflow.providers.writing.figures import figures_read, stands_in
from videoflow.providers.writing.material import Material
from videoflow.providers.writing.sanitising import instructs, lures_in, text_clean
from videoflow.providers.writing.schema import ExchangeAnswer, TurnAnswer

QUOTE_WORDS = 5
"""Quotation marks around fewer words are a way of speaking, or a title."""
CHART_MOST = 6
_SCREEN_LENGTH = 80
_QUOTE = re.compile(r"[“\"„«]([^“”\"„«»]{3,400})[”\"“»]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Gated:
    """An exchange as it may be said, with what is wrong in it. ``exchange`` is None when nothing of it is left."""

    exchange: Exchange | None
    faults: tuple[str, ...]


def exchange_gate(answer: ExchangeAnswer, material: Material, *, required: bool, priority: float) -> Gated:
    """Return an exchange cleaned and checked; figures may also stand in what the turn before it names."""
    turns: list[DraftTurn] = []
    faults: list[str] = []
    section = heading_clean(answer.section, material)
    before: tuple[str, ...] = ()
    for turn in answer.turns:
        sources, unknown = sources_read(turn.sources, material)
        text = text_clean(turn.text, typed=material.typed)
        if not any(sign.isalnum() for sign in text):
            faults.append(f"“{_short(turn.text)}” is nothing but a link, a handle or marks.")
            continue
        said = f"{text} {turn.on_screen}"
        faults += [f"“{_short(text)}” names the source {key}, which does not exist." for key in unknown]
        faults += said_faults(said, (*sources, *before), material)
        turns.append(DraftTurn(turn.speaker, text, sources, _cue(turn, text, sources, material)))
        before = sources
    if not turns:
        return Gated(None, tuple(faults))
    return Gated(Exchange(tuple(turns), section, required, priority), tuple(faults))


def sources_read(names: Sequence[str], material: Material) -> tuple[tuple[str, ...], list[str]]:
    """Return the real keys behind the names that a model gave, each once, and the names that nothing has."""
    known = [name.strip().strip("[]()") for name in names]
    keys = dict.fromkeys(material.aliases[name].key for name in known if name in material.aliases)
    return tuple(keys), [name for name in known if name not in material.aliases]


def said_faults(text: str, sources: Sequence[str], material: Material, *, besides: str = "") -> list[str]:
    """Return what a text says that stands in none of the sources named, was not asked for, and is not in ``besides``."""
    figures = (
        figures_read(besides) + [figure for key in sources for figure in material.figures.get(key, ())] + material.typed_figures
    )
    faults = [
        f"“{_short(text)}” says {figure.text}, which stands in no source that the turn names."
        for figure in figures_read(text)
        if not stands_in(figure, figures)
    ]
    known = _words(" ".join([besides, material.typed, *(entry.text for entry in material.evidence)]))
    for match in _QUOTE.finditer(text):
        quoted = _words(match[1])
        if len(quoted.split()) >= QUOTE_WORDS and f" {quoted} " not in f" {known} ":
            faults.append(f"“{_short(match[1])}” is quoted, and stands nowhere in the evidence.")
    return faults


def heading_clean(text: str, material: Material) -> str:
    """Return a heading, title or caption without lures and orders; the topic, or nothing, where it is made of them."""
    clean = text_clean(text, typed=material.typed)
    own = material.typed.casefold()
    if not clean or (instructs(clean) and clean.casefold() not in own):
        topic = text_clean(material.topic, typed=material.typed)
        return "" if instructs(topic) and topic.casefold() not in own else topic[:60]
    return clean


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 90 else flat[:89] + "…"


# Pictures ----------------------------------------------------------------------------------------------------------------


def _cue(turn: TurnAnswer, text: str, sources: tuple[str, ...], material: Material) -> Cue:
    """Return what the picture under a turn shows: a chart of the figures it rests on, its question, or its few words."""
    heading = text_clean(turn.on_screen, typed=material.typed)[:_SCREEN_LENGTH] if not any(lures_in(turn.on_screen)) else ""
    if chart := _chart(text, sources, material, heading):
        return chart
    sentences = re.split(r"(?<=[.!?])\s+", text)
    if text.endswith("?"):
        return Cue("question", sentences[-1])
    return Cue("statement", heading or sentences[0].rstrip("."))


def _chart(text: str, sources: tuple[str, ...], material: Material, heading: str) -> Cue | None:
    """Return a chart of one source's data where the turn says one of its figures."""
    said = [figure for figure in figures_read(text) if not figure.is_free]
    entries = {entry.key: entry for entry in material.evidence}
    for key in sources:
        entry = entries[key]
        known = [figure for figure in material.figures[key] if not figure.is_free]
        if not entry.data or not any(stands_in(figure, known) for figure in said):
            continue
        data = _comparable(entry.data)
        if len(data) > 2 and all(datum.date for datum in data):
            return Cue("line", heading or data[0].label, data=data)
        if len(data) > 2:
            return Cue("bars", heading or entry.text[:_SCREEN_LENGTH], data=data)
        if len(data) == 2:
            return Cue("comparison", heading or entry.text[:_SCREEN_LENGTH], data=data)
        return Cue("figure", heading or data[0].label, text=data[0].unit, data=data[:1])
    return None


def _comparable(data: Sequence[Datum]) -> tuple[Datum, ...]:
    """Return the data that count the same as the first, each label once unless they are days."""
    alike = [datum for datum in data if datum.unit == data[0].unit]
    if len({datum.label for datum in alike}) < len(alike) and not all(datum.date for datum in alike):
        return (alike[0],)
    return tuple(alike[:CHART_MOST])
