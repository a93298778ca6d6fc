"""Small real inputs for tests: pictures, clips, voices and a timeline of them."""

import re
import subprocess
import wave
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

from videoflow.render import CaptionLine, CaptionStyle, CaptionWord, Format, MusicTrack, Scene, SpeakerStyle, SpeechClip, Timeline

SMALL = Format(320, 180, 30)


def ffmpeg(*arguments: str) -> str:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-y", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stderr


def ebur128(path: Path) -> tuple[float, float, float]:
    """Return what ffmpeg's own meter hears: loudness in LUFS, true peak in dBTP, range in LU."""
    said = ffmpeg("-i", str(path), "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    summary = said[said.rfind("Summary:") :]
    wanted = (r"I:\s+(-?[\d.]+) LUFS", r"Peak:\s+(-?[\d.]+) dBFS", r"LRA:\s+(-?[\d.]+) LU\b")
    loudness, peak, spread = (float(found[1]) for pattern in wanted if (found := re.search(pattern, summary)))
    return loudness, peak, spread


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (352, 198)) -> Path:
    rng = np.random.default_rng(seed)
    field = cv2.resize(rng.integers(40, 255, (7, 11, 3), dtype=np.uint8), size, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), field)
    return path


def clip(path: Path, source: str = "testsrc2=s=320x180:r=12:d=1", *options: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *options, str(path))
    return path


def wav(path: Path, samples: np.ndarray, rate: int = 24_000) -> Path:
    shaped = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(shaped.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((shaped.T * 32767).astype("<i2").tobytes())
    return path


def voice(path: Path, seconds: float, *, pitch_hz: float = 150.0, peak: float = 0.6, seed: int = 0) -> Path:
    """A buzz with syllables: as peaky and as gated as speech."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * 24_000)) / 24_000
    buzz = sum(np.sin(2 * np.pi * pitch_hz * k * times + rng.random() * 6) / k for k in range(1, 20))
    syllables = np.arange(0, seconds + 0.3, 0.09)
    sound = buzz * np.interp(times, syllables, rng.random(len(syllables)) ** 1.5)
    return wav(path, sound / np.abs(sound).max() * peak)


def music(path: Path, seconds: float = 3.0) -> Path:
    times = np.arange(int(seconds * 48_000)) / 48_000
    return wav(path, np.stack([0.2 * np.sin(2 * np.pi * (220 + 3 * side) * times) for side in (0, 1)]), 48_000)


def spoken(text: str, start: float, seconds: float, speaker: str = "A") -> CaptionLine:
    words = text.split()
    step = seconds / len(words)
    return CaptionLine(
        speaker, tuple(CaptionWord(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(words))
    )


SPEAKERS = (SpeakerStyle("A", "Maya", "#ffb020"), SpeakerStyle("B", "Ben", "#3ec7ff"))


def timeline(folder: Path, form: Format = SMALL, style: CaptionStyle | None = None) -> Timeline:
    """Three scenes in 4 s with a push-in, a crossfade, a clip that slides in, two speakers and music."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = (
        Scene("one", picture(folder / "one.png", 1), "image", 0.0, 1.5, "push_in"),
        Scene("two", picture(folder / "two.png", 2), "image", 1.5, 1.5, "still", transition="crossfade", transition_seconds=0.4),
        Scene("three", clip(folder / "three.mp4"), "clip", 3.0, 1.0, transition="slide", transition_seconds=0.3),
    )
    speech = (
        SpeechClip(voice(folder / "a.wav", 1.6, pitch_hz=190, peak=0.2), 0.2, 1.6, "A"),
        SpeechClip(voice(folder / "b.wav", 1.7, pitch_hz=100, peak=0.9, seed=4), 2.0, 1.7, "B"),
    )
    captions = (spoken("What is everyone watching this week?", 0.2, 1.6), spoken("Cooking, and by a wide margin.", 2.0, 1.7, "B"))
    track = MusicTrack(music(folder / "bed.wav"))
    return Timeline(form, 4.0, scenes, speech, captions, SPEAKERS, style or CaptionStyle(), track, "A title", "Made by the parts")
