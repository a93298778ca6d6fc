"""The stock of dialogues: short exchanges written by hand, kept in ``stock/*.txt``, and how one is filled with facts.

== growth                     a move; every block below it, up to an empty line, is one dialogue
? doubled !fell               the facts' flags it needs, and those it must not meet
A/line: What happened next?   speaker, the picture under the turn, the text
X: [Well|So], {title} …       X and Y are cast by who has spoken less; [a|b] is a choice; {name} a fact;
                              {a:name} with its article, {s:name} in the possessive, {^name} capitalised
"""

import functools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from videoflow.providers.base import Datum
from videoflow.providers.embedded_writer.figures import possessive, with_article

_FOLDER = Path(__file__).parent / "stock"
_LINE = re.compile(r"^([ABXY])(?:/(\w+))?: (.+)$")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(?:(a|s):|(\^))?(\w+)\}")


@dataclass(frozen=True, slots=True)
class Said:
    """A fact ready to be spoken, with the keys of the evidence that it comes from."""

    text: str
    keys: tuple[str, ...] = ()
    datum: Datum | None = None
    """The figure itself, for the picture."""


@dataclass(frozen=True, slots=True)
class StockLine:
    role: str
    cue: str
    template: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One exchange of the stock. ``needs``/``bars`` are flags of the facts."""

    move: str
    lines: tuple[StockLine, ...]
    needs: frozenset[str]
    bars: frozenset[str]

    @property
    def slots(self) -> frozenset[str]:
        """The names of the facts that it speaks of."""
        return frozenset(match[2] for line in self.lines for match in _SLOT.findall(line.template))


@dataclass(frozen=True, slots=True)
class FilledLine:
    role: str
    cue: str
    text: str
    keys: tuple[str, ...]
    data: tuple[Datum, ...]
    """Figures spoken in this line, in order."""


@functools.cache
def stock_read(name: str) -> Mapping[str, tuple[Dialogue, ...]]:
    """The dialogues of one stock file by move.

    Raises: ValueError when the file is not well formed.
    """
    moves: dict[str, list[Dialogue]] = {}
    move = ""
    for block in re.split(r"\n\s*\n", (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        lines: list[StockLine] = []
        needs: set[str] = set()
        bars: set[str] = set()
        for raw in block.splitlines():
            row = raw.strip()
            if not row or row.startswith("#"):
                continue
            if row.startswith("== "):
                move = row[3:].strip()
                moves.setdefault(move, [])
            elif row.startswith("? "):
                for flag in row[2:].split():
                    (bars if flag.startswith("!") else needs).add(flag.lstrip("!"))
            elif found := _LINE.match(row):
                lines.append(StockLine(found[1], found[2] or "", found[3]))
            else:
                raise ValueError(f"{name}.txt: cannot read the line {row!r}")
        if lines:
            moves[move].append(Dialogue(move, tuple(lines), frozenset(needs), frozenset(bars)))
    return {key: tuple(value) for key, value in moves.items()}


def _fill(template: str, facts: Mapping[str, Said], dice: random.Random) -> tuple[str, tuple[str, ...], tuple[Datum, ...]]:
    chosen = _CHOICE.sub(lambda match: dice.choice(match.group(1).split("|")), template)
    keys: dict[str, None] = {}
    data: list[Datum] = []
    out = ""
    position = 0
    for match in _SLOT.finditer(chosen):
        out += chosen[position : match.start()]
        position = match.end()
        fact = facts[match.group(3)]
        keys.update(dict.fromkeys(fact.keys))
        if fact.datum is not None:
            data.append(fact.datum)
        text = fact.text
        if match.group(1) == "a":
            text = with_article(text)
        elif match.group(1) == "s":
            text = possessive(text)
        if match.group(2) or not out.strip() or re.search(r"[.!?]\s+$", out):
            text = text[:1].upper() + text[1:]
        out += text
    out += chosen[position:]
    out = re.sub(r"\s+", " ", out).strip().replace("““", "“").replace("””", "”")
    out = re.sub(r"([.?!])”[.?](?=\s|$)", r"\1”", out)
    return out[:1].upper() + out[1:], tuple(keys), tuple(data)


def dialogue_fill(dialogue: Dialogue, facts: Mapping[str, Said], dice: random.Random) -> tuple[FilledLine, ...]:
    """The lines of a dialogue with choices made and facts put in.

    Raises: KeyError when a fact is missing.
    """
    return tuple(FilledLine(line.role, line.cue, *_fill(line.template, facts, dice)) for line in dialogue.lines)
