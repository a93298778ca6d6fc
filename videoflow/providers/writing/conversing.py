"""From a model's answers to conversations: cleaned, checked, and with what did not pass left out and named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from videoflow.providers.base import Conversation, Cue, Evidence, Exchange
from videoflow.providers.writing.asking import AnswerUnusable
from videoflow.providers.writing.gate import Gated, exchange_gate, heading_clean
from videoflow.providers.writing.material import Material, keywords_clean
from videoflow.providers.writing.schema import ExchangeAnswer, MoreAnswer, ScriptAnswer
from videoflow.sentences import Sentence

_TITLE_LENGTH = 95
_LEAST_SHARE = 0.5
"""Of the exchanges; a conversation that loses more than that is none."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The exchanges that may be said, and how many may not."""

    exchanges: tuple[Exchange, ...]
    left_out: int


def script_faults(answer: MoreAnswer, material: Material, *, opens: bool) -> list[str]:
    """Return what is wrong with an answer, in sentences for the model."""
    faults = [fault for gated in _gated(answer.exchanges, material, opens=opens) for fault in gated.faults]
    speakers = {turn.speaker for exchange in answer.exchanges for turn in exchange.turns}
    if opens and speakers != {"A", "B"}:
        faults.append("Only one of the two hosts speaks.")
    return faults


def _gated(exchanges: Sequence[ExchangeAnswer], material: Material, *, opens: bool) -> list[Gated]:
    last = len(exchanges) - 1
    return [
        exchange_gate(
            exchange,
            material,
            required=opens and (exchange.core or number in (0, last)),
            priority=1.0 - number / (last + 2) if opens else 0.5 - number / (2 * last + 4),
        )
        for number, exchange in enumerate(exchanges)
    ]


def exchanges_pass(answer: MoreAnswer, material: Material, *, opens: bool, label: str) -> Passed:
    """Return the exchanges without a fault.

    Raises:
        AnswerUnusable: most of them have one.
    """
    gated = _gated(answer.exchanges, material, opens=opens)
    good = tuple(entry.exchange for entry in gated if entry.exchange is not None and not entry.faults)
    if len(good) < _LEAST_SHARE * len(gated) or not good:
        faults = [fault for entry in gated for fault in entry.faults]
        raise AnswerUnusable(
            Sentence(
                "%(label)s wrote a conversation in which %(unsourced)s of %(parts)s parts say what stands in no "
                "source, even after it was told. Choose another model, or write with another seed.",
                label=label,
                unsourced=len(gated) - len(good),
                parts=len(gated),
            ),
            details={"faults": faults[:5]},
        )
    return Passed(good, len(gated) - len(good))


def conversation_make(answer: ScriptAnswer, material: Material, *, label: str) -> Conversation:
    """Return the conversation that an answer holds.

    Raises:
        AnswerUnusable: most of it says what stands in no source.
    """
    passed = exchanges_pass(answer, material, opens=True, label=label)
    title = heading_clean(answer.title, material)[:_TITLE_LENGTH].strip() or "Untitled video"
    warnings = list(material.warnings)
    if passed.left_out:
        warnings.append(left_out_said(passed.left_out))
    exchanges = _framed(passed.exchanges, title)
    return Conversation(
        title,
        exchanges,
        _evidence_of(exchanges, material),
        material.topic,
        keywords_clean(answer.keywords, typed=material.typed),
        warnings=tuple(warnings),
    )


def left_out_said(count: int) -> str:
    """Say how many exchanges did not pass the gate."""
    if count == 1:
        return "1 part was left out: it says what stands in no source."
    return f"{count} parts were left out: they say what stands in no source."


def conversation_extend(conversation: Conversation, answer: MoreAnswer, material: Material, *, label: str) -> Conversation:
    """Return the conversation with further exchanges before its last one; what is said already is not said again.

    Raises:
        AnswerUnusable: most of the new ones say what stands in no source.
    """
    passed = exchanges_pass(answer, material, opens=False, label=label)
    said = {turn.text.casefold() for exchange in conversation.exchanges for turn in exchange.turns}
    fresh = tuple(entry for entry in passed.exchanges if not any(turn.text.casefold() in said for turn in entry.turns))
    if not fresh:
        raise AnswerUnusable(
            Sentence(
                "%(label)s has nothing more to say about this. Give it more notes or themes, or ask for a shorter video.",
                label=label,
            )
        )
    *body, end = conversation.exchanges
    exchanges = (*_ordered([*body, *fresh]), end)
    warnings = conversation.warnings
    if passed.left_out:
        warnings = (*warnings, left_out_said(passed.left_out))
    return replace(conversation, exchanges=exchanges, evidence=_evidence_of(exchanges, material), warnings=warnings)


def _ordered(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Put exchanges of one section together, at the place of the section's first."""
    sections = list(dict.fromkeys(exchange.section for exchange in exchanges))
    return sorted(exchanges, key=lambda exchange: sections.index(exchange.section))


def _framed(exchanges: Sequence[Exchange], title: str) -> tuple[Exchange, ...]:
    """Give the first turn the title, each new section its card, and the last turn the end."""
    framed: list[Exchange] = []
    seen: set[str] = set()
    for number, exchange in enumerate(exchanges):
        turns = list(exchange.turns)
        if number == 0:
            turns[0] = replace(turns[0], cue=Cue("title", title))
        elif exchange.section not in seen:
            turns[0] = replace(turns[0], cue=Cue("chapter", exchange.section))
        if number == len(exchanges) - 1 and number:
            turns[-1] = replace(turns[-1], cue=Cue("outro", title))
        seen.add(exchange.section)
        framed.append(replace(exchange, turns=tuple(turns)))
    return tuple(framed)


def _evidence_of(exchanges: Sequence[Exchange], material: Material) -> tuple[Evidence, ...]:
    used = {key for exchange in exchanges for turn in exchange.turns for key in turn.sources}
    return tuple(entry for entry in material.evidence if entry.key in used)
