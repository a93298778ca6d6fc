"""Captions as text files beside the video: SubRip and WebVTT."""

import html
from collections.abc import Mapping, Sequence

from videoflow.render.captions import Caption


def _stamp(seconds: float, decimal: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, part = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{decimal}{part:03d}"


def captions_srt(captions: Sequence[Caption]) -> str:
    """Return the captions as SubRip: numbered, comma before the milliseconds."""
    blocks = []
    for number, caption in enumerate(captions, 1):
        times = f"{_stamp(caption.start, ',')} --> {_stamp(caption.end, ',')}"
        blocks.append("\n".join([str(number), times, *(text.replace("-->", "→") for text in caption.texts)]) + "\n")
    return "\n".join(blocks)


def captions_vtt(captions: Sequence[Caption], names: Mapping[str, str]) -> str:
    """Return the captions as WebVTT with a voice span per speaker; ``names`` maps the speaker's key to the shown name."""
    blocks = ["WEBVTT\n"]
    for caption in captions:
        name = " ".join(names.get(caption.speaker, caption.speaker).replace(">", " ").split())
        text = "\n".join(html.escape(line, quote=False) for line in caption.texts)
        voiced = f"<v {html.escape(name, quote=False)}>{text}" if name else text
        blocks.append(f"{_stamp(caption.start, '.')} --> {_stamp(caption.end, '.')}\n{voiced}\n")
    return "\n".join(blocks)
