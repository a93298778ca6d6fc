"""Spoken lines in house form: silence trimmed, level made equal, and kept on disk with what is known about them."""

import hashlib
import json
import os
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from videoflow.providers.base import SpokenLine, SpokenWord
from videoflow.providers.loudness import limited, loudness_lufs

Samples = npt.NDArray[np.float32]

TARGET_LUFS = -20.0
CEILING = 0.84
"""Largest sample of a line, -1.5 dBFS."""
STEPS_PER_SECOND = 100
_EDGE_SECONDS = 0.04
"""Silence kept at both ends, so that no consonant is bitten off."""
_SILENCE_DB = -42.0
"""Below the loudest 10 ms: silence."""


def levels_db(samples: Samples, rate_hz: int) -> Samples:
    """Level of each 10 ms beside the loudest, in dB."""
    step = rate_hz // STEPS_PER_SECOND
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    power = (whole.astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(10 * np.log10((power + 1e-12) / (power.max(initial=0.0) + 1e-12)), np.float32)


def sounding(levels: Samples, samples: Samples, rate_hz: int) -> tuple[int, int]:
    """First and last sample to keep."""
    step = rate_hz // STEPS_PER_SECOND
    loud = np.flatnonzero(levels > _SILENCE_DB)
    if not len(loud):
        return 0, len(samples)
    edge = int(_EDGE_SECONDS * rate_hz)
    return max(0, int(loud[0]) * step - edge), min(len(samples), int(loud[-1] + 1) * step + edge)


def softened(samples: Samples, rate_hz: int) -> Samples:
    """Fade 5 ms at both ends, so that joining is not heard as a click."""
    fade = np.linspace(0.0, 1.0, min(len(samples) // 2, rate_hz // 200), dtype=np.float32)
    faded = samples.copy()
    faded[: len(fade)] *= fade
    faded[len(faded) - len(fade) :] *= fade[::-1]
    return faded


def levelled(samples: Samples, rate_hz: int) -> Samples:
    """Bring a line to the loudness that all lines have; never give it silence."""
    loudness = loudness_lufs(samples, rate_hz)
    return limited((samples * 10 ** ((TARGET_LUFS - loudness) / 20)).astype(np.float32), rate_hz, ceiling=CEILING)


def recording_write(folder: Path, key: str, samples: Samples, rate_hz: int, facts: Mapping[str, Any]) -> None:
    """Write ``key.wav``, then ``key.json``, which seals it. ``facts`` has ``words``, ``timing``, ``voice`` and ``model``."""
    part, sealed = folder / f"{key}.wav.part", folder / f"{key}.json.part"
    try:
        with part.open("wb") as file:
            with wave.open(file, "wb") as audio:
                audio.setnchannels(1)
                audio.setsampwidth(2)
                audio.setframerate(rate_hz)
                audio.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
            file.flush()
            os.fsync(file.fileno())
        digest = hashlib.sha256(part.read_bytes()).hexdigest()
        part.replace(folder / f"{key}.wav")
        with sealed.open("w", encoding="utf-8") as file_of_facts:
            json.dump({**facts, "seconds": len(samples) / rate_hz, "wav_sha256": digest}, file_of_facts, ensure_ascii=False)
            file_of_facts.flush()
            os.fsync(file_of_facts.fileno())
        sealed.replace(folder / f"{key}.json")
    finally:  # a full disk leaves a half
        part.unlink(missing_ok=True)
        sealed.unlink(missing_ok=True)


def recording_read(folder: Path, key: str, *, provider: str) -> SpokenLine | None:
    """Return the finished line under this key; None when it is not there, damaged or half written."""
    path = folder / f"{key}.wav"
    try:
        facts = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        if hashlib.sha256(path.read_bytes()).hexdigest() != facts["wav_sha256"]:
            return None
        with wave.open(str(path), "rb") as audio:
            seconds = audio.getnframes() / audio.getframerate()
        words = tuple(SpokenWord(str(text), float(start), float(end)) for text, start, end in facts["words"])
        return SpokenLine(path, seconds, words, facts["timing"], str(facts["voice"]), provider, str(facts["model"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, wave.Error):
        return None
