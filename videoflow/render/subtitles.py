"""Captions as text files beside the video: SubRip and WebVTT, in lines for reading at any size of player."""

import html
from collections.abc import Mapping, Sequence

from videoflow.render.caption_drawing import legible, rgb_of
from videoflow.render.captions import Caption, captions_break
from videoflow.render.timeline import CaptionStyle, Format, SpeakerStyle, Timeline

_READ_FORMAT, _READ_STYLE = Format(1920, 1080), CaptionStyle("sentence")
"""Up to 40 letters a line, as subtitles have. Source: Netflix Timed Text Style Guide, 42 characters a line."""


def timeline_subtitles(timeline: Timeline) -> tuple[Caption, ...]:
    """Return the cues of a timeline's caption files; unlike the captions in the picture the same for every format and style."""
    return captions_break(timeline.captions, _READ_FORMAT, _READ_STYLE, timeline.seconds)


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


def _voice(name: str) -> str:
    return " ".join(name.replace(">", " ").split())


def captions_vtt(captions: Sequence[Caption], names: Mapping[str, str], speakers: Sequence[SpeakerStyle] = ()) -> str:
    """Return the captions as WebVTT with a voice span per speaker; ``names`` maps the speaker's key to the shown name.

    ``speakers`` gives each voice its colour, lightened as far as it must be for the dark ground that players draw.
    """
    blocks = ["WEBVTT\n"]
    for speaker in speakers:
        name = _voice(speaker.name).replace("\\", "\\\\").replace('"', '\\"')
        if name:
            red, green, blue = legible(rgb_of(speaker.colour))
            blocks.append(f'STYLE\n::cue(v[voice="{name}"]) {{ color: #{red:02x}{green:02x}{blue:02x}; }}\n')
    for caption in captions:
        name = _voice(names.get(caption.speaker, caption.speaker))
        text = "\n".join(html.escape(line, quote=False) for line in caption.texts)
        voiced = f"<v {html.escape(name, quote=False)}>{text}" if name else text
        blocks.append(f"{_stamp(caption.start, '.')} --> {_stamp(caption.end, '.')}\n{voiced}\n")
    return "\n".join(blocks)
