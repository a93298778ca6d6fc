"""The sound of a video: voices matched and placed, music ducked under them, mastered to −14 LUFS, coded as AAC.

The mix is written to a scratch file in chunks of ten seconds and read back once its loudness is known, so memory does not
grow with the length (about 30 MB of samples at any time, plus 16 bytes per millisecond).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from videoflow.errors import VideoflowError
from videoflow.render import loudness
from videoflow.render.artefacts import part_finish
from videoflow.render.loudness import RATE, STEP, Filter, Grid, Meter, Signal
from videoflow.render.probe import media_open

SOUND_VERSION = 1
TARGET_LUFS = -14.0
CEILING_DB = -1.9
"""True peak before coding; AAC may add a few tenths, and the finished file must stay under −1."""
PEAK_LIMIT_DB = -1.15
"""−1 with room for the differences between two meters."""
BIT_RATE = 192_000

VOICE_LUFS = -20.0
"""Where every speaker is brought to before the mix is mastered as a whole."""
VOICE_GAIN_DB = 15.0
VOICE_HIGH_PASS_HZ = 70.0
EDGE_SECONDS = 0.005
DUCK_DB = -8.0
ATTACK_SECONDS = 0.35
RELEASE_SECONDS = 0.9
BRIDGED_SECONDS = 1.6
"""Pauses shorter than this do not bring the music up, so it does not pump between turns."""
ENVELOPE_RATE = 100
LOOP_SECONDS = 2.0
MUSIC_IN_SECONDS = 0.2
MUSIC_OUT_SECONDS = 0.6
"""Beds bring fades of their own; these only keep any track from starting or ending with a click."""

_CHUNK = 10 * RATE


@dataclass(frozen=True, slots=True)
class Sound:
    """A finished AAC track and what was measured on its decoded samples."""

    path: Path
    seconds: float
    loudness_lufs: float
    true_peak_db: float


class Reader:
    """Read any sound file as 48 kHz float chunks, in order."""

    def __init__(self, path: Path, channels: int) -> None:
        self._container = media_open(path)
        layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE)
        self._frames = self._decoded()
        self._rest = np.zeros((channels, 0), np.float32)

    def _decoded(self) -> Iterator[Signal]:
        with self._container as container:
            for frame in container.decode(container.streams.audio[0]):
                frame.pts = None
                for piece in self._resampler.resample(frame):
                    yield piece.to_ndarray().astype(np.float32, copy=False)
            for piece in self._resampler.resample(None):
                yield piece.to_ndarray().astype(np.float32, copy=False)

    def read(self, samples: int) -> Signal:
        """Return up to ``samples``; fewer only at the end of the file."""
        pieces, have = [self._rest], self._rest.shape[1]
        while have < samples and (piece := next(self._frames, None)) is not None:
            pieces.append(piece)
            have += piece.shape[1]
        joined = np.concatenate(pieces, axis=1)
        self._rest = joined[:, samples:]
        return joined[:, :samples]

    def close(self) -> None:
        self._frames.close()  # type: ignore[attr-defined]
        self._container.close()


def _ramp(samples: int) -> Signal:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(1, samples))).astype(np.float32)


class EndlessMusic:
    """Music of any length: a track that ends is begun again under a crossfade of two seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = Reader(path, 2)
        self._held = self._reader.read(_CHUNK)

    def read(self, samples: int) -> Signal:
        while self._held.shape[1] < samples + int(LOOP_SECONDS * RATE):
            more = self._reader.read(_CHUNK)
            if not more.shape[1]:
                self._begin_again()
                continue
            self._held = np.concatenate([self._held, more], axis=1)
        out, self._held = self._held[:, :samples], self._held[:, samples:]
        return out

    def _begin_again(self) -> None:
        self._reader.close()
        self._reader = Reader(self._path, 2)
        again = self._reader.read(5 * int(LOOP_SECONDS * RATE))
        if not again.shape[1]:
            raise VideoflowError(f"{self._path.name} has no sound in it.", code="BAD_INPUT")
        overlap = min(int(LOOP_SECONDS * RATE), self._held.shape[1], again.shape[1] // 2)
        rise = np.sqrt(_ramp(overlap))
        seam = self._held[:, self._held.shape[1] - overlap :] * rise[::-1] + again[:, :overlap] * rise
        self._held = np.concatenate([self._held[:, : self._held.shape[1] - overlap], seam, again[:, overlap:]], axis=1)

    def close(self) -> None:
        self._reader.close()


def duck_envelope(spoken: Sequence[tuple[float, float]], seconds: float) -> Grid:
    """Return the music's gain at 100 points a second: 1 while nobody speaks, −8 dB under speech, in decibel-smooth ramps.

    The speech is known beforehand, so the music is down when it begins: the ramp of 0.35 s ends there.
    """
    points = int(np.ceil(seconds * ENVELOPE_RATE)) + 2
    times = np.arange(points) / ENVELOPE_RATE
    depth = np.zeros(points)
    merged: list[list[float]] = []
    for start, end in sorted(spoken):
        if merged and start - merged[-1][1] < BRIDGED_SECONDS:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    for start, end in merged:
        rise = np.clip((times - (start - ATTACK_SECONDS)) / ATTACK_SECONDS, 0.0, 1.0)
        fall = np.clip(((end + RELEASE_SECONDS) - times) / RELEASE_SECONDS, 0.0, 1.0)
        depth = np.maximum(depth, np.minimum(rise, fall))
    shaped = depth * depth * (3.0 - 2.0 * depth)
    return np.asarray(10.0 ** (DUCK_DB * shaped / 20.0))


@dataclass(slots=True)
class _Voice:
    """One clip on its way through the mix: where it starts and its samples, fetched when its turn comes."""

    path: Path
    first: int
    gain: float
    samples: Signal | None = None


def _voice_samples(path: Path) -> Signal:
    reader = Reader(path, 1)
    try:
        whole = reader.read(4 * 3600 * RATE)
    finally:
        reader.close()
    response = loudness.impulse_response((loudness.high_pass(VOICE_HIGH_PASS_HZ),), 4096)
    filtered = Filter(response, 1).feed(whole)[0]
    edge = min(int(EDGE_SECONDS * RATE), len(filtered) // 2)
    if edge:
        filtered[:edge] *= _ramp(edge)
        filtered[-edge:] *= _ramp(edge)[::-1]
    return filtered  # type: ignore[no-any-return]


def _speaker_gains(clips: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Measure each speaker over all of their clips and return the gain that brings them to the common level."""
    meters: dict[str, Meter] = {}
    for clip in clips:
        meter = meters.setdefault(str(clip["speaker"]), Meter(1, peaks=False))
        meter.feed(_voice_samples(Path(clip["path"]))[None, :])
    gains = {}
    for speaker, meter in meters.items():
        measured = meter.loudness_lufs
        wish = 0.0 if measured <= loudness.SILENCE_LUFS else VOICE_LUFS - measured
        gains[speaker] = 10.0 ** (min(VOICE_GAIN_DB, max(-VOICE_GAIN_DB, wish)) / 20.0)
    return gains


def _music_gain(path: Path, level_db: float) -> float:
    """Return the gain that puts the track ``level_db`` beside the voices, both sides of stereo counted."""
    meter, reader = Meter(2, peaks=False), Reader(path, 2)
    try:
        for _ in range(12):  # two minutes say enough
            chunk = reader.read(_CHUNK)
            if not chunk.shape[1]:
                break
            meter.feed(chunk)
    finally:
        reader.close()
    measured = meter.loudness_lufs
    voices_in_both = VOICE_LUFS + 3.01
    return 0.0 if measured <= loudness.SILENCE_LUFS else float(10.0 ** ((voices_in_both + level_db - measured) / 20.0))


def mix_chunks(job: Mapping[str, Any], total: int) -> Iterator[Signal]:
    """Yield the stereo mix before mastering, ``total`` samples in chunks of ten seconds."""
    gains = _speaker_gains(job["speech"])
    waiting = [_Voice(Path(clip["path"]), round(clip["start"] * RATE), gains[clip["speaker"]]) for clip in job["speech"]]
    waiting.sort(key=lambda voice: -voice.first)
    sounding: list[_Voice] = []
    music = EndlessMusic(Path(job["music"]["path"])) if job["music"] else None
    music_gain = _music_gain(Path(job["music"]["path"]), job["music"]["level_db"]) if job["music"] else 0.0
    envelope = duck_envelope([(clip["start"], clip["start"] + clip["seconds"]) for clip in job["speech"]], total / RATE)
    try:
        for first in range(0, total, _CHUNK):
            count = min(_CHUNK, total - first)
            chunk = np.zeros((2, count), np.float32)
            if music is not None:
                at = (first + np.arange(count)) * (ENVELOPE_RATE / RATE)
                gain = np.interp(at, np.arange(len(envelope)), envelope) * music_gain
                gain *= np.clip((first + np.arange(count)) / (MUSIC_IN_SECONDS * RATE), 0.0, 1.0)
                gain *= np.clip((total - first - np.arange(count)) / (MUSIC_OUT_SECONDS * RATE), 0.0, 1.0)
                chunk += music.read(count) * gain.astype(np.float32)
            while waiting and waiting[-1].first < first + count:
                voice = waiting.pop()
                voice.samples = _voice_samples(voice.path) * np.float32(voice.gain)
                sounding.append(voice)
            for voice in sounding:
                assert voice.samples is not None
                begin, end = max(first, voice.first), min(first + count, voice.first + len(voice.samples))
                if begin < end:
                    chunk[:, begin - first : end - first] += voice.samples[begin - voice.first : end - voice.first]
            sounding = [
                voice for voice in sounding if voice.samples is not None and voice.first + len(voice.samples) > first + count
            ]
            yield chunk
    finally:
        if music is not None:
            music.close()


def sound_make(job: Mapping[str, Any], progress: Callable[[float], None]) -> Sound:
    """Mix, master and code the sound that ``job`` describes to ``job["out"]``, by way of ``job["aside"]``.

    Measured again on the decoded AAC: a miss of more than 0.3 LU or a peak over −1 dBTP is corrected and coded anew.

    Raises:
        VideoflowError: the loudness cannot be brought to its target.
    """
    total = int(job["samples"])
    out = Path(job["out"])
    aside = Path(job["aside"])
    scratch = aside.with_suffix(".mix.part")
    try:
        meter = Meter(2)
        with scratch.open("wb") as file:
            done = 0
            for chunk in mix_chunks(job, total):
                meter.feed(chunk)
                file.write(np.ascontiguousarray(chunk.T).tobytes())
                done += chunk.shape[1]
                progress(0.4 * done / total)
        meter.feed(np.zeros((2, STEP), np.float32))
        ceiling_db, target = CEILING_DB, TARGET_LUFS
        for _ in range(4):
            _master(scratch, aside, total, meter, target, ceiling_db)
            progress(0.8)
            heard = _heard(aside)
            silent = heard.loudness_lufs <= loudness.SILENCE_LUFS
            miss, over = TARGET_LUFS - heard.loudness_lufs, heard.true_peak_db - PEAK_LIMIT_DB
            if silent or (abs(miss) <= 0.3 and over < 0.0):
                part_finish(aside, out)
                progress(1.0)
                return Sound(out, total / RATE, heard.loudness_lufs, heard.true_peak_db)
            target += miss
            ceiling_db -= max(0.0, over + 0.1) if over >= 0.0 else 0.0
        raise VideoflowError("The sound could not be brought to −14 LUFS without clipping; check the voice and music files.")
    finally:
        scratch.unlink(missing_ok=True)
        aside.unlink(missing_ok=True)


def _master(scratch: Path, out: Path, total: int, meter: Meter, target_lufs: float, ceiling_db: float) -> None:
    """Apply gain and limiter to the mix on disk and code it."""
    ceiling = 10.0 ** (ceiling_db / 20.0)
    gain = loudness.mastering_gain(meter.energies, meter.maxima, target_lufs, ceiling)
    gains = loudness.limiter_gains(meter.maxima, gain, ceiling) * gain
    with av.open(out, "w", format="mp4") as container, scratch.open("rb") as file:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        stream.bit_rate = BIT_RATE
        for first in range(0, total, _CHUNK):
            count = min(_CHUNK, total - first)
            samples = np.frombuffer(file.read(count * 8), np.float32).reshape(-1, 2).T
            steps = -(-count // STEP)
            curve = loudness.gain_curve(gains, first // STEP, steps)[:count]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples * curve), format="fltp", layout="stereo")
            frame.sample_rate = RATE
            frame.pts = first
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


def _heard(path: Path) -> Meter:
    """Measure a sound file as it will be decoded."""
    meter, reader = Meter(2), Reader(path, 2)
    while (chunk := reader.read(_CHUNK)).shape[1]:
        meter.feed(chunk)
    reader.close()
    return meter
