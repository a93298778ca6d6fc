"""The sound that a service sent, as samples; told by its first bytes, whatever the service calls it."""

import io
import re
import struct
from dataclasses import dataclass

import av
import numpy as np

from videoflow.providers.recordings import Samples
from videoflow.sentences import Sentence

LONGEST_SECONDS = 900.0
_LOW_RATE_HZ, _HIGH_RATE_HZ = 24_000, 48_000
_NOT_KNOWN = 0xFFFF_FFFF - 4096
"""A streaming server writes a length near this, because it does not know it yet."""
_RAW = re.compile(r"^audio/(?:l16|pcm|x-raw)\b", re.IGNORECASE)
_RATE = re.compile(r"\brate=(\d{4,6})\b", re.IGNORECASE)


class SoundUnusable(Exception):
    """What came is no whole sound; the text says what is wrong with it, as the end of a sentence."""


class SoundRefused(SoundUnusable):
    """The service said that it will not speak this; asking again is of no use."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono, -1 to 1. The rate is 24 kHz, or 48 kHz where the service sent more than 24 kHz."""

    samples: Samples
    rate_hz: int


def sound_read(body: bytes, media_type: str = "") -> Sound:
    """Return a WAV, MP3, FLAC, Ogg or AAC file, or raw 16-bit mono where ``media_type`` says so.

    Raises:
        SoundUnusable: it is none of these, it is cut off, or it is longer than a quarter of an hour.
    """
    kind = _kind(body)
    if kind is None and _RAW.match(media_type):
        rate = _RATE.search(media_type)
        return _raw(body, int(rate[1]) if rate else _LOW_RATE_HZ)
    if kind is None:
        raise SoundUnusable(Sentence("with something that is no sound") if body else Sentence("with nothing"))
    if kind == "wav":
        _check_wav(body)
    return _decoded(body, kind)


def _kind(body: bytes) -> str | None:
    """Return ffmpeg's name of the container."""
    if body[:4] in {b"RIFF", b"RF64"} and body[8:12] == b"WAVE":
        return "wav"
    if body[:4] == b"fLaC":
        return "flac"
    if body[:4] == b"OggS":
        return "ogg"
    if body[:3] == b"ID3" or (len(body) > 2 and body[0] == 0xFF and body[1] & 0xE6 == 0xE2):
        return "mp3"
    if len(body) > 2 and body[0] == 0xFF and body[1] & 0xF6 == 0xF0:
        return "aac"
    return None


def _check_wav(body: bytes) -> None:
    """Refuse a WAV that announces more sound than it holds."""
    place = 12
    while place + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, place)
        if name == b"data":
            if 0 < size < _NOT_KNOWN and place + 8 + size > len(body) + 1:
                raise SoundUnusable(Sentence("with a sound that is cut off"))
            return
        place += 8 + size + size % 2
    raise SoundUnusable(Sentence("with a sound that is cut off"))


def _raw(body: bytes, rate_hz: int) -> Sound:
    samples = np.frombuffer(body[: len(body) // 2 * 2], "<i2").astype(np.float32) / 32768
    if len(samples) / rate_hz > LONGEST_SECONDS:
        raise SoundUnusable(Sentence("with more than a quarter of an hour of sound"))
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate = rate_hz
    rate = _house_rate(rate_hz)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
    return Sound(_joined(resampler.resample(frame) + resampler.resample(None)), rate)


def _decoded(body: bytes, kind: str) -> Sound:
    pieces: list[av.AudioFrame] = []
    try:
        # A file in memory of a named kind: nothing in it can make ffmpeg open anything else.
        with av.open(io.BytesIO(body), mode="r", format=kind) as container:
            if not container.streams.audio:
                raise SoundUnusable(Sentence("with a file that has no sound"))
            stream = container.streams.audio[0]
            rate = _house_rate(stream.rate or _LOW_RATE_HZ)
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
            seconds = 0.0
            for frame in container.decode(stream):
                seconds += frame.samples / (frame.sample_rate or _LOW_RATE_HZ)
                if seconds > LONGEST_SECONDS:
                    raise SoundUnusable(Sentence("with more than a quarter of an hour of sound"))
                frame.pts = None
                pieces += resampler.resample(frame)
            pieces += resampler.resample(None)
    except (av.FFmpegError, ValueError) as error:
        raise SoundUnusable(Sentence("with a sound that cannot be decoded")) from error
    return Sound(_joined(pieces), rate)


def _house_rate(rate_hz: int) -> int:
    return _LOW_RATE_HZ if rate_hz <= _LOW_RATE_HZ else _HIGH_RATE_HZ


def _joined(frames: list[av.AudioFrame]) -> Samples:
    if not frames:
        return np.zeros(0, np.float32)
    return np.concatenate([np.asarray(frame.to_ndarray(), np.float32).reshape(-1) for frame in frames])
