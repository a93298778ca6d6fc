"""Plans a video about one theme or several: what has to be said, what may be added, and in which order it is spoken."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, Cue, Datum, Evidence, Exchange, ThemesBrief
from videoflow.providers.embedded_writer.composer import Composer, Draft, seconds_of
from videoflow.providers.embedded_writer.figures import say_clock, say_day, say_figure, say_list, say_several
from videoflow.providers.embedded_writer.record import Record
from videoflow.providers.embedded_writer.stock import Said, stock_read
from videoflow.providers.embedded_writer.theme_facts import Angle, ThemeFacts
from videoflow.providers.embedded_writer.theme_makers import maker_angles, pair_angles, profile_angles
from videoflow.providers.embedded_writer.theme_motion import beside, category_angle, date_angles, growth_angles
from videoflow.providers.embedded_writer.titles import strip_lures
from videoflow.sentences import Sentence

REQUIRED_SHARE = 0.9
"""Of the wanted length, spoken in required exchanges."""
_REQUIRED_MOST = 0.95
"""Of the wanted length; what would go beyond is optional, unless every video has it."""
_SHORT = 100.0
"""Below this length, in seconds, a video goes without preview and recap."""
POOL_SHARE = 1.6
"""Of the wanted length, written altogether."""
_OPENING, _CLOSING = 0, 99

_FACETS = ("lead", "motion", "makers", "audience", "context")
_HEADINGS = {
    "motion": ("How it moved", "Day by day", "The climb", "Who was speeding up"),
    "makers": ("Who made it", "The names behind it", "Video by video", "A closer look"),
    "audience": ("What viewers did", "Likes and comments", "The room's reaction"),
    "context": ("In proportion", "The bigger picture", "What it adds up to"),
}
_CLOSING_HEADINGS = ("Recap", "The short version", "What we take home")
_OPENING_HEADINGS = ("Opening", "What's inside", "First things first")
_TITLES_ONE = (
    "{label}: What the Numbers Say",
    "{label} by the Numbers",
    "{label}: {views}, Video by Video",
    "How Big Is {label}, Really?",
    "Inside {label}: {views}",
)
_TITLES_MANY = (
    "{first} vs. {second}: What People Watched",
    "From {first} to {second}: What Was Trending",
    "{first}, {second} and More: Trends by the Numbers",
)
# Where an angle belongs in a video about one theme, its place there, and how gladly it is taken.
_PLAN: dict[str, tuple[str, float, float]] = {
    "theme_open": ("lead", 0, 1.0),
    "top": ("lead", 1, 1.0),
    "runner": ("lead", 2, 0.93),
    "share_top": ("lead", 3, 0.80),
    "bottom_sum": ("lead", 4, 0.52),
    "spread": ("lead", 5, 0.66),
    "growth": ("motion", 1, 0.90),
    "pace": ("motion", 3, 0.70),
    "growth_pct": ("motion", 4, 0.78),
    "per_minute": ("motion", 5, 0.74),
    "dates_new": ("motion", 6, 0.58),
    "delay": ("motion", 7, 0.54),
    "listed": ("motion", 8, 0.44),
    "breadth": ("makers", 0, 0.88),
    "profile": ("makers", 2, 0.60),
    "pick": ("makers", 3, 0.72),
    "tags": ("makers", 5, 0.50),
    "weekday": ("makers", 6, 0.36),
    "title_shape": ("makers", 7, 0.48),
    "likes_high": ("audience", 0, 0.86),
    "likes_low": ("audience", 1, 0.64),
    "comments_high": ("audience", 2, 0.68),
    "likes_total": ("audience", 3, 0.46),
    "average": ("context", 0, 0.62),
    "category": ("context", 1, 0.82),
    "versus": ("context", 2, 0.84),
    "sibling": ("context", 2, 0.79),
    "elsewhere": ("context", 3, 0.56),
    "score": ("context", 4, 0.42),
    "caveat": ("context", 5, 0.76),
    "callback": ("context", 6, 0.34),
    "bridge": ("context", 9, 0.30),
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """An angle with the section it would stand in."""

    angle: Angle
    section: int
    place: float
    weight: float


def themes_write(brief: ThemesBrief) -> Conversation:
    """A conversation about the themes of a brief.

    Raises: BadInput when there is no theme, no counted video, or too little evidence for the length.
    """
    return _ThemeScript(brief).write()


def themes_evidence(brief: ThemesBrief) -> tuple[Evidence, ...]:
    """All that the report says about the themes of a brief, whether a conversation has room for it or not.

    Raises: BadInput when there is no theme, or no counted video.
    """
    return _ThemeScript(brief).evidence()


class _ThemeScript:
    def __init__(self, brief: ThemesBrief) -> None:
        if not brief.themes:
            raise BadInput("No theme was chosen. Choose at least one theme of the trend report.")
        self._brief = brief
        self._dice = random.Random(f"themes:{brief.seed}")
        self._hosts: dict[str, str] = {host.speaker: host.name for host in brief.hosts}
        self._record = Record(brief.analysis.source_label)
        room = max(2, int((brief.minimum_seconds * REQUIRED_SHARE - 50) / 27))
        wanted = brief.themes[: min(room, 12)]
        self._themes = [ThemeFacts(theme, brief.analysis, self._record) for theme in wanted]
        self._themes = [facts for facts in self._themes if facts.theme.views > 0 and facts.named]
        if not self._themes:
            raise BadInput(
                "The chosen themes have no videos with a count and a title that can be read out in English. "
                "Choose another theme, or import a file that has view counts."
            )
        told = {facts.theme.label for facts in self._themes}
        left = [theme.label for theme in brief.themes if theme.label not in told]
        self._warnings = (f"Left out, because the length has no room or there are no counts: {say_list(left)}.",) if left else ()
        names = {name for facts in self._themes for name in facts.names()} | {theme.label for theme in brief.analysis.themes}
        names |= {theme.category for theme in brief.analysis.themes} | set(self._hosts.values()) | {brief.analysis.source_label}
        self._composer = Composer(stock_read("themes"), sorted(names), self._dice)
        self._drafts: list[Draft] = []
        self._seconds = 0.0
        self._title = self._choose_title()
        self._sections = self._name_sections()

    # Plan ------------------------------------------------------------------------------------------------------------

    def write(self) -> Conversation:
        minimum = self._brief.minimum_seconds
        for wish in self._frame_wishes():
            self._add(wish, is_required=True, priority=0.999 if wish.angle.move.startswith("preview") else 1.0)
        optional = self._optional_wishes()
        step = 1.0 / (len(optional) + 1)
        for number, wish in enumerate(optional):
            if self._seconds >= POOL_SHARE * minimum:
                break
            self._add(wish, is_required=self._seconds < REQUIRED_SHARE * minimum - 8, priority=1.0 - step * (number + 1))
        if self._seconds < minimum:
            raise BadInput(
                Sentence(
                    "The evidence of %(themes)s carries about %(length)s; %(wanted)s were asked for. Add "
                    "another theme, choose the monthly window, or ask for a shorter video.",
                    themes=say_list([facts.label for facts in self._themes]),
                    length=say_clock(self._seconds),
                    wanted=say_clock(minimum),
                )
            )
        return self._conversation()

    def evidence(self) -> tuple[Evidence, ...]:
        """Every statement that the angles rest on: entered into the record as they are put together."""
        for _ in self._frame_wishes():
            pass
        self._optional_wishes()
        return self._record.all()

    def _add(self, wish: _Wish, *, is_required: bool, priority: float) -> None:
        turns = self._composer.say(wish.angle, base=self._hosts)
        if turns is None:
            return
        self._seconds += seconds_of(turns)
        is_required = is_required and (priority == 1.0 or self._seconds <= _REQUIRED_MOST * self._brief.minimum_seconds)
        self._drafts.append(Draft(turns, wish.section, wish.place, is_required, priority))

    def _frame_wishes(self) -> Iterator[_Wish]:
        """What every video has: hook, welcome, preview, each theme's opening and leader, recap and sign-off."""
        opening = self._opening_facts()
        is_one = len(self._themes) == 1
        flags = {"one" if is_one else "many", *self._hook_flags()}
        mood = frozenset({"grave"} if any(facts.is_grave for facts in self._themes) else ())
        flags |= mood
        cues = {
            "title": Cue("title", self._title, text=self._brief.analysis.source_label, items=tuple(f.label for f in self._themes))
        }
        labels = Cue("list", "In this video", items=tuple(facts.label for facts in self._themes))
        if is_one:
            labels = Cue("list", "In this video", items=tuple(self._sections[number] for number in sorted(self._sections)[1:-1]))
        lead = self._themes[0]
        yield _Wish(Angle("hook", opening, frozenset(flags), cues), _OPENING, 0, 1)
        measure = Cue("statement", self._brief.analysis.source_label, text=self._brief.analysis.measure)
        yield _Wish(Angle("welcome", opening, frozenset(), {"statement": measure}), _OPENING, 1, 1)
        preview = "preview_one" if is_one else "preview_many"
        if is_one and len(lead.theme.videos) == 1:
            preview = "preview_solo"
        for number, facts in enumerate(self._themes):
            yield _Wish(facts.opening(is_first=number == 0, is_only=is_one), number + 1, 0, 1)
            for angle in facts.standing():
                if angle.move in ("top", "solo_top"):
                    yield _Wish(angle, number + 1, 1, 1)
        recap = tuple(f"{facts.label}: {say_figure(facts.theme.views)} {facts.unit}" for facts in self._themes)
        if is_one:
            recap = tuple(f"{entry.title}: {say_figure(entry.video.views)} {lead.unit}" for entry in lead.named[:4])
        closing = Cue("recap", self._sections[_CLOSING], items=recap)
        if self._brief.minimum_seconds >= _SHORT:
            yield _Wish(Angle("recap_one" if is_one else "recap_many", opening, mood, {"recap": closing}), _CLOSING, 0, 1)
        end = Cue("outro", self._title, text=self._brief.analysis.source_label)
        yield _Wish(Angle("outro", {}, mood, {"outro": end}), _CLOSING, 1, 1)
        if self._brief.minimum_seconds >= _SHORT:
            yield _Wish(Angle(preview, opening, mood, {"list": labels, "bars": lead.bars()}), _OPENING, 2, 1)

    def _optional_wishes(self) -> list[_Wish]:
        """Everything else, most wanted first; several themes take turns."""
        is_one = len(self._themes) == 1
        queue: list[tuple[float, _Wish]] = []
        for number, facts in enumerate(self._themes):
            seen: dict[str, int] = {}
            wishes: list[_Wish] = []
            for angle in self._angles_of(number, facts):
                turn = seen[angle.move] = seen.get(angle.move, 0) + 1
                facet, place, weight = _PLAN[angle.move]
                step = _FACETS.index(facet)
                section = step + 1 if is_one else number + 1
                spot = place + turn / 20 + (0 if is_one else 100 * step)
                weight += self._dice.uniform(-0.09, 0.09) - 0.13 * (turn - 1)
                wishes.append(_Wish(angle, section, spot, weight))
            wishes.sort(key=lambda wish: -wish.weight)
            queue += [(index + (number + 1) / (len(self._themes) + 1), wish) for index, wish in enumerate(wishes)]
        return [wish for _, wish in sorted(queue, key=lambda item: item[0])]

    def _angles_of(self, number: int, facts: ThemeFacts) -> Iterator[Angle]:
        """Every angle on a theme besides its opening and its leader."""
        yield from (angle for angle in facts.standing() if angle.move not in ("top", "solo_top"))
        yield from growth_angles(facts)
        yield from date_angles(facts)
        yield from maker_angles(facts)
        yield from profile_angles(facts)
        yield from pair_angles(facts)
        yield from facts.reaction_angles()
        yield from facts.averages()
        yield from category_angle(facts)
        yield facts.scored()
        yield from self._compared(number, facts)
        if len(self._themes) == 1:
            yield from (facts.angle("caveat", {}, None) for _ in range(6))
        else:
            yield from (facts.angle("caveat", {}, None) for _ in range(2))
            if number < len(self._themes) - 1:
                yield facts.angle("bridge", {}, None)

    def _compared(self, number: int, facts: ThemeFacts) -> Iterator[Angle]:
        covered = [other.theme for other in self._themes[:number]]
        told = {(theme.category_id, theme.rank) for theme in (other.theme for other in self._themes)}
        others = [theme for theme in self._brief.analysis.themes if (theme.category_id, theme.rank) not in told]
        for other in reversed(covered[-2:]):
            if (angle := beside(facts, other, move="versus")) is not None:
                yield angle
        same = [theme for theme in others if theme.category_id == facts.theme.category_id]
        elsewhere = [theme for theme in others if theme.category_id != facts.theme.category_id]
        if len(self._themes) == 1:
            for other in same[:2]:
                if (angle := beside(facts, other, move="sibling")) is not None:
                    yield angle
        for other in elsewhere[:3] if len(self._themes) == 1 else elsewhere[number : number + 1]:
            if (angle := beside(facts, other, move="elsewhere")) is not None:
                yield angle

    # Facts of the whole ----------------------------------------------------------------------------------------------

    def _opening_facts(self) -> dict[str, Said]:
        analysis = self._brief.analysis
        lead = self._themes[0]
        ranked = sorted(self._themes, key=lambda facts: -facts.theme.views)
        total = sum(facts.theme.views for facts in self._themes)
        window = self._record.add(
            "source",
            "category",
            f"{analysis.source_label}, {analysis.window_start} to {analysis.window_end} ({say_day(analysis.window_start)} to "
            f"{say_day(analysis.window_end)}), {analysis.rows_used:,} of {analysis.rows_read:,} rows used. It counts "
            f"{analysis.measure}.",
        )
        key = (
            self._record.add(
                "themes:all",
                "theme",
                f"{len(self._themes)} themes with {total:,} {lead.unit} together: "
                + "; ".join(f"{facts.label} {facts.theme.views:,}" for facts in ranked)
                + ".",
                data=(
                    Datum("All themes", total, lead.unit),
                    Datum("themes", len(self._themes), "themes"),
                    *(Datum(facts.label, facts.theme.views, lead.unit) for facts in ranked),
                ),
            ),
        )
        facts = {
            **lead.base(),
            "source": Said(_source_spoken(analysis.source_label), (window,)),
            "start": Said(say_day(analysis.window_start), (window,)),
            "end": Said(say_day(analysis.window_end), (window,)),
            "measure": Said(re.split(r"[,;(]", analysis.measure)[0].strip(" ."), (window,)),
            "first": Said(lead.spoken_label),
            "first_views": lead.count(lead.theme.views, key, lead.label),
            "grand_total": lead.count(total, key, "All themes"),
            "n_themes": Said(say_several(len(self._themes), "theme"), key, None),
            "theme_list": Said(say_list([facts.spoken_label for facts in self._themes]), key),
            "biggest": Said(ranked[0].spoken_label, key),
            "biggest_views": lead.count(ranked[0].theme.views, key, ranked[0].label),
            "smallest": Said(ranked[-1].spoken_label, key),
            "smallest_views": lead.count(ranked[-1].theme.views, key, ranked[-1].label),
        }
        if len(self._themes) > 1:
            facts["second"] = Said(self._themes[1].spoken_label)
        else:
            facts |= lead.of_video(lead.named[0])
            for angle in growth_angles(lead):
                if angle.move == "growth":
                    facts |= {name: angle.facts[name] for name in ("g_title", "g_gain")}
                    break
        return facts

    def _hook_flags(self) -> set[str]:
        lead = self._themes[0]
        if len(self._themes) > 1:
            views = [facts.theme.views for facts in self._themes]
            return {"uneven"} if views[0] >= 1.5 * max(views[1:]) else set()
        counts = sorted((video.views for video in lead.theme.videos), reverse=True)
        flags = {"clear"} if len(counts) > 1 and counts[0] >= 1.5 * counts[1] else set()
        return flags | ({"uneven"} if len(counts) > 2 and counts[0] >= 3 * counts[-1] else set())

    def _choose_title(self) -> str:
        lead = self._themes[0]
        views = f"{say_figure(lead.theme.views).replace(' million', 'M').replace(' billion', 'B')} {lead.unit.title()}"
        stock = _TITLES_ONE if len(self._themes) == 1 else _TITLES_MANY
        second = self._themes[1].label if len(self._themes) > 1 else ""
        titles = [line.format(label=lead.label, views=views, first=lead.label, second=second) for line in stock]
        fitting = [title for title in titles if len(title) <= 90] or [
            lead.label[:89].rstrip() + "…" if len(lead.label) > 90 else lead.label
        ]
        return self._dice.choice(fitting)

    def _name_sections(self) -> dict[int, str]:
        names = {_OPENING: self._dice.choice(_OPENING_HEADINGS), _CLOSING: self._dice.choice(_CLOSING_HEADINGS)}
        if len(self._themes) > 1:
            return names | {number + 1: facts.label for number, facts in enumerate(self._themes)}
        return (
            names
            | {1: self._themes[0].label}
            | {number + 1: self._dice.choice(_HEADINGS[facet]) for number, facet in enumerate(_FACETS) if facet != "lead"}
        )

    # Result ----------------------------------------------------------------------------------------------------------

    def _conversation(self) -> Conversation:
        exchanges = exchanges_of(self._drafts, self._sections)
        keys = {key for exchange in exchanges for turn in exchange.turns for key in turn.sources}
        lead = self._themes[0]
        keywords = tuple(dict.fromkeys(word for facts in self._themes for word in (facts.label, *facts.theme.keywords)))[:12]
        topic = say_list([facts.label for facts in self._themes]) if len(self._themes) > 1 else lead.label
        return Conversation(self._title, exchanges, self._record.named(keys), topic, keywords, warnings=self._warnings)


def exchanges_of(drafts: Sequence[Draft], sections: dict[int, str], *, keep_order: bool = False) -> tuple[Exchange, ...]:
    """Drafts as exchanges in speaking order.

    The exchange of a section that is taken first opens it, so that the chapter card stands at its start whatever else is taken;
    with ``keep_order`` that one has to stand first already.
    """
    leaders: dict[int, Draft] = {}
    for draft in sorted(drafts, key=lambda draft: (not draft.is_required, -draft.priority, draft.place)):
        leaders.setdefault(draft.section, draft)
    exchanges: list[Exchange] = []
    for draft in sorted(
        drafts, key=lambda draft: (draft.section, not keep_order and draft is not leaders[draft.section], draft.place)
    ):
        turns, heading = draft.turns, sections[draft.section]
        if draft is leaders[draft.section] and draft.section != _OPENING:
            turns = (replace(turns[0], cue=Cue("chapter", heading)), *turns[1:])
        exchanges.append(Exchange(turns, heading, draft.is_required, draft.priority))
    return tuple(exchanges)


def _source_spoken(label: str) -> str:
    """A source's name without the file name behind it: "the YouTube trending list"."""
    name = strip_lures(re.sub(r"\s*\([^)]*\)\s*$", "", label)).strip()
    if re.search(r"\.\w{2,4}$|_", name) or not name:
        return "the imported file"
    return name if name.lower().startswith(("the ", "a ", "our ")) else f"the {name}"
