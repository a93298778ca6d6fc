"""The sound of a video: voices matched and placed, music ducked under them, mastered to its loudness, coded as AAC.

It is mixed, measured and coded in windows of 4.8 s that are addressed by all that shapes them, so that an edit makes only the
windows anew in which something else is heard. Stems and mix stand on scratch files, so memory does not grow with the length
(about 30 MB of samples at any time, plus 32 bytes per millisecond).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from videoflow.errors import VideoflowError
from videoflow.render.artefacts import canonical_key, part_finish
from videoflow.render.listening import Heard, heard_of
from videoflow.render.loudness import RATE, SILENCE_LUFS, STEP, Grid, Signal, gain_curve
from videoflow.render.mastering import KEPT_VOICE_DB, Levels, levels_decide, master_gains
from videoflow.render.sound_coding import BIT_RATE, CODER, Listener, Packets, run_code, sound_write
from videoflow.render.sound_mix import LEAD, TAIL, WINDOW_STEPS, Mix
from videoflow.render.sound_shelf import SoundShelf
from videoflow.render.sound_stems import Scratch, Stem, clip_stem, speaker_gains_db, stem_measure, voice_stem
from videoflow.render.timeline import Timeline
from videoflow.sentences import Sentence

SOUND_VERSION = 3
"""Raise it whenever the same description would sound different."""
CEILING_DB = -1.9
"""True peak before coding; AAC may add a few tenths, and the finished file must stay under −1."""
PEAK_LIMIT_DB = -1.05
"""−1 with room for the differences between two meters."""
LOUDNESS_TOLERANCE = 0.3
LEVELS_KEPT = 32
"""How many of the levels decided last are tried again, since compositions of several videos may take turns."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A finished AAC track and what is heard in it once it is decoded."""

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
        if scene.kind == "clip" and scene.clip_level_db is not None:
            slowed = {"slow": True} if scene.clip_end == "slow" else {}
            yield {
                **slowed,
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


class SoundMaker:
    """One sound on its way: its stems and mix on scratch files, its windows on the shelf."""

    def __init__(self, job: Mapping[str, Any], shelf: SoundShelf, scratch: Scratch) -> None:
        self.job, self._shelf, self._scratch = job, shelf, scratch
        self.seconds = int(job["samples"]) / RATE
        self.spans = _alone(job["speech"])
        self._voices = [stem_measure(clip, 1, shelf, scratch) for clip in job["speech"]]
        self._recent_key = canonical_key(
            {
                "levels": sorted(self.spans),
                "music": _without_path(job["music"]),
                "version": SOUND_VERSION,
                "wish": job["loudness_lufs"],
            }
        )
        self._recent = self._recent_levels()
        wished = speaker_gains_db(job["speech"], self._voices)
        self.kept = next((levels for levels in self._recent if _near(levels.voices_db, wished)), None)
        self.voices_db = self.kept.voices_db if self.kept else wished

    def stems(self) -> list[Stem]:
        """Return where every voice and every clip's sound stands in the mix, and how loud."""
        stems = [
            voice_stem(clip, measured, self.voices_db[str(clip["speaker"])])
            for clip, measured in zip(self.job["speech"], self._voices, strict=True)
        ]
        clips = (clip_stem(clip, stem_measure(clip, 2, self._shelf, self._scratch)) for clip in self.job["clips"])
        return stems + [stem for stem in clips if stem is not None]

    def _recent_levels(self) -> list[Levels]:
        kept = self._shelf.get(self._recent_key)
        return [Levels(**levels) for levels in json.loads(str(kept["levels"]))] if kept else []

    def levels_note(self, levels: Levels) -> None:
        """Remember levels for the next composition of this video; those of an excerpt are of no use for it."""
        if self.job.get("excerpt"):
            return
        recent = [levels, *(other for other in self._recent if other != levels)][:LEVELS_KEPT]
        if recent != self._recent:
            self._shelf.put(self._recent_key, levels=np.array(json.dumps([asdict(one) for one in recent])))

    def code(self, mix: Mix, keys: Sequence[str], gains: Grid) -> list[str]:
        """Code and measure the windows that are not on the shelf with these gains; return the keys of all."""
        coded = [self._coded_key(mix, window, keys[window], gains) for window in range(mix.windows)]
        missing = [window for window, key in enumerate(coded) if self._shelf.get(key) is None]

        def mastered(first: int, last: int) -> Signal:
            steps = -(-(last - first) // STEP)
            assert first % STEP == 0
            return np.asarray(mix.read(first, last) * gain_curve(gains, first // STEP, steps)[: last - first], np.float32)

        for run in _runs(missing):
            listener = Listener(self.packets(coded, run.start - 1) if run.start else None)
            for window, packets in zip(run, run_code(mastered, run, mix.total), strict=True):
                first, last = mix.bounds(window)
                energies, maxima = listener.measures(packets, last - first, is_last=last == mix.total)
                self._shelf.put(coded[window], energies=energies, maxima=maxima, **packets.arrays(first))
        return coded

    def _coded_key(self, mix: Mix, window: int, mix_key: str, gains: Grid) -> str:
        first, last = mix.bounds(window)
        own = gains[max(0, first - LEAD) // STEP : -(-(last + TAIL) // STEP) + 1]
        return canonical_key(
            {
                "mix": mix_key,
                "gains": hashlib.sha256(own.tobytes()).hexdigest(),
                "bit_rate": BIT_RATE,
                "coder": CODER,
                "version": SOUND_VERSION,
            }
        )

    def _window(self, coded: Sequence[str], window: int) -> Mapping[str, Any]:
        arrays = self._shelf.get(coded[window])
        if arrays is None:
            raise VideoflowError("A part of the sound is gone from the disk. Start the composition again.", retryable=True)
        return arrays

    def packets(self, coded: Sequence[str], window: int) -> Packets:
        """Return the packets of a window that is on the shelf."""
        return Packets.of(self._window(coded, window), window * WINDOW_STEPS * STEP)

    def heard(self, coded: Sequence[str]) -> Heard:
        """Return what is heard in windows that are on the shelf."""
        measures = [(arrays["energies"], arrays["maxima"]) for arrays in (self._window(coded, n) for n in range(len(coded)))]
        energies, maxima = (np.concatenate(parts).astype(np.float64) for parts in zip(*measures, strict=True))
        return heard_of(energies, maxima, self.spans, self.seconds)


def sound_make(job: Mapping[str, Any], progress: Callable[[float], None]) -> Sound:
    """Mix, master and code the sound that ``job`` describes to ``job["out"]``, by way of ``job["aside"]``.

    The levels of the last composition are kept while those worked out anew are hardly another; what is then heard in the coded
    sound decides: a miss of more than 0.3 LU or a peak over −1 dBTP is corrected and coded anew. What was heard is noted beside
    the file.

    Raises:
        VideoflowError: the loudness cannot be brought to its target.
    """
    wish, out, aside = float(job["loudness_lufs"]), Path(job["out"]), Path(job["aside"])
    owner = aside.suffixes[-2].removeprefix(".") if len(aside.suffixes) > 1 else aside.stem
    stems_file, mixed_file = aside.with_suffix(".stems.part"), aside.with_suffix(".mix.part")
    try:
        with ExitStack() as stack:
            stems, mixed = (stack.enter_context(path.open("w+b")) for path in (stems_file, mixed_file))
            shelf, scratch = SoundShelf(out.parent, owner), Scratch(stems)
            maker = SoundMaker(job, shelf, scratch)
            mix = stack.enter_context(closing(Mix(job, maker.stems(), shelf, scratch, mixed)))
            keys = [mix.key(window) for window in range(mix.windows)]
            measures = []
            for window, key in enumerate(keys):
                measures.append(mix.measures(window, key))
                progress(0.4 * (window + 1) / mix.windows)
            energies, maxima = (np.concatenate(parts) for parts in zip(*measures, strict=True))
            kept, ceiling_db, target = maker.kept, CEILING_DB, wish
            if kept is not None:
                ceiling_db, target = kept.ceiling_db, kept.target_lufs
            for _ in range(4):
                levels = levels_decide(energies, maxima, maker.spans, target, ceiling_db, maker.voices_db)
                if kept is not None and kept.holds_for(levels):
                    levels = kept
                coded = maker.code(mix, keys, master_gains(maxima, maker.spans, levels))
                progress(0.9)
                heard = maker.heard(coded)
                miss, over = wish - heard.loudness_lufs, heard.true_peak_db - PEAK_LIMIT_DB
                if heard.loudness_lufs <= SILENCE_LUFS or (abs(miss) <= LOUDNESS_TOLERANCE and over < 0.0):
                    sound_write(aside, (maker.packets(coded, window) for window in range(mix.windows)))
                    maker.levels_note(levels)
                    part_finish(aside, out, asdict(heard))
                    progress(1.0)
                    return Sound(out, maker.seconds, heard)
                kept = None
                target += miss
                ceiling_db -= over + 0.15 if over >= 0.0 else 0.0
        raise VideoflowError(
            Sentence(
                "The sound could not be brought to %(wish)s LUFS without clipping; check the voice and music files.",
                wish=f"{wish:.0f}",
            )
        )
    finally:
        for path in (stems_file, mixed_file, aside):
            path.unlink(missing_ok=True)


def _runs(windows: Sequence[int]) -> Iterator[range]:
    """Yield the windows that follow each other as one run each."""
    begin = 0
    for number in range(1, len(windows) + 1):
        if number == len(windows) or windows[number] != windows[number - 1] + 1:
            yield range(windows[begin], windows[number - 1] + 1)
            begin = number


def _near(kept_db: Mapping[str, float], wished_db: Mapping[str, float]) -> bool:
    return kept_db.keys() == wished_db.keys() and all(
        abs(kept_db[name] - wish) <= KEPT_VOICE_DB for name, wish in wished_db.items()
    )


def _without_path(music: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in music.items() if name != "path"} if music else None


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
