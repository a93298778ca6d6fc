"""The worker process that speaks: one line per job, models loaded when a line first needs them."""

from functools import cache
from pathlib import Path

from videoflow.children import Job, Result, child_serve
from videoflow.errors import BadInput
from videoflow.providers.embedded_speech.assembly import FinishedLine, finish
from videoflow.providers.embedded_speech.engines import SAMPLE_RATE_HZ, Engine, HeartEngine, KumoEngine
from videoflow.providers.embedded_speech.phonemes import Phonemizer
from videoflow.providers.recordings import recording_write
from videoflow.sentences import Sentence

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
        raise BadInput(
            Sentence('There is nothing to say in "%(text)s". Write it in English words, or remove the line.', text=text[:80])
        )
    engine = _engine(voice)
    takes = [engine.speak(breath.phonemes) for breath in breaths]
    return finish(tokens, breaths, takes), " ".join(word for token in tokens for word in token.words)


def handle(job: Job) -> Result:
    """Speak ``{text, voice, pronunciations, out_dir, key, model}`` into ``key.wav``, then ``key.json``."""
    pronunciations = tuple((str(written), str(spoken)) for written, spoken in job["pronunciations"])
    line, said = speak_line(str(job["text"]), str(job["voice"]), pronunciations)
    folder, key = Path(str(job["out_dir"])), str(job["key"])
    facts = {
        "words": line.words,
        "timing": "engine",
        "voice": job["voice"],
        "model": job["model"],
        "said": said,
        "lufs": round(line.lufs, 2),
        "peak": round(line.peak, 4),
    }
    recording_write(folder, key, line.samples, SAMPLE_RATE_HZ, facts)
    return {"key": key}


if __name__ == "__main__":
    child_serve(lambda job, _progress: handle(job))
