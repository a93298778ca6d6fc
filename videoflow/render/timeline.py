"""The timeline: everything the compositor needs to know to make one video. Frozen, JSON-able, no I/O.

All times are seconds from the start of the video; the plan turns them into whole frames.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MotionKind = Literal["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"]
TransitionKind = Literal["cut", "crossfade", "slide", "wipe", "zoom"]
CaptionStyleName = Literal["word", "sentence", "classic", "none"]


@dataclass(frozen=True, slots=True)
class Format:
    width_px: int = 1920
    height_px: int = 1080
    fps: int = 30


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
    """Distance of the lowest line from the bottom edge, as a share of the height."""


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
