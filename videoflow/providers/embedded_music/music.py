"""The embedded music provider: a bed of any length from short machine-made pieces."""

import os
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from videoflow.errors import BadInput
from videoflow.providers.base import MusicBed
from videoflow.providers.embedded_music.joining import best_join, describe
from videoflow.providers.embedded_music.tracks import MOODS, SAMPLE_RATE_HZ, Family, Samples, load
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

FADE_IN_SECONDS = 0.8
FADE_OUT_SECONDS = 2.5
_LOOP_FADE_SECONDS = 0.8
_FADE_SECONDS = 2.0
_LOOPS_WELL = 0.7
"""Likeness from which on a piece may jump back into itself."""
_LEAST_LOOP_SECONDS = 14.0
_LONGEST_BED_SECONDS = 4 * 3600.0


def music_moods() -> tuple[str, ...]:
    return tuple(MOODS)


@provider("music", "embedded")
class EmbeddedMusic:
    name = "embedded"

    def bed(self, *, mood: str, seconds: float, seed: int, out: Path) -> MusicBed:
        """Write a stereo WAV of 48 kHz and 16 bit, at about -20 LUFS; equal arguments give an equal file.

        Raises:
            BadInput: an unknown mood, or a length that makes no sense.
        """
        if mood not in MOODS:
            raise BadInput(
                Sentence(
                    'There is no music for the mood "%(mood)s". Choose one of: %(moods)s.', mood=mood, moods=", ".join(MOODS)
                )
            )
        if not 0.5 <= seconds <= _LONGEST_BED_SECONDS:
            raise BadInput("A music bed has to be between half a second and four hours long.")
        choice = np.random.default_rng(seed)
        family = MOODS[mood][int(choice.integers(len(MOODS[mood])))]
        frames = round(seconds * SAMPLE_RATE_HZ)
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(out.name + ".part")
        with part.open("wb") as file:
            with wave.open(file, "wb") as audio:
                audio.setnchannels(2)
                audio.setsampwidth(2)
                audio.setframerate(SAMPLE_RATE_HZ)
                position = 0
                for piece in joined(family, choice):
                    kept = piece[: frames - position]
                    audio.writeframes(_as_pcm(kept * _fades(position, len(kept), frames)[:, None]))
                    position += len(kept)
                    if position == frames:
                        break
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
        return MusicBed(
            path=out,
            seconds=frames / SAMPLE_RATE_HZ,
            mood=mood,
            title=family.title,
            licence="MIT",
            provider=self.name,
            model="immich-memories-music 0.1.0 (made with ACE-Step 1.5)",
        )


def joined(family: Family, choice: np.random.Generator) -> Iterator[Samples]:
    """The family's pieces in turn, each left where the next fits best; one that loops well is heard twice before it is left."""
    pieces = [load(name) for name in np.array(family.names)[choice.permutation(len(family.names))]]
    described = [describe(piece) for piece in pieces]
    loops = [best_join(described[index], described[index], apart_seconds=_LEAST_LOOP_SECONDS) for index in range(len(pieces))]
    ways_on = [best_join(described[index], described[(index + 1) % len(pieces)]) for index in range(len(pieces))]
    current, begin, repeat = 0, 0, True
    while True:
        if repeat and loops[current].likeness >= _LOOPS_WELL:
            join, following, fade_seconds, repeat = loops[current], current, _LOOP_FADE_SECONDS, False
        else:
            join, following, fade_seconds, repeat = ways_on[current], (current + 1) % len(pieces), _FADE_SECONDS, True
        fade = int(fade_seconds * SAMPLE_RATE_HZ)
        leave, enter = join.leave - fade // 2, join.enter - fade // 2
        yield pieces[current][begin:leave]
        yield crossfaded(pieces[current][leave : leave + fade], pieces[following][enter : enter + fade])
        current, begin = following, enter + fade


def crossfaded(leaving: Samples, entering: Samples) -> Samples:
    """Blend at constant power, whether the two are the same music (which adds up) or unrelated (which does not)."""
    rising = np.sqrt(np.linspace(0.0, 1.0, len(leaving), dtype=np.float32))[:, None]
    falling = rising[::-1]
    scale = np.sqrt((leaving**2).mean() * (entering**2).mean()) + 1e-12
    correlation = float(np.clip((leaving * entering).mean() / scale, -0.5, 1.0))
    blend = leaving * falling + entering * rising
    return np.asarray(blend / np.sqrt(1 + 2 * correlation * rising * falling), np.float32)


def _fades(position: int, count: int, total: int) -> Samples:
    """Gain of ``count`` frames from ``position`` on: a rise at the start of the bed, a smooth fall to silence at its end."""
    frame = np.arange(position, position + count, dtype=np.float32)
    length = min(total / 2, FADE_IN_SECONDS * SAMPLE_RATE_HZ)
    rise = np.clip(frame / length, 0, 1)
    length = min(total / 2, FADE_OUT_SECONDS * SAMPLE_RATE_HZ)
    fall = np.clip((total - 1 - frame) / length, 0, 1)
    return np.asarray(np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2, np.float32)


def _as_pcm(samples: Samples) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
