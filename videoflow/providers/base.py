"""What a provider can do: one Protocol per capability, with frozen results. Plain Python, no Django."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from videoflow.errors import VideoflowError

SpeakerId = Literal["A", "B"]
Capability = Literal["trends", "writer", "speech", "images", "music", "publisher"]
CancelCheck = Callable[[], bool]
Report = Callable[[float, str], None]
"""``report(share, message)``: share of the call's work done (0 to 1) and one human line."""


class ProviderError(VideoflowError):
    """A provider could not do what it was asked; the sentence names the provider and the way out."""

    code = "PROVIDER_FAILED"


# Trends ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrendVideo:
    """One video of the window with all its days; the evidence behind a theme."""

    video_id: str
    title: str
    channel: str
    category_id: str
    published_at: str
    tags: tuple[str, ...]
    days: tuple[tuple[str, int], ...]
    """(ISO date, view count) ascending; one entry for each day on which the source lists the video."""
    likes: int
    comments: int
    url: str

    @property
    def views(self) -> int:
        """The highest count seen, in views."""
        return max((views for _, views in self.days), default=0)


@dataclass(frozen=True, slots=True)
class Theme:
    """What several videos of one category are about, named as a person would name it."""

    label: str
    category_id: str
    category: str
    rank: int
    """1 to 3 within its category."""
    score: float
    """0 to 100; ``score_parts`` says how it came about."""
    score_parts: Mapping[str, float]
    views: int
    views_gained_per_day: float | None
    """None when no video of the theme stands on two days."""
    channels: int
    videos: tuple[TrendVideo, ...]
    """Most watched first."""
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrendCategory:
    category_id: str
    name: str
    rank: int
    views: int
    videos: int
    channels: int


@dataclass(frozen=True, slots=True)
class TrendAnalysis:
    source_label: str
    source_kind: str
    """``trending_csv``, ``studio_export``, ``mapped_table``, ``rss``, ``youtube_api``, ``pageviews`` or ``stories``."""
    window: Literal["weekly", "monthly"]
    window_start: str
    window_end: str
    """ISO dates, both included; the end is the newest date in the file."""
    rows_read: int
    rows_used: int
    rows_left_out: Mapping[str, int]
    """Reason in plain words -> number of rows."""
    categories: tuple[TrendCategory, ...]
    themes: tuple[Theme, ...]
    measure: str
    """What the numbers are: e.g. "views on YouTube, as counted on each day of the file"."""


# Writing -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Datum:
    """One figure that a turn speaks of, for charts: label, value, what it counts, and when."""

    label: str
    value: float
    unit: str = ""
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that may be said because it is known, and where it is known from."""

    key: str
    kind: Literal["theme", "video", "category", "user"]
    text: str
    """The statement or quotation itself, one sentence."""
    source_label: str
    url: str = ""
    data: tuple[Datum, ...] = ()


CueKind = Literal[
    "title", "chapter", "statement", "question", "quote", "figure", "bars", "line", "ranking", "comparison", "list", "recap",
    "outro",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cue:
    """What the picture under a turn should show. ``data`` feeds charts; ``items`` feeds lists and recaps."""

    kind: CueKind
    heading: str
    text: str = ""
    items: tuple[str, ...] = ()
    data: tuple[Datum, ...] = ()
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class DraftTurn:
    speaker: SpeakerId
    text: str
    sources: tuple[str, ...] = ()
    """Keys of the evidence that the turn rests on; empty for questions and bridges."""
    cue: Cue | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A few turns that only make sense together; the unit in which a script is extended or trimmed."""

    turns: tuple[DraftTurn, ...]
    section: str
    """Chapter heading; exchanges of one section stand together."""
    required: bool
    priority: float
    """Among the optional ones: higher is taken first."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything the writer can say, in speaking order; the stage picks as many optional exchanges as the length needs."""

    title: str
    exchanges: tuple[Exchange, ...]
    evidence: tuple[Evidence, ...]
    topic: str
    keywords: tuple[str, ...] = ()
    fixed: bool = False
    """True for the user's finished script: spoken as written, nothing added or left out."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    speaker: SpeakerId
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationBrief:
    """How a conversation is to be, whatever it is about."""

    hosts: tuple[Host, Host]
    language: str = "en"
    seed: int = 0
    minimum_seconds: float = 180.0
    instruction: str = ""
    """What the creator asks for besides; the embedded writer takes none."""
    persona: str = ""
    """Who the hosts are to be, in the creator's words."""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ThemesBrief(ConversationBrief):
    themes: tuple[Theme, ...]
    analysis: TrendAnalysis


@dataclass(frozen=True, slots=True)
class TopicBrief(ConversationBrief):
    topic: str
    notes: str


class Writer(Protocol):
    def write_themes(self, brief: ThemesBrief) -> Conversation: ...

    def write_topic(self, brief: TopicBrief) -> Conversation: ...


# Speech ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Voice:
    key: str
    name: str
    language: str
    description: str


@dataclass(frozen=True, slots=True)
class Line:
    """One turn to be spoken. ``text`` is what the captions show; the provider decides how to read it aloud."""

    text: str
    voice: str
    pronunciations: tuple[tuple[str, str], ...] = ()
    """(written, spoken) pairs of the project's pronunciation book."""
    language: str = "en"
    """BCP 47."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One whitespace-separated token of ``Line.text`` with its times in seconds from the start of the file."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpokenLine:
    path: Path
    """WAV, mono, 16 bit; leading and trailing silence trimmed to at most 60 ms."""
    seconds: float
    words: tuple[SpokenWord, ...]
    timing: Literal["engine", "aligned", "estimated"]
    voice: str
    provider: str
    model: str


class Speech(Protocol):
    name: str

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Natural voices of a language (BCP 47); empty when there is none."""
        ...

    def speak(
        self,
        lines: Sequence[Line],
        out_dir: Path,
        *,
        report: Report,
        cancelled: CancelCheck,
        on_line: Callable[[int, SpokenLine], None] | None = None,
    ) -> list[SpokenLine]:
        """Speak every line; a line that already stands in ``out_dir`` under its content key is not made again."""
        ...


# Pictures ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn as it will be heard: what the storyboard is made from. Times in seconds from the start of the video."""

    index: int
    speaker: SpeakerId
    speaker_name: str
    text: str
    section: str
    start: float
    end: float
    words: tuple[SpokenWord, ...]
    """Times are from the start of the video."""
    cue: Cue | None


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture or short clip on screen, with all it takes to draw it again. JSON-able through ``dataclasses.asdict``."""

    index: int
    turn_indexes: tuple[int, ...]
    start: float
    seconds: float
    kind: Literal["image", "clip"]
    layout: str
    spec: Mapping[str, Any]
    """What the layout needs: texts, figures, seed. JSON-able."""
    motion: Literal["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"]
    transition: Literal["cut", "crossfade", "slide", "wipe", "zoom"]
    """How this shot comes in; the first shot's is ignored."""
    focus: tuple[float, float] = (0.5, 0.5)
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    path: Path
    kind: Literal["image", "clip"]
    width_px: int
    height_px: int
    seconds: float | None
    layout: str
    alt: str
    provider: str
    model: str
    licence: str
    credit: str = ""


class Pictures(Protocol):
    name: str

    def look(self, *, topic: str, keywords: Sequence[str], seed: int) -> Mapping[str, Any]:
        """The visual language of a project (palette, typeface, shapes), derived from its topic. JSON-able."""
        ...

    def storyboard(
        self,
        turns: Sequence[SpokenTurn],
        *,
        title: str,
        look: Mapping[str, Any],
        aspect: str,
        total_seconds: float,
        hosts: tuple[Host, Host],
        seed: int,
    ) -> list[Shot]:
        """Shots that cover 0 to ``total_seconds`` without a gap, in order."""
        ...

    def draw(
        self,
        shots: Sequence[Shot],
        out_dir: Path,
        *,
        look: Mapping[str, Any],
        width_px: int,
        height_px: int,
        fps: int,
        report: Report,
        cancelled: CancelCheck,
        on_picture: Callable[[int, Picture], None] | None = None,
    ) -> list[Picture]:
        """Draw every shot; one that already stands in ``out_dir`` under its content key is not drawn again."""
        ...

    def thumbnail(self, *, title: str, look: Mapping[str, Any], keywords: Sequence[str], seed: int, out: Path) -> Path:
        """A JPEG of 1280 x 720 under 2 MB that reads at 168 px wide."""
        ...


# Music -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MusicBed:
    path: Path
    """WAV, stereo, 48 kHz, exactly as long as asked, with a fade at both ends and no audible seam."""
    seconds: float
    mood: str
    title: str
    licence: str
    provider: str
    model: str
    credit: str = ""


class Music(Protocol):
    name: str

    def bed(self, *, mood: str, seconds: float, seed: int, out: Path) -> MusicBed: ...


# Publishing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chapter:
    start_seconds: float
    title: str


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """All that leaves the house. Files are read, never moved."""

    video: Path
    thumbnail: Path
    srt: Path
    vtt: Path
    title: str
    description: str
    chapters: tuple[Chapter, ...]
    tags: tuple[str, ...]
    language: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    remote_id: str
    location: str
    """Shown to the user: a folder name or an address, never a path of the machine outside the data folder."""
    files: tuple[str, ...]


class Publisher(Protocol):
    name: str

    def publish(self, request: PublishRequest, *, report: Report, cancelled: CancelCheck) -> Published: ...
