"""A still with captions on it, as the video would show them: for choosing a style."""

import uuid
from pathlib import Path

from PIL import Image

from videoflow.render.caption_drawing import CaptionLook, caption_draw
from videoflow.render.caption_style import caption_style_check
from videoflow.render.captions import Caption, captions_break
from videoflow.render.timeline import Format, SpeakerStyle, Timeline

_QUALITY = 90


def caption_still(timeline: Timeline, still: Path, out: Path) -> Path:
    """Write ``still`` as JPEG with the longest caption of the timeline on it, one word of it marked.

    Raises:
        BadInput: the style cannot be drawn.
    """
    caption_style_check(timeline.caption_style)
    with Image.open(still) as opened:
        picture = opened.convert("RGBA")
    caption = _longest(timeline)
    if caption is not None:
        form = Format(picture.width, picture.height, timeline.format.fps)
        speakers = {speaker.speaker: speaker for speaker in timeline.speakers}
        speaker = speakers.get(caption.speaker, SpeakerStyle(caption.speaker, "", "#ffffff"))
        lines = tuple(tuple((word.text, word.joined) for word in line) for line in caption.lines)
        look = CaptionLook(lines, speaker.name, speaker.colour)
        drawn, left, top = caption_draw(look, len(caption.words) // 2, form, timeline.caption_style)
        picture.alpha_composite(drawn, (left, top))
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        picture.convert("RGB").save(aside, "JPEG", quality=_QUALITY, optimize=True)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out


def _longest(timeline: Timeline) -> Caption | None:
    if timeline.caption_style.name == "none":
        return None
    spoken = [line for line in timeline.captions if line.words]
    last = max((line.words[-1].end for line in spoken), default=0.0)
    captions = captions_break(spoken, timeline.format, timeline.caption_style, max(timeline.seconds, last + 1.0))
    return max(captions, key=lambda caption: sum(len(text) for text in caption.texts), default=None)
