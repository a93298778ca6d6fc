"""Voices and the clips' own sounds, laid on a scratch file at the level at which they are mixed."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from videoflow.render import loudness
from videoflow.render.loudness import RATE, Filter, Meter, Signal
from videoflow.render.sound_reader import CHUNK, Reader

VOICE_LUFS = -20.0
"""Where every speaker is brought to before the mix is mastered as a whole."""
VOICES_IN_BOTH_LUFS = VOICE_LUFS + 3.01
"""The same voices once they sound from both sides."""
VOICE_GAIN_DB = 15.0
CLIP_GAIN_DB = 20.0
"""The most a voice or a clip is raised, so that the hiss of a very soft one is not."""
LEAST_GAIN_DB = -40.0
VOICE_HIGH_PASS_HZ = 70.0
VOICE_EDGE_SECONDS = 0.005
CLIP_EDGE_SECONDS = 0.08

_HIGH_PASS = loudness.impulse_response((loudness.high_pass(VOICE_HIGH_PASS_HZ),), 4096)


def ramp(samples: int) -> Signal:
    """Return a raised-cosine way from 0 to 1."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(1, samples))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Stem:
    """A sound on the scratch file: where it stands in the mix and how it begins and ends, all in samples at 48 kHz."""

    first: int
    samples: int
    channels: int
    offset: int
    """Bytes into the scratch file."""
    rise: int
    fall: int
    gain: float = 1.0

    @property
    def until(self) -> int:
        return self.first + self.samples

    def read(self, file: BinaryIO, first: int, last: int) -> Signal:
        """Return channels x samples of what stands between two places of the mix that lie within it."""
        file.seek(self.offset + (first - self.first) * self.channels * 4)
        samples = np.frombuffer(file.read((last - first) * self.channels * 4), np.float32)
        out = samples.reshape(-1, self.channels).T * np.float32(self.gain)
        at, count = first - self.first, last - first
        if at < self.rise:
            inside = min(count, self.rise - at)
            out[:, :inside] *= ramp(self.rise)[at : at + inside]
        falls_at = self.samples - self.fall
        if at + count > falls_at:
            begin = max(0, falls_at - at)
            out[:, begin:] *= ramp(self.fall)[::-1][at + begin - falls_at : at + count - falls_at]
        return out


def _write(file: BinaryIO, chunk: Signal) -> None:
    file.write(np.ascontiguousarray(chunk.T, np.float32).tobytes())


def _gain(measured_lufs: float, wished_lufs: float, most_db: float) -> float:
    wish = 0.0 if measured_lufs <= loudness.SILENCE_LUFS else wished_lufs - measured_lufs
    return float(10.0 ** (min(most_db, max(LEAST_GAIN_DB, wish)) / 20.0))


def voices_lay(clips: Sequence[Mapping[str, Any]], file: BinaryIO) -> list[Stem]:
    """Write every spoken line to the scratch file; each speaker, measured over all of their lines, gets the common level."""
    meters: dict[str, Meter] = {}
    laid: list[tuple[str, Stem]] = []
    for clip in clips:
        speaker, offset, samples = str(clip["speaker"]), file.tell(), 0
        meter = meters.setdefault(speaker, Meter(1, peaks=False))
        cut = Filter(_HIGH_PASS, 1)
        with closing(Reader(Path(clip["path"]), 1)) as reader:
            for chunk in reader.chunks():
                clean = cut.feed(chunk)
                meter.feed(clean)
                _write(file, clean)
                samples += clean.shape[1]
        edge = min(int(VOICE_EDGE_SECONDS * RATE), samples // 2)
        laid.append((speaker, Stem(round(clip["start"] * RATE), samples, 1, offset, edge, edge)))
    gains = {speaker: _gain(meter.loudness_lufs, VOICE_LUFS, VOICE_GAIN_DB) for speaker, meter in meters.items()}
    return [replace(stem, gain=gains[speaker]) for speaker, stem in laid]


def clip_lay(clip: Mapping[str, Any], file: BinaryIO) -> Stem | None:
    """Write a clip's own sound to the scratch file as long as its scene lasts; None when there is nothing to hear."""
    wish, offset, samples = round(clip["seconds"] * RATE), file.tell(), 0
    meter = Meter(2, peaks=False)
    while samples < wish:
        before = samples
        with closing(Reader(Path(clip["path"]), 2)) as reader:
            left_out = round(clip["from"] * RATE)
            while left_out > 0 and (skipped := reader.read(min(CHUNK, left_out)).shape[1]):
                left_out -= skipped
            while samples < wish and (chunk := reader.read(min(CHUNK, wish - samples))).shape[1]:
                meter.feed(chunk)
                _write(file, chunk)
                samples += chunk.shape[1]
        if not clip["again"] or samples - before < RATE // 20:
            break
    if not samples or meter.loudness_lufs <= loudness.SILENCE_LUFS:
        return None
    gain = _gain(meter.loudness_lufs, VOICES_IN_BOTH_LUFS + clip["level_db"], CLIP_GAIN_DB)
    rise, fall = (
        min(samples // 2, max(round(share * RATE), int(CLIP_EDGE_SECONDS * RATE))) for share in (clip["rise"], clip["fall"])
    )
    return Stem(round(clip["start"] * RATE), samples, 2, offset, rise, fall, gain)
