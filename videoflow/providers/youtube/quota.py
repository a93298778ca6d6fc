"""What YouTube's API allows a day, what each call costs, and when the day ends.

Source: https://developers.google.com/youtube/v3/determine_quota_cost, as of November 2026.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Bucket = Literal["units", "uploads", "searches"]
PACIFIC = ZoneInfo("America/Los_Angeles")
COSTS: dict[str, tuple[Bucket, int]] = {
    "videos.insert": ("uploads", 1),
    "videos.list": ("units", 1),
    "videoCategories.list": ("units", 1),
    "search.list": ("searches", 1),
    "videos.update": ("units", 50),
    "channels.list": ("units", 1),
    "playlistItems.list": ("units", 1),
    "playlistItems.insert": ("units", 50),
    "playlistItems.delete": ("units", 50),
    "playlists.list": ("units", 1),
    "playlists.insert": ("units", 50),
    "thumbnails.set": ("units", 50),
    "captions.list": ("units", 50),
    "captions.insert": ("units", 400),
    "captions.update": ("units", 450),
    "captions.delete": ("units", 50),
}


def quota_day(now: datetime) -> date:
    """Return YouTube's day: it begins at midnight Pacific time."""
    return now.astimezone(PACIFIC).date()


def quota_reset(now: datetime) -> datetime:
    """Return when the allowances are full again, a minute after midnight Pacific time so that no clock is asked to be exact."""
    tomorrow = quota_day(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time(0, 1), PACIFIC).astimezone(UTC)


def publish_cost(*, thumbnail: bool, captions: int, playlist: bool) -> dict[Bucket, int]:
    """Return what one publication is expected to spend, with a dozen looks at its processing."""
    units = 3 + 50 + 12 + (50 if thumbnail else 0) + (50 + 400 * captions if captions else 0) + (51 if playlist else 0)
    return {"uploads": 1, "units": units}
