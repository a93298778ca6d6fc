"""A real analysis (rows of the public YouTube trending data set, CC0) and what the writer's tests ask of every script."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from videoflow.providers.base import Conversation, Evidence, Host, Theme, ThemesBrief, TrendAnalysis, TrendCategory, TrendVideo
from videoflow.providers.embedded_writer.frames import frame_of, names_pattern, opening_of, skeletons_match
from videoflow.providers.embedded_writer.titles import clean_channel

HOSTS = (Host("A", "Maya", "curious"), Host("B", "Theo", "has the numbers"))
_COUNTS: dict[str, float] = {
    word: count
    for count, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_COUNTS |= {
    word: count
    for count, word in enumerate(
        ["zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
    )
}
_COUNTS |= {"twice": 2, "hundred": 100, "thousand": 1000, "half": 0.5}
_IDIOMS = {"one", "first", "second"}
_NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?:\s(million|billion))?")


def video_make(**changes: Any) -> TrendVideo:
    fields: dict[str, Any] = {
        "video_id": "v1", "title": "A quiet walk through the old town", "channel": "Slow Streets", "category_id": "19",
        "published_at": "2026-03-02T10:00:00Z", "tags": ("walking",), "days": (("2026-03-03", 100_000), ("2026-03-04", 150_000)),
        "likes": 4_000, "comments": 300, "url": "https://www.youtube.com/watch?v=v1",
    }  # fmt: skip
    return TrendVideo(**(fields | changes))


def theme_make(videos: Iterable[TrendVideo], **changes: Any) -> Theme:
    entries = tuple(sorted(videos, key=lambda video: -video.views))
    fields: dict[str, Any] = {
        "label": "City walks", "category_id": "19", "category": "Travel & Events", "rank": 1, "score": 60.0, "score_parts": {},
        "views": sum(video.views for video in entries), "views_gained_per_day": None,
        "channels": len({video.channel for video in entries}), "videos": entries, "keywords": ("city", "walk"),
    }  # fmt: skip
    return Theme(**(fields | changes))


def analysis_read() -> TrendAnalysis:
    raw = json.loads((Path(__file__).parent / "analysis.json").read_text(encoding="utf-8"))
    themes = []
    for entry in raw.pop("themes"):
        videos = tuple(
            TrendVideo(**{**video, "tags": tuple(video["tags"]), "days": tuple((day, views) for day, views in video["days"])})
            for video in entry.pop("videos")
        )
        themes.append(Theme(**{**entry, "keywords": tuple(entry["keywords"]), "videos": videos}))
    categories = tuple(TrendCategory(**entry) for entry in raw.pop("categories"))
    return TrendAnalysis(**raw, categories=categories, themes=tuple(themes), rows_left_out={})


ANALYSIS = analysis_read()


def brief_make(*labels: str, seed: int = 0, minimum_seconds: float = 180.0, analysis: TrendAnalysis = ANALYSIS) -> ThemesBrief:
    themes = tuple(next(theme for theme in analysis.themes if theme.label == label) for label in labels)
    return ThemesBrief(themes, analysis, hosts=HOSTS, seed=seed, minimum_seconds=minimum_seconds)


def names_of(analysis: TrendAnalysis) -> list[str]:
    videos = [video for theme in analysis.themes for video in theme.videos]
    channels = {clean_channel(video.channel) for video in videos} | {video.channel for video in videos}
    return [
        name
        for name in {*channels, *(t.label for t in analysis.themes), *(t.category for t in analysis.themes), "Maya", "Theo"}
        if name
    ]


def turns_of(conversation: Conversation) -> list[str]:
    return [turn.text for exchange in conversation.exchanges for turn in exchange.turns]


def repetitions(conversation: Conversation, names: Iterable[str]) -> list[object]:
    """Turns that share a frame or a skeleton, openings heard more than twice, turns too short or too long."""
    pattern = names_pattern(names)
    texts = turns_of(conversation)
    frames = [frame_of(text, pattern) for text in texts]
    found: list[object] = [
        (texts[left], texts[right])
        for right in range(len(texts))
        for left in range(right)
        if skeletons_match(frames[left], frames[right])
    ]
    found += [opening for opening, count in Counter(map(opening_of, texts)).items() if count > 2]
    return found + [text for text in texts if not 4 <= len(text.split()) <= 35]


def numbers_in(text: str) -> list[tuple[float, str]]:
    """Every number of a text, in digits or words, with how it is written."""
    found = []
    for match in _NUMBER.finditer(text):
        value = float(match[1].replace(",", "")) * {"million": 1e6, "billion": 1e9}.get(match[2], 1)
        found.append((value, match[0]))
    return found + [(_COUNTS[word], word) for word in re.findall(r"[a-z]+", text.lower()) if word in _COUNTS]


def unfounded(conversation: Conversation, names: Iterable[str]) -> list[tuple[str, str]]:
    """(number, turn) for each number that none of the turn's sources gives, rounding allowed."""
    evidence: dict[str, Evidence] = {entry.key: entry for entry in conversation.evidence}
    pattern = names_pattern(names)
    found = []
    for exchange in conversation.exchanges:
        for turn in exchange.turns:
            sources = [evidence[key] for key in turn.sources]
            known = [datum.value for source in sources for datum in source.data]
            known += [value for source in sources for value, _ in numbers_in(source.text)]
            said = re.sub(r"“[^”]*”", "", turn.text)
            said = pattern.sub("", said) if pattern else said
            for value, written in numbers_in(said):
                if written not in _IDIOMS and not any(abs(value - other) <= max(0.05 * abs(other), 0.051) for other in known):
                    found.append((written, turn.text))
    return found


def share_of_a(conversation: Conversation, *, required_only: bool) -> float:
    words: Counter[str] = Counter()
    for exchange in conversation.exchanges:
        if exchange.required or not required_only:
            for turn in exchange.turns:
                words[turn.speaker] += len(turn.text.split())
    return words["A"] / words.total()
