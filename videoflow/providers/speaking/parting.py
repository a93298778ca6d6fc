"""A conversation that came in one piece, cut into its turns where an aligner hears one end and the next begin."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from videoflow.providers.recordings import STEPS_PER_SECOND, Samples, levels_db
from videoflow.providers.speaking.decoding import Sound, SoundUnusable
from videoflow.providers.speaking.plausibility import spoken_check
from videoflow.providers.speaking.said import Said
from videoflow.providers.speaking.word_times import aligned_words

_EDGE_WORDS = 3
"""Of a turn's first and last words at least one must be found."""
_REACH_SECONDS = 0.08
_QUIET_DB = -24.0
"""Between two turns there is a moment that is softer than this beside the loudest."""


def turns_parted(sound: Sound, saids: Sequence[Said]) -> list[Sound]:
    """Return one sound for each turn, in order.

    Raises:
        SoundUnusable: the turns cannot be told apart, or one of them cannot be its words.
    """
    words = [said.text.split() for said in saids]
    times = iter(aligned_words(sound.samples, sound.rate_hz, [word for turn in words for word in turn]))
    heard = [[next(times) for _ in turn] for turn in words]
    levels = levels_db(sound.samples, sound.rate_hz)
    cuts = [0]
    for before, after in pairwise(heard):
        end = next((pair[1] for pair in reversed(before[-_EDGE_WORDS:]) if pair), None)
        start = next((pair[0] for pair in after[:_EDGE_WORDS] if pair), None)
        if end is None or start is None or start < end - _REACH_SECONDS:
            raise SoundUnusable("with a conversation whose turns cannot be told apart")
        cuts.append(_quietest(levels, end - _REACH_SECONDS, start + _REACH_SECONDS, sound.rate_hz))
    cuts.append(len(sound.samples))
    parts = [Sound(sound.samples[first:last], sound.rate_hz) for first, last in pairwise(cuts)]
    for part, said in zip(parts, saids, strict=True):
        spoken_check(part, said, pace=None)
    return parts


def _quietest(levels: Samples, start: float, end: float, rate_hz: int) -> int:
    """Return the middle of the quietest 50 ms between two moments, as a sample."""
    first, last = max(0, int(start * STEPS_PER_SECOND)), int(end * STEPS_PER_SECOND) + 1
    stretch = np.convolve(levels[first:last], np.ones(5) / 5, "valid") if last - first >= 5 else levels[first:last]
    if not len(stretch) or float(stretch.min()) > _QUIET_DB:
        raise SoundUnusable("with a conversation whose turns run into each other")
    place = first + int(stretch.argmin()) + (2 if last - first >= 5 else 0)
    return place * rate_hz // STEPS_PER_SECOND + rate_hz // STEPS_PER_SECOND // 2
