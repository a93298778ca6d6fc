"""What can truthfully be said about a theme: each angle with its facts, the evidence behind them and the pictures that fit."""

import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from videoflow.providers.base import Cue, Datum, Theme, TrendAnalysis, TrendVideo
from videoflow.providers.embedded_writer.figures import (
    day_of,
    say_count,
    say_day,
    say_figure,
    say_ordinal,
    say_percent,
    say_rate,
    say_several,
    say_times,
)
from videoflow.providers.embedded_writer.lexicon import words_read
from videoflow.providers.embedded_writer.record import Record
from videoflow.providers.embedded_writer.stock import Said
from videoflow.providers.embedded_writer.titles import clean_channel, clean_title, strip_lures

_GRAVE = re.compile(
    r"\b(?:explosions?|blast|deaths?|dead|dies|died|killed|kills|murders?|murdered|shooting|shot dead|war|attacks?|"
    r"terror\w*|earthquakes?|"
    r"floods?|hurricane|tornado|wildfires?|crash|victims?|suicide|cancer|funeral|massacre|genocide|hostages?|pandemic|"
    r"coronavirus|covid\S*|"
    r"abuse|assault|rape|tragedy|tragic|obituary|rip|passed away|depression|miscarriage)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Angle:
    """One thing to talk about: the move of the stock, the facts it may use, flags, and cues by kind."""

    move: str
    facts: Mapping[str, Said]
    flags: frozenset[str] = frozenset()
    cues: Mapping[str, Cue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """A video that can be named aloud."""

    video: TrendVideo
    title: str
    channel: str

    @property
    def key(self) -> str:
        return f"video:{self.video.video_id}"


def measure_unit(measure: str) -> str:
    """The noun that the counts of an analysis are counted in."""
    low = measure.lower()
    if found := re.match(r"(?:approximate |number of )?([a-z]+s)\b", low):
        return found.group(1)
    return "views"


def is_grave(theme: Theme) -> bool:
    """Tell whether jokes would be out of place: news, or titles that speak of death, war and disaster."""
    if "news" in theme.category.lower() or _GRAVE.search(theme.label):
        return True
    return sum(1 for video in theme.videos if _GRAVE.search(video.title)) * 2 >= max(2, len(theme.videos))


def label_shown(label: str) -> str:
    """A theme's label on a card or a chart."""
    return re.sub(r"^most watched:\s*", "", strip_lures(label), flags=re.IGNORECASE)


def label_spoken(label: str) -> str:
    """A theme's label inside a sentence: a leading article small, an event with one, a mere title in quotation marks."""
    text = strip_lures(label)
    if text.lower().startswith("most watched:"):
        return f"“{text.split(':', 1)[1].strip()}”"
    first, _, rest = text.partition(" ")
    is_common = first.lower() in ("the", "a", "an") or (
        first.istitle() and first.lower() in words_read("common-first") and rest.islower()
    )
    if rest and not is_common and text.rpartition(" ")[2] in words_read("event"):
        return f"the {text}"  # "the Beirut explosion"
    return f"{first.lower()} {rest}" if rest and is_common else text


class ThemeFacts:
    """The facts of one theme, entered into the record as they are put together."""

    def __init__(self, theme: Theme, analysis: TrendAnalysis, record: Record) -> None:
        self.theme = theme
        self.analysis = analysis
        self.record = record
        self.unit = measure_unit(analysis.measure)
        self.is_grave = is_grave(theme)
        self.label = label_shown(theme.label) or theme.category
        self.spoken_label = label_spoken(theme.label) or self.label
        self.named = self._named()
        self.key = f"theme:{theme.category_id}:{theme.rank}"
        record.add(
            self.key,
            "theme",
            f"Theme “{self.label}”, ranked {say_ordinal(theme.rank)} ({theme.rank}) in {theme.category}: "
            f"{theme.views:,} {self.unit} from {len(theme.videos)} videos of {theme.channels} channels.",
            data=(
                Datum(label_shown(theme.label), theme.views, self.unit),
                Datum("videos", len(theme.videos), "videos"),
                Datum("channels", theme.channels, "channels"),
                Datum("rank", theme.rank),
            ),
        )

    def _named(self) -> list[NamedVideo]:
        named: list[NamedVideo] = []
        heard: set[str] = set()
        for video in sorted(self.theme.videos, key=lambda entry: -entry.views):
            title = clean_title(video.title, video.channel)
            if title.lower() in heard:
                title = clean_title(video.title, video.channel, is_long=True)
            if title and title.lower() not in heard and video.views > 0:
                heard.add(title.lower())
                named.append(NamedVideo(video, title, clean_channel(video.channel)))
        return named

    def names(self) -> set[str]:
        """Every name that may be spoken, for taking frames."""
        tags = {tag for video in self.theme.videos for tag in video.tags}
        spoken = {name for entry in self.named for name in (entry.title, entry.channel) if name}
        return {self.label, self.theme.category, *spoken, *tags}

    # Sayings ---------------------------------------------------------------------------------------------------------

    def count(self, value: float, keys: tuple[str, ...], label: str) -> Said:
        """A count with its unit."""
        return Said(f"{say_figure(value)} {self.unit}", keys, Datum(label, value, self.unit))

    def video_key(self, entry: NamedVideo) -> str:
        """Enter the video itself and give back its key."""
        video = entry.video
        published = (
            f" Published on {say_day(video.published_at)} ({video.published_at[:10]})." if day_of(video.published_at) else ""
        )
        liked = f" {video.likes:,} likes, {video.comments:,} comments." if video.likes or video.comments else ""
        data = [Datum(entry.title, video.views, self.unit, video.days[-1][0] if video.days else None)]
        data += [Datum("likes", video.likes, "likes")] if video.likes else []
        data += [Datum("comments", video.comments, "comments")] if video.comments else []
        return self.record.add(
            entry.key,
            "video",
            f"“{entry.title}” by {entry.channel or 'its channel'}: {video.views:,} {self.unit}.{published}{liked}",
            data=data,
            url=video.url,
        )

    def of_video(self, entry: NamedVideo, prefix: str = "", suffix: str = "") -> dict[str, Said]:
        """Title, channel and count of a video under slot names with a prefix or suffix."""
        key = (self.video_key(entry),)
        facts = {f"{prefix}title{suffix}": Said(f"“{entry.title}”", key)}
        facts[f"{prefix}views{suffix}"] = self.count(entry.video.views, key, entry.title)
        if entry.channel:
            facts[f"{prefix}channel{suffix}"] = Said(entry.channel, key)
        return facts

    def quote(self, entry: NamedVideo) -> Cue:
        return Cue("quote", self.label, f"“{entry.title}”", attribution=entry.channel, data=self.data_of(entry))

    def data_of(self, *entries: NamedVideo) -> tuple[Datum, ...]:
        """Videos with their counts, for charts."""
        return tuple(Datum(entry.title, entry.video.views, self.unit) for entry in entries)

    def bars(self, heading: str = "") -> Cue:
        return Cue("bars", heading or self.label, data=self.data_of(*self.named[:6]), text=f"{self.unit} by video".capitalize())

    def line(self, entry: NamedVideo) -> Cue:
        """The counts of a video day by day."""
        points = tuple(Datum(say_day(day), views, self.unit, day) for day, views in entry.video.days)
        return Cue("line", entry.title, data=points, attribution=entry.channel, text=f"{self.unit} by day".capitalize())

    def versus(self, *pair: Datum, heading: str = "") -> Cue:
        return Cue("comparison", heading or self.label, data=pair[:2])

    def base(self) -> dict[str, Said]:
        """The facts that every angle of the theme may use."""
        key = (self.key,)
        theme = self.theme
        count = len(theme.videos)
        return {
            "label": Said(self.spoken_label),
            "category": Said(theme.category),
            "total": self.count(theme.views, key, self.label),
            "n_videos": Said(say_several(count, "video"), key, Datum(self.label, count, "videos")),
            "n_all": Said(say_count(count), key),
            "n_channels": Said(say_several(theme.channels, "channel"), key, Datum(self.label, theme.channels, "channels")),
            "rank": Said(say_ordinal(theme.rank), key),
        }

    def angle(self, move: str, facts: Mapping[str, Said], flags: set[str] | None = None, **cues: Cue) -> Angle:
        """An angle with the theme's base facts below its own."""
        kinds = {*(flags or ()), *(("grave",) if self.is_grave else ())}
        return Angle(move, {**self.base(), **facts}, frozenset(kinds), {"bars": self.bars(), **cues})

    # Angles ----------------------------------------------------------------------------------------------------------

    def opening(self, *, is_first: bool, is_only: bool = False) -> Angle:
        """The theme as a whole."""
        ranked = sorted(
            (theme for theme in self.analysis.themes if theme.category_id == self.theme.category_id), key=lambda theme: theme.rank
        )
        ranking = Cue(
            "ranking",
            self.theme.category,
            data=tuple(Datum(label_shown(theme.label), theme.views, self.unit) for theme in ranked),
        )
        flags = {"first" if is_first else "next", *(("only",) if is_only else ())}
        if len(self.theme.videos) == 1:
            return self.angle("solo_open", self.of_video(self.named[0]), flags, ranking=ranking)
        return self.angle("theme_open", {}, flags, ranking=ranking)

    def standing(self) -> Iterator[Angle]:
        """Leader, runner-up, shares and distances."""
        if not self.named:
            return
        lead = self.named[0]
        others = sum(video.views for video in self.theme.videos) - lead.video.views
        facts = self.of_video(lead)
        facts["views_n"] = Said(say_figure(lead.video.views), facts["views"].keys, facts["views"].datum)
        share = 100 * lead.video.views / max(1, others + lead.video.views)
        whole = abs(others + lead.video.views - self.theme.views) <= 0.01 * self.theme.views
        flags = {"dominated"} if share > 50.5 and whole and len(self.theme.videos) > 2 else set()
        if lead.video.views < max(video.views for video in self.theme.videos):
            return
        quote = self.quote(lead)
        if len(self.theme.videos) == 1:
            yield self.angle("solo_top", {**facts, **self.details(lead)}, quote=quote)
            return
        yield self.angle("top", facts, flags, quote=quote)
        yield self.angle("callback", facts, quote=quote)
        if len(self.named) > 1:
            yield from self._runner_up(lead, self.named[1], facts)
        if whole and len(self.theme.videos) > 2 and others > 0:
            yield from self._share(lead, share, others, facts)
        if len(self.named) > 2 and (last := self.named[-1]).video.views <= min(v.views for v in self.theme.videos if v.views):
            yield from self._spread(lead, last, facts)

    def _runner_up(self, lead: NamedVideo, second: NamedVideo, facts: Mapping[str, Said]) -> Iterator[Angle]:
        """How far the second one is behind, where no video without a name stands between them."""
        ratio = lead.video.views / second.video.views
        key = self.record.add(
            f"{self.key}:runner",
            "theme",
            f"“{lead.title}” has {ratio:.2f} times ({say_times(ratio)}) the {self.unit} of “{second.title}”.",
            data=self.data_of(lead, second),
        )
        if sorted(video.views for video in self.theme.videos)[-2] == second.video.views:
            mine = {**facts, **self.of_video(second, suffix="2"), "times": Said(say_times(ratio), (key,))}
            flags = {"close"} if ratio < 1.25 else set()
            pair = self.versus(*self.data_of(lead, second))
            yield self.angle("runner", mine, flags, comparison=pair, quote=self.quote(second))

    def _share(self, lead: NamedVideo, share: float, others: int, facts: Mapping[str, Said]) -> Iterator[Angle]:
        """How much of the theme the leader has, in percent, and how much all others together."""
        key = self.record.add(
            f"{self.key}:share",
            "theme",
            f"“{lead.title}” has {share:.1f} percent of the theme's {self.unit}; the others together have {others:,}.",
            data=(
                Datum(lead.title, lead.video.views, self.unit),
                Datum("All others", others, self.unit),
                Datum("share", share, "%"),
            ),
        )
        pair = self.versus(Datum(lead.title, lead.video.views, self.unit), Datum("All others", others, self.unit))
        mine = {
            **facts,
            "share": Said(say_percent(share), (key,), Datum(lead.title, share, "%")),
            "rest": self.count(others, (key,), "All others"),
        }
        flags = {"dominated"} if share > 50.5 else {"rest_wins"} if share < 49.5 else set()
        quote = self.quote(lead)
        if share >= 20:
            yield self.angle("share_top", mine, flags, quote=quote, comparison=pair)
        yield self.angle("bottom_sum", mine, flags, quote=quote, comparison=pair)

    def _spread(self, lead: NamedVideo, last: NamedVideo, facts: Mapping[str, Said]) -> Iterator[Angle]:
        """How far the first and the last one are apart, where that is worth a word."""
        ratio = lead.video.views / last.video.views
        if ratio < 2:
            return
        key = self.record.add(
            f"{self.key}:spread",
            "theme",
            f"“{lead.title}” has {ratio:.2f} times ({say_times(ratio)}) as many as “{last.title}”.",
            data=self.data_of(lead, last),
        )
        mine = {**facts, **self.of_video(last, prefix="last_"), "spread": Said(say_times(ratio), (key,))}
        yield self.angle("spread", mine, quote=self.quote(last), comparison=self.versus(*self.data_of(lead, last)))

    def details(self, entry: NamedVideo) -> dict[str, Said]:
        """Likes, comments and date of a video."""
        key = (self.video_key(entry),)
        video = entry.video
        facts = {"views_n": Said(say_figure(video.views), key, Datum(entry.title, video.views, self.unit))}
        if video.likes:
            facts["likes"] = Said(say_figure(video.likes), key, Datum("likes", video.likes, "likes"))
        if video.comments >= 20:
            facts["comments"] = Said(say_figure(video.comments), key, Datum("comments", video.comments, "comments"))
        if day := say_day(video.published_at):
            facts["date"] = Said(day, key)
        return facts

    def averages(self) -> Iterator[Angle]:
        """Mean against median, when they tell different stories."""
        counts = [video.views for video in self.theme.videos]
        if len(counts) < 5:
            return
        mean, median = statistics.fmean(counts), statistics.median(counts)
        if mean >= 1.3 * median:
            key = self.record.add(
                f"{self.key}:average",
                "theme",
                f"On average a video of the theme has {mean:,.0f} {self.unit}; the median is {median:,.0f}.",
                data=(Datum("Average", mean, self.unit), Datum("Middle of the list", median, self.unit)),
            )
            facts = {"mean": self.count(mean, (key,), "Average"), "median": self.count(median, (key,), "Middle of the list")}
            pair = self.versus(Datum("Average", mean, self.unit), Datum("Middle of the list", median, self.unit))
            yield self.angle("average", facts, comparison=pair)

    def scored(self) -> Angle:
        """The theme's score."""
        score = self.theme.score
        key = self.record.add(
            f"{self.key}:score",
            "theme",
            f"The theme's score is {score:.0f} of 100.",
            data=(Datum(self.label, score, "points of 100"),),
        )
        return self.angle("score", {"score": Said(f"{score:.0f}", (key,), Datum(self.label, score, "points of 100"))})

    def reaction_angles(self) -> Iterator[Angle]:
        """What viewers did besides watching: likes and comments per view."""
        rated = [entry for entry in self.named if entry.video.likes]
        if len(rated) >= 2 and len(rated) == len(self.named):
            best = max(rated, key=lambda entry: entry.video.likes / entry.video.views)
            least = min(rated, key=lambda entry: entry.video.likes / entry.video.views)
            facts = {**self.of_video(best, prefix="l_"), **self._rate(best, "likes", 100, "l_rate", "l_likes")}
            pair_data = tuple(
                Datum(entry.title, round(100 * entry.video.likes / entry.video.views, 2), "likes per 100 views")
                for entry in (best, least)
            )
            pair = self.versus(*pair_data, heading="Likes per 100 views")
            yield self.angle("likes_high", facts, comparison=pair, quote=self.quote(best))
            low = {**facts, **self.of_video(least, prefix="c_"), **self._rate(least, "likes", 100, "c_rate", "c_likes")}
            yield self.angle("likes_low", low, comparison=pair, quote=self.quote(least))
            likes, comments = (sum(getattr(video, name) for video in self.theme.videos) for name in ("likes", "comments"))
            key = self.record.add(
                f"{self.key}:likes",
                "theme",
                f"The theme's videos have {likes:,} likes and {comments:,} comments.",
                data=(Datum("Likes", likes, "likes"), Datum("Comments", comments, "comments")),
            )
            if comments:
                facts = {
                    "likes_sum": Said(say_figure(likes), (key,), Datum("Likes", likes, "likes")),
                    "comments_sum": Said(say_figure(comments), (key,), Datum("Comments", comments, "comments")),
                }
                yield self.angle("likes_total", facts)
        talked = [entry for entry in self.named if entry.video.comments]
        if len(talked) >= 2:
            loud = max(talked, key=lambda entry: entry.video.comments / entry.video.views)
            facts = {**self.of_video(loud, prefix="m_"), **self._rate(loud, "comments", 1000, "m_rate", "m_comments")}
            per_thousand = tuple(
                Datum(entry.title, round(1000 * entry.video.comments / entry.video.views, 2), "comments per 1,000 views")
                for entry in sorted(talked, key=lambda entry: -entry.video.comments / entry.video.views)[:2]
            )
            yield self.angle("comments_high", facts, comparison=self.versus(*per_thousand), quote=self.quote(loud))

    def _rate(self, entry: NamedVideo, what: str, per: int, rate_slot: str, count_slot: str) -> dict[str, Said]:
        count = entry.video.likes if what == "likes" else entry.video.comments
        rate = per * count / entry.video.views
        key = self.record.add(
            f"{entry.key}:{what}",
            "video",
            f"“{entry.title}” has {count:,} {what}, {rate:.2f} for every {per:,} views.",
            data=(Datum(what, count, what), Datum(entry.title, rate, f"{what} per {per:,} views"), Datum("views", per, "views")),
            url=entry.video.url,
        )
        return {
            rate_slot: Said(say_rate(rate), (key,), Datum(entry.title, round(rate, 2), f"{what} per {per:,} views")),
            count_slot: Said(say_figure(count), (key,), Datum(entry.title, count, what)),
        }
