"""Notes sorted into three to six sections by what they speak of, with headings made of their own words."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.providers.embedded_writer.notes import Note, Vocabulary, content_words


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    notes: tuple[Note, ...]


def _cosine(left: Counter[str], right: Counter[str]) -> float:
    dot = sum(left[word] * right[word] for word in left.keys() & right.keys())
    size = math.sqrt(sum(value * value for value in left.values())) * math.sqrt(sum(value * value for value in right.values()))
    return dot / size if size else 0.0


def _cohesion(words: Sequence[Counter[str]], border: int, reach: int = 3) -> float:
    """How much the sentences before a border have in common with those after it, 0 to 1."""
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for counter in words[max(0, border - reach) : border]:
        left.update(counter)
    for counter in words[border : border + reach]:
        right.update(counter)
    return _cosine(left, right)


def _borders(notes: Sequence[Note], wanted: int) -> list[int]:
    words = [Counter(content_words(note.text)) for note in notes]
    smallest = max(2, len(notes) // (wanted * 2))
    costs = {
        border: _cohesion(words, border) - (0.35 if notes[border].paragraph != notes[border - 1].paragraph else 0)
        for border in range(smallest, len(notes) - smallest + 1)
        if not notes[border].leans_on_previous
    }
    chosen: list[int] = []
    for border in sorted(costs, key=lambda item: (costs[item], item)):
        if all(abs(border - other) >= smallest for other in chosen):
            chosen.append(border)
        if len(chosen) == wanted - 1:
            break
    return sorted(chosen)


def sections_make(notes: Sequence[Note], vocabulary: Vocabulary, *, most: int) -> list[Section]:
    """The notes in their own order, cut where the subject changes; the user's headings are kept when there are some.

    Without headings there are three sections to ``most``, each of about seven sentences.
    """
    own = list(dict.fromkeys(note.heading for note in notes if note.heading))
    if 2 <= len(own) <= 7:
        groups = [(heading, [note for note in notes if (note.heading or own[0]) == heading]) for heading in own]
        return [Section(_shorten(heading), tuple(group)) for heading, group in groups if group]
    wanted = min(most, max(3, round(len(notes) / 7)))
    edges = [0, *_borders(notes, wanted), len(notes)]
    taken: set[str] = set()
    result: list[Section] = []
    for start, end in itertools.pairwise(edges):
        group = notes[start:end]
        result.append(Section(_heading(group, vocabulary, taken), tuple(group)))
    return result


def _shorten(heading: str) -> str:
    words = heading.split()
    return " ".join(words[:7])


def _heading(group: Sequence[Note], vocabulary: Vocabulary, taken: set[str]) -> str:
    inside = Counter(word for note in group for word in content_words(note.text))
    candidates: dict[str, float] = {}
    for note in group:
        for phrase in vocabulary.phrases(note.text):
            stems = content_words(re.sub(r"^the ", "", phrase))
            if stems:
                focus = sum(inside[stem] ** 1.5 / max(1, vocabulary.counts[stem]) for stem in stems) / math.sqrt(len(stems))
                candidates[phrase] = max(candidates.get(phrase, 0), focus)
    ranked = [phrase for phrase, _ in sorted(candidates.items(), key=lambda item: (-item[1], item[0]))]
    fresh = [phrase for phrase in ranked if not set(content_words(phrase)) & taken] or [
        item for item in ranked if item.lower() not in taken
    ]
    if fresh:
        taken.update([*content_words(fresh[0]), fresh[0].lower()])
        return fresh[0][:1].upper() + fresh[0][1:]
    first = re.sub(r"[.!?…]$", "", group[0].text).split()
    return " ".join(first[:6]).rstrip(",;:")
