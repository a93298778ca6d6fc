import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from videoflow.pipeline.channel_models import Channel as Channel
from videoflow.pipeline.channel_models import ConnectAttempt as ConnectAttempt
from videoflow.pipeline.channel_models import QuotaUse as QuotaUse
from videoflow.pipeline.channel_models import UploadNote as UploadNote
from videoflow.pipeline.channel_models import VideoStatistics as VideoStatistics
from videoflow.pipeline.channel_models import YouTubeUpload as YouTubeUpload
from videoflow.pipeline.provenance import Provenance
from videoflow.pipeline.provider_calls import ProviderCall as ProviderCall
from videoflow.pipeline.segment_models import SharedSegment as SharedSegment
from videoflow.pipeline.service_rows import Budget as Budget
from videoflow.pipeline.service_rows import ServiceCall as ServiceCall
from videoflow.pipeline.service_rows import ServiceFact as ServiceFact
from videoflow.pipeline.service_rows import ServicePrice as ServicePrice
from videoflow.pipeline.trend_rows import TrendSnapshot as TrendSnapshot
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.translation import SentenceField, SentencesField


class Project(models.Model):
    """One video in the making, from the file of trends to the export."""

    class Aspect(models.TextChoices):
        WIDE = "16:9", "16:9 — YouTube, television"
        TALL = "9:16", "9:16 — Shorts, phones"
        SQUARE = "1:1", "1:1 — feeds"

    SIZES = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080)}
    FPS = 30

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="projects")
    title = models.CharField(max_length=200, default="Untitled video")
    language = models.CharField(max_length=16, default="en")
    aspect = models.CharField(max_length=8, choices=Aspect.choices, default=Aspect.WIDE)
    minimum_seconds = models.PositiveIntegerField(default=180)
    seed = models.PositiveIntegerField(default=0, help_text="The same seed gives the same script, timeline and pictures.")
    look = models.JSONField(default=dict, blank=True, help_text="Palette, typeface and shapes of the project.")
    hosts = models.JSONField(default=dict, blank=True, help_text='{"A": {"name", "role", "voice"}, "B": {...}}')
    last_panel = models.CharField(max_length=40, blank=True)
    pronunciations = models.JSONField(
        default=list, blank=True, help_text='[["written", "spoken"], …]: said so, shown as written.'
    )
    caption = models.JSONField(default=dict, blank=True, help_text="Caption style, size, position and colours; absent: defaults.")
    music = models.JSONField(default=dict, blank=True, help_text='{"level_db", "is_on", "asset_id"}; absent: defaults.')
    providers = models.JSONField(
        default=dict, blank=True, help_text='{"writer": {"service", "model", "options", "fallback"}, …}; absent: embedded.'
    )
    budget_micros = models.BigIntegerField(null=True, blank=True, help_text="Millionths of a US dollar; empty: no limit.")
    publish_draft = models.JSONField(default=dict, blank=True, help_text="The uploader's form as it was last saved.")
    kept_scenes = models.JSONField(
        default=list, blank=True, help_text="What the creator chose for the scenes, while the media are being made anew."
    )
    publish_revision = models.PositiveIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Out of sight since then; removed for good a day later.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.title

    @property
    def size_px(self) -> tuple[int, int]:
        return self.SIZES[self.aspect]


class SourceFile(models.Model):
    """A file of trending videos as the user gave it, kept until its project goes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="source_files")
    name = models.CharField(max_length=255, help_text="As the user called it; shown, never used as a path.")
    path = models.CharField(max_length=200, help_text="Relative to the media folder.")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class TrendReport(models.Model):
    """What a file of trending videos says within one window."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reports")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    source_label = SentenceField(longest=255)
    source_kind = models.CharField(max_length=40)
    window = models.CharField(max_length=16)
    window_start = models.CharField(max_length=32)
    window_end = models.CharField(max_length=32)
    rows_read = models.PositiveIntegerField()
    rows_used = models.PositiveIntegerField()
    rows_left_out = models.JSONField(default=dict)
    categories = models.JSONField(default=list, help_text="[{category_id, name, rank, views, videos, channels}]")
    measure = SentenceField(longest=400)
    provider = models.CharField(max_length=80)
    picks = models.JSONField(null=True, blank=True, help_text="Ids of the themes ticked on the board; empty: never touched.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.source_label} ({self.window})"


class TrendVideo(models.Model):
    """A row behind a theme: one video with its counts day by day."""

    report = models.ForeignKey(TrendReport, on_delete=models.CASCADE, related_name="videos")
    video_id = models.CharField(max_length=64)
    title = models.CharField(max_length=500)
    channel = models.CharField(max_length=200)
    category_id = models.CharField(max_length=64)
    published_at = models.CharField(max_length=40)
    tags = models.JSONField(default=list)
    days = models.JSONField(default=list, help_text="[[ISO date, views], …] ascending.")
    views = models.BigIntegerField()
    likes = models.BigIntegerField(default=0)
    comments = models.BigIntegerField(default=0)
    url = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-views",)

    def __str__(self) -> str:
        return self.title

    @property
    def gained_per_day(self) -> float | None:
        """Views gained per day between the first and the last day in the file; None with one day only."""
        if len(self.days) < 2:
            return None
        return float((self.days[-1][1] - self.days[0][1]) / (len(self.days) - 1))


class Theme(models.Model):
    """What several videos of a category are about, with the score and the rows behind it."""

    report = models.ForeignKey(TrendReport, on_delete=models.CASCADE, related_name="themes")
    videos = models.ManyToManyField(TrendVideo, related_name="themes")
    label = models.CharField(max_length=200)
    category_id = models.CharField(max_length=64)
    category = models.CharField(max_length=100)
    rank = models.PositiveSmallIntegerField()
    score = models.FloatField()
    score_parts = models.JSONField(default=dict)
    views = models.BigIntegerField()
    views_gained_per_day = models.FloatField(null=True)
    channels = models.PositiveIntegerField()
    keywords = models.JSONField(default=list)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.label


class Script(models.Model):
    """One version of a project's conversation."""

    class InputType(models.TextChoices):
        THEME = "theme"
        TOPIC = "topic"
        SCRIPT = "script"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scripts")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField()
    input_type = models.CharField(max_length=16, choices=InputType.choices)
    title = models.CharField(max_length=200)
    topic = models.CharField(max_length=300, blank=True)
    keywords = models.JSONField(default=list)
    evidence = models.JSONField(default=list, help_text="[{key, kind, text, source_label, url}]")
    warnings = SentencesField(default=list)
    measured_seconds = models.FloatField(help_text="Speech and pauses, as synthesised.")
    share_a = models.FloatField(help_text="Speaker A's share of the speaking time, 0 to 1.")
    provider = models.CharField(max_length=80)
    origin = models.CharField(max_length=120, default="Written", help_text="What made this version, for the list of versions.")
    media_seconds = models.FloatField(
        null=True, help_text="Length of the video once speech and pictures are complete; empty until then."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-version",)
        constraints = [models.UniqueConstraint(fields=("project", "version"), name="script_version_once")]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class Asset(Provenance):
    """A file of a project: what it is, who made it, under which licence, and how it was probed."""

    class Kind(models.TextChoices):
        SPEECH = "speech"
        IMAGE = "image"
        CLIP = "clip"
        MUSIC = "music"
        THUMBNAIL = "thumbnail"
        CAPTIONS = "captions"
        VIDEO = "video"
        PREVIEW = "preview"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assets")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    origin = models.CharField(max_length=80, help_text="Provider, or upload.")
    model = models.CharField(max_length=120, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    credit = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=200, help_text="Relative to the media folder; named by content.")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    width_px = models.PositiveIntegerField(null=True)
    height_px = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    alt = models.CharField(max_length=500, blank=True)
    mood = models.CharField(max_length=40, blank=True, help_text="Of music of ours; empty for everything else.")
    peaks = models.JSONField(null=True, blank=True, help_text="Of a recording: loudness over time, 0 to 100, for drawing.")
    created_at = models.DateTimeField(default=timezone.now)

    UPLOAD = "upload"
    """``origin`` of what the creator brought; everything else names its provider."""

    class Meta:
        ordering = ("created_at",)
        indexes = [
            models.Index(fields=("project", "kind"), name="asset_kind"),
            models.Index(fields=("path",), name="asset_path"),  # whether a file that goes is another project's, too
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Turn(models.Model):
    """One speaker's words, and how long they take as synthesised."""

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="turns")
    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="The same turn in every version of the script.")
    revision = models.PositiveIntegerField(default=1, help_text="Counts up with each edit; a stale one is refused.")
    is_locked = models.BooleanField(default=False, help_text="Left alone when the script is written anew.")
    position = models.PositiveIntegerField()
    speaker = models.CharField(max_length=1)
    text = models.TextField()
    section = models.CharField(max_length=200, blank=True)
    sources = models.JSONField(default=list, help_text="Keys of the script's evidence.")
    cue = models.JSONField(null=True, help_text="What the picture under the turn should show.")
    pause_seconds = models.FloatField(default=0.25, help_text="Silence before the turn.")
    measured_seconds = models.FloatField()
    words = models.JSONField(default=list, help_text="[[text, start, end], …] in seconds from the start of the turn.")

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=("script", "position"), name="turn_position_once")]

    def __str__(self) -> str:
        return f"{self.speaker}: {self.text[:40]}"


class Speech(models.Model):
    """The recording of one turn, and when it starts in the video."""

    turn = models.OneToOneField(Turn, on_delete=models.CASCADE, related_name="speech")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    start = models.FloatField(help_text="Seconds from the start of the video.")
    spoken_key = models.CharField(max_length=64, blank=True, help_text="Hash of text, voice and pronunciations as spoken.")

    def __str__(self) -> str:
        return f"Speech of {self.turn}"


class Scene(models.Model):
    """One picture or clip on screen between two times; the scenes of a script cover it without a gap."""

    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="The same scene after its media were made anew.")
    revision = models.PositiveIntegerField(default=1, help_text="Counts up with each edit; a stale one is refused.")
    is_locked = models.BooleanField(default=False, help_text="Kept as it is when the media are made anew.")
    made = models.ForeignKey(
        Asset, null=True, on_delete=models.SET_NULL, related_name="+", help_text="What the stage made here, to go back to."
    )
    candidates = models.ManyToManyField(Asset, blank=True, related_name="candidate_of", help_text="Others that were tried here.")
    drawn_for = models.CharField(max_length=64, blank=True, help_text="Hash of the words that it was drawn for.")
    trim_start = models.FloatField(default=0.0, help_text="Seconds into the clip at which it begins.")
    end_shift = models.FloatField(default=0.0, help_text="Seconds by which the creator moved the scene's end.")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scenes")
    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="scenes")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    turn_positions = models.JSONField(default=list)
    start = models.FloatField()
    seconds = models.FloatField()
    layout = models.CharField(max_length=40)
    spec = models.JSONField(default=dict)
    motion = models.CharField(max_length=16, default="still")
    transition = models.CharField(max_length=16, default="cut")
    focus_x = models.FloatField(default=0.5)
    focus_y = models.FloatField(default=0.5)
    covers = models.JSONField(
        default=list, db_default=[], help_text="The stretches of the storyboard's shots that it covers; empty for one whole shot."
    )

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=("script", "position"), name="scene_position_once")]

    def __str__(self) -> str:
        return f"Scene {self.position + 1}: {self.layout}"


class Video(models.Model):
    """A finished, verified file and how it was found to be."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="videos")
    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="videos")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    file = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    thumbnail = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    srt = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    vtt = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    seconds = models.FloatField()
    timeline_key = models.CharField(max_length=64, blank=True, help_text="Hash of the timeline that it was made from.")
    quality = SentencesField(default=dict, help_text="Verdict, findings with their times, figures.")
    chapters = models.JSONField(default=list, help_text="[[seconds, title], …]")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Video of {self.project}"


class Publication(models.Model):
    """A video handed to a target, and what the target said."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        SCHEDULED = "scheduled"
        DELETED = "deleted"
        """Somebody took it away at the target."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="publications")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    target = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=State.choices)
    location = models.CharField(max_length=300)
    files = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.SET_NULL, related_name="publications")
    remote_id = models.CharField(max_length=80, blank=True, help_text="The target's own id of it.")
    publish_at = models.DateTimeField(null=True, blank=True, help_text="When it becomes public by itself.")
    stored = models.JSONField(default=dict, blank=True, help_text="What the target says it has, as read back.")
    differences = models.JSONField(default=list, blank=True, help_text="[{field, wanted, stored, why}]")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read back.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("task",), condition=Q(task__isnull=False), name="publication_once_per_task")
        ]

    def __str__(self) -> str:
        return f"{self.target}: {self.location}"


class EditStep(models.Model):
    """One step of a creator's editing, to be undone and done again; ``part`` names what ``before`` and ``after`` describe."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="edit_steps")
    number = models.PositiveIntegerField()
    part = models.CharField(max_length=16, help_text="script, scenes or look.")
    label = SentenceField(longest=120)
    before = models.JSONField()
    after = models.JSONField()
    is_undone = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=("project", "number"), name="edit_step_once")]

    def __str__(self) -> str:
        return self.label


class Proposal(models.Model):
    """Other words for a turn, until the creator accepts or refuses them."""

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="proposals")
    turn = models.OneToOneField(Turn, on_delete=models.CASCADE, related_name="proposal")
    text = models.TextField()
    sources = models.JSONField(default=list)
    cue = models.JSONField(null=True)
    origin = models.CharField(max_length=80, help_text="Who wrote it.")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.text[:40]


class Upload(models.Model):
    """A creator's own file on its way in; goes on where it stopped after a dropped connection."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        READY = "ready"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    scene_key = models.UUIDField(null=True, help_text="The scene that it was brought for.")
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    path = models.CharField(max_length=200, help_text="Relative to the media folder, while it comes in.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVING)
    error = SentenceField(blank=True, default="")
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name


def script_current(project: Project) -> Script | None:
    """Return the newest version of the project's script."""
    return project.scripts.first()
