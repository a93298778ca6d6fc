"""The mix before mastering: voices, clips and ducked music, described, mixed and measured in windows of 4.8 seconds."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from videoflow.render import loudness
from videoflow.render.artefacts import canonical_key
from videoflow.render.loudness import RATE, STEP, Grid, Meter, Signal
from videoflow.render.music_bed import ENVELOPE_RATE, EndlessMusic, duck_envelope
from videoflow.render.sound_reader import CHUNK, Reader
from videoflow.render.sound_shelf import SoundShelf
from videoflow.render.sound_stems import VOICES_IN_BOTH_LUFS, Scratch, Stem

MIX_VERSION = 1
"""Raise it whenever the same description would sound or measure differently."""
WINDOW = 230_400
"""Samples of a window: whole AAC frames (225 of 1,024) and whole steps of the grid (4,800)."""
WINDOW_STEPS = WINDOW // STEP
LEAD = 24_576
"""Samples before a window that shape it: by then a meter's filter has decayed and the coder knows how it codes such sound."""
TAIL = 4_096
"""Samples after a window that shape it: what the coder looks ahead."""
MUSIC_IN_SECONDS = 0.2
MUSIC_OUT_SECONDS = 0.6
"""Beds bring fades of their own; these only keep any track from starting or ending with a click."""


def _music_level(music: Mapping[str, Any], shelf: SoundShelf) -> float:
    """Return the gain that puts the track ``level_db`` beside the voices, both sides of stereo counted."""
    key = canonical_key({"music": music["sha256"], "version": MIX_VERSION})
    kept = shelf.get(key)
    if kept is None:
        meter = Meter(2, peaks=False)
        with closing(Reader(Path(music["path"]), 2)) as reader:
            for _ in range(12):  # two minutes say enough
                chunk = reader.read(CHUNK)
                if not chunk.shape[1]:
                    break
                meter.feed(chunk)
        kept = {"lufs": np.array(meter.loudness_lufs)}
        shelf.put(key, **kept)
    measured = float(kept["lufs"])
    return (
        0.0 if measured <= loudness.SILENCE_LUFS else float(10.0 ** ((VOICES_IN_BOTH_LUFS + music["level_db"] - measured) / 20.0))
    )


class Bed:
    """The music of a job, at its level and ducked under the speech; read forwards, it begins again for an earlier place."""

    def __init__(self, job: Mapping[str, Any], shelf: SoundShelf) -> None:
        self._music, self._total = job["music"], int(job["samples"])
        self._level = _music_level(self._music, shelf)
        spoken = [(clip["start"], clip["start"] + clip["seconds"]) for clip in job["speech"]]
        self._envelope = duck_envelope(spoken, self._total / RATE)
        self._track: EndlessMusic | None = None
        self._at = 0

    def described(self, first: int, last: int) -> dict[str, Any]:
        """Return all that shapes the music between two places."""
        begin, end = first * ENVELOPE_RATE // RATE, -(-last * ENVELOPE_RATE // RATE) + 1
        ducked = hashlib.sha256(np.round(self._envelope[begin:end], 6).tobytes()).hexdigest()
        ends_in = self._total - first if last > self._total - MUSIC_OUT_SECONDS * RATE else None
        return {"sha256": self._music["sha256"], "at": first, "level": self._level, "ducked": ducked, "ends_in": ends_in}

    def read(self, first: int, count: int) -> Signal:
        if self._track is None or first < self._at:
            self.close()
            self._track, self._at = EndlessMusic(Path(self._music["path"]), Reader), 0
        while self._at < first:
            self._at += self._track.read(min(CHUNK, first - self._at)).shape[1]
        self._at += count
        return np.asarray(self._track.read(count) * self._gains(first, count), np.float32)

    def _gains(self, first: int, count: int) -> Grid:
        places = first + np.arange(count)
        gain = np.interp(places * (ENVELOPE_RATE / RATE), np.arange(len(self._envelope)), self._envelope) * self._level
        if first < MUSIC_IN_SECONDS * RATE:
            gain *= np.clip(places / (MUSIC_IN_SECONDS * RATE), 0.0, 1.0)
        if first + count > self._total - MUSIC_OUT_SECONDS * RATE:
            gain *= np.clip((self._total - places) / (MUSIC_OUT_SECONDS * RATE), 0.0, 1.0)
        return np.asarray(gain)

    def close(self) -> None:
        if self._track is not None:
            self._track.close()
            self._track = None


class Mix:
    """The stereo mix of a job, made window by window when it is asked for and kept on ``mixed``, a file of its own."""

    def __init__(
        self, job: Mapping[str, Any], stems: Sequence[Stem], shelf: SoundShelf, scratch: Scratch, mixed: BinaryIO
    ) -> None:
        self.total = int(job["samples"])
        self.windows = max(1, -(-self.total // WINDOW))
        self._stems, self._shelf, self._scratch, self._file = stems, shelf, scratch, mixed
        self._open = ExitStack()
        self._bed = self._open.enter_context(closing(Bed(job, shelf))) if job["music"] else None
        self._made: set[int] = set()

    def bounds(self, window: int) -> tuple[int, int]:
        """Return the first sample of a window and the one after its last."""
        return window * WINDOW, min(self.total, (window + 1) * WINDOW)

    def key(self, window: int) -> str:
        """Return the key of all that shapes a window of the mix, and what before and after it shapes how it is coded."""
        first, last = self.bounds(window)
        begin, end = max(0, first - LEAD), min(self.total, last + TAIL)
        return canonical_key(
            {
                "version": MIX_VERSION,
                "bounds": [first - begin, last - begin, end - begin, end == self.total],
                "stems": [stem.described(begin) for stem in self._stems if stem.first < end and stem.until > begin],
                "music": self._bed.described(begin, end) if self._bed else None,
            }
        )

    def _window_make(self, window: int) -> None:
        first, last = self.bounds(window)
        out = np.zeros((2, last - first), np.float32) if self._bed is None else self._bed.read(first, last - first)
        for stem in self._stems:
            begin, end = max(first, stem.first), min(last, stem.until)
            if begin < end:
                out[:, begin - first : end - first] += self._scratch.read(stem, begin, end)
        self._file.seek(first * 8)
        self._file.write(np.ascontiguousarray(out.T).tobytes())
        self._made.add(window)

    def read(self, first: int, last: int) -> Signal:
        """Return 2 x samples between two places of the mix."""
        for window in range(first // WINDOW, -(-last // WINDOW)):
            if window not in self._made:
                self._window_make(window)
        self._file.seek(first * 8)
        return np.frombuffer(self._file.read((last - first) * 8), np.float32).reshape(-1, 2).T

    def measures(self, window: int, key: str) -> tuple[Grid, Grid]:
        """Return energies and true peaks of a window per step: those of an earlier composition, or measured now."""
        kept = self._shelf.get(key)
        if kept is None:
            first, last = self.bounds(window)
            begin = max(0, first - LEAD)
            energies, maxima = window_measure(self.read(begin, last), (first - begin) // STEP, is_last=last == self.total)
            kept = {"energies": energies, "maxima": maxima}
            self._shelf.put(key, **kept)
        return kept["energies"].astype(np.float64), kept["maxima"].astype(np.float64)

    def close(self) -> None:
        self._open.close()


def window_measure(signal: Signal, lead_steps: int, *, is_last: bool) -> tuple[Grid, Grid]:
    """Return energies and true peaks per step after a lead that only primes the meter, as 32-bit floats.

    The last window has a step more, in which a peak of its very end is noted.
    """
    meter = Meter(signal.shape[0])
    meter.feed(signal)
    if is_last:
        meter.feed(np.zeros((signal.shape[0], STEP), np.float32))
    return meter.energies[lead_steps:].astype(np.float32), meter.maxima[lead_steps:].astype(np.float32)
