"""Which countries a text names. Precise rather than complete: a wrong flag is worse than none."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
_PLACE_BEFORE = frozenset(
    ("in", "from", "to", "across", "throughout", "around", "inside", "outside", "into", "near", "against", "visit", "leave")
)
"""Words after which a doubtful name is a place."""
_LANGUAGE_BEFORE = frozenset(("in", "into", "speak", "speaks", "speaking", "spoken", "learn", "learning", "fluent", "translated"))
_LANGUAGE_AFTER = frozenset(
    ("language", "lyrics", "subtitles", "subs", "version", "dub", "dubbed", "speaking", "speaker", "speakers", "words", "grammar")
)
"""A people's name among these is its language."""
_SHOUTED = re.compile(r"[^a-zà-ÿ]*")
_SENTENCE_ENDS = (".", "!", "?", ":", "…", "“", '"')


@dataclass(frozen=True, slots=True)
class _Form:
    iso2: str
    doubtful: bool
    """The word also means something else."""
    people: bool


def _listed(name: str) -> list[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], dict[str, _Form], re.Pattern[str]]:
    shown: dict[str, str] = {}
    forms: dict[str, _Form] = {"US": _Form("US", doubtful=False, people=False)}
    for line in _listed("names.txt"):
        iso2, name, also, people = line.split("|")
        shown[iso2] = name.rstrip("?")
        for entry in (name, *also.split(",")):
            if entry and entry != "Georgia":  # the country only under its full name: the state is named far more often
                forms[entry.rstrip("?")] = _Form(iso2, entry.endswith("?"), people=False)
        for entry in people.split(","):
            if entry:
                forms[entry.rstrip("?")] = _Form(iso2, entry.endswith("?"), people=True)
    others = "|".join(re.escape(phrase) for phrase in sorted(_listed("other_meanings.txt"), key=len, reverse=True))
    names = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return shown, forms, re.compile(rf"(?<![\w-])(?:(?i:{others})|{names})(?![\w$])")


def country_name(iso2: str) -> str:
    """Return the English name of a country; the code itself when it is not known."""
    return _table()[0].get(iso2.upper(), iso2.upper())


def countries_named(text: str) -> tuple[str, ...]:
    """Return the ISO 3166-1 codes of the countries that a text names, by name or people, in order of mention."""
    _, forms, pattern = _table()
    shouted = _SHOUTED.fullmatch(text) is not None
    found: list[str] = []
    for match in pattern.finditer(text):
        form = forms.get(match.group())
        if form is None:
            continue
        before = text[: match.start()].split()
        opens = not before or before[-1].endswith(_SENTENCE_ENDS)
        following = re.match(r"\s+([\w’']+)", text[match.end() :])
        after = following.group(1) if following else ""
        if match.group() == "US" and (shouted or (after.isupper() and len(after) > 2)):
            continue  # "TELL US WHY"
        last = "" if opens else before[-1].lower()
        spoken = last in _LANGUAGE_BEFORE and (not after or after in ("and", "or"))
        if form.people and (spoken or after.lower() in _LANGUAGE_AFTER):
            continue
        if form.doubtful and (opens or (not form.people and (last not in _PLACE_BEFORE or after[:1].isupper()))):
            continue
        if form.iso2 not in found:
            found.append(form.iso2)
    return tuple(found)
