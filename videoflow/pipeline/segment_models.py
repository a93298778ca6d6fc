from django.db import models
from django.utils import timezone


class SharedSegment(models.Model):
    """A coded segment of some video, or its sound, that any host may use again, found by its key.

    It lies in the bucket as ``parts/<sha256>.mp4``. A cache: the file may be gone, and the row goes when somebody finds that out.
    """

    key = models.CharField(primary_key=True, max_length=64, help_text="SHA-256 of all that shapes its frames and their coding.")
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    about = models.JSONField(default=dict, help_text="What was seen in it while it was made, for the quality report.")
    made_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.key[:12]
