from django.db import models


class TrendSnapshot(models.Model):
    """A video's counts on a day as a live source gave them: what it gained is the difference of two. Kept for 30 days."""

    service = models.CharField(max_length=40)
    video_id = models.CharField(max_length=64)
    day = models.DateField(db_index=True)
    views = models.BigIntegerField()
    likes = models.BigIntegerField(default=0)
    comments = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("service", "video_id", "day"), name="trend_snapshot_once_a_day")]

    def __str__(self) -> str:
        return f"{self.video_id} {self.day}: {self.views}"
