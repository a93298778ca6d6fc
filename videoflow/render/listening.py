"""Listen to a coded sound with the ffmpeg binary, which had no part in making it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videoflow.errors import VideoflowError
from videoflow.render.tool_process import ffmpeg_run

SILENCE_DB = -50
SILENT_LUFS = -70.0
LONGEST_GAP_SECONDS = 0.5
_WINDOW_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Heard:
    """What is measured on decoded samples. Source of the measures: ITU-R BS.1770, EBU Tech 3342."""

    loudness_lufs: float
    true_peak_db: float
    range_lu: float
    silences: tuple[tuple[float, float], ...]
    """Seconds from and until which nothing reaches −50 dBFS, of half a second at least."""
    speakers: Mapping[str, float]
    """Loudness in LUFS while each speaker speaks alone."""


def sound_listen(
    path: Path, spans: Mapping[str, Sequence[tuple[float, float]]], *, seconds: float, cancelled: Callable[[], bool]
) -> Heard:
    """Decode a file's sound and measure it; ``spans`` has the seconds in which each speaker speaks alone.

    Raises:
        VideoflowError: the file cannot be decoded.
    """
    sound = f"silencedetect=n={SILENCE_DB}dB:d={LONGEST_GAP_SECONDS},ebur128=peak=true:framelog=info"
    code, said = ffmpeg_run(
        ["-v", "info", "-nostats", "-i", str(path), "-map", "0:a", "-af", sound, "-f", "null", "-"],
        timeout_seconds=60 + seconds,
        cancelled=cancelled,
    )
    loudness, peak, spread = loudness_figures(said)
    if code or loudness is None or peak is None:
        raise VideoflowError("The finished sound cannot be decoded. Compose the video again.", retryable=True)
    ends = [*re.findall(r"silence_end: ([\d.]+)", said), str(seconds)]
    silences = tuple(
        (max(0.0, float(start)), float(end))
        for start, end in zip(re.findall(r"silence_start: (-?[\d.]+)", said), ends, strict=False)
    )
    moments = np.array(re.findall(r" t: *([\d.]+) .*?M: *(-?[\d.]+|nan|-inf)", said), np.float64).reshape(-1, 2)
    speakers = {speaker: level for speaker, own in spans.items() if (level := _level(moments, own)) is not None}
    return Heard(loudness, peak, spread, silences, speakers)


def loudness_figures(said: str) -> tuple[float | None, float | None, float]:
    """Return integrated loudness (LUFS), true peak (dBTP) and loudness range (LU) from ebur128's summary."""
    summary = said[said.rfind("Summary:") :] if "Summary:" in said else ""
    loudness = re.search(r"\bI:\s+(-?[\d.]+) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    spread = re.search(r"LRA:\s+(-?[\d.]+) LU\b", summary)
    return (
        max(SILENT_LUFS, float(loudness[1])) if loudness else None,
        max(-120.0, float(peak[1])) if peak else None,
        float(spread[1]) if spread else 0.0,
    )


def _level(moments: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", spans: Sequence[tuple[float, float]]) -> float | None:
    """Return the gated mean of the 400 ms windows that lie within the spans; None when there is nothing to hear in them."""
    times, levels = moments[:, 0], moments[:, 1]
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside |= (times >= start + _WINDOW_SECONDS) & (times <= end)
    power = 10.0 ** (levels[inside & np.isfinite(levels) & (levels > SILENT_LUFS)] / 10.0)
    if not len(power):
        return None
    power = power[power > power.mean() * 0.1]
    return round(float(10.0 * np.log10(power.mean())), 2)
