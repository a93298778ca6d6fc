"""Judge a finished video: what was seen while it was painted, what is heard in the coded sound, and whether the file is sound.

Nothing is decoded twice for it: the frames were watched as they were painted, the sound was listened to when it was coded, and of
the finished file only a few frames all over it and the last second are decoded, to know that what was painted is what is shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av

from videoflow import fonts
from videoflow.errors import Cancelled
from videoflow.render.caption_drawing import caption_layout
from videoflow.render.captions import FACE, LEAST_SECONDS, MOST_LETTERS_PER_SECOND, Caption
from videoflow.render.listening import Heard
from videoflow.render.loudness import SILENCE_LUFS
from videoflow.render.picture_watch import mark_distance, mark_written
from videoflow.render.planes import planes_of_frame
from videoflow.render.probe import MediaFacts, media_check, probe
from videoflow.render.timeline import Scene, Timeline
from videoflow.sentences import Sentence, sentences_joined

Severity = Literal["info", "warn", "block"]

LONGEST_GAP_SECONDS = 0.5
BLOCKING_GAP_SECONDS = 5.0
"""A black picture or silence as long as this is taken for a fault: such a video is not published."""
FROZEN_SECONDS = 4.0
LOUDNESS_TOLERANCE = 1.0
PEAK_LIMIT_DB = -1.0
SPEAKERS_APART_LU = 1.5
MOST_ENLARGED = 1.5
CAPTION_MARGIN_SECONDS = 0.3
UNREADABLE_LETTERS_PER_SECOND = 28.0
"""Nobody reads a line of this speed to its end; a fast speaker reaches 22."""
COMPARED_FRAMES = 12
MARK_TOLERANCE = 8.0
"""Levels of luma by which the mean of a sixteenth of the picture's width may change in coding; another picture differs by 20."""
_JOINED_TOLERANCE = 1.5


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
    """``block`` means that the video must not be published as it is, ``warn`` that somebody should look."""

    verdict: Literal["ok", "warn", "block"]
    findings: tuple[Finding, ...]
    figures: Mapping[str, float | int | str | None]

    @property
    def broken(self) -> tuple[str, ...]:
        """Why the file itself cannot be used; empty when it is sound."""
        return tuple(finding.message for finding in self.findings if finding.kind in ("container", "decode"))


@dataclass(frozen=True, slots=True)
class Seen:
    """A segment of the video, in frames, and what was noted while it was painted."""

    first_frame: int
    frames: int
    about: Mapping[str, Any]


def verdict_of(findings: Sequence[Finding]) -> Literal["ok", "warn", "block"]:
    """Return the worst of the findings; an info does not count."""
    severities = {finding.severity for finding in findings}
    return "block" if "block" in severities else "warn" if "warn" in severities else "ok"


def quality_check(
    path: Path,
    timeline: Timeline,
    captions: Sequence[Caption],
    seen: Sequence[Seen],
    heard: Heard,
    *,
    cancelled: Callable[[], bool],
) -> QualityReport:
    """Compare a finished file, and what was noted about its parts, with what the timeline asked for."""
    facts = probe(path)
    found = [*_container_findings(path, facts, timeline), *_decode_findings(path, facts, seen, cancelled)]
    found += [*_dark_findings(seen, timeline), *_frozen_findings(seen, timeline), *_sound_findings(heard, timeline)]
    found += [*_source_findings(timeline), *caption_findings(captions, timeline), *_timing_findings(timeline)]
    levels = list(heard.speakers.values())
    figures: dict[str, float | int | str | None] = {
        "seconds": round(facts.seconds, 3),
        "video_seconds": round(facts.video_seconds, 3),
        "audio_seconds": round(facts.audio_seconds, 3),
        "frames": facts.frames,
        "loudness_lufs": heard.loudness_lufs,
        "true_peak_db": heard.true_peak_db,
        "loudness_range_lu": heard.range_lu,
        "speakers_apart_lu": round(max(levels) - min(levels), 2) if len(levels) > 1 else None,
        "size_bytes": facts.size_bytes,
        "bit_rate_kbps": round(facts.size_bytes * 8 / 1000 / max(0.1, facts.seconds)),
        "captions": len(captions),
        "fastest_caption_letters_per_second": round(max((caption.letters_per_second for caption in captions), default=0.0), 1),
    }
    found.sort(key=lambda finding: finding.start or 0.0)
    return QualityReport(verdict_of(found), tuple(found), figures)


def _container_findings(path: Path, facts: MediaFacts, timeline: Timeline) -> list[Finding]:
    form = timeline.format
    wrong: list[Sentence] = []
    allowed = max(0.1, 2.0 / form.fps)
    for name, seconds in (("picture", facts.video_seconds), ("sound", facts.audio_seconds)):
        if abs(seconds - timeline.seconds) > allowed:
            lasts = {"seconds": f"{seconds:.2f}", "wanted": f"{timeline.seconds:.2f}"}
            wrong.append(
                Sentence("the picture lasts %(seconds)s s instead of %(wanted)s s", **lasts)
                if name == "picture"
                else Sentence("the sound lasts %(seconds)s s instead of %(wanted)s s", **lasts)
            )
    if (facts.width_px, facts.height_px) != (form.width_px, form.height_px) or abs(facts.fps - form.fps) > 0.01:
        size = f"{facts.width_px} x {facts.height_px}"
        wrong.append(Sentence("it is %(size)s at %(fps)s frames a second", size=size, fps=f"{facts.fps:.2f}"))
    if facts.video_codec != form.codec or facts.pixel_format != "yuv420p" or facts.colour[:3] != (1, 1, 1):
        kind = f"{facts.video_codec} {facts.pixel_format}"
        wrong.append(Sentence("its picture is %(kind)s with colours %(colours)s", kind=kind, colours=facts.colour))
    if facts.audio_codec != "aac" or facts.sample_rate != 48_000 or facts.channels != 2:
        wrong.append(
            Sentence(
                "its sound is %(codec)s at %(rate)s Hz with %(channels)s channels",
                codec=facts.audio_codec,
                rate=facts.sample_rate,
                channels=facts.channels,
            )
        )
    if not index_comes_first(path):
        wrong.append(Sentence("its index does not come first, so it cannot start playing while it loads"))
    return (
        [
            Finding(
                "container",
                "block",
                None,
                None,
                Sentence("The finished file is not as it should be: %(faults)s.", faults=sentences_joined(*wrong, between="; ")),
            )
        ]
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


def _decode_findings(path: Path, facts: MediaFacts, seen: Sequence[Seen], cancelled: Callable[[], bool]) -> Iterator[Finding]:
    """Decode the first frames of a dozen segments and the last second, and compare them with what was painted."""
    chosen = (
        {
            seen[len(seen) * number // COMPARED_FRAMES].first_frame: seen[len(seen) * number // COMPARED_FRAMES]
            for number in range(COMPARED_FRAMES)
        }
        if seen
        else {}
    )
    with av.open(path, "r", format="mov") as container:
        stream = container.streams.video[0]
        for first, part in chosen.items():
            at = first / facts.fps
            shown = frame_mark(container, stream, at, facts.fps)
            if shown is None or mark_distance(part.about["mark"], shown) > MARK_TOLERANCE:
                yield Finding(
                    "decode", "block", at, None, Sentence("The finished file does not show what was painted; compose it again.")
                )
    if not end_is_whole(path, facts.seconds, cancelled):
        yield Finding(
            "decode", "block", max(0.0, facts.seconds - 1), facts.seconds, Sentence("The last second cannot be decoded.")
        )


def end_is_whole(path: Path, seconds: float, cancelled: Callable[[], bool]) -> bool:
    """Decode the last second of picture and sound, and return whether a decoder stumbles over nothing in it.

    Raises:
        Cancelled: ``cancelled()`` became true.
    """
    decoded: set[int] = set()
    try:
        with av.open(path, "r", format="mov") as container:
            streams = [*container.streams.video[:1], *container.streams.audio[:1]]
            for stream in streams:
                stream.codec_context.thread_count = 1
                stream.codec_context.options = {"err_detect": "explode"}  # what is damaged is not to be guessed
            container.seek(round(max(0.0, seconds - 1.0) * av.time_base))
            for packet in container.demux(streams):
                if cancelled():
                    raise Cancelled("The composition was cancelled.")
                frames = packet.decode()
                if packet.is_corrupt or any(isinstance(frame, av.VideoFrame) and frame.is_corrupt for frame in frames):
                    return False
                decoded.update(packet.stream_index for _ in frames)
    except av.error.FFmpegError:
        return False
    return len(decoded) == len(streams)


def frame_mark(container: av.container.InputContainer, stream: av.VideoStream, seconds: float, fps: float) -> str | None:
    """Return the mark of the frame that is shown at a time; segments begin with a key frame, so it is the first decoded."""
    assert stream.time_base is not None
    container.seek(round((seconds + 0.1 / fps) / stream.time_base), stream=stream)
    try:
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= seconds - 0.5 / fps:
                return mark_written(planes_of_frame(frame).y)
    except av.error.FFmpegError:
        return None
    return None


def _joined(seen: Sequence[Seen], kind: str) -> list[tuple[int, int]]:
    """Return the stretches [from, until) of the whole video, those that go on over a segment's end in one piece."""
    stretches: list[tuple[int, int]] = []
    before: Seen | None = None
    for part in seen:
        for start, end in part.about[kind]:
            first, last = part.first_frame + start, part.first_frame + end
            goes_on = bool(stretches) and before is not None and start == 0 and stretches[-1][1] == first
            if goes_on and kind == "still" and before is not None:
                goes_on = mark_distance(before.about["ends"], part.about["begins"]) < _JOINED_TOLERANCE
            if goes_on:
                stretches[-1] = (stretches[-1][0], last)
            else:
                stretches.append((first, last))
        before = part
    return stretches


def _dark_findings(seen: Sequence[Seen], timeline: Timeline) -> Iterator[Finding]:
    fps = timeline.format.fps
    for first, last in _joined(seen, "dark"):
        seconds = (last - first) / fps
        if seconds >= 0.2:
            severity: Severity = (
                "block" if seconds >= BLOCKING_GAP_SECONDS else "warn" if seconds > LONGEST_GAP_SECONDS else "info"
            )
            yield Finding(
                "black",
                severity,
                first / fps,
                last / fps,
                Sentence("The picture is black for %(seconds)s s.", seconds=f"{seconds:.1f}"),
            )


def _frozen_findings(seen: Sequence[Seen], timeline: Timeline) -> Iterator[Finding]:
    """Report pictures that stand still though they should move; a still, a held last frame and a clip at rest are meant to."""
    fps = timeline.format.fps
    for first, last in _joined(seen, "still"):
        for number, scene in enumerate(timeline.scenes, 1):
            start, end = max(first / fps, scene.start), min(last / fps, scene.start + scene.seconds)
            if end - start < FROZEN_SECONDS or (scene.kind == "image" and scene.motion == "still"):
                continue
            facts = {"number": number, "seconds": f"{end - start:.1f}"}
            if scene.kind == "image":
                message = Sentence("Picture %(number)s should move and stands still for %(seconds)s s.", **facts)
                yield Finding("frozen", "warn", start, end, message)
            else:
                yield Finding(
                    "frozen", "info", start, end, Sentence("Nothing moves in clip %(number)s for %(seconds)s s.", **facts)
                )


def _sound_findings(heard: Heard, timeline: Timeline) -> Iterator[Finding]:
    if heard.loudness_lufs <= SILENCE_LUFS + 1.0:
        severity: Severity = "block" if timeline.speech or timeline.music else "warn"
        yield Finding("silence", severity, None, None, Sentence("The whole video is silent."))
        return
    for start, end in heard.silences:
        long = end - start >= BLOCKING_GAP_SECONDS and timeline.music is not None
        severity = "block" if long else "warn" if timeline.music or end - start >= BLOCKING_GAP_SECONDS else "info"
        yield Finding(
            "silence", severity, start, end, Sentence("There is silence for %(seconds)s s.", seconds=f"{end - start:.1f}")
        )
    if abs(heard.loudness_lufs - timeline.loudness_lufs) > LOUDNESS_TOLERANCE:
        level, wanted = f"{heard.loudness_lufs:.1f}", f"{timeline.loudness_lufs:.0f}"
        message = Sentence("The sound is at %(level)s LUFS instead of %(wanted)s.", level=level, wanted=wanted)
        yield Finding("loudness", "warn", None, None, message)
    if heard.true_peak_db > PEAK_LIMIT_DB:
        level, limit = f"{heard.true_peak_db:.1f}", f"{PEAK_LIMIT_DB:.0f}"
        message = Sentence("The sound peaks at %(level)s dBTP; %(limit)s is the limit.", level=level, limit=limit)
        yield Finding("peak", "warn", None, None, message)
    levels = sorted(heard.speakers.items(), key=lambda item: item[1])
    if len(levels) > 1 and levels[-1][1] - levels[0][1] > SPEAKERS_APART_LU:
        names = {style.speaker: style.name for style in timeline.speakers}
        (soft, low), (loud, high) = levels[0], levels[-1]
        message = Sentence(
            "%(soft)s is %(apart)s LU softer than %(loud)s.",
            soft=names.get(soft, soft),
            apart=f"{high - low:.1f}",
            loud=names.get(loud, loud),
        )
        yield Finding("speaker_level", "warn", None, None, message)


def _source_findings(timeline: Timeline) -> Iterator[Finding]:
    """Report pictures and clips that are enlarged until they look soft, and what stands in for media that are missing."""
    for number, scene in enumerate(timeline.scenes, 1):
        end = scene.start + scene.seconds
        if scene.is_placeholder:
            message = Sentence(
                "Picture %(number)s only stands in for one that could not be made; make or upload it first.", number=number
            )
            yield Finding("placeholder", "block", scene.start, end, message)
        width, height, enlarged = _enlarged(scene, timeline)
        if enlarged > MOST_ENLARGED:
            facts = {"number": number, "width": width, "height": height, "times": f"{enlarged:.1f}"}
            message = (
                Sentence(
                    "Picture %(number)s has %(width)s × %(height)s pixels and is enlarged %(times)s times, so it looks soft.",
                    **facts,
                )
                if scene.kind == "image"
                else Sentence(
                    "Clip %(number)s has %(width)s × %(height)s pixels and is enlarged %(times)s times, so it looks soft.",
                    **facts,
                )
            )
            yield Finding("low_resolution", "warn", scene.start, end, message)


def _enlarged(scene: Scene, timeline: Timeline) -> tuple[int, int, float]:
    """Return the size of a scene's source and how many times it is enlarged to its place in the frame."""
    facts, form = media_check(scene.media, scene.kind), timeline.format
    turned = facts.rotation % 180 == 90
    width, height = (facts.height_px, facts.width_px) if turned else (facts.width_px, facts.height_px)
    if not width or not height:
        return width, height, 1.0
    shares = (form.width_px / width, form.height_px / height)
    return width, height, max(shares) if scene.fit == "cover" else min(shares)


def _timing_findings(timeline: Timeline) -> Iterator[Finding]:
    """Report captions that stand where their speaker says nothing."""
    for line in timeline.captions:
        spans = [(clip.start, clip.start + clip.seconds) for clip in timeline.speech if clip.speaker == line.speaker]
        if not spans or not line.words:
            continue
        start, end = line.words[0].start, line.words[-1].end
        if not any(a - CAPTION_MARGIN_SECONDS <= start and end <= b + CAPTION_MARGIN_SECONDS for a, b in spans):
            off = min(max(a - start, end - b, 0.0) for a, b in spans)
            message = Sentence(
                "The captions of a line are %(seconds)s s away from its voice; make the speech of this line again.",
                seconds=f"{off:.1f}",
            )
            yield Finding("caption_drift", "block" if off > 2.0 else "warn", start, end, message)


def caption_findings(captions: Sequence[Caption], timeline: Timeline) -> list[Finding]:
    """Report captions that are too fast, too short, too wide, or that hold characters no font has."""
    findings: list[Finding] = []
    missing: dict[str, float] = {}
    for caption in captions:
        text = " ".join(caption.texts)
        seconds = caption.end - caption.start
        if caption.letters_per_second > MOST_LETTERS_PER_SECOND + 2.0 and len(text) > 12:
            pace = Sentence(
                "“%(text)s” passes at %(pace)s characters a second.", text=text, pace=f"{caption.letters_per_second:.0f}"
            )
            severity: Severity = "warn" if caption.letters_per_second > UNREADABLE_LETTERS_PER_SECOND else "info"
            findings.append(Finding("reading_speed", severity, caption.start, caption.end, pace))
        if seconds < LEAST_SECONDS / 2 and len(text) > 4:
            findings.append(
                Finding(
                    "short_caption",
                    "info",
                    caption.start,
                    caption.end,
                    Sentence("“%(text)s” stands for only %(seconds)s s.", text=text, seconds=f"{seconds:.1f}"),
                )
            )
        if timeline.caption_style.name == "none":
            continue
        words = [[(word.text, word.joined) for word in line] for line in caption.lines]
        if caption_layout(words, timeline.format, timeline.caption_style).overflows(timeline.format):
            findings.append(
                Finding(
                    "caption_overflow",
                    "warn",
                    caption.start,
                    caption.end,
                    Sentence("“%(text)s” does not fit the safe area.", text=text),
                )
            )
        for letter in fonts.missing_glyphs(text, FACE):
            missing.setdefault(letter, caption.start)
    for letter, start in missing.items():
        findings.append(
            Finding(
                "missing_glyph",
                "warn",
                start,
                None,
                Sentence("No font has the character “%(letter)s” (U+%(code)s).", letter=letter, code=f"{ord(letter[0]):04X}"),
            )
        )
    return findings
