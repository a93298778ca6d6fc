"""AAC in windows: each begins to be coded a little before itself, so that its packets join the ones before without a seam."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from videoflow.render.loudness import RATE, STEP, Grid, Signal
from videoflow.render.sound_mix import LEAD, TAIL, WINDOW, window_measure
from videoflow.render.sound_shelf import Arrays

BIT_RATE = 192_000
CODER = "fast"
"""ffmpeg's other coder costs three times as much and is not told apart at this bit rate."""
FRAME = 1_024
_PRIMING_PACKETS = 6
_LEAD = 96 * STEP
"""A meter is primed with 96 ms before a window, which lie within the packets decoded before it."""

Samples = Callable[[int, int], Signal]


@dataclass(frozen=True, slots=True)
class Packets:
    """Coded sound: each packet's first sample, how many it lasts, and its bytes."""

    places: NDArray[np.int64]
    lasts: NDArray[np.int64]
    data: tuple[bytes, ...]

    def arrays(self, origin: int) -> dict[str, NDArray[Any]]:
        """Return the packets as arrays for a shelf, with their places counted from ``origin``."""
        sizes = np.array([len(packet) for packet in self.data], np.int64)
        joined = np.frombuffer(b"".join(self.data), np.uint8)
        return {"places": self.places - origin, "lasts": self.lasts, "sizes": sizes, "data": joined}

    @classmethod
    def of(cls, arrays: Arrays, origin: int) -> Self:
        """Return the packets that were put on a shelf."""
        ends = np.cumsum(arrays["sizes"])
        data = tuple(arrays["data"][end - size : end].tobytes() for size, end in zip(arrays["sizes"], ends, strict=True))
        return cls(arrays["places"] + origin, arrays["lasts"], data)


def _coder() -> av.AudioCodecContext:
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "stereo", "fltp"
    context.time_base = Fraction(1, RATE)
    context.bit_rate = BIT_RATE
    context.options = {"aac_coder": CODER}
    context.open()
    return context


def run_code(samples: Samples, windows: range, total: int) -> Iterator[Packets]:
    """Yield the packets of each of some neighbouring windows of a sound of ``total`` samples.

    A packet belongs to the window in which it is heard first; the very first one, which only primes a decoder, to the first.
    """
    begin, end = max(0, windows.start * WINDOW - LEAD), min(total, windows.stop * WINDOW + TAIL)
    context = _coder()
    waiting: list[Any] = []
    window = windows.start
    for at in [*range(begin, end, WINDOW), end]:
        if at < end:
            part = samples(at, min(end, at + WINDOW))
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            waiting += context.encode(frame)
        else:
            waiting += context.encode(None)
        while window < windows.stop and (at == end or waiting[-1].pts >= (window + 1) * WINDOW):
            inside = [packet for packet in waiting if packet.pts < (window + 1) * WINDOW]
            waiting = waiting[len(inside) :]
            yield _packets([packet for packet in inside if packet.pts >= window * WINDOW or packet.pts < 0])
            window += 1


def _packets(coded: Sequence[Any]) -> Packets:
    places, lasts = (np.array(numbers, np.int64) for numbers in zip(*((one.pts, one.duration) for one in coded), strict=True))
    return Packets(places, lasts, tuple(bytes(packet) for packet in coded))


class Listener:
    """Decode windows that follow each other and measure what is heard; ``before`` has the packets before the first of them."""

    def __init__(self, before: Packets | None) -> None:
        context = av.CodecContext.create("aac", "r")
        assert isinstance(context, av.AudioCodecContext)
        context.extradata = _coder().extradata
        self._decoder = context
        self._lead = np.zeros((2, 0), np.float32)
        if before is not None:
            self._lead = self._decoded(before.data[-_PRIMING_PACKETS:])[:, -_LEAD:]

    def _decoded(self, packets: Sequence[bytes]) -> Signal:
        frames = [frame.to_ndarray() for data in packets for frame in self._decoder.decode(av.Packet(data))]
        return np.concatenate(frames, axis=1).astype(np.float32, copy=False)

    def measures(self, packets: Packets, samples: int, *, is_last: bool) -> tuple[Grid, Grid]:
        """Return energies and true peaks per step of a window of so many samples."""
        signal = self._decoded(packets.data)
        if packets.places[0] < 0:
            signal = signal[:, FRAME:]
        joined = np.concatenate([self._lead, signal[:, :samples]], axis=1)
        measured = window_measure(joined, self._lead.shape[1] // STEP, is_last=is_last)
        self._lead = joined[:, -_LEAD:]
        return measured


def sound_write(path: Path, windows: Iterable[Packets]) -> None:
    """Write packets that follow each other to an MP4 file; nothing is coded."""
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo", options={"aac_coder": CODER})
        stream.bit_rate = BIT_RATE
        container.start_encoding()
        for packets in windows:
            for place, lasts, data in zip(packets.places.tolist(), packets.lasts.tolist(), packets.data, strict=True):
                packet = av.Packet(data)
                packet.pts = packet.dts = place
                packet.duration, packet.time_base, packet.is_keyframe = lasts, Fraction(1, RATE), True
                packet.stream = stream
                container.mux(packet)
