"""Clips: any rate, size, rotation, colours and transparency in, BT.709 planes of the video's size out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from videoflow.errors import BadInput
from videoflow.render.planes import Planes, cover_box, planes_filled, planes_of_frame
from videoflow.render.probe import media_open, stream_end_seconds
from videoflow.render.stills import contain_size
from videoflow.sentences import Sentence

LOOP_FADE_SECONDS = 0.4
"""A clip that begins again fades in over its own last frame."""
SHORTEST_LOOP_SECONDS = 0.25
"""Anything shorter would flicker; its last frame stands instead."""
HELD_SECONDS = 0.25
"""A clip that is no more than this too short just holds its last frame."""
SLOWEST = 0.5
"""A clip runs at half speed at the slowest; below that, single frames are seen to stand."""

_BT709, _UNSAID, _BT2020 = 1, 2, 9
_WIDE_PRIMARIES = frozenset({9, 11, 12})
"""BT.2020 and both kinds of P3."""
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
"""PQ and HLG, by their numbers in ITU-T H.273."""
_TURNS = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The only decoders that read the second picture in which WebM keeps its transparency."""
_STANDARD_DEFINITION_LINES = 576
"""Untagged video of so many lines or fewer is taken for BT.601, larger for BT.709, as players do."""


@lru_cache(maxsize=256)
def _end_seconds(path: Path, size_bytes: int, changed_ns: int) -> float:
    with media_open(path) as container:
        return stream_end_seconds(container, container.streams.video[0])


def clip_seconds(path: Path) -> float:
    """Return how long a clip's picture lasts, by its last packet rather than by its header."""
    facts = path.stat()
    return _end_seconds(path, facts.st_size, facts.st_mtime_ns)


def clip_rate(there_seconds: float, wanted_seconds: float, clip_end: str) -> float:
    """Return how fast a clip runs of which so much is there: 1, or less where it is slowed to last as long as its scene."""
    if clip_end != "slow" or there_seconds >= wanted_seconds - HELD_SECONDS:
        return 1.0
    return max(SLOWEST, there_seconds / wanted_seconds)


class _Graph:
    """A chain of filters on one thread, fed and emptied frame by frame."""

    def __init__(self, frame: av.VideoFrame, filters: tuple[str, ...]) -> None:
        graph = av.filter.Graph()
        graph.threads = 1
        base = frame.time_base or Fraction(1, av.time_base)
        self._source = graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base.numerator}/{base.denominator}"
            f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
        )
        last = self._source
        for text in filters:
            name, _, arguments = text.partition("=")
            step = graph.add(name, arguments) if arguments else graph.add(name)
            last.link_to(step)
            last = step
        self._sink = graph.add("buffersink")
        last.link_to(self._sink)
        graph.configure()
        self._kept = graph

    def through(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Push a frame, or None for the end, and yield what comes out."""
        self._source.push(frame)
        while True:
            try:
                out = self._sink.pull()
            except (BlockingIOError, av.error.EOFError):
                return
            assert isinstance(out, av.VideoFrame)
            yield out


def _colour_options(frame: av.VideoFrame) -> list[str]:
    """Say to the scaler what colours come in and that BT.709 goes out; HDR and wide gamuts are mapped, not cut."""
    options = ["out_color_matrix=bt709", "out_range=tv"]
    matrix, transfer, primaries = int(frame.colorspace), int(frame.color_trc), int(frame.color_primaries)
    if transfer in _HDR_TRANSFERS or primaries in _WIDE_PRIMARIES:
        options += ["out_primaries=bt709", "out_transfer=bt709"]
        if transfer in _HDR_TRANSFERS and primaries == _UNSAID:
            options.append("in_primaries=bt2020")
        if matrix == _UNSAID:
            options.append("in_color_matrix=bt2020")
    elif matrix == _UNSAID and not frame.format.is_rgb:
        options.append("in_color_matrix=" + ("bt601" if frame.height <= _STANDARD_DEFINITION_LINES else "bt709"))
    return options


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture goes: the video's size, how it is fitted, and the colour behind it."""

    width: int
    height: int
    fit: str
    background: str
    focus: tuple[float, float]


class FrameFitter:
    """Make decoded frames fit; the filters are built once and again when the stream changes its size or colours."""

    def __init__(self, into: Frame) -> None:
        self._into = into
        self._built_for: tuple[object, ...] = ()
        self._graph: _Graph | None = None
        self._inner = (into.width, into.height)
        self._alpha = False

    def fit(self, frame: av.VideoFrame, shape: float) -> Planes:
        """Return the frame upright in the video's size; ``shape`` is the width of its samples beside their height."""
        rotation = int(frame.rotation) % 360
        key = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_trc),
            int(frame.color_primaries),
            rotation,
            shape,
        )
        if key != self._built_for:
            self._graph = self._build(frame, rotation, shape)
            self._built_for = key
        fitted = frame if self._graph is None else next(self._graph.through(frame), None)
        if fitted is None:
            raise ValueError("the filters gave no frame")
        return self._placed(fitted)

    def _build(self, frame: av.VideoFrame, rotation: int, shape: float) -> "_Graph | None":
        into = self._into
        self._alpha = any(part.is_alpha for part in frame.format.components)
        sideways = rotation in (90, 270)
        width, height = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        across, down = (1.0, shape) if sideways else (shape, 1.0)
        filters = [*_TURNS.get(rotation, ())]
        if self._alpha:
            filters += ["format=yuva444p", "premultiply=inplace=1"]  # else colours hidden under transparency bleed into the edges
        if into.fit == "contain":
            self._inner = contain_size(round(width * across), round(height * down), into.width, into.height)
        else:
            self._inner = (into.width, into.height)
            left, top, right, bottom = cover_box(round(width * across), round(height * down), into.width, into.height, into.focus)
            box = [round(left / across), round(top / down), round(right / across), round(bottom / down)]
            if box != [0, 0, width, height]:
                filters.append(f"crop={box[2] - box[0]}:{box[3] - box[1]}:{box[0]}:{box[1]}")
        colours = _colour_options(frame)
        plain = frame.format.name == "yuv420p" and int(frame.colorspace) == _BT709 and frame.color_range != ColorRange.JPEG
        if not filters and plain and len(colours) == 2 and (frame.width, frame.height) == self._inner:
            return None
        flags = "flags=bicubic+accurate_rnd+full_chroma_inp"
        filters.append(f"scale={self._inner[0]}:{self._inner[1]}:" + ":".join([*colours, flags]))
        filters.append("format=" + ("yuva420p" if self._alpha else "yuv420p"))
        return _Graph(frame, tuple(filters))

    def _placed(self, fitted: av.VideoFrame) -> Planes:
        planes = planes_of_frame(fitted)
        into = self._into
        whole = self._inner == (into.width, into.height)
        if whole and not self._alpha:
            return planes
        out = planes_filled(into.width, into.height, into.background)
        x, y = (into.width - self._inner[0]) // 4 * 2, (into.height - self._inner[1]) // 4 * 2
        for number, (below, above) in enumerate(zip(out, planes, strict=True)):
            share = 1 if number == 0 else 2
            part = below[y // share : y // share + above.shape[0], x // share : x // share + above.shape[1]]
            if self._alpha:
                _lay_over(part, above, self._seen(fitted)[::share, ::share], 16 if number == 0 else 128)
            else:
                np.copyto(part, above)
        return out

    def _seen(self, fitted: av.VideoFrame) -> NDArray[np.uint8]:
        plane = fitted.planes[3]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        return rows[: fitted.height, : fitted.width]  # type: ignore[no-any-return]


def _lay_over(below: NDArray[np.uint8], premultiplied: NDArray[np.uint8], seen: NDArray[np.uint8], zero: int) -> None:
    """Lay premultiplied samples (their ``zero`` stands for nothing) over a plane of one value."""
    left_over = (255.0 - np.arange(256)) / 255.0 * (float(below[0, 0]) - zero)
    table = np.rint(left_over).astype(np.int16)
    np.copyto(below, np.clip(premultiplied.astype(np.int16) + table[seen], 0, 255).astype(np.uint8))


class _Run:
    """One pass through a clip, from somewhere in it, forwards only."""

    def __init__(self, path: Path, into: Frame, begin: float, fps: int) -> None:
        self._path, self._fps = path, fps
        self._container = media_open(path)
        self._stream = self._container.streams.video[0]
        self._stream.thread_count = 1
        self._base = self._stream.time_base or Fraction(1, av.time_base)
        self._origin = float((self._stream.start_time or 0) * self._base)
        if begin > 1.0:
            try:
                self._container.seek(int((begin + self._origin - 0.5) * av.time_base))
            except av.error.FFmpegError:  # a file without an index is decoded from its beginning
                pass
        self._fitter = FrameFitter(into)
        shape = self._stream.sample_aspect_ratio
        self._shape = float(shape) if shape and 0.1 <= shape <= 10 else 1.0
        self._frames = self._decoded()
        self._now: tuple[float, av.VideoFrame] | None = None
        self._next = self._step()
        self._planes: Planes | None = None

    def _decoded(self) -> Iterator[av.VideoFrame]:
        frames = self._bare_frames()
        first = next(frames, None)
        if first is None:
            return
        if not first.interlaced_frame:
            yield first
            yield from frames
            return
        rate = float(self._stream.average_rate or 25)
        mode = "send_field" if self._fps > 1.2 * rate else "send_frame"
        weaver = _Graph(first, (f"bwdif={mode}:auto:interlaced",))
        yield from weaver.through(first)
        for frame in frames:
            yield from weaver.through(frame)
        yield from weaver.through(None)

    def _bare_frames(self) -> Iterator[av.VideoFrame]:
        said = {name.lower(): value for name, value in self._stream.metadata.items()}  # copied files write it in capitals
        transparent = said.get("alpha_mode") == "1"
        decoder = _ALPHA_DECODERS.get(self._stream.codec_context.codec.canonical_name) if transparent else None
        if decoder is None:
            yield from self._container.decode(self._stream)
            return
        context = av.CodecContext.create(decoder, "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        for packet in self._container.demux(self._stream):
            for frame in context.decode(packet):
                frame.time_base = self._base
                yield frame

    def _step(self) -> tuple[float, av.VideoFrame] | None:
        try:
            frame = next(self._frames, None)
        except av.error.FFmpegError as error:
            raise BadInput(Sentence("%(name)s is damaged and cannot be decoded.", name=self._path.name)) from error
        return None if frame is None else (float(frame.time or 0.0) - self._origin, frame)

    def planes_at(self, seconds: float) -> Planes:
        """Return what stands at this time of the clip; the last frame stands for ever."""
        while self._next is not None and (self._now is None or self._next[0] <= seconds + 0.25 / self._fps):
            self._now, self._planes = self._next, None
            self._next = self._step()
        if self._now is None:
            raise BadInput(Sentence("%(name)s has no picture in it.", name=self._path.name))
        if self._planes is None:
            try:
                self._planes = self._fitter.fit(self._now[1], self._shape)
            except (av.error.FFmpegError, ValueError) as error:
                raise BadInput(
                    Sentence("%(name)s has a picture of a kind that cannot be shown; convert it to H.264.", name=self._path.name)
                ) from error
        return self._planes

    def close(self) -> None:
        self._container.close()


class Clip:
    """The picture of a clip by the time of its scene: trimmed, begun again, slowed or held as the timeline says."""

    def __init__(self, spec: Mapping[str, Any], width: int, height: int, fps: int, wanted_seconds: float) -> None:
        self._path, self._fps = Path(spec["media"]), fps
        self._into = Frame(width, height, spec["fit"], spec["background"], (float(spec["focus"][0]), float(spec["focus"][1])))
        self._start = float(spec["clip_start"])
        self._there = clip_seconds(self._path) - self._start
        if self._there <= 0:
            raise BadInput(
                Sentence(
                    "%(name)s ends before the %(start)s s at which it should begin.",
                    name=self._path.name,
                    start=f"{self._start:.1f}",
                )
            )
        self._rate, self._period = clip_rate(self._there, wanted_seconds, spec["clip_end"]), float("inf")
        missing = self._there < wanted_seconds - HELD_SECONDS and self._there < wanted_seconds * self._rate - 0.5 / fps
        if missing and spec["clip_end"] != "hold" and self._there >= SHORTEST_LOOP_SECONDS:
            self._period = self._there
        self._fade = min(LOOP_FADE_SECONDS, self._there / 4.0)
        self._runs: dict[int, _Run] = {}

    def _at(self, run: int, seconds: float) -> Planes:
        if run not in self._runs:
            self._runs[run] = _Run(self._path, self._into, self._start + seconds, self._fps)
        return self._runs[run].planes_at(self._start + seconds)

    def planes_at(self, seconds: float) -> Planes:
        """Return the picture at this time of the scene; times must not go back."""
        at = seconds * self._rate
        run = int(at // self._period)
        if run:
            at -= run * self._period
        for old in [number for number in self._runs if number < run - 1 or (number < run and at >= self._fade)]:
            self._runs.pop(old).close()
        planes = self._at(run, at)
        if not run or at >= self._fade:
            return planes
        before = self._at(run - 1, self._period)
        share = at / self._fade
        return Planes(*(cv2.addWeighted(old, 1.0 - share, new, share, 0.0) for old, new in zip(before, planes, strict=True)))

    def close(self) -> None:
        for run in self._runs.values():
            run.close()
