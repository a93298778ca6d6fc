"""The encoder alone, on the very frames of a composition: x264 with all threads, fed from memory by a process of its own."""

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from scripts.render_once import used_cpu_seconds
from videoflow.children import be_a_good_neighbour
from videoflow.render.layers import PictureShelf
from videoflow.render.plan import Plan
from videoflow.render.planes import Planes, planes_empty
from videoflow.render.segment_worker import FramePainter

CHUNK_FRAMES = 60


@dataclass(frozen=True, slots=True)
class EncoderCost:
    cpu_seconds: float
    wall_seconds: float
    size_bytes: int
    frames: int


def frames_painted(plan: Plan, first: int, last: int) -> Iterator[Planes]:
    """Yield the planes of frames ``first`` to ``last`` as the compositor paints them; each is valid until the next."""
    shelf = PictureShelf()
    for segment in plan.segments:
        if segment.first_frame >= last or segment.first_frame + segment.frames <= first:
            continue
        target = planes_empty(segment.job["width"], segment.job["height"])
        painter = FramePainter(segment.job, target, shelf)
        for frame in range(segment.frames):
            painter.paint(frame)
            if first <= segment.first_frame + frame < last:
                yield target
        painter.close()


def _encode(orders: Connection, spool: Path, job: dict[str, object], out: Path) -> None:
    """Encode chunks of raw frames as they are ordered; the whole life of the encoder's process, at the compositor's priority."""
    be_a_good_neighbour()
    width, height, fps = int(str(job["width"])), int(str(job["height"])), int(str(job["fps"]))
    settings = job["encoder"]
    assert isinstance(settings, dict)
    raw = np.memmap(spool, np.uint8, "r+", shape=(CHUNK_FRAMES, height * 3 // 2, width))
    frames = [av.VideoFrame.from_numpy_buffer(frame, format="yuv420p") for frame in raw]
    began, wall, count = used_cpu_seconds(), 0.0, 0
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(settings["encoder"], rate=fps, options=dict(settings["options"]))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fps), Fraction(fps, 1)
        context.gop_size = int(settings["gop_seconds"]) * fps
        context.profile = settings["profile"]
        context.thread_count, context.thread_type = 0, "FRAME"
        while (ready := orders.recv()) is not None:
            start = time.perf_counter()
            for frame in frames[:ready]:
                frame.pts, frame.time_base = count, Fraction(1, fps)
                count += 1
                for packet in stream.encode(frame):
                    container.mux(packet)
            wall += time.perf_counter() - start
            orders.send(count)
        start = time.perf_counter()
        for packet in stream.encode(None):
            container.mux(packet)
        wall += time.perf_counter() - start
    orders.send(EncoderCost(used_cpu_seconds() - began, wall, out.stat().st_size, count))


def encoder_alone(plan: Plan, first: int, last: int, folder: Path) -> EncoderCost:
    """Measure x264 alone on frames ``first`` to ``last``; painting them is not counted."""
    job = dict(plan.segments[0].job)
    width, height = int(job["width"]), int(job["height"])
    spool = folder / "frames.raw"
    raw: NDArray[np.uint8] = np.memmap(spool, np.uint8, "w+", shape=(CHUNK_FRAMES, height * width * 3 // 2))
    context = multiprocessing.get_context("spawn")
    orders, theirs = context.Pipe()
    encoder = context.Process(target=_encode, args=(theirs, spool, job, folder / "alone.mp4"), daemon=True)
    encoder.start()
    theirs.close()
    ready = 0
    for planes in frames_painted(plan, first, last):
        np.concatenate([plane.reshape(-1) for plane in planes], out=raw[ready])
        ready += 1
        if ready == CHUNK_FRAMES:
            orders.send(ready)
            orders.recv()
            ready = 0
    if ready:
        orders.send(ready)
        orders.recv()
    orders.send(None)
    cost: EncoderCost = orders.recv()
    encoder.join()
    spool.unlink()
    return cost
