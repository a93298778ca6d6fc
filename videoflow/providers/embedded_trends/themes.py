"""Choose the themes of a category: weigh the candidates, merge what is the same story, keep what is distinct."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from videoflow.providers.base import Theme, TrendVideo
from videoflow.providers.embedded_trends.labels import LABEL_WORDS_MAX, label_of, label_refined, title_shortened, work_label
from videoflow.providers.embedded_trends.phrases import (
    Candidate,
    Document,
    PhraseIndex,
    candidates_find,
    candidates_of,
    is_nameable,
)
from videoflow.providers.embedded_trends.titles import PHRASE_WORDS_MAX, channel_key, phrase_key

VIEWS_POINTS, GROWTH_POINTS, BREADTH_POINTS = 50.0, 30.0, 20.0
_BREADTH_CHANNELS = 5
_OVERLAP_MAX = 0.34
_SAME_STORY = 0.6
_SAME_WORDS = 0.6
_KEYWORDS_MAX = 8
_VIDEOS_MAX = 60


DaysBetween = Mapping[tuple[str, str], int]
"""(first, last ISO day) -> days between them."""
Elsewhere = Mapping[str, Sequence[TrendVideo]]
"""Phrase key -> videos of other categories with the phrase in their title."""

_ECHO_VIEWS_SHARE = 0.05
_ECHO_HOME_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Whole:
    """What a theme is measured against: its category."""

    category_id: str
    category: str
    views: int
    gained_per_day: float | None


@dataclass(frozen=True, slots=True)
class Weight:
    """A theme's figures and points. The points add up to the score, 0 to 100:

    - views: 50 x square root of its share of the category's views;
    - growth: 30 x square root of its share of the views that the category gained per day;
    - breadth: 4 for each channel, 20 at most.

    Where no video stands on two days, nobody knows a growth: views then count 50 x 10/7 and breadth 20 x 10/7. Where a source
    has no
    views, the share of videos takes the place of the share of views. The square root keeps one giant from flattening the rest.
    """

    views: int
    gained_per_day: float | None
    channels: int
    parts: Mapping[str, float]

    @property
    def score(self) -> float:
        return round(sum(self.parts.values()), 1)


def gained_per_day(videos: Sequence[TrendVideo], days_between: DaysBetween) -> float | None:
    """Return the views that videos gained per day between the first and last day each stands in the list; None if none stands
    twice.
    """
    gains = [
        (video.days[-1][1] - video.days[0][1]) / days_between[video.days[0][0], video.days[-1][0]]
        for video in videos
        if len(video.days) > 1
    ]
    return max(sum(gains), 0.0) if gains else None


def theme_weigh(videos: Sequence[TrendVideo], whole: Whole, total_videos: int, days_between: DaysBetween) -> Weight:
    views = sum(video.views for video in videos)
    gained = gained_per_day(videos, days_between)
    channels = len({channel_key(video.channel) for video in videos})
    share = min(views / whole.views, 1.0) if whole.views else min(len(videos) / max(total_videos, 1), 1.0)
    breadth = min(channels / _BREADTH_CHANNELS, 1.0)
    if whole.gained_per_day is None:
        stretch = 100.0 / (VIEWS_POINTS + BREADTH_POINTS)
        parts = {"views": VIEWS_POINTS * stretch * math.sqrt(share), "breadth": BREADTH_POINTS * stretch * breadth}
    else:
        growth = min((gained or 0.0) / whole.gained_per_day, 1.0) if whole.gained_per_day else 0.0
        parts = {
            "views": VIEWS_POINTS * math.sqrt(share),
            "growth": GROWTH_POINTS * math.sqrt(growth),
            "breadth": BREADTH_POINTS * breadth,
        }
    return Weight(views, gained, channels, {name: round(points, 1) for name, points in parts.items()})


@dataclass(frozen=True, slots=True)
class _Pick:
    candidate: Candidate
    members: tuple[int, ...]
    weight: Weight
    appeal: float
    """The score times how well the phrase names a theme; decides who is chosen, not what is shown."""
    echoes: tuple[TrendVideo, ...] = ()
    """Videos of other categories about the same."""


def themes_choose(
    index: PhraseIndex,
    whole: Whole,
    days_between: DaysBetween,
    elsewhere: Elsewhere,
    *,
    count: int,
) -> list[Theme]:
    """Return up to ``count`` distinct themes of a category's videos, best first.

    Phrases of several channels come first, then series of one channel, then the most watched videos themselves. A big video
    of one
    channel that channels of other categories talk about ("WAP") is a theme too, with their videos as evidence.
    """
    chosen: list[tuple[_Pick, list[Candidate]]] = []
    for channels_needed in (2, 1):
        candidates = candidates_find(index, channels_needed=channels_needed)
        picks = [_pick(candidate, index, whole, days_between) for candidate in candidates]
        if channels_needed > 1:
            picks += _echoed(index, whole, days_between, elsewhere)
        picks.sort(key=lambda pick: (-pick.appeal, pick.candidate.key))
        for pick in picks:
            if len(chosen) == count:
                break
            if all(_overlap(pick, other) <= _OVERLAP_MAX for other, _ in chosen):
                chosen.append((pick, [other.candidate for other in picks if _is_same_story(other, pick)]))
        if len(chosen) == count:
            break
    themes = [_theme(pick, same, index, whole) for pick, same in chosen]
    taken = {video.video_id for theme in themes for video in theme.videos}
    left = sorted(index.documents, key=lambda document: (document.video.published_at, document.video.video_id), reverse=True)
    if whole.views:
        left.sort(key=lambda document: (-document.video.views, document.video.video_id))
    for document in left:
        if len(themes) >= count:
            break
        if document.video.video_id not in taken:
            weight = theme_weigh([document.video], whole, len(index.documents), days_between)
            label = f"{'Most watched' if whole.views else 'Newest'}: {title_shortened(document.video.title)}"
            themes.append(_finished(label, [document.video], weight, _tag_keywords(document, index), whole))
    themes.sort(key=lambda theme: (-theme.score, theme.label))
    return [replace(theme, rank=rank) for rank, theme in enumerate(themes, 1)]


def _pick(candidate: Candidate, index: PhraseIndex, whole: Whole, days_between: DaysBetween) -> _Pick:
    members = tuple(sorted(candidate.members, key=lambda position: (-index.documents[position].video.views, position)))[
        :_VIDEOS_MAX
    ]
    weight = theme_weigh([index.documents[position].video for position in members], whole, len(index.documents), days_between)
    titled = 0.8 if candidate.by_tag else len(candidate.in_title & set(members)) / len(members)
    words = len(candidate.key.split())
    fitness = 0.85 if candidate.subject else {1: 0.95, 2: 1.15}.get(words, 1.2)
    crowd = 1.0 + 0.05 * min(weight.channels - 2, 4) if weight.channels > 1 else 0.9
    return _Pick(candidate, members, weight, weight.score * fitness * crowd * (0.45 + 0.55 * titled))


def _echoed(index: PhraseIndex, whole: Whole, days_between: DaysBetween, elsewhere: Elsewhere) -> list[_Pick]:
    """Return the phrases of one channel's big videos that other channels, in other categories, put into their titles."""
    big = [document for document in index.documents if document.video.views >= _ECHO_VIEWS_SHARE * whole.views > 0]
    picks = []
    for candidate in candidates_of(
        sorted({key for document in big for key in document.title_phrases if key in elsewhere}), index
    ):
        home = [index.documents[position].video for position in sorted(candidate.in_title)]
        echoes = tuple(
            video for video in elsewhere[candidate.key] if channel_key(video.channel) not in index.channels(candidate.in_title)
        )
        channels = len({channel_key(video.channel) for video in echoes})
        views_at_home = sum(video.views for video in home)
        if channels < (1 if " " in candidate.key else 2) or len(index.channels(candidate.in_title)) != 1:
            continue
        if views_at_home < _ECHO_HOME_SHARE * (views_at_home + sum(video.views for video in echoes)):
            continue
        members = tuple(sorted(candidate.in_title, key=lambda position: (-index.documents[position].video.views, position)))
        weight = theme_weigh([*home, *echoes], whole, len(index.documents), days_between)
        picks.append(_Pick(candidate, members, weight, weight.score * (0.75 + 0.1 * min(channels, 4)), echoes))
    return picks


def _overlap(pick: _Pick, other: _Pick) -> float:
    shared = set(pick.members) & set(other.members)
    return len(shared) / min(len(pick.members), len(other.members))


def _is_same_story(other: _Pick, pick: _Pick) -> bool:
    return other is not pick and len(set(other.members) & set(pick.members)) >= _SAME_STORY * len(other.members)


def _theme(pick: _Pick, same: Sequence[Candidate], index: PhraseIndex, whole: Whole) -> Theme:
    candidate, members = pick.candidate, pick.members
    videos = [*(index.documents[position].video for position in members), *pick.echoes]
    if candidate.subject:
        label = candidate.subject
    else:
        key = _best_known(candidate, same, index)
        refined = label_refined(key, index, members)
        work = work_label(videos[0].title, key) if refined == key else None
        label = work or label_of(refined, index)
    label = " ".join(label.split()[: LABEL_WORDS_MAX + 1])
    channels = index.channels(members)
    others = [
        other.key
        for other in same
        if not other.subject and not any(other.key.replace(" ", "") in channel for channel in channels)
    ]
    keywords = dict.fromkeys([label, *(label_of(key, index) for key in others)])
    return _finished(label, videos, pick.weight, tuple(keywords)[:_KEYWORDS_MAX], whole)


def _best_known(candidate: Candidate, same: Sequence[Candidate], index: PhraseIndex) -> str:
    """Return the phrase, among those for the same videos, that the most watched titles use ("Beirut explosion" before "Beirut
    blast").
    """

    def watched(other: Candidate) -> int:
        return sum(index.documents[position].video.views for position in other.in_title & candidate.members)

    wordy = len(candidate.key.split())
    rivals = [
        other
        for other in same
        if not other.subject
        and len(other.key.split()) == wordy > 1
        and len(other.members & candidate.members) >= _SAME_WORDS * len(other.members | candidate.members)
    ]
    return max([candidate, *rivals], key=lambda other: (watched(other), other is candidate, other.key)).key


def _tag_keywords(document: Document, index: PhraseIndex) -> tuple[str, ...]:
    """Return the tags of one video that say something, in the order in which its channel gave them."""
    telling = [phrase_key(tag) for tag in document.video.tags]
    kept = [
        key
        for key in telling
        if is_nameable(key) and key.replace(" ", "") not in document.channel and len(key.split()) <= PHRASE_WORDS_MAX
    ]
    return tuple(dict.fromkeys(label_of(key, index) for key in kept))[:_KEYWORDS_MAX]


def _finished(label: str, videos: Sequence[TrendVideo], weight: Weight, keywords: Sequence[str], whole: Whole) -> Theme:
    return Theme(
        label=label,
        category_id=whole.category_id,
        category=whole.category,
        rank=0,
        score=weight.score,
        score_parts=weight.parts,
        views=weight.views,
        views_gained_per_day=None if weight.gained_per_day is None else round(weight.gained_per_day, 1),
        channels=weight.channels,
        videos=tuple(videos),
        keywords=tuple(keywords),
    )
