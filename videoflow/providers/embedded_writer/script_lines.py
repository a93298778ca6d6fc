"""A script file as plain lines: marks, times and subtitle numbering taken away, headings and speaker changes kept."""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_TIME = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_ARROW = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_LEADING_TIME = re.compile(rf"^\s*[\[(]?{_TIME}(?:\s*[-–—]\s*{_TIME})?[\])]?\s*[-–—:|]?\s*(?=\S|$)")
_RULE = re.compile(r"^\s*([-*_=~]\s*){3,}$")
_SCENE = re.compile(
    r"^\s*(?:INT|EXT|INT\./EXT|EST)[. ].*$|^\s*(?:CUT TO|FADE (?:IN|OUT|TO\b.*)|DISSOLVE TO|SMASH CUT(?: TO)?|THE END|"
    r"END|CONTINUED|TITLE CARD)\s*[:.]?\s*$"
)
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]+)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_NEW_VOICE = re.compile(r"^\s*(?:>>+|-(?![-\d])|–|—|−)\s*")


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line. A ``blank`` ends a paragraph; a ``change`` is a line that begins with the dash of another speaker."""

    kind: Literal["text", "heading", "blank", "change"]
    text: str = ""
    is_indented: bool = False


def text_settle(text: str) -> str:
    """One kind of newline, real characters for entities, no invisible marks; joiners that Indic and Persian need stay."""
    text = html.unescape(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u0085", "\n"))
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).replace("\u00a0", " ")
    return text.replace("’", "'").replace("‘", "'").replace("`", "'") if "```" not in text else text


def is_subtitles(text: str) -> bool:
    """Tell whether a text is SRT or VTT: lines with an arrow between two times."""
    return text.lstrip().startswith("WEBVTT") or sum(1 for line in text.split("\n") if _ARROW.match(line)) >= 2


def subtitle_lines(text: str) -> Iterator[ScriptLine]:
    """The spoken lines of SRT or VTT: no numbers, times, notes or styles; ``<v Name>`` becomes a speaker tag."""
    for block in re.split(r"\n\s*\n", text):
        rows = [row for row in block.split("\n") if row.strip()]
        arrow = next((number for number, row in enumerate(rows) if _ARROW.match(row)), None)
        if arrow is None:
            continue
        for row in rows[arrow + 1 :]:
            voiced = _VOICE.sub(lambda match: f"\n{match.group(1).strip()}: ", row)
            for part in voiced.split("\n"):
                plain = re.sub(r"\s+", " ", _TAG.sub("", part)).strip()
                if plain:
                    kind: Literal["text", "change"] = "change" if _NEW_VOICE.match(plain) else "text"
                    yield ScriptLine(kind, _NEW_VOICE.sub("", plain))


def plain_lines(text: str) -> Iterator[ScriptLine]:
    """The lines of a script in plain text or Markdown."""
    for row in text.split("\n"):
        if not row.strip():
            yield ScriptLine("blank")
            continue
        if _RULE.match(row) or _SCENE.match(row) or row.strip().startswith(("```", "~~~", "<!--")):
            continue
        if heading := re.match(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$", row):
            yield ScriptLine("heading", _TAG.sub("", _unmark(heading[1])).strip())
            continue
        indented = len(row) - len(row.lstrip()) >= 6
        line = re.sub(r"^\s*(?:>\s*)+", "", row)
        kind: Literal["text", "change"] = "text"
        if marker := re.match(r"^\s*(?:[-–—−]|>>+)\s*(?=\S)", line):
            kind, line = "change", line[marker.end() :]
        line = re.sub(r"^\s*(?:[*+•]\s+|\d{1,3}[.)]\s+)(?=\S)", "", line)
        line = _LEADING_TIME.sub("", _TAG.sub("", line)) if _LEADING_TIME.match(line) else _TAG.sub("", line)
        if line.strip():
            yield ScriptLine(kind, line.strip(), indented)


def _unmark(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(\*\*|__|~~|\*|'{3})(?=\S)(.+?)(?<=\S)\1", r"\2", text).strip("* ")


_DIRECTION = re.compile(
    r"^(?:笑|拍手|音乐|音楽|掌声|laugh|chuckl|giggl|sigh|paus|beat\b|smil|grin|whisper|excit|clear|music|applau|gasp|cough|nod|"
    r"shrug|turn|look|point|to camera|off\b|"
    r"v\.?o\.?$|o\.?s\.?$|cont'?d|continu|intro\b|outro\b|cut\b|fade|sfx|sound|silence|crying|cries|shout|yell|sings?|"
    r"groan|yawn|jok|sarcas|"
    r"\w+ly$|\w+ing\b|in a \w+ voice|under (?:his|her) breath|quiet|soft|loud|surprised|confused|amused|inaudible|"
    r"crosstalk|b-roll|on screen)",
    re.IGNORECASE,
)


def spoken_text(text: str, left_out: list[str] | None = None) -> str:
    """What is said of a line: stage directions, Markdown marks, music signs and times inside are left out.

    The directions are added to ``left_out``, as they are written.
    """
    left_out = [] if left_out is None else left_out
    text = re.sub(r"!?\[([^\]]*)\]\((?:[^()]|\([^)]*\))*\)", r"\1", text)
    text = re.sub(rf"[\[(]{_TIME}[\])]|{_TIME}\s*-->\s*{_TIME}|-->", " ", text)

    def direction(match: re.Match[str]) -> str:
        if any(sign.isalnum() for sign in match.group(0)):
            left_out.append(match.group(0).strip())
        return " "

    def parenthesis(match: re.Match[str]) -> str:
        inside = match.group(1).strip()
        at_start = not text[: match.start()].strip(" *_")
        alone = at_start and not text[match.end() :].strip(" *_.")
        is_direction = alone or bool(_DIRECTION.match(inside)) or (at_start and len(inside.split()) <= 3)
        if is_direction and not any(sign.isdigit() for sign in inside):
            return direction(match)
        return inside if match.group(0).startswith("{") else match.group(0)

    text = re.sub(r"\[[^\[\]]*\]|【[^】]*】|♪[^♪]*♪|[♪♫]", direction, text)
    text = re.sub(r"\{([^{}]{0,400})\}", parenthesis, text)
    text = re.sub(r"[(（]([^()（）]{0,80})[)）]", parenthesis, text)
    text = re.sub(
        r"(?<![\w*])\*(?!\s)([^*\n]{2,40})(?<!\s)\*(?![\w*])",
        lambda match: direction(match) if _DIRECTION.match(match.group(1)) else match.group(1),
        text,
    )
    text = re.sub(r"(\*\*|__|~~|\*)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!\w)_(?=\S)([^_]+)(?<=\S)_(?!\w)", r"\1", text)
    text = text.replace("**", "").replace("`", "")
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\s+([,.;:!?…])", r"\1", text).strip(" -–—*_") if text else ""
