"""What could be shown during a beat: layouts with their weight and all they need to be drawn."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from videoflow.providers.base import Cue, Datum
from videoflow.providers.embedded_pictures.geography import countries_named
from videoflow.providers.embedded_pictures.icons import icon_fits
from videoflow.providers.embedded_pictures.storyboard.beats import Beat
from videoflow.providers.embedded_pictures.wording import (
    content_words,
    figures_in,
    key_phrase,
    listing_in,
    plain_title,
    quote_in,
    sentence_shown,
    versus_in,
    without_emoji,
)

Spec = dict[str, Any]
_PACE = re.compile(r"\w+s (?:a|an|per|every) (?:second|minute|hour|day|week|month|year)\b", re.IGNORECASE)
_LONGEST_CAPTION = 110
"""Characters under a large figure."""
_LINKS = frozenset(("and", "but", "so", "or", "well", "now", "then", "means", "that", "because", "together", "meanwhile"))


@dataclass(frozen=True, slots=True)
class Option:
    """``weight``: about 1 for what always fits, 2 for what the text asks for, 3 for what the script asks for."""

    layout: str
    weight: float
    spec: Spec


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every beat of a video."""

    title: str
    keywords: tuple[str, ...]
    english: bool
    sections: tuple[str, ...]
    wide: bool = True


def _data(data: Sequence[Datum]) -> list[Spec]:
    return [{"label": datum.label, "value": datum.value, "unit": datum.unit, "date": datum.date} for datum in data]


def _spread(data: Sequence[Datum]) -> float:
    """Return the smallest figure as a share of the largest."""
    values = [abs(datum.value) for datum in data]
    return min(values) / max(values) if values and max(values) > 0 else 0.0


def _videos(cue: Cue) -> list[Spec]:
    """Return the data of a cue as videos, when that is what they are: their labels read like titles."""
    named = [datum for datum in cue.data if datum.date is None and len(datum.label.split()) >= 3]
    return [
        {"title": datum.label, "channel": cue.attribution if len(cue.data) == 1 else "", "value": datum.value}
        for datum in named[:3]
    ]


def cue_options(beat: Beat, setting: Setting) -> list[Option]:
    """Return what the script asks to show."""
    cue = beat.cue
    if cue is None:
        return []
    data, heading = _data(cue.data), without_emoji(plain_title(cue.heading) or setting.title)
    if cue.kind in ("bars", "ranking", "line") and cue.text and heading.lower() == beat.section.lower():
        heading = cue.text  # the running head names the section already
    items = [item for item in cue.items if item.strip()]
    options: list[Option] = []
    match cue.kind:
        case "question":
            asked = cue.text or cue.heading
            options.append(Option("question", 2.6, {"text": asked}))
        case "quote":
            options += _quote_options(cue, beat, heading)
        case "figure" if cue.data:
            caption = heading if heading.lower() != cue.data[0].unit.lower() else cue.text
            options.append(Option("figure", 3.0, {"data": data, "caption": caption, "heading": heading}))
        case "bars" | "ranking" if len(cue.data) >= 2:
            options += _amount_options(cue, data, heading, is_wide=setting.wide)
        case "line" if len(cue.data) >= 2:
            options += _series_options(cue, beat, data, heading)
        case "comparison" if len(cue.data) >= 2:
            options.append(Option("versus", 3.2, {"data": data[:2], "heading": heading}))
            options.append(Option("bars", 1.9, {"data": data, "heading": heading}))
        case "comparison" if len(items) >= 2:
            options.append(Option("versus", 3.0, {"items": items[:2], "heading": heading}))
        case "list" if items:
            options.append(Option("points", 3.0, {"items": items, "heading": heading}))
            if len(items) >= 4:
                options.append(Option("stickers", 1.8, {"items": items, "hot": list(content_words(beat.text))}))
        case "recap" if items:
            options.append(Option("recap", 3.4, {"items": items, "heading": heading}))
            options.append(Option("points", 1.6, {"items": items, "heading": heading}))
        case "statement" if len(cue.text) >= 24 and not cue.text[:1].islower():
            options.append(Option("statement", 1.4, {"text": sentence_shown(cue.text, 130)}))
    dated = [datum for datum in cue.data if datum.date]
    if cue.kind in ("list", "ranking") and 3 <= len(dated) <= 6 and len({datum.date for datum in dated}) >= 3:
        options.append(Option("timeline", 2.4, {"data": sorted(data, key=lambda row: str(row["date"])), "heading": heading}))
    return options


def _quote_options(cue: Cue, beat: Beat, heading: str) -> Iterator[Option]:
    """Give the words themselves, and the video that they are the title of."""
    quoted = cue.text or cue.heading
    words = len(re.findall(r"\w{2,}", quoted))
    if words >= 3:
        yield Option("quote", 3.0, {"text": quoted, "attribution": cue.attribution})
    if cue.attribution and cue.text:  # a title of one word is no quotation: its video is shown
        value = cue.data[0].value if cue.data else None
        card = {"title": cue.text.strip("“”\"'"), "channel": cue.attribution, "value": value}
        phrase = key_phrase(beat.text, 9)
        yield Option("videos", 2.2 if words >= 3 else 3.2, {"videos": [card], "heading": heading, "phrase": phrase})


def _amount_options(cue: Cue, data: list[Spec], heading: str, *, is_wide: bool) -> Iterator[Option]:
    """Give the ways to show amounts beside each other: at least two."""
    spread = _spread(cue.data)
    yield Option("bars", 3.0 if cue.kind == "bars" else 2.2, {"data": data, "heading": heading})
    yield Option("ranking", 2.3 if cue.kind == "bars" else 3.2, {"data": _sorted(data), "heading": heading})
    if max(len(datum.label) for datum in cue.data) <= 34 and spread > 0.03 and len(cue.data) <= 5:
        yield Option("columns", 2.5, {"data": data, "heading": heading})
    if is_wide and 3 <= len(cue.data) <= 4 and spread > 0.06:
        yield Option("bubbles", 2.4, {"data": data, "heading": heading})
    if len(videos := _videos(cue)) >= 2:
        yield Option("videos", 2.0, {"videos": videos, "heading": heading})


def _series_options(cue: Cue, beat: Beat, data: list[Spec], heading: str) -> Iterator[Option]:
    """Give the ways to show how an amount went, at least two days of it."""
    yield Option("line", 3.4 if len(cue.data) >= 3 else 2.3, {"data": data, "heading": heading})
    if 3 <= len(cue.data) <= 6:
        yield Option("timeline", 1.8, {"data": data, "heading": heading})
    if cue.attribution:
        card = {"title": cue.heading, "channel": cue.attribution, "value": max(datum.value for datum in cue.data)}
        yield Option("videos", 1.9, {"videos": [card], "heading": heading, "phrase": key_phrase(beat.text, 7)})
    if cue.data[-1].value > cue.data[0].value:
        last = {**data[-1], "label": heading}
        yield Option("figure", 1.6, {"data": [last], "caption": heading, "heading": heading})


def _sorted(data: list[Spec]) -> list[Spec]:
    return sorted(data, key=lambda row: -float(row["value"]))


def _counted_thing(beat: Beat, setting: Setting, value: float, *, about: str) -> str:
    """Return what stands under a figure: the words behind it, the row of the script's data, what it names or the topic.

    Where the script gives no data, the whole sentence stands there if it is short enough.
    """
    cue, said = beat.cue, beat.text.lower()
    rows = [datum.label for datum in cue.data if not datum.date and abs(datum.value - value) <= 0.01 * abs(value)] if cue else []
    items = [item.rpartition(": ")[0] or item for item in cue.items] if cue else []
    named = [name for name in (*items, *setting.sections) if name and name.lower() in said]
    whole = [cue.heading] if cue and cue.kind not in ("statement", "recap", "chapter", "list", "question") else []
    sentence = _sentence_with(value, without_emoji(beat.turn_text or beat.text))
    written = [sentence] if 0 < len(sentence) <= _LONGEST_CAPTION and not (cue and cue.data) else []
    return plain_title(next((name for name in (*written, about, *rows, *named, *whole) if name), setting.title))


def _sentence_with(value: float, text: str) -> str:
    """Return the sentence in which a figure is said, empty when none is found."""
    sentences = re.split(r"(?<=[.!?…])\s+", text)
    found = next((each for each in sentences if any(figure.value == value for figure in figures_in(each))), "")
    return found.rstrip(".")


def text_options(beat: Beat, setting: Setting) -> list[Option]:
    """Return what the words themselves ask for: a figure, a quotation, an enumeration, a question, two sides."""
    text = without_emoji(beat.text)
    options: list[Option] = []
    figures = figures_in(text)
    if figures:
        figure = next((each for each in figures_in(without_emoji(beat.turn_text)) if each.value == figures[0].value), figures[0])
        pace = _PACE.match(figure.about)
        counted = figure.about.split()[0].lower() if figure.about and not figure.unit else ""
        if counted not in ("people", "percent") and not (counted.isalpha() and counted.endswith("s") and len(counted) > 3):
            counted = ""
        if pace and counted:
            counted = pace.group().lower()
        row = {"label": figure.about, "value": figure.value, "unit": figure.unit or counted, "date": None}
        about = figure.about.removeprefix(counted).strip()
        caption = _counted_thing(beat, setting, figure.value, about="" if pace or len(about.split()) < 2 else about)
        options.append(Option("figure", 2.2, {"data": [row], "caption": caption[:1].upper() + caption[1:], "heading": caption}))
    quoted = quote_in(text)
    if quoted:
        options.append(Option("quote", 2.0, {"text": quoted, "attribution": ""}))
    countries = countries_named(text)
    if countries and not (beat.cue and beat.cue.kind in ("list", "recap")):
        options.append(Option("map", 2.3, {"countries": list(countries[:3]), "phrase": key_phrase(text, 9)}))
    listed = listing_in(text)
    if listed:
        options.append(Option("points", 2.0, {"items": list(listed), "heading": beat.section or key_phrase(text, 4)}))
    sides = versus_in(text)
    if sides:
        options.append(Option("versus", 1.9, {"items": list(sides), "heading": ""}))
    asked = [
        sentence for sentence in re.split(r"(?<=[.!?？؟])\s+", text) if sentence.rstrip("”\"'’").endswith(("?", "？", "؟", ";"))
    ]
    if asked and asked[-1].rstrip("”\"'’").endswith(("?", "？", "؟")):
        whole = [
            sentence for sentence in re.split(r"(?<=[.!?？؟])\s+", without_emoji(beat.turn_text)) if sentence.endswith(asked[-1])
        ]
        shown = min(whole, key=len, default=asked[-1])
        if len(shown.split()) < 3:  # "Correct?" needs what it asks about
            shown = text[-140:].partition(". ")[2] or text if len(text) > 140 else text
        options.append(Option("question", 2.1, {"text": shown}))
    return options


def _phrase(beat: Beat, text: str, longest_words: int) -> str:
    """Return the key phrase of a part of a turn; when the cut before it tore a clause, that of the whole sentence."""
    phrase = key_phrase(text, longest_words)
    whole = without_emoji(beat.turn_text)
    place = whole.lower().find(phrase.lower())
    before = whole[:place].rstrip() if place >= 0 else ""
    torn = bool(before) and before[-1] not in '.,;:!?…—–“"' and before.split()[-1].lower() not in _LINKS
    if not torn:
        return phrase
    sentences = [sentence for sentence in re.split(r"(?<=[.!?…])\s+", whole) if phrase.lower() in sentence.lower()]
    return key_phrase(sentences[0], longest_words) if sentences else phrase


def _opens_sentence(word: str, text: str) -> bool:
    """Tell whether a word has its capital from the sentence that it opens."""
    return re.search(rf"(?:^|[.!?…:]\s+)[“\"«„]?{re.escape(word)}\b", text) is not None


def plain_options(beat: Beat, setting: Setting, section_words: Sequence[str]) -> list[Option]:
    """Return what fits any text."""
    text = without_emoji(beat.text) or setting.title
    words = content_words(text)
    phrase, gist = _phrase(beat, text, 8), _phrase(beat, text, 11)
    options = [
        Option("kinetic", 1.15, {"phrase": phrase}),
        Option("hosts", 1.0, {"phrase": gist}),
        Option("spotlight", 1.35 if icon_fits(text) else 0.85, {"phrase": gist, "text": text}),
    ]
    sentence = sentence_shown(text, 120)
    torn = beat.part > 0 and text[:1].islower() and text.lower().startswith(sentence[:24].lower().rstrip("…"))
    if len(sentence) >= 24 and not torn:
        options.append(Option("statement", 0.95, {"text": sentence}))
    own = {word.lower() for listed in setting.keywords for word in listed.split()}
    strong = [
        word
        for word in words
        if 4 <= len(word) <= 14
        and not word.endswith("ly")
        and (word.lower() in own or (word[:1].isupper() and not _opens_sentence(word, text)))
    ]
    if strong:
        best = max(
            strong, key=lambda word: (word[:1].isupper() and not _opens_sentence(word, text), min(len(word), 9), -len(word))
        )
        options.append(Option("poster", 0.75, {"word": best[:1].upper() + best[1:], "phrase": gist, "text": text}))
    wall = list(dict.fromkeys([*setting.keywords, *section_words]))
    if len(wall) >= 7:
        hot = [word for word in wall if word.lower() in text.lower()]
        options.append(Option("stickers", 0.7, {"items": list(dict.fromkeys([*hot, *wall]))[:13], "hot": hot}))
    return options
