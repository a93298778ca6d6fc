"""A conversation that came in one piece, cut into its turns where an aligner hears one end and the next begin."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from videoflow.providers.recordings import STEPS_PER_SECOND, Samples, levels_db, sounding
from videoflow.providers.speaking.decoding import Sound, SoundUnusable
from videoflow.providers.speaking.plausibility import spoken_check, spoken_letters
from videoflow.providers.speaking.said import Said, letters
from videoflow.providers.speaking.word_times import Times, aligned_words
from videoflow.sentences import Sentence

_EDGE_WORDS = 3
"""Of a turn's first and last words at least one must be found."""
_REACH_SECONDS = 0.08
_QUIET_DB = -24.0
"""Between two turns there is a moment that is softer than this beside the loudest."""
_PAUSE_DB = -35.0
_SHORTEST_PAUSE_SECONDS = 0.1
_PAUSES_TRIED = 5
"""For one end of a turn, the nearest to where it is expected first."""
_LEAST_SHARE_FOUND = 0.7
_WORD_SECONDS = (0.35, 0.22)
"""Longest word: so much, and so much for each letter. A word that is longer has somebody else's words in it."""
_PACE_FACTOR = 1.5
"""A turn this much slower or faster than the whole conversation was cut at the wrong place."""


def turns_parted(sound: Sound, saids: Sequence[Said]) -> list[Sound]:
    """Return one sound for each turn, in order.

    Raises:
        SoundUnusable: the turns cannot be told apart, or one of them cannot be its words.
    """
    levels = levels_db(sound.samples, sound.rate_hz)
    words = [said.text.split() for said in saids]
    times = iter(aligned_words(sound.samples, sound.rate_hz, [word for turn in words for word in turn]))
    heard = [[next(times) for _ in turn] for turn in words]
    if any(pair is not None for turn in heard for pair in turn):
        cuts = _cuts_heard(sound, levels, heard)
    else:  # one spot that the aligner cannot get past hides all others from it
        cuts = _cuts_at_pauses(sound, levels, saids)
    bounds = [0, *cuts, len(sound.samples)]
    parts = [Sound(sound.samples[first:last], sound.rate_hz) for first, last in pairwise(bounds)]
    for part, said in zip(parts, saids, strict=True):
        spoken_check(part, said, pace=None)
    return parts


def _cuts_heard(sound: Sound, levels: Samples, heard: Sequence[Times]) -> list[int]:
    cuts: list[int] = []
    for before, after in pairwise(heard):
        end = next((pair[1] for pair in reversed(before[-_EDGE_WORDS:]) if pair), None)
        start = next((pair[0] for pair in after[:_EDGE_WORDS] if pair), None)
        if end is None or start is None or start < end - _REACH_SECONDS:
            raise SoundUnusable(Sentence("with a conversation whose turns cannot be told apart"))
        cuts.append(_quietest(levels, end - _REACH_SECONDS, start + _REACH_SECONDS, sound.rate_hz))
    return cuts


def _quietest(levels: Samples, start: float, end: float, rate_hz: int) -> int:
    """Return the middle of the quietest 50 ms between two moments, as a sample."""
    first, last = max(0, int(start * STEPS_PER_SECOND)), int(end * STEPS_PER_SECOND) + 1
    stretch = np.convolve(levels[first:last], np.ones(5) / 5, "valid") if last - first >= 5 else levels[first:last]
    if not len(stretch) or float(stretch.min()) > _QUIET_DB:
        raise SoundUnusable(Sentence("with a conversation whose turns run into each other"))
    place = first + int(stretch.argmin()) + (2 if last - first >= 5 else 0)
    return place * rate_hz // STEPS_PER_SECOND + rate_hz // STEPS_PER_SECOND // 2


def _cuts_at_pauses(sound: Sound, levels: Samples, saids: Sequence[Said]) -> list[int]:
    """Cut after each turn at the pause up to which its words, and no others, are heard."""
    rate = sound.rate_hz
    first, last = sounding(levels, sound.samples, rate)
    weights = [spoken_letters(said) for said in saids]
    pace = (last - first) / sum(weights)
    pauses = _pauses(levels, rate)
    cuts, begin = [], first
    for said, weight in zip(saids[:-1], weights[:-1], strict=True):
        expected = begin + weight * pace
        near = sorted((pause for pause in pauses if pause > begin), key=lambda pause: abs(pause - expected))
        cut = next((pause for pause in near[:_PAUSES_TRIED] if _says(sound, begin, pause, said, pace * weight)), None)
        if cut is None:
            raise SoundUnusable(Sentence("with a conversation whose turns cannot be told apart"))
        cuts.append(cut)
        begin = cut
    if not _says(sound, begin, last, saids[-1], pace * weights[-1]):
        raise SoundUnusable(Sentence("with a conversation whose turns cannot be told apart"))
    return cuts


def _pauses(levels: Samples, rate_hz: int) -> list[int]:
    """Return the middles of all pauses, as samples."""
    quiet = np.concatenate([[False], levels < _PAUSE_DB, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    stretches = zip(edges[::2], edges[1::2], strict=True)
    least = _SHORTEST_PAUSE_SECONDS * STEPS_PER_SECOND
    return [int(begin + end) * rate_hz // (2 * STEPS_PER_SECOND) for begin, end in stretches if end - begin >= least]


def _says(sound: Sound, begin: int, end: int, said: Said, expected: float) -> bool:
    """Whether a stretch holds these words from its beginning to its end. ``expected``: its length in samples."""
    if not expected / _PACE_FACTOR <= end - begin <= expected * _PACE_FACTOR:
        return False
    words = said.text.split()
    times = aligned_words(sound.samples[begin:end], sound.rate_hz, words)
    found = [(word, pair[1] - pair[0]) for word, pair in zip(words, times, strict=True) if pair is not None]
    base, each = _WORD_SECONDS
    # Figures are written in fewer letters than they are said with.
    is_own = all(
        seconds <= base + each * sum(5 if letter.isdigit() else 1 for letter in letters(word)) for word, seconds in found
    )
    return is_own and len(found) >= _LEAST_SHARE_FOUND * len(words)
