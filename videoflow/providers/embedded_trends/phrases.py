"""Index the phrases of a category's videos, and how strongly each video stands for each phrase."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from videoflow.providers.base import TrendVideo
from videoflow.providers.embedded_trends.lexicon import format_words, generic_words, stop_words, subjects
from videoflow.providers.embedded_trends.titles import (
    channel_key,
    is_caseless,
    is_shouted,
    is_title_case,
    is_unspaced,
    phrase_key,
    phrases,
    segments,
    work_split,
)

MEMBER_STRENGTH = 0.6
"""From here on a video belongs to a phrase. In its title: 1. In a tag and its description, or in three tags: 0.8. Less is an
accident.
"""
_UNSPACED_TAGS_MAX = 400


@dataclass(slots=True)
class Document:
    """One video, taken apart. All phrases are keys."""

    video: TrendVideo
    channel: str
    title_phrases: frozenset[str]
    tags: frozenset[str]
    tag_phrases: Counter[str]
    summary_phrases: frozenset[str]
    title_and_tags: frozenset[str]
    """Every single word of both."""


@dataclass(slots=True)
class Candidate:
    """A phrase, or a perennial subject with its aliases, and the videos that stand for it."""

    key: str
    strengths: dict[int, float] = field(default_factory=dict)
    in_title: set[int] = field(default_factory=set)
    subject: str = ""
    by_tag: bool = False

    @property
    def members(self) -> frozenset[int]:
        return frozenset(index for index, strength in self.strengths.items() if strength >= MEMBER_STRENGTH)


class PhraseIndex:
    """All phrases of a set of videos with the videos they occur in, and the ways they are written."""

    def __init__(self, videos: Sequence[TrendVideo], summaries: Mapping[str, str]) -> None:
        self.surfaces: dict[str, Counter[str]] = defaultdict(Counter)
        self.running: dict[str, Counter[str]] = defaultdict(Counter)
        self.running_phrases: dict[str, set[str]] = defaultdict(set)
        self.running_phrases_count: dict[str, Counter[str]] = defaultdict(Counter)
        self.documents = [self._document(video, summaries.get(video.video_id, "")) for video in videos]
        self.titles: dict[str, set[int]] = defaultdict(set)
        self.tagged: dict[str, set[int]] = defaultdict(set)
        self.summarised: dict[str, set[int]] = defaultdict(set)
        for index, document in enumerate(self.documents):
            for key in document.title_phrases:
                self.titles[key].add(index)
            for key in document.tag_phrases:
                self.tagged[key].add(index)
            for key in document.summary_phrases:
                self.summarised[key].add(index)
        self._match_unspaced_tags()

    def _document(self, video: TrendVideo, summary: str) -> Document:
        title_phrases = self._phrases(video.title, 1 if is_shouted(video.title) else 4)
        tag_phrases: Counter[str] = Counter()
        for tag in video.tags:
            tag_phrases.update(self._phrases(tag, 2 if tag != tag.lower() else 1))
        summary_phrases = self._phrases(summary, 3)
        for text in (summary, "" if is_shouted(video.title) or is_title_case(video.title) else video.title):
            for segment in segments(text):
                for word in segment[1:]:
                    self.running[word.key][word.surface] += 1
            for key, surface in phrases(text):
                self.running_phrases_count[key][surface.split()[0]] += 1
                if " " in key:
                    self.running_phrases[key].add(surface)
        return Document(
            video=video,
            channel=channel_key(video.channel),
            title_phrases=frozenset(title_phrases),
            tags=frozenset(map(phrase_key, video.tags)),
            tag_phrases=tag_phrases,
            summary_phrases=frozenset(summary_phrases),
            title_and_tags=frozenset(key for phrase in (title_phrases, tag_phrases) for key in phrase if " " not in key),
        )

    def _phrases(self, text: str, weight: int) -> set[str]:
        keys = set()
        for key, surface in phrases(text):
            keys.add(key)
            self.surfaces[key][surface] += weight
        return keys

    def _match_unspaced_tags(self) -> None:
        """Find tags of scripts without spaces inside titles, where no word boundary shows them."""
        wanted = [key for key, indexes in self.tagged.items() if is_unspaced(key) and len(key) > 1 and len(indexes) > 1]
        folded = [phrase_key(document.video.title).replace(" ", "") for document in self.documents]
        for key in sorted(wanted, key=lambda key: (-len(self.tagged[key]), key))[:_UNSPACED_TAGS_MAX]:
            self.titles[key] |= {index for index, title in enumerate(folded) if key.replace(" ", "") in title}

    def strength(self, key: str, index: int) -> float:
        """Return how sure it is, 0 to 1, that a video is about a phrase."""
        document = self.documents[index]
        if index in self.titles.get(key, ()):
            return 0.3 if self._is_swallowed(key, document) else 1.0
        tags, told = document.tag_phrases.get(key, 0), key in document.summary_phrases
        if _compact(key) == document.channel or (len(_compact(key)) > 3 and _compact(key) in document.channel):
            return 0.2  # a channel tags every video with its own name
        if tags and told:
            return 0.8
        if tags >= 3:
            return 0.8
        if told and (" " in key or self._is_proper_in_text(key)):
            return MEMBER_STRENGTH
        return 0.3 if tags or told else 0.0

    def _is_proper_in_text(self, key: str) -> bool:
        """Tell a word that running text always writes with a capital. Short ones are too often something else ("BTS")."""
        if len(key) < 5:
            return False
        written = self.running[key]
        return sum(written.values()) > 1 and all(surface[:1].isupper() for surface in written)

    def _is_swallowed(self, key: str, document: Document) -> bool:
        """Tell a word that stands in a title only inside the name of another subject: "NBA" in "NBA 2K21"."""
        if " " in key:
            return False
        own = subjects().get(key)
        wider = [alias for alias in document.title_phrases if alias in subjects() and alias != key and key in alias.split()]
        return any(subjects()[alias] != own for alias in wider) and document.video.title.casefold().count(key) <= len(wider)

    def occurrences(self, key: str) -> set[int]:
        return self.titles.get(key, set()) | self.tagged.get(key, set()) | self.summarised.get(key, set())

    def channels(self, indexes: Iterable[int]) -> set[str]:
        return {self.documents[index].channel for index in indexes}


def _compact(key: str) -> str:
    return key.replace(" ", "")


def candidates_find(index: PhraseIndex, *, channels_needed: int) -> list[Candidate]:
    """Return the phrases that could name a theme, subjects included, in a fixed order.

    A phrase needs members on ``channels_needed`` channels, must stand in a title, and may not be general words, grammar or
    the name of
    the one channel that uses it.
    """
    found = []
    for key in sorted(index.titles):
        if not is_nameable(key) or len(index.occurrences(key)) < 2:
            continue
        candidate = _candidate(key, index)
        channels = index.channels(candidate.members)
        if len(channels) < channels_needed or len(candidate.members) < 2:
            continue
        compact = _compact(key)
        foreign = {channel for channel in channels if compact != channel and channel not in compact}
        if channels_needed > 1 and not foreign:
            continue
        if " " not in key and not (_is_name(key, candidate, index) and not _is_fragment(key, candidate, index)):
            continue
        if _is_coincidence(key, candidate, index) or _is_unfinished(key, candidate, index):
            continue
        found.append(candidate)
    return found + _subjects_find(index, channels_needed=channels_needed)


def candidates_of(keys: Iterable[str], index: PhraseIndex) -> list[Candidate]:
    """Return those keys that can name a theme, whatever the number of channels."""
    found = []
    for key in keys:
        candidate = _candidate(key, index)
        if is_nameable(key) and (" " in key or _is_name(key, candidate, index) or _is_work(key, candidate, index)):
            found.append(candidate)
    return found


def _is_work(key: str, candidate: Candidate, index: PhraseIndex) -> bool:
    works = [work_split(index.documents[position].video.title) for position in candidate.in_title]
    return any(phrase_key(parts[1]) == key for parts in works if parts)


def _candidate(key: str, index: PhraseIndex) -> Candidate:
    candidate = Candidate(key)
    for position in index.occurrences(key):
        candidate.strengths[position] = index.strength(key, position)
    candidate.in_title = set(index.titles[key])
    return candidate


def is_nameable(key: str) -> bool:
    """Tell whether a phrase says anything: not only general words, grammar or numbers."""
    words = key.split()
    stops, generic = stop_words(), generic_words()
    if not words or words[0] in stops or words[-1] in stops or "and" in (words[0], words[-1]):
        return False
    telling = [
        word
        for word in words
        if word not in generic and not word.isdigit() and (len(word) > 2 or is_caseless(word) or word.isupper())
    ]
    if not telling or all(word.isdigit() for word in words):
        return False
    if len(words) == 1:
        return len(key) > 2 or is_caseless(key)
    return words[0] not in format_words() and words[-1] not in format_words()


def _is_name(key: str, candidate: Candidate, index: PhraseIndex) -> bool:
    """Tell whether a single word is a name or at least a subject, not any word that two titles happen to share."""
    if is_caseless(key):
        return len(key) > 2 or any(key in index.documents[position].tags for position in candidate.members)
    capitals = lowers = 0
    for position in candidate.in_title:
        title = index.documents[position].video.title
        if is_shouted(title):
            continue
        for segment in segments(title):
            for place, word in enumerate(segment):
                if word.key == key:
                    titled = sum(other.surface[:1].isupper() for other in segment) > 0.7 * len(segment)
                    capitals += (
                        word.surface[:1].isupper() and (place > 0 or word.surface.isupper()) and not (titled and len(segment) > 2)
                    )
                    lowers += word.surface[:1].islower()
    tag_channels = index.channels(position for position in candidate.members if key in index.documents[position].tags)
    title_channels = index.channels(candidate.in_title)
    return (
        (capitals > lowers and len(title_channels) > 0)
        or len(tag_channels) > 1
        or (len(tag_channels) > 0 and len(title_channels) > 1)
    )


def _is_fragment(key: str, candidate: Candidate, index: PhraseIndex) -> bool:
    """Tell a word that is only ever part of different longer names: "Lil", "Park", "Twins"."""
    wholes: set[str] = set()
    alone = 0
    for title in {index.documents[position].video.title for position in candidate.in_title}:
        for segment in segments(title):
            for place, word in enumerate(segment):
                if word.key != key or is_caseless(word.surface):
                    continue
                sides = [segment[side] for side in (place - 1, place + 1) if 0 <= side < len(segment)]
                named = [side.key for side in sides if side.surface[:1].isupper() and side.key not in generic_words()]
                wholes.update(named[:1])
                alone += not named
    return len(wholes) > 1 and alone < len(wholes)


def _is_unfinished(key: str, candidate: Candidate, index: PhraseIndex) -> bool:
    """Tell a phrase that running titles always carry on from: "Restoring a rusty" (vise, lathe, anvil)."""
    words = key.split()
    if not stop_words() & set(words):
        return False  # "solar eclipse" is a whole even where each title goes on
    followed = ended = 0
    for title in {index.documents[position].video.title for position in candidate.in_title}:
        if is_shouted(title) or is_caseless(key):
            continue
        for segment in segments(title):
            keys = [word.key for word in segment]
            for start in range(len(keys) - len(words) + 1):
                if keys[start : start + len(words)] == words:
                    end = start + len(words)
                    carried_on = end < len(keys) and segment[end - 1].surface.islower() and segment[end].key not in stop_words()
                    followed += carried_on
                    ended += not carried_on
    return followed > 1 and not ended


def _is_coincidence(key: str, candidate: Candidate, index: PhraseIndex) -> bool:
    """Tell two works of the same name by different artists ("Smile")."""
    works = [work_split(index.documents[position].video.title) for position in candidate.in_title]
    return len({phrase_key(artist) for artist, work in filter(None, works) if phrase_key(work) == key}) > 1


def _subjects_find(index: PhraseIndex, *, channels_needed: int) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    tag_aliases: Counter[tuple[str, int]] = Counter()
    for alias, subject in subjects().items():
        for position in index.occurrences(alias):
            strength = index.strength(alias, position)
            candidate = found.setdefault(subject.label, Candidate(key=alias, subject=subject.label, by_tag=subject.by_tag))
            document = index.documents[position]
            tag_aliases[subject.label, position] += document.tag_phrases.get(alias, 0)
            if subject.by_tag and strength < 1.0 and alias in document.tag_phrases:
                strength = 0.7 if alias in document.tags else 0.3  # "rick and morty anime" does not make it anime
            elif tag_aliases[subject.label, position] >= 3:
                strength = max(strength, 0.7)
            candidate.strengths[position] = max(candidate.strengths.get(position, 0.0), strength)
            if strength == 1.0:
                candidate.in_title.add(position)
    return [
        found[label]
        for label in sorted(found)
        if len(found[label].members) > 1
        and len(index.channels(found[label].members)) >= max(channels_needed, 2)
        and (found[label].in_title or found[label].by_tag)
    ]
