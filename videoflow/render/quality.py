"""Judge a finished video by what another decoder makes of it: the ffmpeg binary, which had no part in making it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from videoflow import fonts
from videoflow.render.caption_drawing import caption_layout
from videoflow.render.captions import FACE, LEAST_SECONDS, MOST_LETTERS_PER_SECOND, Caption
from videoflow.render.probe import MediaFacts, probe
from videoflow.render.timeline import Timeline
from videoflow.render.tool_process import ffmpeg_run

Severity = Literal["info", "warn", "fail"]

LONGEST_GAP_SECONDS = 0.5
FROZEN_SECONDS = 3.0
SILENCE_DB = -50
TARGET_LUFS = -14.0
LOUDNESS_TOLERANCE = 1.0
PEAK_LIMIT_DB = -1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was noticed; ``start`` and ``end`` are seconds, or None when it concerns the whole file."""

    kind: str
    severity: Severity
    start: float | None
    end: float | None
    message: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """``fail`` means that the file must not be used, ``warn`` that somebody should look."""

    verdict: Literal["ok", "warn", "fail"]
    findings: tuple[Finding, ...]
    figures: Mapping[str, float | int | str | None]


def quality_check(path: Path, timeline: Timeline, captions: Sequence[Caption], *, cancelled: Callable[[], bool]) -> QualityReport:
    """Decode the whole file with ffmpeg and compare it with what the timeline asked for."""
    facts = probe(path)
    findings = [*_container_findings(path, facts, timeline), *caption_findings(captions, timeline)]
    code, said = ffmpeg_run(_watch_arguments(path), timeout_seconds=60 + 4 * timeline.seconds, cancelled=cancelled)
    if code:
        findings.append(Finding("decode", "fail", None, None, "The finished file cannot be decoded."))
    code, complaint = ffmpeg_run(
        ["-v", "error", "-xerror", "-sseof", "-1", "-i", str(path), "-f", "null", "-"], timeout_seconds=300, cancelled=cancelled
    )
    if code or complaint.strip():
        findings.append(
            Finding("decode", "fail", max(0.0, facts.seconds - 1), facts.seconds, "The last second cannot be decoded.")
        )
    findings += _stretches(said, timeline)
    loudness, peak = loudness_figures(said)
    findings += _loudness_findings(loudness, peak)
    severities = {finding.severity for finding in findings}
    verdict: Literal["ok", "warn", "fail"] = "fail" if "fail" in severities else "warn" if "warn" in severities else "ok"
    figures: dict[str, float | int | str | None] = {
        "seconds": round(facts.seconds, 3),
        "video_seconds": round(facts.video_seconds, 3),
        "audio_seconds": round(facts.audio_seconds, 3),
        "frames": facts.frames,
        "loudness_lufs": loudness,
        "true_peak_db": peak,
        "size_bytes": facts.size_bytes,
        "bit_rate_kbps": round(facts.size_bytes * 8 / 1000 / max(0.1, facts.seconds)),
        "captions": len(captions),
        "fastest_caption_letters_per_second": round(max((caption.letters_per_second for caption in captions), default=0.0), 1),
    }
    return QualityReport(verdict, tuple(sorted(findings, key=lambda finding: finding.start or 0.0)), figures)


def _watch_arguments(path: Path) -> list[str]:
    """Return ffmpeg's arguments for one pass over picture and sound.

    Every reference frame (at least every third), made small, is enough to see black and frozen stretches, at a third of the cost.
    """
    black = "blackdetect=d=0.2:pix_th=0.08:pic_th=0.985"
    picture = f"[0:v]scale=320:-2:flags=fast_bilinear,{black},freezedetect=n=-50dB:d={FROZEN_SECONDS}[v]"
    sound = f"[0:a]silencedetect=n={SILENCE_DB}dB:d={LONGEST_GAP_SECONDS},ebur128=peak=true:framelog=quiet[a]"
    decode = ["-threads", "2", "-skip_loop_filter", "all", "-skip_frame", "noref", "-i", str(path)]
    return [*decode, "-filter_complex", f"{picture};{sound}", "-map", "[v]", "-map", "[a]", "-f", "null", "-"]


def _container_findings(path: Path, facts: MediaFacts, timeline: Timeline) -> list[Finding]:
    form, wrong = timeline.format, []
    allowed = max(0.1, 2.0 / form.fps)
    for name, seconds in (("picture", facts.video_seconds), ("sound", facts.audio_seconds)):
        if abs(seconds - timeline.seconds) > allowed:
            wrong.append(f"the {name} lasts {seconds:.2f} s instead of {timeline.seconds:.2f} s")
    if (facts.width_px, facts.height_px) != (form.width_px, form.height_px) or abs(facts.fps - form.fps) > 0.01:
        wrong.append(f"it is {facts.width_px} x {facts.height_px} at {facts.fps:.2f} frames a second")
    if facts.video_codec != "h264" or facts.pixel_format != "yuv420p" or facts.colour[:3] != (1, 1, 1):
        wrong.append(f"its picture is {facts.video_codec} {facts.pixel_format} with colours {facts.colour}")
    if facts.audio_codec != "aac" or facts.sample_rate != 48_000 or facts.channels != 2:
        wrong.append(f"its sound is {facts.audio_codec} at {facts.sample_rate} Hz with {facts.channels} channels")
    if not index_comes_first(path):
        wrong.append("its index does not come first, so it cannot start playing while it loads")
    return (
        [Finding("container", "fail", None, None, f"The finished file is not as it should be: {'; '.join(wrong)}.")]
        if wrong
        else []
    )


def index_comes_first(path: Path) -> bool:
    """Return whether an MP4's ``moov`` box stands before its ``mdat``."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, name = int.from_bytes(head[:4], "big"), head[4:]
            if name in (b"moov", b"mdat"):
                return name == b"moov"
            if size == 1:
                size = int.from_bytes(file.read(8), "big")
                file.seek(size - 16, 1)
            else:
                file.seek(max(8, size) - 8, 1)
    return False


def _stretches(said: str, timeline: Timeline) -> list[Finding]:
    """Read black, frozen and silent stretches from ffmpeg's messages."""
    findings = []
    for start, end in re.findall(r"black_start:\s*([\d.]+) black_end:\s*([\d.]+)", said):
        severity: Severity = "warn" if float(end) - float(start) > LONGEST_GAP_SECONDS else "info"
        findings.append(
            Finding("black", severity, float(start), float(end), f"The picture is black for {float(end) - float(start):.1f} s.")
        )
    frozen = re.findall(r"freeze_start: ([\d.]+)", said)
    thawed = [*re.findall(r"freeze_end: ([\d.]+)", said), str(timeline.seconds)]
    for start, end in zip(frozen, thawed, strict=False):
        length = float(end) - float(start)
        findings.append(Finding("frozen", "info", float(start), float(end), f"Nothing moves in the picture for {length:.1f} s."))
    quiet: Severity = "warn" if timeline.music else "info"
    ends = [*re.findall(r"silence_end: ([\d.]+)", said), str(timeline.seconds)]
    for start, end in zip(re.findall(r"silence_start: (-?[\d.]+)", said), ends, strict=False):
        begin = max(0.0, float(start))
        findings.append(Finding("silence", quiet, begin, float(end), f"There is silence for {float(end) - begin:.1f} s."))
    return findings


def loudness_figures(said: str) -> tuple[float | None, float | None]:
    """Return integrated loudness (LUFS) and true peak (dBTP) from ebur128's summary."""
    summary = said[said.rfind("Summary:") :] if "Summary:" in said else ""
    loudness = re.search(r"\bI:\s+(-?[\d.]+) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    return (float(loudness[1]) if loudness else None), (max(-70.0, float(peak[1])) if peak else None)


def _loudness_findings(loudness: float | None, peak: float | None) -> list[Finding]:
    if loudness is None or peak is None:
        return [Finding("loudness", "fail", None, None, "The loudness of the finished file could not be measured.")]
    if loudness <= -69.0:
        return [Finding("loudness", "warn", None, None, "The whole video is silent.")]
    findings = []
    if abs(loudness - TARGET_LUFS) > LOUDNESS_TOLERANCE:
        findings.append(
            Finding("loudness", "fail", None, None, f"The sound is at {loudness:.1f} LUFS instead of {TARGET_LUFS:.0f}.")
        )
    if peak > PEAK_LIMIT_DB:
        findings.append(
            Finding("peak", "fail", None, None, f"The sound peaks at {peak:.1f} dBTP; {PEAK_LIMIT_DB:.0f} is the limit.")
        )
    return findings


def caption_findings(captions: Sequence[Caption], timeline: Timeline) -> list[Finding]:
    """Report captions that are too fast, too short, too wide, or that hold characters no font has."""
    findings: list[Finding] = []
    missing: dict[str, float] = {}
    for caption in captions:
        text = " ".join(caption.texts)
        seconds = caption.end - caption.start
        if caption.letters_per_second > MOST_LETTERS_PER_SECOND + 2.0 and len(text) > 12:
            pace = f"“{text}” passes at {caption.letters_per_second:.0f} characters a second."
            findings.append(Finding("reading_speed", "info", caption.start, caption.end, pace))
        if seconds < LEAST_SECONDS / 2 and len(text) > 4:
            findings.append(
                Finding("short_caption", "info", caption.start, caption.end, f"“{text}” stands for only {seconds:.1f} s.")
            )
        if timeline.caption_style.name == "none":
            continue
        words = [[(word.text, word.joined) for word in line] for line in caption.lines]
        if caption_layout(words, timeline.format, timeline.caption_style).overflows(timeline.format):
            findings.append(
                Finding("caption_overflow", "warn", caption.start, caption.end, f"“{text}” does not fit the safe area.")
            )
        for letter in fonts.missing_glyphs(text, FACE):
            missing.setdefault(letter, caption.start)
    for letter, start in missing.items():
        findings.append(
            Finding("missing_glyph", "warn", start, None, f"No font has the character “{letter}” (U+{ord(letter[0]):04X}).")
        )
    return findings
