"""What the render benchmark composes: pictures, voices, caption words and music of any length, the same every time."""

import wave
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from videoflow.providers.base import Shot
from videoflow.providers.embedded_pictures import EmbeddedPictures
from videoflow.providers.embedded_pictures.layouts import LAYOUTS
from videoflow.providers.embedded_pictures.look import look_derive
from videoflow.render import (
    CaptionLine,
    CaptionStyle,
    CaptionWord,
    Format,
    MusicTrack,
    Scene,
    SpeakerStyle,
    SpeechClip,
    Timeline,
)

MOTIONS = ("push_in", "pan_left", "pull_out", "pan_right", "drift_up")
TRANSITIONS = ("crossfade", "crossfade", "slide", "crossfade", "wipe", "zoom")
_TEXT = """
what did people watch this week and why did it travel so far the short answer is that a quiet film about bread passed
every trailer in four countries and nobody had paid for it let us look at the numbers first because they are odd
"""
WORDS = tuple(_TEXT.split())
WORDS_PER_SECOND = 2.5
SCENE_SECONDS = 7.5
LINE_SECONDS = 4.5
"""24 scenes, 40 lines and 450 words in three minutes."""

_ROWS = [{"label": name, "value": 9e6 / (n + 1), "unit": "views"} for n, name in enumerate(("Bread", "Trailer", "Match", "Song"))]
_SPEC = {
    "heading": "What travelled this week",
    "text": "A quiet film about bread passed every trailer in four countries.",
    "phrase": "Nobody had paid for it",
    "word": "Bread",
    "caption": "Views in seven days",
    "attribution": "A small channel",
    "items": ["It is short", "It needs no words", "It ends well"],
    "data": _ROWS,
    "videos": [{"title": "How bread is made", "channel": "Someone", "value": 5e6}],
    "hosts": [
        {"speaker": "A", "name": "Maya", "role": "Asks"},
        {"speaker": "B", "name": "Ben", "role": "Counts"},
    ],
    "countries": ["JP", "FR"],
    "words": [["Nobody", 0.1, 0.3], ["paid", 0.4, 0.9]],
    "section": "The numbers",
    "speaker": "B",
    "number": 2,
    "count": 5,
    "title": "What people watched",
    "seed": 9,
    "ground": "main",
}


def _landscape(path: Path, seed: int, size: tuple[int, int]) -> Path:
    """Draw something with the detail and grain of a photograph."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((size[1], size[0], 3), np.float32)
    for octave in range(8):
        cells = (3 + 5 * 2**octave, 2 + 3 * 2**octave)
        field = rng.normal(0.0, 1.0, (cells[1], cells[0], 3)).astype(np.float32)
        field = 0.6 * field.mean(axis=2, keepdims=True) + 0.4 * field
        picture += cv2.resize(field, size, interpolation=cv2.INTER_CUBIC) * (46.0 * 0.62**octave)
    picture += 118.0 + np.linspace(40.0, -40.0, size[1], dtype=np.float32)[:, None, None]
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return path


def pictures_make(folder: Path, count: int, form: Format) -> list[Path]:
    """Return ``count`` pictures: designed ones by the embedded painter and photograph-like ones in turn."""
    layouts = [name for name in sorted(LAYOUTS) if name not in ("hosts", "outro")]
    shots = [
        Shot(number, (0,), 0.0, 5.0, "image", layout, {**_SPEC, "seed": number}, "push_in", "cut")
        for number, layout in enumerate(islice(cycle(layouts), count // 2))
    ]
    drawn = EmbeddedPictures().draw(
        shots,
        folder,
        look=look_derive(topic="bread", keywords=("bread", "film"), seed=3),
        width_px=form.width_px,
        height_px=form.height_px,
        fps=form.fps,
        report=lambda share, text: None,
        cancelled=lambda: False,
    )
    size = (round(form.width_px * 1.1 / 2) * 2, round(form.height_px * 1.1 / 2) * 2)
    seen = [_landscape(folder / f"landscape-{number}.png", number, size) for number in range(count - len(drawn))]
    designed, photographed = iter([picture.path for picture in drawn]), iter(seen)
    return [next(photographed if number % 2 == 0 else designed) for number in range(count)]


def _wave_write(path: Path, samples: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return path


def _voice(path: Path, seconds: float, seed: int) -> Path:
    """Write a buzz with syllables, as peaky and as gated as speech."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * 24_000), dtype=np.float32) / 24_000
    pitch_hz = 110.0 + 90.0 * (seed % 2)
    buzz = sum(np.sin(2 * np.pi * pitch_hz * k * times + rng.random() * 6) / k for k in range(1, 12))
    syllables = np.arange(0, seconds + 0.3, 0.12)
    sound = buzz * np.interp(times, syllables, rng.random(len(syllables)) ** 1.5)
    return _wave_write(path, (sound / np.abs(sound).max() * 0.5)[None].astype(np.float32), 24_000)


def _music(path: Path, seconds: float) -> Path:
    times = np.arange(int(seconds * 48_000), dtype=np.float32) / 48_000
    beat = 0.6 + 0.4 * np.abs(np.sin(np.pi * times * 1.5))
    sides = [
        sum(np.sin(2 * np.pi * note * (1 + 0.002 * side) * times) for note in (110.0, 164.8, 220.0, 277.2)) * beat / 12
        for side in (0, 1)
    ]
    return _wave_write(path, np.stack(sides).astype(np.float32), 48_000)


def _lines(count: int, changed: int | None) -> Iterator[tuple[CaptionLine, float, float]]:
    at = 0
    for number in range(count):
        start, seconds = number * LINE_SECONDS + 0.1, LINE_SECONDS - 0.4
        spoken = round(LINE_SECONDS * WORDS_PER_SECOND)
        words = [WORDS[(at + n) % len(WORDS)] for n in range(spoken)]
        at += spoken
        if number == changed:
            words = words[::-1]
        step = seconds / spoken
        said = tuple(CaptionWord(word, start + n * step, start + (n + 0.9) * step) for n, word in enumerate(words))
        yield CaptionLine("AB"[number % 2], said), start, seconds


def timeline_make(
    folder: Path, pictures: list[Path], seconds: float, form: Format, *, moving: bool = True, changed: int | None = None
) -> Timeline:
    """Return a timeline with a picture every 7.5 s and a line every 4.5 s; line ``changed`` has other words and another voice."""
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, round(seconds / SCENE_SECONDS))
    edges = [round(n * seconds / count * form.fps) / form.fps for n in range(count + 1)]
    scenes = tuple(
        Scene(
            f"scene-{n + 1}",
            pictures[n % len(pictures)],
            "image",
            edges[n],
            edges[n + 1] - edges[n],
            MOTIONS[n % len(MOTIONS)] if moving else "still",  # type: ignore[arg-type]
            focus=(0.3 + 0.1 * (n % 5), 0.4),
            transition=(TRANSITIONS[n % len(TRANSITIONS)] if moving else "cut") if n else "cut",  # type: ignore[arg-type]
        )
        for n in range(count)
    )
    captions, speech = [], []
    for number, (line, start, lasts) in enumerate(_lines(max(1, int(seconds / LINE_SECONDS)), changed)):
        path = folder / f"line-{number}{'-changed' if number == changed else ''}.wav"
        if not path.exists():
            _voice(path, lasts, number + (100 if number == changed else 0))
        captions.append(line)
        speech.append(SpeechClip(path, start, lasts, line.speaker))
    bed = folder / "music.wav"
    if not bed.exists():
        _music(bed, 60.0)
    speakers = (SpeakerStyle("A", "Maya", "#ffb020"), SpeakerStyle("B", "Ben", "#3ec7ff"))
    return Timeline(
        form, edges[-1], scenes, tuple(speech), tuple(captions), speakers, CaptionStyle(), MusicTrack(bed), "Benchmark"
    )
