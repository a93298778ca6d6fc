"""What the encoders are told: three qualities of H.264, HEVC and AV1 in software, and the same on hardware that passed a trial.

The settings are JSON-able and part of every segment's key, so that parts of different settings are never joined.
"""

from typing import Any

from videoflow.errors import BadInput
from videoflow.render.timeline import Format, Quality, VideoCodec
from videoflow.sentences import Sentence

GOP_SECONDS = 4

_X265 = "log-level=error:pools=1:frame-threads=1:open-gop=0:info=0"
"""One thread per process; closed groups, because a segment must decode by itself; no text about the encoder in the stream."""
_SVT = "lp=1"

_SOFTWARE: dict[VideoCodec, dict[Quality, tuple[str, dict[str, str]]]] = {
    "h264": {
        "draft": ("libx264", {"preset": "superfast", "crf": "27"}),
        "standard": ("libx264", {"preset": "veryfast", "crf": "20"}),
        "high": ("libx264", {"preset": "medium", "crf": "18"}),
    },
    "hevc": {
        "draft": ("libx265", {"preset": "ultrafast", "crf": "30", "x265-params": _X265}),
        "standard": ("libx265", {"preset": "superfast", "crf": "22", "x265-params": _X265}),
        "high": ("libx265", {"preset": "medium", "crf": "20", "x265-params": _X265}),
    },
    "av1": {
        "draft": ("libsvtav1", {"preset": "10", "crf": "42", "svtav1-params": _SVT}),
        "standard": ("libsvtav1", {"preset": "8", "crf": "33", "svtav1-params": _SVT}),
        "high": ("libsvtav1", {"preset": "5", "crf": "27", "svtav1-params": _SVT}),
    },
}

HARDWARE_ENCODERS: dict[VideoCodec, tuple[str, ...]] = {
    "h264": ("h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox", "h264_vaapi"),
    "hevc": ("hevc_nvenc", "hevc_qsv", "hevc_amf", "hevc_videotoolbox", "hevc_vaapi"),
    "av1": ("av1_nvenc", "av1_qsv", "av1_amf", "av1_vaapi"),
}
_HARDWARE_BITS_PER_PIXEL: dict[Quality, float] = {"draft": 0.05, "standard": 0.10, "high": 0.18}
"""Hardware encoders have no common scale of quality, so they get a bit rate."""
_TAGS: dict[VideoCodec, str] = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}
"""Apple's players show HEVC under ``hvc1`` only."""
_PROFILES: dict[VideoCodec, str | None] = {"h264": "High", "hevc": "Main", "av1": None}


def encoder_settings(form: Format) -> dict[str, Any]:
    """Return everything that shapes the bitstream of a video of this format.

    Raises:
        BadInput: the format names a quality, codec or encoder that does not exist.
    """
    if form.codec not in _SOFTWARE or form.quality not in _SOFTWARE[form.codec]:
        raise BadInput(
            Sentence(
                "There is no preset “%(quality)s” for %(codec)s; use draft, standard or high with h264, hevc or av1.",
                quality=form.quality,
                codec=form.codec,
            )
        )
    common = {
        "codec": form.codec,
        "tag": _TAGS[form.codec],
        "profile": _PROFILES[form.codec],
        "pixel_format": "nv12" if form.encoder.endswith("_qsv") else "yuv420p",
        "gop_seconds": GOP_SECONDS,
        "bit_rate": None,
    }
    if not form.encoder:
        encoder, options = _SOFTWARE[form.codec][form.quality]
        return {**common, "encoder": encoder, "options": dict(options)}
    if form.encoder not in HARDWARE_ENCODERS[form.codec]:
        known = ", ".join(HARDWARE_ENCODERS[form.codec])
        raise BadInput(
            Sentence(
                "“%(encoder)s” is no hardware encoder for %(codec)s; known are %(known)s.",
                encoder=form.encoder,
                codec=form.codec,
                known=known,
            )
        )
    bit_rate = round(form.width_px * form.height_px * form.fps * _HARDWARE_BITS_PER_PIXEL[form.quality])
    return {**common, "encoder": form.encoder, "options": {}, "bit_rate": bit_rate}
