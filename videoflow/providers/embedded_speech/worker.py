"""The worker process that speaks: one line per job, models loaded when a line first needs them."""

import hashlib
import json
import os
import wave
from functools import cache
from pathlib import Path

import numpy as np

from videoflow.children import Job, Result, child_serve
from videoflow.errors import BadInput
from videoflow.providers.embedded_speech.assembly import FinishedLine, finish
from videoflow.providers.embedded_speech.engines import SAMPLE_RATE_HZ, Engine, HeartEngine, KumoEngine
from videoflow.providers.embedded_speech.phonemes import Phonemizer

_LOWERED = 1.25
"""More than this, and a listening machine begins to mistake words."""


@cache
def _phonemizer() -> Phonemizer:
    return Phonemizer()


@cache
def _engine(voice: str) -> Engine:
    if voice == "kumo":
        return KumoEngine()
    return HeartEngine(lowered=_LOWERED if voice == "heart-low" else 1.0)


def speak_line(text: str, voice: str, pronunciations: tuple[tuple[str, str], ...]) -> tuple[FinishedLine, str]:
    """The finished audio of one line, and the words as they were said.

    Raises:
        BadInput: nothing in the line can be said in English.
    """
    phonemizer = _phonemizer()
    tokens = phonemizer.tokens(text, pronunciations)
    breaths = phonemizer.breaths(tokens)
    if not breaths:
        raise BadInput(f'There is nothing to say in "{text[:80]}". Write it in English words, or remove the line.')
    engine = _engine(voice)
    takes = [engine.speak(breath.phonemes) for breath in breaths]
    return finish(tokens, breaths, takes), " ".join(word for token in tokens for word in token.words)


def handle(job: Job) -> Result:
    """Speak ``{text, voice, pronunciations, out_dir, key, model}`` into ``key.wav``, then ``key.json``."""
    pronunciations = tuple((str(written), str(spoken)) for written, spoken in job["pronunciations"])
    line, said = speak_line(str(job["text"]), str(job["voice"]), pronunciations)
    folder, key = Path(str(job["out_dir"])), str(job["key"])
    part, sealed = folder / f"{key}.wav.part", folder / f"{key}.json.part"
    try:
        _write_wave(part, line)
        digest = hashlib.sha256(part.read_bytes()).hexdigest()
        part.replace(folder / f"{key}.wav")
        facts = {
            "seconds": len(line.samples) / SAMPLE_RATE_HZ,
            "words": line.words,
            "timing": "engine",
            "voice": job["voice"],
            "model": job["model"],
            "said": said,
            "lufs": round(line.lufs, 2),
            "peak": round(line.peak, 4),
            "wav_sha256": digest,
        }
        with sealed.open("w", encoding="utf-8") as file:
            json.dump(facts, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        sealed.replace(folder / f"{key}.json")
    finally:  # a full disk leaves a half
        part.unlink(missing_ok=True)
        sealed.unlink(missing_ok=True)
    return {"key": key}


def _write_wave(path: Path, line: FinishedLine) -> None:
    with path.open("wb") as file:
        with wave.open(file, "wb") as audio:
            audio.setnchannels(1)
            audio.setsampwidth(2)
            audio.setframerate(SAMPLE_RATE_HZ)
            audio.writeframes(np.round(line.samples * 32767).astype("<i2").tobytes())
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    child_serve(lambda job, _progress: handle(job))
