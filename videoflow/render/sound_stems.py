"""Voices and the clips' own sounds: measured once, and laid on a scratch file when a stretch of the mix needs them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from videoflow.render import loudness
from videoflow.render.artefacts import canonical_key
from videoflow.render.clips import SLOWEST, clip_rate, clip_seconds
from videoflow.render.loudness import RATE, Filter, Grid, Meter, Signal, integrated_lufs
from videoflow.render.sound_reader import CHUNK, Reader
from videoflow.render.sound_shelf import SoundShelf

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

STEM_VERSION = 1
"""Raise it whenever the same voice or clip would be read or measured differently."""

_CONTENT = ("sha256", "from", "seconds", "again", "slow")
"""What in a clip's description decides its samples before they are placed; of a voice the file alone does."""

_HIGH_PASS = loudness.impulse_response((loudness.high_pass(VOICE_HIGH_PASS_HZ),), 4096)


def ramp(samples: int) -> Signal:
    """Return a raised-cosine way from 0 to 1."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(1, samples))).astype(np.float32)


def gain_db(measured_lufs: float, wished_lufs: float, most_db: float) -> float:
    """Return the gain that brings a sound to a level; silence is left as it is."""
    wish = 0.0 if measured_lufs <= loudness.SILENCE_LUFS else wished_lufs - measured_lufs
    return min(most_db, max(LEAST_GAIN_DB, wish))


@dataclass(frozen=True, slots=True)
class Stem:
    """A sound and where it stands in the mix, in samples at 48 kHz; how it begins, ends and how loud it is."""

    spec: Mapping[str, Any]
    channels: int
    first: int
    samples: int
    rise: int
    fall: int
    gain_db: float

    @property
    def until(self) -> int:
        return self.first + self.samples

    def described(self, origin: int) -> dict[str, Any]:
        """Return all that shapes its samples, with its place counted from ``origin``."""
        shape = [self.first - origin, self.samples, self.rise, self.fall, round(self.gain_db, 6)]
        return {"content": _content_key(self.spec, self.channels), "shape": shape}

    def shaped(self, samples: Signal, first: int) -> Signal:
        """Return samples that begin at a place of the mix at their level, with their share of the ways in and out."""
        out = samples * np.float32(10.0 ** (self.gain_db / 20.0))
        at, count = first - self.first, samples.shape[1]
        if at < self.rise:
            inside = min(count, self.rise - at)
            out[:, :inside] *= ramp(self.rise)[at : at + inside]
        falls_at = self.samples - self.fall
        if at + count > falls_at:
            begin = max(0, falls_at - at)
            out[:, begin:] *= ramp(self.fall)[::-1][at + begin - falls_at : at + count - falls_at]
        return out


def voice_samples(spec: Mapping[str, Any]) -> Iterator[Signal]:
    """Yield a spoken line without the rumble below it."""
    cut = Filter(_HIGH_PASS, 1)
    with closing(Reader(Path(spec["path"]), 1)) as reader:
        for chunk in reader.chunks():
            yield cut.feed(chunk)


def clip_samples(spec: Mapping[str, Any]) -> Iterator[Signal]:
    """Yield a clip's own sound, as fast as its picture runs, as long as its scene lasts where there is so much of it."""
    path, wish = Path(spec["path"]), round(spec["seconds"] * RATE)
    if not spec.get("slow"):
        yield from _clip_source(spec, wish, again=spec["again"])
        return
    rate = clip_rate(clip_seconds(path) - spec["from"], spec["seconds"], "slow")
    done = 0
    for chunk in _slowed(_clip_source(spec, math.ceil(wish * rate) + RATE // 10, again=rate == SLOWEST), rate):
        yield chunk[:, : wish - done]
        done += chunk.shape[1]
        if done >= wish:
            return


def _slowed(chunks: Iterator[Signal], rate: float) -> Iterator[Signal]:
    """Yield a stereo sound at another speed, 0.5 to 1, and its own pitch."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    sink = graph.add("abuffersink")
    graph.link_nodes(source, graph.add("atempo", f"{rate:.6f}"), graph.add("aformat", "sample_fmts=fltp"), sink).configure()
    at = 0
    for chunk in chain(chunks, (None,)):
        if chunk is None:
            source.push(None)
        else:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            at += chunk.shape[1]
            source.push(frame)
        while True:
            try:
                out = sink.pull()
            except (BlockingIOError, av.error.EOFError):
                break
            assert isinstance(out, av.AudioFrame)
            yield out.to_ndarray().astype(np.float32, copy=False)


def _clip_source(spec: Mapping[str, Any], wish: int, *, again: bool) -> Iterator[Signal]:
    """Yield so many samples of a clip's own sound, or fewer where it ends and does not begin ``again``."""
    samples = 0
    while samples < wish:
        before = samples
        with closing(Reader(Path(spec["path"]), 2)) as reader:
            left_out = round(spec["from"] * RATE)
            while left_out > 0 and (skipped := reader.read(min(CHUNK, left_out)).shape[1]):
                left_out -= skipped
            while samples < wish and (chunk := reader.read(min(CHUNK, wish - samples))).shape[1]:
                samples += chunk.shape[1]
                yield chunk
        if not again or samples - before < RATE // 20:
            return


class Scratch:
    """Stems on a scratch file, each written whole when it is first needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: dict[str, int] = {}

    def lay(self, spec: Mapping[str, Any], channels: int, meter: Meter | None = None) -> int:
        """Write a stem's samples and return how many there are; a meter hears them on the way."""
        self._file.seek(0, 2)
        offset, samples = self._file.tell(), 0
        for chunk in voice_samples(spec) if channels == 1 else clip_samples(spec):
            if meter is not None:
                meter.feed(chunk)
            self._file.write(np.ascontiguousarray(chunk.T, np.float32).tobytes())
            samples += chunk.shape[1]
        self._offsets[_content_key(spec, channels)] = offset
        return samples

    def read(self, stem: Stem, first: int, last: int) -> Signal:
        """Return channels x samples of what a stem adds to the mix between two places that lie within it."""
        key = _content_key(stem.spec, stem.channels)
        if key not in self._offsets:
            self.lay(stem.spec, stem.channels)
        self._file.seek(self._offsets[key] + (first - stem.first) * stem.channels * 4)
        samples = np.frombuffer(self._file.read((last - first) * stem.channels * 4), np.float32)
        return stem.shaped(samples.reshape(-1, stem.channels).T, first)


def _content_key(spec: Mapping[str, Any], channels: int) -> str:
    content = {name: spec[name] for name in _CONTENT if name in spec} if channels == 2 else {"sha256": spec["sha256"]}
    return canonical_key({"stem": content, "channels": channels, "version": STEM_VERSION})


@dataclass(frozen=True, slots=True)
class Measured:
    """How long a stem is, and its K-weighted energy millisecond by millisecond."""

    samples: int
    energies: Grid


def stem_measure(spec: Mapping[str, Any], channels: int, shelf: SoundShelf, scratch: Scratch) -> Measured:
    """Return a stem's measures: those of an earlier composition, or taken while it is laid."""
    key = _content_key(spec, channels)
    kept = shelf.get(key)
    if kept is None:
        meter = Meter(channels, peaks=False)
        samples = scratch.lay(spec, channels, meter)
        kept = {"samples": np.array(samples), "energies": meter.energies.astype(np.float32)}
        shelf.put(key, **kept)
    return Measured(int(kept["samples"]), kept["energies"].astype(np.float64))


def speaker_gains_db(clips: Sequence[Mapping[str, Any]], measures: Sequence[Measured]) -> dict[str, float]:
    """Return the gain with which each speaker, measured over all of their lines, has the common level."""
    energies: dict[str, list[Grid]] = {}
    for clip, measured in zip(clips, measures, strict=True):
        energies.setdefault(str(clip["speaker"]), []).append(measured.energies)
    return {
        speaker: gain_db(integrated_lufs(np.concatenate(own)), VOICE_LUFS, VOICE_GAIN_DB) for speaker, own in energies.items()
    }


def voice_stem(spec: Mapping[str, Any], measured: Measured, level_db: float) -> Stem:
    """Place a spoken line."""
    edge = min(int(VOICE_EDGE_SECONDS * RATE), measured.samples // 2)
    return Stem(spec, 1, round(spec["start"] * RATE), measured.samples, edge, edge, level_db)


def clip_stem(spec: Mapping[str, Any], measured: Measured) -> Stem | None:
    """Place a clip's own sound; None when there is nothing to hear."""
    heard = integrated_lufs(measured.energies)
    if not measured.samples or heard <= loudness.SILENCE_LUFS:
        return None
    level = gain_db(heard, VOICES_IN_BOTH_LUFS + spec["level_db"], CLIP_GAIN_DB)
    rise, fall = (
        min(measured.samples // 2, max(round(share * RATE), int(CLIP_EDGE_SECONDS * RATE)))
        for share in (spec["rise"], spec["fall"])
    )
    return Stem(spec, 2, round(spec["start"] * RATE), measured.samples, rise, fall, level)
