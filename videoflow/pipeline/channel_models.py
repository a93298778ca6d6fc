import uuid

from django.db import models
from django.utils import timezone

from videoflow.translation import SentenceField, SentencesField


class Channel(models.Model):
    """A YouTube channel that a creator let the studio publish to; its refresh token lies in the vault, sealed for the owner."""

    class State(models.TextChoices):
        CONNECTED = "connected"
        LOST = "lost"
        """The permission was taken back or ran out; connecting again mends it."""

    class MissedRule(models.TextChoices):
        NEXT = "next"
        PUBLISH = "publish"
        HOLD = "hold"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey("creator_sessions.CreatorSession", on_delete=models.CASCADE, related_name="channels")
    channel_id = models.CharField(max_length=30, help_text="YouTube's id of it, UC and 22 signs.")
    title = models.CharField(max_length=200)
    uploads_playlist = models.CharField(max_length=40)
    scopes = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=State.choices, default=State.CONNECTED)
    problem = SentenceField(blank=True, default="", help_text="Why it is lost, for its owner.")
    time_zone = models.CharField(max_length=60, default="UTC", help_text="IANA name; the slots are meant in it.")
    slots = models.JSONField(default=list, blank=True, help_text='[[weekday 0-6, "HH:MM"], …]')
    missed_rule = models.CharField(
        max_length=8, choices=MissedRule.choices, default=MissedRule.NEXT, help_text="When an upload ends after its time."
    )
    connected_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("title",)
        constraints = [models.UniqueConstraint(fields=("session", "channel_id"), name="channel_once_per_session")]

    def __str__(self) -> str:
        return self.title

    @property
    def credential_name(self) -> str:
        """The name under which the vault keeps its refresh token."""
        return f"youtube:{self.channel_id}"


class ConnectAttempt(models.Model):
    """One press of "Connect": its state can be used once, within an hour, by the browser that began it."""

    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64, help_text="Of the creator's cookie.")
    session = models.ForeignKey("creator_sessions.CreatorSession", on_delete=models.CASCADE, related_name="+")
    verifier_sealed = models.BinaryField()
    redirect_uri = models.CharField(max_length=300)
    time_zone = models.CharField(max_length=60, default="UTC")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Attempt of {self.created_at:%H:%M}"


class YouTubeUpload(models.Model):
    """One file on its way to one channel, exactly once.

    ::

        new ──session address sealed and committed──> sending ──> uploaded (id, private) ──> checked ──> done
                          ^                              │
                          └── looked for, not there ─────┴──> unsure: every byte was sent, nothing is known; a person decides

    The same file for the same channel is the same row, in whatever task or process; ``run`` counts wanted repetitions.
    """

    class State(models.TextChoices):
        NEW = "new"
        SENDING = "sending"
        UNSURE = "unsure"
        UPLOADED = "uploaded"
        CHECKED = "checked"
        DONE = "done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey("pipeline.Video", on_delete=models.CASCADE, related_name="uploads")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="uploads")
    task = models.ForeignKey("tasks.Task", null=True, on_delete=models.SET_NULL, related_name="+")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    run = models.PositiveIntegerField(default=1)
    marker = models.CharField(max_length=40, help_text="Found again at YouTube as tag and file name.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    session_sealed = models.BinaryField(null=True, help_text="Address of the upload session: a bearer secret.")
    sessions_begun = models.PositiveIntegerField(default=0)
    confirmed_bytes = models.BigIntegerField(default=0)
    sent_bytes = models.BigIntegerField(default=0, help_text="Put on the wire, repetitions included.")
    is_whole_sent = models.BooleanField(default=False, help_text="The last byte has left: the video may exist.")
    may_begin_anew = models.BooleanField(default=False, help_text="A person said so of an unsure one.")
    remote_id = models.CharField(max_length=20, blank=True, help_text="The id that YouTube gave the video.")
    steps = SentencesField(default=dict, help_text="What was done after the upload: {step: sentence}.")
    begun_at = models.DateTimeField(default=timezone.now)
    uploaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-begun_at",)
        constraints = [models.UniqueConstraint(fields=("channel", "sha256", "run"), name="upload_once")]

    def __str__(self) -> str:
        return f"{self.marker} {self.state}"


class UploadNote(models.Model):
    """A line of an upload's journal."""

    upload = models.ForeignKey(YouTubeUpload, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=20)
    text = SentenceField(longest=400)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text


class QuotaUse(models.Model):
    """What was spent of one of the API's daily allowances; the day is YouTube's, from midnight to midnight Pacific time."""

    client = models.CharField(max_length=16, help_text="Hash of the client id: the allowance is the API project's.")
    bucket = models.CharField(max_length=20)
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)
    is_spent = models.BooleanField(default=False, help_text="YouTube said so, whatever was counted here.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("client", "bucket", "day"), name="quota_once_per_day")]

    def __str__(self) -> str:
        return f"{self.bucket} {self.day}: {self.used}"


class VideoStatistics(models.Model):
    """How a published video did, at one time."""

    publication = models.ForeignKey("pipeline.Publication", on_delete=models.CASCADE, related_name="statistics")
    views = models.BigIntegerField()
    likes = models.BigIntegerField(null=True)
    comments = models.BigIntegerField(null=True)
    watched_seconds = models.FloatField(null=True, help_text="On average; empty where it is not known or not allowed.")
    watched_percent = models.FloatField(null=True)
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-fetched_at",)

    def __str__(self) -> str:
        return f"{self.views} views"
