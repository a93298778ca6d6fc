"""A fake service's voice that really speaks: the embedded one, at a lower pitch for every other voice."""

import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from videoflow.providers.base import Line
from videoflow.providers.embedded_speech import EmbeddedSpeech
from videoflow.providers.recordings import Samples


class RealVoice:
    """``speak(text, voice)`` for the fakes; lines that were spoken before are read from ``folder``."""

    def __init__(self, folder: Path, voices: Mapping[str, str]) -> None:
        self._folder, self._voices = folder, voices
        self._speech = EmbeddedSpeech(workers=1)

    def prepare(self, lines: list[tuple[str, str]]) -> None:
        """Speak several at once: starting the model is what takes time."""
        self._spoken([Line(text, self._voices[voice]) for text, voice in lines])

    def __call__(self, text: str, voice: str) -> Samples:
        return self._spoken([Line(text, self._voices[voice])])[0]

    def _spoken(self, lines: list[Line]) -> list[Samples]:
        spoken = self._speech.speak(lines, self._folder, report=lambda share, message: None, cancelled=lambda: False)
        return [_samples(line.path) for line in spoken]


def _samples(path: Path) -> Samples:
    with wave.open(str(path)) as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2")
    return (samples / 32768).astype(np.float32)
