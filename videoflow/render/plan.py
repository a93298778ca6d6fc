"""From a timeline to segments: whole frames, each segment an independent, JSON-able unit of work with a key of its content."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from videoflow import fonts
from videoflow.errors import BadInput
from videoflow.render.artefacts import canonical_key
from videoflow.render.audio import sound_job
from videoflow.render.captions import Caption
from videoflow.render.loudness import RATE
from videoflow.render.presets import encoder_settings
from videoflow.render.stills import colour_rgb
from videoflow.render.timeline import Scene, Timeline
from videoflow.sentences import Sentence

RENDER_VERSION = 10
"""Raise it whenever the same description would be drawn differently."""

LONGEST_SECONDS = 8.0
LEAST_PIECE_SECONDS = 1.0
"""How long a piece of a scene is at least when it is cut where a spoken line begins; each begins with a key frame."""
SHORTEST_TRANSITION_FRAMES = 4
SHORTEST_BODY_FRAMES = 8
_CAPTION_REACH_FRAMES = 12
"""How far outside a segment a caption's start or end still shapes it (its fade)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of frames that is encoded by itself and joined by stream copy."""

    first_frame: int
    frames: int
    key: str
    job: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    frames: int
    segments: tuple[Segment, ...]
    sound_key: str
    sound_job: Mapping[str, Any]


def _without_paths(value: Any) -> Any:
    """Leave file names out: the hash of the content stands beside them."""
    if isinstance(value, Mapping):
        return {name: _without_paths(part) for name, part in value.items() if name not in ("media", "path")}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    return value


def timeline_check(timeline: Timeline) -> None:
    """Refuse a timeline that cannot be composed.

    Raises:
        BadInput: with what is wrong in it.
    """
    form = timeline.format
    if (
        form.width_px % 2
        or form.height_px % 2
        or not 64 <= min(form.width_px, form.height_px) <= max(form.width_px, form.height_px) <= 4096
    ):
        raise BadInput(
            Sentence(
                "A video of %(width)s x %(height)s pixels cannot be made; use even sides from 64 to 4096.",
                width=form.width_px,
                height=form.height_px,
            )
        )
    if not 10 <= form.fps <= 60:
        raise BadInput(Sentence("A video of %(fps)s frames a second cannot be made; use 10 to 60.", fps=form.fps))
    if not timeline.scenes or timeline.seconds <= 0:
        raise BadInput("The video has no scenes; make its pictures first.")
    at = 0.0
    for scene in timeline.scenes:
        if scene.seconds <= 0 or abs(scene.start - at) > 1.0 / form.fps:
            raise BadInput(Sentence("Scene %(key)s does not follow the one before it without a gap.", key=scene.key))
        colour_rgb(scene.background)
        if scene.clip_start < 0:
            raise BadInput(Sentence("Scene %(key)s begins its clip before the clip's own beginning.", key=scene.key))
        at = scene.start + scene.seconds
    if abs(at - timeline.seconds) > 2.0 / form.fps:
        raise BadInput(
            Sentence("The scenes last %(at)s s, the video %(seconds)s s.", at=f"{at:.2f}", seconds=f"{timeline.seconds:.2f}")
        )
    for clip in timeline.speech:
        if clip.start < 0 or clip.start + clip.seconds > timeline.seconds + 0.5:
            raise BadInput(Sentence("The spoken line %(name)s does not lie within the video.", name=clip.path.name))


def _transition_frames(scenes: Sequence[Scene], edges: Sequence[int], fps: int) -> list[int]:
    """Return for each scene how many frames of the scene before its way in takes."""
    frames = [0]
    for index in range(1, len(scenes)):
        wish = 0 if scenes[index].transition == "cut" else round(scenes[index].transition_seconds * fps)
        wish = min(wish, edges[index] - edges[index - 1] - SHORTEST_BODY_FRAMES)
        frames.append(wish if wish >= SHORTEST_TRANSITION_FRAMES else 0)
    return frames


def _caption_states(captions: Sequence[Caption], first: int, frames: int, fps: int) -> list[dict[str, Any]]:
    """Describe the captions of a segment in its own frames; equal pictures get equal descriptions wherever they stand."""
    states = []
    for number, caption in enumerate(captions):
        begin, end = round(caption.start * fps) - first, round(caption.end * fps) - first
        if begin >= frames or end <= 0 or begin >= end:
            continue
        marks: list[list[int]] = []
        for index, word in enumerate(caption.words):
            at = max(0, round(word.start * fps) - first)
            if marks and marks[-1][0] >= at:
                marks.pop()
            if at < frames:
                marks.append([at, index])
        before, after = captions[number - 1] if number else None, captions[number + 1] if number + 1 < len(captions) else None
        states.append(
            {
                "from": max(begin, -_CAPTION_REACH_FRAMES),
                "until": min(end, frames + _CAPTION_REACH_FRAMES),
                "fade_in": before is None or round(before.end * fps) - first < begin or before.speaker != caption.speaker,
                "fade_out": after is None or round(after.start * fps) - first > end,
                "speaker": caption.speaker,
                "lines": [[[word.text, word.joined] for word in line] for line in caption.lines],
                "marks": marks,
            }
        )
    return states


def _body_cuts(begin: int, end: int, lines: Sequence[int], fps: int) -> list[int]:
    """Return where a scene's body is cut: where spoken lines begin or a second from its ends, so that one changed line remakes
    little beside itself, and evenly what is then longer than 8 s."""
    least, longest = round(LEAST_PIECE_SECONDS * fps), round(LONGEST_SECONDS * fps)
    cuts = [begin]
    for line in lines:
        if begin < line < end and cuts[-1] + least <= end - least:
            cuts.append(min(max(line, cuts[-1] + least), end - least))
    pieces = []
    for first, last in pairwise([*cuts, end]):
        parts = max(1, -(-(last - first) // longest))
        pieces += [first + (last - first) * part // parts for part in range(parts)]
    return [*pieces, end]


def plan_make(timeline: Timeline, captions: Sequence[Caption], hashes: Mapping[Path, str]) -> Plan:
    """Turn a timeline into segments: the body of every scene in pieces of 8 s at most, and each transition by itself.

    ``hashes`` has the SHA-256 of every input file.
    """
    timeline_check(timeline)
    form, scenes, fps = timeline.format, timeline.scenes, timeline.format.fps
    total = max(1, round(timeline.seconds * fps))
    edges = [0, *(min(total, round(scene.start * fps)) for scene in scenes[1:]), total]
    leads = [*_transition_frames(scenes, edges, fps), 0]
    lines = [round(line.words[0].start * fps) for line in timeline.captions if line.words] if captions else []
    speakers = {style.speaker: {"name": style.name, "colour": style.colour} for style in timeline.speakers}
    common = {
        "width": form.width_px,
        "height": form.height_px,
        "fps": fps,
        "caption_style": asdict(timeline.caption_style),
        "encoder": encoder_settings(form),
        "version": RENDER_VERSION,
        "fonts": fonts.fonts_version(),
    }

    def layer(index: int, at: int) -> dict[str, Any]:
        scene, appears = scenes[index], edges[index] - leads[index]
        frozen = scene.kind == "image" and scene.motion == "still"  # looks the same wherever it is cut
        clip = {"clip_start": scene.clip_start, "clip_end": scene.clip_end} if scene.kind == "clip" else {}
        return {
            **clip,
            "fit": scene.fit,
            "background": scene.background,
            "media": str(scene.media),
            "sha256": hashes[scene.media],
            "kind": scene.kind,
            "motion": scene.motion,
            "focus": list(scene.focus),
            "first": 0 if frozen else at - appears,
            "shown": 0 if frozen else edges[index + 1] - appears,
            "lead": 0 if frozen else leads[index],
        }

    def segment(first: int, frames: int, base: dict[str, Any], transition: dict[str, Any] | None) -> Segment:
        states = _caption_states(captions, first, frames, fps)
        used = {state["speaker"]: speakers.get(state["speaker"], {"name": "", "colour": "#ffffff"}) for state in states}
        job = {**common, "frames": frames, "base": base, "transition": transition, "captions": states, "speakers": used}
        return Segment(first, frames, canonical_key(_without_paths(job)), job)

    segments = []
    for index, scene in enumerate(scenes):
        if leads[index]:
            at = edges[index] - leads[index]
            way_in = {"kind": scene.transition, "incoming": layer(index, at)}
            segments.append(segment(at, leads[index], layer(index - 1, at), way_in))
        begin, end = edges[index], edges[index + 1] - leads[index + 1]
        for first, last in pairwise(_body_cuts(begin, end, lines, fps)):
            if last > first:
                segments.append(segment(first, last - first, layer(index, first), None))
    sound = sound_job(timeline, hashes, round(total * RATE / fps))
    return Plan(total, tuple(segments), canonical_key(_without_paths(sound)), sound)
