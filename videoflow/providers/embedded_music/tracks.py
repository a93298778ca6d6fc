"""The pieces of music that come with the installation, and which of them go together."""

from dataclasses import dataclass
from pathlib import Path

import av
import immich_memories_music
import numpy as np
import numpy.typing as npt

from videoflow.providers.base import ProviderError
from videoflow.providers.loudness import loudness_lufs
from videoflow.sentences import Sentence

SAMPLE_RATE_HZ = 48_000
TARGET_LUFS = -20.0

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Family:
    """Pieces of one mood, tempo and key, so that one can follow the other.

    Source: the LICENSE-MUSIC file of immich-memories-music 0.1.0.
    """

    folder: str
    style: str
    takes: tuple[str, ...]
    bpm: int
    key: str

    @property
    def title(self) -> str:
        return f"{self.folder.capitalize()} {self.style}, {self.bpm} bpm in {self.key}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.folder}/{self.folder}_{self.style}_{take}.opus" for take in self.takes)


_CALM = Family("calm", "acoustic", ("1", "s411", "s522"), 68, "C major")
_CALM_ELECTRONIC = Family("calm", "electronic", ("s411", "s522"), 72, "D major")
_ENERGETIC = Family("energetic", "acoustic", ("1", "2", "s522"), 132, "D minor")
_HAPPY = Family("happy", "acoustic", ("1", "2", "s411"), 110, "E major")
_HAPPY_ELECTRONIC = Family("happy", "electronic", ("1", "2"), 123, "A major")
_NOSTALGIC = Family("nostalgic", "acoustic", ("1", "s411", "s522"), 78, "F minor")
_NOSTALGIC_ELECTRONIC = Family("nostalgic", "electronic", ("s411", "s522"), 84, "G minor")
_TENDER = Family("tender", "acoustic", ("1", "2", "s411"), 90, "G major")
_TENDER_ELECTRONIC = Family("tender", "electronic", ("1", "2"), 99, "C major")

MOODS: dict[str, tuple[Family, ...]] = {
    "calm": (_CALM, _CALM_ELECTRONIC),
    "upbeat": (_HAPPY, _HAPPY_ELECTRONIC),
    "energetic": (_ENERGETIC,),
    "serious": (_NOSTALGIC_ELECTRONIC, _NOSTALGIC),
    "playful": (_HAPPY, _TENDER_ELECTRONIC),
    "tech": (_CALM_ELECTRONIC, _TENDER_ELECTRONIC, _HAPPY_ELECTRONIC),
    "warm": (_TENDER, _CALM),
}


def load(name: str) -> Samples:
    """One piece as ``[frames, 2]`` at 48 kHz, levelled to -20 LUFS, without the silence and the dying end of the recording."""
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE_HZ)
    pieces: list[Samples] = []
    path: Path = immich_memories_music.tracks_dir() / name
    try:
        with av.open(str(path)) as container:
            for frame in [*container.decode(audio=0), None]:
                pieces += [np.asarray(piece.to_ndarray(), np.float32).reshape(-1, 2) for piece in resampler.resample(frame)]
    except (OSError, av.FFmpegError) as error:
        raise ProviderError(
            Sentence(
                "The embedded music is incomplete (%(name)s is missing or damaged). Install it again, or go without.", name=name
            )
        ) from error
    samples = np.concatenate(pieces)
    samples = samples * np.float32(10 ** ((TARGET_LUFS - loudness_lufs(samples, SAMPLE_RATE_HZ)) / 20))
    first, last = _full_bodied(samples)
    return samples[first:last]


def _full_bodied(samples: Samples) -> tuple[int, int]:
    """First and last frame of what plays at its usual level (half seconds within 7 dB of the middle one)."""
    block = SAMPLE_RATE_HZ // 2
    whole = samples[: len(samples) // block * block].reshape(-1, block * 2)
    levels = 10 * np.log10((whole**2).mean(axis=1) + 1e-12)
    full = np.flatnonzero(levels > np.median(levels) - 7)
    return int(full[0]) * block, int(full[-1] + 1) * block
