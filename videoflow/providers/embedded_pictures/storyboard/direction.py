"""Decides, beat for beat, what is shown, on which ground, how it moves and how it comes in."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from videoflow.providers.base import Host, Shot, SpokenTurn
from videoflow.providers.embedded_pictures.geography import country_name
from videoflow.providers.embedded_pictures.storyboard.beats import Beat, beats_cut
from videoflow.providers.embedded_pictures.storyboard.options import Option, Setting, cue_options, plain_options, text_options
from videoflow.providers.embedded_pictures.wording import bare_word, content_words, figures_in, without_emoji

Motion = Literal["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"]
Transition = Literal["cut", "crossfade", "slide", "wipe", "zoom"]

MOST_SHARE = 0.23
"""No layout may take more of the video than this."""
_CLIPS = frozenset(
    (
        "title",
        "chapter",
        "bars",
        "columns",
        "bubbles",
        "line",
        "ranking",
        "figure",
        "versus",
        "kinetic",
        "hosts",
        "map",
        "points",
        "outro",
    )
)
_EITHER = ("question", "timeline", "recap", "statement")
"""Made clips when too little moves."""
_LEAST_CLIP_SHARE = 0.5
_ROUNDED = 0.1
"""How far a said figure may be from the one of the data: 4.4 million views are “about 4 million”."""
_WITHOUT_SECTION = frozenset(("title", "chapter", "outro", "question", "quote", "poster", "versus"))
"""Layouts that have no room for the section's name, or say it themselves."""
_NAMED = {
    "title": "Title card",
    "chapter": "Chapter card",
    "bars": "Bar chart",
    "columns": "Column chart",
    "bubbles": "Chart of discs",
    "line": "Line chart by day",
    "ranking": "Ranked list",
    "figure": "Large figure",
    "versus": "Two sides compared",
    "quote": "Quotation",
    "kinetic": "Words in large type",
    "statement": "Sentence in large type",
    "question": "Question",
    "points": "List",
    "hosts": "The two hosts talking",
    "timeline": "Time line",
    "stickers": "Wall of words",
    "videos": "Cards of the videos",
    "poster": "One large word",
    "spotlight": "Pictogram with a phrase",
    "map": "Map",
    "recap": "Recap",
    "outro": "Closing card",
}
_LETTERED = {
    "kinetic": "phrase",
    "hosts": "phrase",
    "spotlight": "phrase",
    "statement": "text",
    "question": "text",
    "quote": "text",
}
"""The words in large type of a layout, by their name in its spec."""
_SOON_SECONDS = 1.2
_COUNTING = frozenset(
    [
        "three",
        "four",
        "five",
        "seven",
        "eight",
        "nine",
        "hundred",
        "thousand",
        "million",
        "billion",
        "percent",
        "views",
        "videos",
        "channels",
        "times",
        "altogether",
        "total",
    ]
)
"""Words that say how much of something, not of what."""
_FREE_CAMERA = frozenset(("stickers", "spotlight", "poster", "videos"))
"""Nothing in these is lost when the camera moves sideways."""
_ENGLISH = frozenset(
    ("the", "and", "of", "to", "in", "is", "that", "it", "for", "with", "are", "was", "this", "you", "but", "not", "have")
)


@dataclass(slots=True)
class _Ledger:
    """What has been shown so far."""

    total: float
    seconds: dict[str, float]
    order: list[str]
    grounds: list[str]
    shown: set[tuple[str, str]]

    def allows(self, layout: str, seconds: float) -> bool:
        within = self.seconds.get(layout, 0.0) + seconds <= max(MOST_SHARE * self.total, 6.5)
        return within and (not self.order or self.order[-1] != layout)

    def score(self, option: Option, chance: random.Random) -> float:
        used = self.seconds.get(option.layout, 0.0) / max(1e-6, MOST_SHARE * self.total)
        score = option.weight * (1.0 - 0.55 * min(1.0, used))
        recent = self.order[::-1][:5]
        if option.layout in recent:
            score *= (0.0, 0.45, 0.6, 0.75, 0.88)[recent.index(option.layout)]
        if (option.layout, _content(option)) in self.shown:
            score *= 0.35
        return score * chance.uniform(0.88, 1.12)

    def note(self, option: Option, seconds: float, ground: str) -> None:
        self.seconds[option.layout] = self.seconds.get(option.layout, 0.0) + seconds
        self.order.append(option.layout)
        self.grounds.append(ground)
        self.shown.add((option.layout, _content(option)))


def _content(option: Option) -> str:
    spec = option.spec
    if option.layout == "map":
        return repr(spec["countries"])
    return repr([spec.get(key) for key in ("heading", "data", "items", "text", "phrase", "videos")])


def storyboard_make(
    turns: Sequence[SpokenTurn],
    *,
    title: str,
    look: Mapping[str, Any],
    aspect: str,
    total_seconds: float,
    hosts: tuple[Host, Host],
    seed: int,
) -> list[Shot]:
    """Return shots that cover 0 to ``total_seconds`` without a gap."""
    chance = random.Random(f"{seed}/{title}/{aspect}")
    beats = beats_cut(turns, total_seconds)
    if not beats:
        beats = [Beat(0.0, total_seconds, (), "A", title, (), None, "")]
    sections = tuple(dict.fromkeys(beat.section for beat in beats if beat.section))
    texts = " ".join(turn.text for turn in turns).lower().split()
    setting = Setting(
        title,
        tuple(str(word) for word in look.get("keywords", ())),
        sum(word in _ENGLISH for word in texts) > 0.08 * len(texts),
        sections,
        aspect == "16:9",
    )
    words_of = {section: _frequent(turns, section) for section in sections}
    ledger = _Ledger(total_seconds, {}, [], [], set())
    picked: list[tuple[Beat, Option, str]] = []
    for number, beat in enumerate(beats):
        option = _pick(beats, number, setting, words_of.get(beat.section, ()), ledger, chance)
        ground = _ground(option.layout, beat, ledger, chance)
        ledger.note(option, beat.seconds, ground)
        picked.append((beat, option, ground))
    clips = _moving([(option.layout, beat.seconds) for beat, option, _ in picked], total_seconds)
    starts = [round(beat.start, 3) for beat, _, _ in picked] + [round(total_seconds, 3)]
    shots: list[Shot] = []
    for number, (beat, option, ground) in enumerate(picked):
        clip = number in clips
        spec = _spec(beat, option, ground, starts[number], hosts, seed=chance.randrange(1, 1 << 30))
        spec["topic"] = " ".join([setting.title, *setting.keywords])
        before = shots[-1] if shots else None
        shots.append(
            Shot(
                index=number,
                turn_indexes=beat.turn_indexes,
                start=starts[number],
                seconds=round(starts[number + 1] - starts[number], 3),
                kind="clip" if clip else "image",
                layout=option.layout,
                spec=spec,
                motion="still" if clip else _motion(option.layout, before, chance),
                transition=_transition(beat, option.layout, before, chance),
                focus=(0.5, 0.45),
                alt=_alt(option),
            )
        )
    return shots


def _spec(beat: Beat, option: Option, ground: str, start: float, hosts: tuple[Host, Host], *, seed: int) -> dict[str, Any]:
    """Return what a layout is drawn from; ``start`` is the shot's, from which its words' times are counted."""
    return {
        **option.spec,
        "ground": ground,
        "seed": seed,
        "speaker": beat.speaker,
        "section": without_emoji(beat.section) if option.layout not in _WITHOUT_SECTION else "",
        "hosts": [asdict(host) for host in hosts],
        "words": [[word.text, round(word.start - start, 3), round(word.end - start, 3)] for word in beat.words],
    }


def _pick(
    beats: Sequence[Beat], number: int, setting: Setting, section_words: Sequence[str], ledger: _Ledger, chance: random.Random
) -> Option:
    beat, before, count = beats[number], beats[number - 1] if number else None, len(beats)
    kind = beat.cue.kind if beat.cue else None
    if number == 0:
        return Option("title", 9, {"heading": setting.title, "text": " ".join([*setting.keywords[:8], beat.text])})
    if number == count - 1 and (kind == "outro" or count > 6):
        farewell = "Thanks for watching" if setting.english else setting.title
        return Option("outro", 9, {"heading": farewell, "title": setting.title if setting.english else ""})
    if beat.opens and beat.section and len(setting.sections) > 1 and ledger.order[-1] != "chapter":
        place = setting.sections.index(beat.section)  # the first section is opened by the title card
        return Option("chapter", 9, {"heading": beat.section, "number": max(1, place), "count": len(setting.sections) - 1})
    options = [*text_options(beat, setting), *plain_options(beat, setting, section_words)]
    if before and before.turn_indexes == beat.turn_indexes and ledger.order[-1] in ("title", "chapter"):
        options += _carried_figure(before, beat, setting)
    if kind not in ("title", "chapter", "outro"):
        faded = 1.0 if beat.part == 0 or (beat.part == 1 and ledger.order[-1] == "chapter") else 0.62
        if kind == "figure" and beat.parts > 1:
            faded = 1.0 if _says_its_figure(beat) else 0.25  # a figure is shown while it is said
        options += [Option(option.layout, option.weight * faded, option.spec) for option in cue_options(beat, setting)]
    options = [Option(option.layout, option.weight * _fitting(option, beat), option.spec) for option in options]
    allowed = [option for option in options if ledger.allows(option.layout, beat.seconds)]
    if not allowed:
        allowed = [option for option in options if option.layout != ledger.order[-1]]
        return min(allowed, key=lambda option: ledger.seconds.get(option.layout, 0.0))
    return max(allowed, key=lambda option: ledger.score(option, chance))


def _fitting(option: Option, beat: Beat) -> float:
    """Return how far the words in large type are those that are said meanwhile, 0.1 to 1.

    Words that light up as they are spoken have to be spoken soon; a sentence may be read a little before it is heard.
    """
    shown = [word for word in map(bare_word, str(option.spec.get(_LETTERED.get(option.layout, ""), "")).split()) if word]
    if not shown or not beat.words:
        return 1.0
    said = {bare_word(word.text): word.start - beat.start for word in reversed(beat.words)}
    if sum(word in said for word in shown) < (0.9 if option.layout == "kinetic" else 0.5) * len(shown):
        return 0.1
    waited = said.get(shown[0], 0.0)
    return 0.3 if waited > (_SOON_SECONDS if option.layout == "kinetic" else 2 * _SOON_SECONDS) else 1.0


def _carried_figure(before: Beat, beat: Beat, setting: Setting) -> list[Option]:
    """Return the figure that was said while a card stood there; it is shown with the rest of its sentence."""
    if figures_in(beat.text) or not beat.text[:1].islower():
        return []
    return [
        option for option in text_options(replace(beat, text=f"{before.text} {beat.text}"), setting) if option.layout == "figure"
    ]


def _says_its_figure(beat: Beat) -> bool:
    """Say whether the figure that the script asks for is said in this part of the turn; words round it."""
    wanted = [datum.value for datum in beat.cue.data] if beat.cue else []
    said = [figure.value for figure in figures_in(beat.text)]
    return any(abs(value - figure) <= _ROUNDED * abs(value) for value in wanted for figure in said)


def _frequent(turns: Sequence[SpokenTurn], section: str) -> tuple[str, ...]:
    """Return the words of a section worth a sticker: names first, then what is said often."""
    counts: dict[str, float] = {}
    for turn in turns:
        if turn.section == section:
            for word in content_words(turn.text):
                if len(word) > 3 and word.lower() not in _COUNTING:
                    counts[word] = counts.get(word, 0) + (1.6 if word[:1].isupper() else 1.0)
    return tuple(sorted(counts, key=lambda word: (-counts[word], word))[:12])


def _ground(layout: str, beat: Beat, ledger: _Ledger, chance: random.Random) -> str:
    own = beat.speaker.lower()
    choices: dict[str, tuple[str, ...]] = {
        "title": ("main",),
        "chapter": ("a", "b", "spark", "alternate"),
        "outro": ("main",),
        "poster": ("spark", own, "alternate"),
        "quote": (own, "alternate", "main"),
        "question": ("main", "alternate", own),
        "versus": ("main",),
        "line": ("main", "main", "alternate"),
        "statement": ("main", "alternate", "spark"),
        "figure": ("main", "alternate", "main"),
    }
    listed = choices.get(layout, ("main", "main", "main", "alternate"))
    last = ledger.grounds[-1] if ledger.grounds else ""
    fresh = [ground for ground in listed if ground != last or ground == "main"] or list(listed)
    if layout == "chapter":
        earlier = sum(name == "chapter" for name in ledger.order)
        return ("a", "b", "spark", "alternate")[earlier % 4]
    return chance.choice(fresh)


def _moving(shots: Sequence[tuple[str, float]], total: float) -> set[int]:
    """Return which shots are clips: all that live from movement, more when they fill less than half of the time."""
    clips = {number for number, (layout, _) in enumerate(shots) if layout in _CLIPS}
    share = sum(shots[number][1] for number in clips) / max(1e-6, total)
    for layout in _EITHER:
        for number, (name, seconds) in enumerate(shots):
            if name == layout and share < _LEAST_CLIP_SHARE:
                clips.add(number)
                share += seconds / max(1e-6, total)
    return clips


def _motion(layout: str, before: Shot | None, chance: random.Random) -> Motion:
    listed: tuple[Motion, ...] = ("push_in", "pull_out")
    if layout in _FREE_CAMERA:
        listed = ("push_in", "pan_left", "pan_right", "drift_up", "pull_out")
    fresh = [motion for motion in listed if before is None or before.motion != motion]
    return chance.choice(fresh or list(listed))


def _transition(beat: Beat, layout: str, before: Shot | None, chance: random.Random) -> Transition:
    if before is None:
        return "cut"
    if layout == "chapter":
        return chance.choice(("wipe", "zoom", "slide"))
    if layout == "outro":
        return "crossfade"
    if beat.part > 0 or before.seconds < 2.6:
        return "cut"
    kinds: tuple[Transition, ...] = ("cut", "crossfade", "slide", "wipe", "zoom")
    return chance.choices(kinds, (52, 16, 16, 10, 6))[0]


def _alt(option: Option) -> str:
    spec = option.spec
    if option.layout == "map":
        return "Map: " + ", ".join(country_name(code) for code in spec["countries"])
    said = str(spec.get("heading") or spec.get("text") or spec.get("phrase") or "").strip()
    labels = ", ".join(str(row["label"]) for row in spec.get("data", ())[:5] if row["label"] != said)
    return ": ".join(part for part in (_NAMED[option.layout], said, labels) if part)
