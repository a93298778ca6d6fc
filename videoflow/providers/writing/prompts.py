"""What a language model is told: the rules, the task, and the evidence as quoted data behind a fence that it cannot close."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from videoflow.providers.base import Conversation, Host
from videoflow.providers.writing.material import Material

WORDS_PER_SECOND = 2.6  # two hosts at about 160 words a minute
ASKED_SHARE = 1.15  # models write shorter than they are asked to
_ROLES = {
    "curious": "asks what a viewer would ask, reacts, and sums up",
    "figures": "knows the material, explains it and names its figures",
}


@cache
def _wording(name: str) -> str:
    return (Path(__file__).parent / "wording" / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def system_prompt(material: Material) -> str:
    """Return the rules; without evidence they allow less."""
    return f"{_wording('rules')}\n{_wording('without_evidence' if material.is_open else 'with_evidence')}"


def script_prompt(material: Material, hosts: Sequence[Host], *, language: str, minimum_seconds: float) -> str:
    """Ask for a whole conversation."""
    task = {**_frame(material, hosts, language), "length_in_words": words_wanted(minimum_seconds)}
    return f"{_wording('script')}\n{_say(task)}\n\n{_evidence(material)}"


def more_prompt(
    material: Material, hosts: Sequence[Host], conversation: Conversation, *, language: str, words: int, quiet: str
) -> str:
    """Ask for exchanges that go before the ending of a conversation that is too short, or in which one host says too little."""
    task = {**_frame(material, hosts, language), "length_in_words": words}
    if quiet:
        task["who_speaks_more"] = quiet
    said = [
        {"section": exchange.section, "turns": [f"{turn.speaker}: {turn.text}" for turn in exchange.turns]}
        for exchange in conversation.exchanges
    ]
    return f"{_wording('more')}\n{_say(task)}\n\nThe conversation so far:\n{_fenced(said)}\n\n{_evidence(material)}"


def lines_prompt(
    material: Material, hosts: Sequence[Host], lines: Sequence[Mapping[str, Any]], wanted: Sequence[int], *, language: str
) -> str:
    """Ask for other words for some lines; ``lines`` are all of them with number, speaker, text and sources."""
    task = {**_frame(material, hosts, language), "rewrite_lines": list(wanted)}
    return f"{_wording('lines')}\n{_say(task)}\n\nAll lines:\n{_fenced(list(lines))}\n\n{_evidence(material)}"


def repair_prompt(faults: Sequence[str]) -> str:
    """Ask for the same answer without its faults."""
    listed = "\n".join(f"- {fault}" for fault in faults[:20])
    return _wording("mend").format(faults=listed)


def words_wanted(seconds: float) -> int:
    """Return how many words to ask for so that a length is reached, to the next ten."""
    return int(seconds * WORDS_PER_SECOND * ASKED_SHARE / 10 + 1) * 10


def _frame(material: Material, hosts: Sequence[Host], language: str) -> dict[str, Any]:
    people = [{"speaker": host.speaker, "name": host.name, "role": _ROLES.get(host.role, host.role)} for host in hosts]
    return {"topic": material.topic, "language": language, "hosts": people, **material.wishes}


def _say(task: Mapping[str, Any]) -> str:
    """The task as JSON. A topic made from titles is quoted by that, as is all else."""
    return f"The task:\n{_quoted(task)}"


def _evidence(material: Material) -> str:
    if material.is_open:
        return ""
    entries = [{"key": alias, "says": entry.text} for alias, entry in material.aliases.items()]
    return f"The evidence:\n{_fenced(entries)}"


def _fenced(value: Any) -> str:
    """Return data between marks that carry a hash of it: nothing inside can know them, and no ``<`` stands inside."""
    text = _quoted(value)
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"<data {mark}>\n{text}\n</data {mark}>"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
