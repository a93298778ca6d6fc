"""Join segments and sound to one MP4 by copying packets: nothing is encoded again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from videoflow.errors import Cancelled, VideoflowError
from videoflow.render.loudness import RATE
from videoflow.render.sample_table import samples_read
from videoflow.sentences import Sentence

REORDERED_FRAMES = 2
"""How many frames decoding runs ahead of showing with x264's B-frame pyramid; very short segments alone would claim less."""


def video_packets(paths: Sequence[Path], counts: Sequence[int], stream: av.VideoStream, fps: int) -> Iterator["av.Packet[Any]"]:
    """Yield the packets of all segments with times that go on without a gap, checked for count, order and equal settings."""
    base, settings, frame_time = 0, None, Fraction(1, fps)
    for path, count in zip(paths, counts, strict=True):
        try:
            samples = samples_read(path, fps)
        except ValueError as error:
            raise _differ(Sentence("A part of the video cannot be read.")) from error
        settings = samples.settings if settings is None else settings
        if samples.settings != settings:
            raise _differ(Sentence("Two parts of the video were encoded differently."))
        if len(samples.frames) != count:
            raise _differ(Sentence("A part of the video has the wrong length."))
        for number, (place, is_key, frame) in enumerate(zip(samples.places, samples.keys, samples.frames, strict=True)):
            packet = av.Packet(frame)
            packet.pts, packet.dts = base + place, base + number - REORDERED_FRAMES
            packet.duration, packet.time_base, packet.is_keyframe = 1, frame_time, is_key
            if not packet.dts <= packet.pts < base + count:
                raise _differ(Sentence("Two parts of the video overlap."))
            packet.stream = stream
            yield packet
        base += count


def _differ(what: str) -> VideoflowError:
    return VideoflowError(Sentence("%(what)s Start the composition again.", what=what), code="SEGMENTS_DIFFER")


def _sound_packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator["av.Packet[Any]"]:
    for packet in container.demux(container.streams.audio[0]):
        if packet.size and packet.pts is not None:
            packet.stream = stream
            yield packet


def _time(packet: "av.Packet[Any]") -> int:
    assert packet.dts is not None
    return packet.dts


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
            if picture is not None and (piece is None or _time(picture) * RATE <= _time(piece) * fps):
                result.mux(picture)
                picture = next(pictures, None)
                if cancelled():
                    raise Cancelled("The composition was cancelled.")
            elif piece is not None:
                result.mux(piece)
                piece = next(sounds, None)
