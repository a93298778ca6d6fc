"""Join segments and sound to one MP4 by copying packets: nothing is encoded again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from videoflow.errors import Cancelled, VideoflowError

REORDERED_FRAMES = 2
"""How many frames decoding runs ahead of showing with x264's B-frame pyramid; very short segments alone would claim less."""


def video_packets(paths: Sequence[Path], counts: Sequence[int], stream: av.VideoStream, fps: int) -> Iterator["av.Packet[Any]"]:
    """Yield the packets of all segments with times that go on without a gap, checked for count, order and equal extradata."""
    base, extradata = 0, None
    for path, count in zip(paths, counts, strict=True):
        with av.open(path, "r", format="mov") as container:
            source = container.streams.video[0]
            ticks = Fraction(1, fps) / Fraction(source.time_base or 1)
            own = bytes(source.codec_context.extradata or b"")
            extradata = own if extradata is None else extradata
            if own != extradata:
                raise VideoflowError(
                    "Two parts of the video were encoded differently. Start the composition again.", code="SEGMENTS_DIFFER"
                )
            seen = 0
            for packet in container.demux(source):
                if packet.size == 0 or packet.pts is None:
                    continue
                packet.pts = int(packet.pts / ticks) + base
                packet.dts = base + seen - REORDERED_FRAMES
                packet.duration = 1
                packet.time_base = Fraction(1, fps)
                if not packet.dts <= packet.pts < base + count:
                    raise VideoflowError("Two parts of the video overlap. Start the composition again.", code="SEGMENTS_DIFFER")
                seen += 1
                packet.stream = stream
                yield packet
            if seen != count:
                raise VideoflowError(
                    "A part of the video has the wrong length. Start the composition again.", code="SEGMENTS_DIFFER"
                )
            base += count


def _sound_packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator["av.Packet[Any]"]:
    for packet in container.demux(container.streams.audio[0]):
        if packet.size and packet.pts is not None:
            packet.stream = stream
            yield packet


def _seconds(packet: "av.Packet[Any]") -> float:
    assert packet.dts is not None
    return float(packet.dts * Fraction(packet.time_base))


def join(
    segments: Sequence[Path],
    counts: Sequence[int],
    sound: Path,
    out: Path,
    *,
    fps: int,
    metadata: Mapping[str, str],
    cancelled: Callable[[], bool],
) -> None:
    """Write one MP4 with its index in front of the media data (faststart).

    Raises:
        Cancelled: ``cancelled()`` became true.
        VideoflowError: the segments do not belong together.
    """
    with (
        av.open(segments[0], "r", format="mov") as first,
        av.open(sound, "r", format="mov") as heard,
        av.open(out, "w", format="mp4", options={"movflags": "+faststart", "video_track_timescale": str(fps * 512)}) as result,
    ):
        video = result.add_stream_from_template(first.streams.video[0], opaque=True)  # AV1's decoder is no encoder
        video.codec_context.codec_tag = first.streams.video[0].codec_context.codec_tag
        audio = result.add_stream_from_template(heard.streams.audio[0])
        video.time_base = Fraction(1, fps * 512)
        for name, value in metadata.items():
            if value:
                result.metadata[name] = value
        pictures, sounds = video_packets(segments, counts, video, fps), _sound_packets(heard, audio)
        picture, piece = next(pictures, None), next(sounds, None)
        while picture is not None or piece is not None:
            if picture is not None and (piece is None or _seconds(picture) <= _seconds(piece)):
                result.mux(picture)
                picture = next(pictures, None)
                if cancelled():
                    raise Cancelled("The composition was cancelled.")
            elif piece is not None:
                result.mux(piece)
                piece = next(sounds, None)
