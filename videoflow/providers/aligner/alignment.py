"""Where known English words stand in recorded speech, found by an acoustic model that knows nothing of the voice's own timing."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pocketsphinx

from videoflow.providers.embedded_speech.speech_text import read_aloud

SAMPLE_RATE_HZ = 16_000
_FRAME_SECONDS = 0.01
_EARLY_SECONDS = 0.04
"""The acoustic model opens a word this much before its sound: median of 106 words after a pause, in two voices, against
the first 5 ms that rise to 30 dB under the loudest (10 to 90 per cent of them: 15 to 65 ms)."""
_SOFT_DB = 16.0
_LONGEST_SOFT_ONSET_FRAMES = 13
"""No English word begins with 130 ms of sound that is 16 dB softer than its loudest part."""
_NOT_IN_A_WORD = re.compile(r"[^a-z']")
_LETTER_SOUNDS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "OW", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S",
    "y": "IY", "z": "Z",
}  # fmt: skip

Samples = npt.NDArray[np.float32]


class Aligner:
    """One acoustic model and its dictionary of 130,000 words; loading takes about 0.3 s. Not for use by two threads at once."""

    def __init__(self) -> None:
        # Without bestpath the last words are never lost, and wide beams keep a rare pronunciation alive.
        self._decoder = pocketsphinx.Decoder(
            lm=None, samprate=SAMPLE_RATE_HZ, loglevel="FATAL", bestpath=False, beam=1e-80, pbeam=1e-80, wbeam=1e-60
        )

    def align_words(self, samples: Samples, words: Sequence[str]) -> list[tuple[float, float] | None]:
        """Start and end in seconds of each shown word; None where it cannot be told.

        ``samples``: mono, 16 kHz, -1 to 1. Figures and abbreviations are read as a voice reads them. A word that is not in the
        dictionary is held by a rough spelling of its sounds, so that its neighbours are found, and comes out as None itself.
        """
        said: list[str] = []
        owners: list[int] = []
        unknown: set[int] = set()
        position = 0
        for token in read_aloud(" ".join(words), is_word=self._is_known):
            index, position = position, position + 1
            for spoken in token.words:
                for part, known in self._dictionary_words(spoken):
                    said.append(part)
                    owners.append(index)
                    if not known:
                        unknown.add(index)
        found: list[tuple[float, float] | None] = [None] * len(words)
        if not said or position != len(words):
            return found
        segments = self._segments(samples, said)
        if segments is None:
            return found
        for owner, (start, end) in zip(owners, segments, strict=True):
            earlier = found[owner]
            found[owner] = (earlier[0] if earlier else _sound_onset(samples, start, end), end)
        return [None if index in unknown else times for index, times in enumerate(found)]

    def _is_known(self, word: str) -> bool:
        return self._decoder.lookup_word(word) is not None

    def _dictionary_words(self, spoken: str) -> list[tuple[str, bool]]:
        """Dictionary entries for one spoken word, and whether each is a real one."""
        plain = spoken.lower().rstrip(".,;:!?…")
        if re.fullmatch(r"[a-z](?:\.[a-z])*(?:'s)?", plain) and plain not in ("a", "i"):
            return [(f"{letter}.", self._is_known(f"{letter}.")) for letter in plain.removesuffix("'s") if letter.isalpha()]
        entries: list[tuple[str, bool]] = []
        whole = _NOT_IN_A_WORD.sub("", plain)
        parts = [whole] if self._is_known(whole) else [_NOT_IN_A_WORD.sub("", part) for part in re.split(r"[-.]", plain)]
        for part in parts:
            if not part.strip("'"):
                continue
            if self._is_known(part):
                entries.append((part, True))
            elif part.endswith("'s") and self._is_known(part[:-2]):
                entries.append((part[:-2], True))
            else:
                made_up = f"unknown-{part}"
                if not self._is_known(made_up):
                    self._decoder.add_word(made_up, " ".join(_LETTER_SOUNDS[letter] for letter in part if letter != "'"))
                entries.append((made_up, False))
        return entries

    def _segments(self, samples: Samples, said: Sequence[str]) -> list[tuple[float, float]] | None:
        self._decoder.set_align_text(" ".join(said))
        self._decoder.start_utt()
        self._decoder.process_raw(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        seen = [segment for segment in self._decoder.seg() or () if segment.word[0] not in "<[("]
        if [segment.word.partition("(")[0] for segment in seen] != list(said):
            return None
        return [
            (segment.start_frame * _FRAME_SECONDS + _EARLY_SECONDS, (segment.end_frame + 1) * _FRAME_SECONDS + _EARLY_SECONDS)
            for segment in seen
        ]


def _sound_onset(samples: Samples, start: float, end: float) -> float:
    """Where a word really sets in, if it was opened in the pause before it: the model takes soft music for speech."""
    step = int(_FRAME_SECONDS * SAMPLE_RATE_HZ)
    word = samples[int(start * SAMPLE_RATE_HZ) : int(end * SAMPLE_RATE_HZ)]
    power = (word[: len(word) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    if len(power) < _LONGEST_SOFT_ONSET_FRAMES:
        return start
    smooth = np.convolve(power, np.ones(3) / 3, "same")
    loud = np.flatnonzero(smooth > smooth.max() * 10 ** (-_SOFT_DB / 10))
    soft_frames = int(loud[0]) if len(loud) else 0
    return start + soft_frames * _FRAME_SECONDS if soft_frames >= _LONGEST_SOFT_ONSET_FRAMES else start


@cache
def _shared() -> Aligner:
    return Aligner()


def align_words(samples: Samples, words: Sequence[str]) -> list[tuple[float, float] | None]:
    """``Aligner.align_words`` with one aligner for the process."""
    return _shared().align_words(samples, words)
