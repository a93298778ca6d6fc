"""The timeline: everything the compositor needs to know to make one video. Frozen, JSON-able, no I/O.

All times are seconds from the start of the video; the plan turns them into whole frames.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MotionKind = Literal["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"]
TransitionKind = Literal["cut", "crossfade", "slide", "wipe", "zoom"]
FitKind = Literal["cover", "contain"]
ClipEnd = Literal["loop", "slow", "hold"]
Quality = Literal["draft", "standard", "high"]
VideoCodec = Literal["h264", "hevc", "av1"]
CaptionStyleName = Literal["word", "sentence", "classic", "none"]
CaptionPosition = Literal["top", "middle", "bottom"]


@dataclass(frozen=True, slots=True)
class Format:
    width_px: int = 1920
    height_px: int = 1080
    fps: int = 30
    quality: Quality = "standard"
    codec: VideoCodec = "h264"
    encoder: str = ""
    """An encoder of this machine's hardware, as ``hardware_encoders`` found it; empty for the software encoder."""


@dataclass(frozen=True, slots=True)
class Scene:
    key: str
    media: Path
    kind: Literal["image", "clip"]
    start: float
    seconds: float
    """Scenes follow each other without a gap. A transition of n seconds eats into the end of the scene before."""
    motion: MotionKind = "still"
    focus: tuple[float, float] = (0.5, 0.5)
    transition: TransitionKind = "cut"
    transition_seconds: float = 0.5
    fit: FitKind = "cover"
    """Fill the frame and lose what is over, or show all of it on the background."""
    background: str = "#000000"
    """``#rrggbb``: what is seen through transparent parts, and around a picture that is shown whole."""
    clip_start: float = 0.0
    """Where a clip begins, in its own seconds; what is longer than the scene is left out."""
    clip_end: ClipEnd = "loop"
    """What a clip does that is shorter than its scene: begin again crossfaded, run slower, or hold its last frame."""
    clip_level_db: float | None = None
    """Level of the clip's own sound beside the speech; None leaves the clip mute. It begins again with its picture, and runs as
    slowly as it does, at its own pitch."""
    is_placeholder: bool = False
    """Stands in for media that could not be made; such a video is not published."""


@dataclass(frozen=True, slots=True)
class SpeechClip:
    path: Path
    start: float
    seconds: float
    speaker: str


@dataclass(frozen=True, slots=True)
class CaptionWord:
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """One spoken turn; the compositor breaks it into captions of at most two lines."""

    speaker: str
    words: tuple[CaptionWord, ...]


@dataclass(frozen=True, slots=True)
class SpeakerStyle:
    speaker: str
    name: str
    colour: str
    """``#rrggbb``: marks the spoken word and labels the speaker; the compositor guards its contrast."""


@dataclass(frozen=True, slots=True)
class CaptionStyle:
    name: CaptionStyleName = "word"
    size_share: float = 0.050
    """Letter size as a share of the frame's shorter side."""
    bottom_share: float = 0.09
    """Distance of the outermost line from the edge it stands at (bottom or top), as a share of the height."""
    position: CaptionPosition = "bottom"
    offset_share: float = 0.0
    """Moves the captions down, negative up, as a share of the height; they stay inside the safe area."""
    text_colour: str = "#ffffff"
    outline_share: float | None = None
    """Width of the dark edge around letters, as a share of their size; None is the style's own."""
    box_opacity: float | None = None
    """0 is no box, 1 a solid one; None is the style's own."""
    box_colour: str = "#0c0e14"
    speaker_colours: bool = True
    """Mark the spoken word and the speaker in the speaker's colour; without, in the text's."""
    speaker_names: bool = True


@dataclass(frozen=True, slots=True)
class MusicTrack:
    path: Path
    level_db: float = -20.0
    """Level beside the speech while nobody speaks; ducked further under speech."""


@dataclass(frozen=True, slots=True)
class Timeline:
    format: Format
    seconds: float
    scenes: tuple[Scene, ...]
    speech: tuple[SpeechClip, ...]
    captions: tuple[CaptionLine, ...]
    speakers: tuple[SpeakerStyle, ...]
    caption_style: CaptionStyle = field(default_factory=CaptionStyle)
    music: MusicTrack | None = None
    title: str = ""
    comment: str = ""
    """Goes into the file's metadata: which providers made the parts."""
    loudness_lufs: float = -14.0
    """Integrated loudness of the finished sound. Source: YouTube and Spotify play at −14, podcasts ask for −16."""
