"""The sound of a video: voices matched and placed, music ducked under them, mastered to its loudness, coded as AAC.

The stems are written to one scratch file and the mix to another, which is read back once its loudness is known, so memory does
not grow with the length (about 30 MB of samples at any time, plus 16 bytes per millisecond).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from videoflow.errors import VideoflowError
from videoflow.render import loudness
from videoflow.render.artefacts import part_finish
from videoflow.render.listening import SILENT_LUFS, Heard, sound_listen
from videoflow.render.loudness import RATE, STEP, Meter, Signal
from videoflow.render.mastering import Spans, master_gains
from videoflow.render.music_bed import ENVELOPE_RATE, EndlessMusic, duck_envelope
from videoflow.render.sound_reader import CHUNK, Reader
from videoflow.render.sound_stems import VOICES_IN_BOTH_LUFS, Stem, clip_lay, voices_lay
from videoflow.render.timeline import Timeline

SOUND_VERSION = 2
"""Raise it whenever the same description would sound different."""
CEILING_DB = -1.9
"""True peak before coding; AAC may add a few tenths, and the finished file must stay under −1."""
PEAK_LIMIT_DB = -1.05
"""−1 with room for the differences between two meters."""
LOUDNESS_TOLERANCE = 0.3
BIT_RATE = 192_000
CODER = "fast"
"""ffmpeg's other coder costs three times as much and is not told apart at this bit rate."""
MUSIC_IN_SECONDS = 0.2
MUSIC_OUT_SECONDS = 0.6
"""Beds bring fades of their own; these only keep any track from starting or ending with a click."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A finished AAC track and what another decoder heard in it."""

    path: Path
    seconds: float
    heard: Heard


def sound_job(timeline: Timeline, hashes: Mapping[Path, str], samples: int) -> dict[str, Any]:
    """Describe the sound, ``samples`` at 48 kHz, so that it can be made anywhere and is known by its content."""
    music = timeline.music
    return {
        "version": SOUND_VERSION,
        "samples": samples,
        "loudness_lufs": timeline.loudness_lufs,
        "speech": [
            {
                "path": str(clip.path),
                "sha256": hashes[clip.path],
                "start": clip.start,
                "seconds": clip.seconds,
                "speaker": clip.speaker,
            }
            for clip in timeline.speech
        ],
        "clips": list(_clip_jobs(timeline, hashes)),
        "music": {"path": str(music.path), "sha256": hashes[music.path], "level_db": music.level_db} if music else None,
    }


def _clip_jobs(timeline: Timeline, hashes: Mapping[Path, str]) -> Iterator[dict[str, Any]]:
    """Describe the clips' own sounds: each begins with its picture, once the scene has come in, and goes under the next one."""
    scenes = timeline.scenes
    leads = [0.0 if scene.transition == "cut" or not number else scene.transition_seconds for number, scene in enumerate(scenes)]
    for scene, lead_out in zip(scenes, [*leads[1:], 0.0], strict=True):
        if scene.kind == "clip" and scene.clip_level_db is not None and scene.clip_end != "slow":
            yield {
                "path": str(scene.media),
                "sha256": hashes[scene.media],
                "start": scene.start,
                "seconds": scene.seconds,
                "from": scene.clip_start,
                "again": scene.clip_end == "loop",
                "rise": 0.0,
                "fall": lead_out,
                "level_db": scene.clip_level_db,
            }


def _music_gain(path: Path, level_db: float) -> float:
    """Return the gain that puts the track ``level_db`` beside the voices, both sides of stereo counted."""
    meter = Meter(2, peaks=False)
    with closing(Reader(path, 2)) as reader:
        for _ in range(12):  # two minutes say enough
            chunk = reader.read(CHUNK)
            if not chunk.shape[1]:
                break
            meter.feed(chunk)
    measured = meter.loudness_lufs
    return 0.0 if measured <= loudness.SILENCE_LUFS else float(10.0 ** ((VOICES_IN_BOTH_LUFS + level_db - measured) / 20.0))


class _Bed:
    """The music of a job, at its level and ducked under the speech."""

    def __init__(self, job: Mapping[str, Any], total: int) -> None:
        music = job["music"]
        self._total = total
        self._gain = _music_gain(Path(music["path"]), music["level_db"])
        self._track = EndlessMusic(Path(music["path"]), Reader)
        spoken = [(clip["start"], clip["start"] + clip["seconds"]) for clip in job["speech"]]
        self._envelope = duck_envelope(spoken, total / RATE)

    def read(self, first: int, count: int) -> Signal:
        places = first + np.arange(count)
        gain = np.interp(places * (ENVELOPE_RATE / RATE), np.arange(len(self._envelope)), self._envelope) * self._gain
        if first < MUSIC_IN_SECONDS * RATE:
            gain *= np.clip(places / (MUSIC_IN_SECONDS * RATE), 0.0, 1.0)
        if first + count > self._total - MUSIC_OUT_SECONDS * RATE:
            gain *= np.clip((self._total - places) / (MUSIC_OUT_SECONDS * RATE), 0.0, 1.0)
        return np.asarray(self._track.read(count) * gain, np.float32)

    def close(self) -> None:
        self._track.close()


def mix_chunks(job: Mapping[str, Any], total: int, scratch: BinaryIO) -> Iterator[Signal]:
    """Yield the stereo mix before mastering, ``total`` samples in chunks of ten seconds; ``scratch`` holds the stems."""
    stems: list[Stem] = voices_lay(job["speech"], scratch)
    stems += [stem for clip in job["clips"] if (stem := clip_lay(clip, scratch)) is not None]
    scratch.flush()
    bed = _Bed(job, total) if job["music"] else None
    try:
        for first in range(0, total, CHUNK):
            last = min(first + CHUNK, total)
            chunk = np.zeros((2, last - first), np.float32) if bed is None else bed.read(first, last - first)
            for stem in stems:
                begin, end = max(first, stem.first), min(last, stem.until)
                if begin < end:
                    chunk[:, begin - first : end - first] += stem.read(scratch, begin, end)
            yield chunk
    finally:
        if bed is not None:
            bed.close()


def sound_make(job: Mapping[str, Any], progress: Callable[[float], None]) -> Sound:
    """Mix, master and code the sound that ``job`` describes to ``job["out"]``, by way of ``job["aside"]``.

    Measured again on the coded sound: a miss of more than 0.3 LU or a peak over −1 dBTP is corrected and coded anew. What was
    heard is noted beside the file.

    Raises:
        VideoflowError: the loudness cannot be brought to its target.
    """
    total, wish = int(job["samples"]), float(job["loudness_lufs"])
    out, aside = Path(job["out"]), Path(job["aside"])
    stems, mixed = aside.with_suffix(".stems.part"), aside.with_suffix(".mix.part")
    spans = _alone(job["speech"])
    try:
        meter = Meter(2)
        with stems.open("w+b") as scratch, mixed.open("wb") as file:
            done = 0
            for chunk in mix_chunks(job, total, scratch):
                meter.feed(chunk)
                file.write(np.ascontiguousarray(chunk.T).tobytes())
                done += chunk.shape[1]
                progress(0.4 * done / total)
        stems.unlink()
        meter.feed(np.zeros((2, STEP), np.float32))
        ceiling_db, target = CEILING_DB, wish
        for _ in range(4):
            _master(mixed, aside, total, meter, spans, target, ceiling_db)
            progress(0.8)
            heard = sound_listen(aside, spans, seconds=total / RATE, cancelled=lambda: False)
            miss, over = wish - heard.loudness_lufs, heard.true_peak_db - PEAK_LIMIT_DB
            if heard.loudness_lufs <= SILENT_LUFS or (abs(miss) <= LOUDNESS_TOLERANCE and over < 0.0):
                part_finish(aside, out, asdict(heard))
                progress(1.0)
                return Sound(out, total / RATE, heard)
            target += miss
            ceiling_db -= over + 0.15 if over >= 0.0 else 0.0
        raise VideoflowError(
            f"The sound could not be brought to {wish:.0f} LUFS without clipping; check the voice and music files."
        )
    finally:
        for path in (stems, mixed, aside):
            path.unlink(missing_ok=True)


def _alone(clips: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Return in which seconds each speaker speaks and nobody else does."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for clip in clips:
        pieces = [(float(clip["start"]), float(clip["start"] + clip["seconds"]))]
        for other in clips:
            if other["speaker"] == clip["speaker"]:
                continue
            start, end = float(other["start"]), float(other["start"] + other["seconds"])
            pieces = [cut for a, b in pieces for cut in ((a, min(b, start)), (max(a, end), b)) if cut[0] < cut[1]]
        spans.setdefault(str(clip["speaker"]), []).extend(pieces)
    return spans


def _master(mixed: Path, out: Path, total: int, meter: Meter, spans: Spans, target_lufs: float, ceiling_db: float) -> None:
    """Apply gain and limiter to the mix on disk and code it."""
    ceiling = 10.0 ** (ceiling_db / 20.0)
    gains = master_gains(meter.energies, meter.maxima, spans, target_lufs, ceiling)
    with av.open(out, "w", format="mp4") as container, mixed.open("rb") as file:
        stream = container.add_stream("aac", rate=RATE, layout="stereo", options={"aac_coder": CODER})
        stream.bit_rate = BIT_RATE
        for first in range(0, total, CHUNK):
            count = min(CHUNK, total - first)
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
