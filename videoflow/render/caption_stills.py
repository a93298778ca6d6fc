"""A still with captions on it, as the video would show them: for choosing a style."""

import uuid
from pathlib import Path

from PIL import Image

from videoflow.render.caption_drawing import CaptionLook, caption_draw
from videoflow.render.caption_style import caption_style_check
from videoflow.render.captions import Caption, captions_break
from videoflow.render.previews import poster
from videoflow.render.timeline import Format, SpeakerStyle, Timeline

_QUALITY = 90


def caption_still(timeline: Timeline, index: int, out: Path, *, width_px: int = 960) -> Path:
    """Write a still of a scene's middle as JPEG with the longest caption of the timeline, one word of it marked.

    Raises:
        BadInput: the style cannot be drawn, there is no such scene, or its file cannot be used.
    """
    caption_style_check(timeline.caption_style)
    poster(timeline, index, out, width_px=width_px)
    caption = _longest(timeline)
    if caption is None:
        return out
    with Image.open(out) as opened:
        picture = opened.convert("RGBA")
    form = Format(picture.width, picture.height, timeline.format.fps)
    speakers = {speaker.speaker: speaker for speaker in timeline.speakers}
    speaker = speakers.get(caption.speaker, SpeakerStyle(caption.speaker, "", "#ffffff"))
    lines = tuple(tuple((word.text, word.joined) for word in line) for line in caption.lines)
    drawn, left, top = caption_draw(
        CaptionLook(lines, speaker.name, speaker.colour), len(caption.words) // 2, form, timeline.caption_style
    )
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
