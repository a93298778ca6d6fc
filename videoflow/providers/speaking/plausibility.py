"""Whether a sound can be a line spoken: not silent, not clipped, not stalled, and about as long as the words take."""

import unicodedata

import numpy as np

from videoflow.providers.loudness import loudness_lufs
from videoflow.providers.recordings import STEPS_PER_SECOND, levels_db
from videoflow.providers.speaking.decoding import Sound, SoundUnusable
from videoflow.providers.speaking.said import Said, letters
from videoflow.sentences import Sentence

SILENT_LUFS = -55.0
_CLIPPED_SHARE = 0.002
_CLIPPED_LEVEL = 0.999
_LONGEST_GAP_SECONDS = 4.0
_GAP_DB = -45.0
_SECONDS_PER_LETTER = (0.022, 0.22)
"""English runs at 0.055 to 0.09 s a letter; the bounds leave room for any voice of any service."""
_SPARE_SECONDS = 1.6
_FIGURE_LETTERS = 5.0
"""A figure is said as a word."""
_IDEOGRAM_LETTERS = 3.5
_SYLLABLE_LETTERS = 2.5
_PACE_FACTOR = 2.2
"""A line this much slower or faster than the voice has ever been lost words or gained some."""
PACE_LETTERS = 40.0
"""Shorter lines say little about a voice's pace."""


def spoken_letters(said: Said) -> float:
    """Return how much there is to say, in letters of an alphabet."""
    return sum(_weight(letter) for _, token in said.tokens for letter in letters(token))


def _weight(letter: str) -> float:
    if letter.isdigit():
        return _FIGURE_LETTERS
    if letter.isascii():
        return 1.0
    name = unicodedata.name(letter, "")
    if name.startswith("CJK"):
        return _IDEOGRAM_LETTERS
    return _SYLLABLE_LETTERS if name.startswith(("HANGUL", "HIRAGANA", "KATAKANA")) else 1.0


def spoken_check(sound: Sound, said: Said, *, pace: float | None) -> None:
    """Refuse a sound that cannot be the line. ``pace``: seconds a letter that the voice is known for.

    Raises:
        SoundUnusable: with the end of the sentence that says why.
    """
    samples = sound.samples
    seconds = len(samples) / sound.rate_hz
    if not len(samples) or not np.isfinite(samples).all() or loudness_lufs(samples, sound.rate_hz) < SILENT_LUFS:
        raise SoundUnusable(Sentence("with silence"))
    if float((np.abs(samples) >= _CLIPPED_LEVEL).mean()) > _CLIPPED_SHARE:
        raise SoundUnusable(Sentence("with a sound that is distorted by its own loudness"))
    weight = spoken_letters(said)
    low, high = _SECONDS_PER_LETTER
    if pace is not None and weight >= PACE_LETTERS:
        low, high = max(low, pace / _PACE_FACTOR), min(high, pace * _PACE_FACTOR)
    if seconds < weight * low:
        raise SoundUnusable(Sentence("with %(seconds)s s of speech, too little for the words", seconds=f"{seconds:.1f}"))
    if seconds > weight * high + _SPARE_SECONDS:
        raise SoundUnusable(Sentence("with %(seconds)s s of speech, too much for the words", seconds=f"{seconds:.1f}"))
    if _longest_gap(sound) > _LONGEST_GAP_SECONDS:
        raise SoundUnusable(Sentence("with speech that falls silent in the middle"))


def _longest_gap(sound: Sound) -> float:
    """Return the longest silence between two sounds, in seconds."""
    loud = np.flatnonzero(levels_db(sound.samples, sound.rate_hz) > _GAP_DB)
    return float(np.diff(loud).max()) / STEPS_PER_SECOND if len(loud) > 1 else 0.0
