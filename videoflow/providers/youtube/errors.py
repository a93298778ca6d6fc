"""What YouTube's refusals mean, read from their machine-readable reasons."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from videoflow.errors import WaitUntil
from videoflow.providers.base import ProviderError
from videoflow.providers.youtube.quota import Bucket, quota_reset
from videoflow.sentences import Sentence, sentences_joined

UPLOAD_LIMIT_WAIT = timedelta(hours=24)
_DAY = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_RATE = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "uploadRateLimitExceeded", "backendError", "internalError", "notReady"}
)
_SENTENCES = {
    "invalidTitle": Sentence("YouTube does not take this title. Change it and publish again."),
    "invalidDescription": Sentence("YouTube does not take this description. Shorten it, and leave out < and >."),
    "invalidTags": Sentence("YouTube does not take these tags. Use fewer or shorter ones."),
    "invalidCategoryId": Sentence("YouTube does not take videos in this category. Choose another."),
    "invalidPublishAt": Sentence("YouTube does not take this time of publication. Choose a later one."),
    "defaultLanguageNotSet": Sentence("YouTube wants the video's language before it takes translations. Choose it."),
    "invalidImage": Sentence("YouTube could not read the thumbnail. Choose another picture."),
    "captionNotFound": Sentence("These captions are not on YouTube any more."),
    "contentRequired": Sentence("The captions are empty. Bring another file."),
    "nameTooLong": Sentence("The captions' name is too long for YouTube."),
    "videoNotFound": Sentence("The video is not on YouTube any more. Somebody deleted it there."),
    "playlistNotFound": Sentence("This playlist is not on YouTube any more. Choose another."),
    "playlistContainsMaximumNumberOfVideos": Sentence("This playlist is full. Choose another."),
    "youtubeSignupRequired": Sentence("This Google account has no YouTube channel. Make one at youtube.com, then connect again."),
    "accessNotConfigured": Sentence("The YouTube Data API is not switched on in the Google project. Its operator can do that."),
    "insufficientPermissions": Sentence(
        "The channel did not allow this. Connect it again under Settings and leave every box ticked."
    ),
    "forbidden": Sentence(
        "YouTube does not allow this for the channel. YouTube Studio, under Settings, says what the channel may do."
    ),
    "forbiddenPrivacySetting": Sentence("YouTube does not allow this visibility for the channel. Choose another."),
    "forbiddenLicenseSetting": Sentence("YouTube does not allow this licence for the channel. Choose another."),
}


class YouTubeRefused(ProviderError):
    """YouTube said no, and will again; ``reason`` is its own word for why."""

    code = "YOUTUBE_REFUSED"

    def __init__(self, message: str, *, reason: str, status: int) -> None:
        super().__init__(message, details={"service": "youtube", "reason": reason, "status": status})
        self.reason, self.status = reason, status


class YouTubeBusy(ProviderError):
    """YouTube does not answer, or asks for patience."""

    code = "YOUTUBE_BUSY"
    retryable = True

    def __init__(
        self, message: str = Sentence("YouTube does not answer at the moment."), *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, details={"service": "youtube"})
        self.retry_after_seconds = retry_after_seconds


class ReconnectNeeded(ProviderError):
    """The channel's permission is gone; only its owner can give it again."""

    code = "CHANNEL_RECONNECT"


class QuotaSpent(WaitUntil):
    """Today's allowance of the API is used up."""

    code = "QUOTA_SPENT"

    def __init__(self, bucket: Bucket, *, now: datetime, is_told: bool) -> None:
        until = quota_reset(now)
        what = {"uploads": Sentence("uploads"), "searches": Sentence("searches"), "units": Sentence("calls")}[bucket]
        used_up = (
            Sentence("YouTube says that today's allowance of %(what)s is used up.", what=what)
            if is_told
            else Sentence("Today's allowance of %(what)s is used up.", what=what)
        )
        message = sentences_joined(used_up, Sentence("This waits until it is full again and then goes on where it stopped."))
        super().__init__(message, until=until, details={"bucket": bucket, "until": until.isoformat()})
        self.bucket = bucket
        self.is_told = is_told


class UploadLimit(WaitUntil):
    """The channel may not upload more videos for now."""

    code = "UPLOAD_LIMIT"

    def __init__(self, *, now: datetime) -> None:
        until = now + UPLOAD_LIMIT_WAIT
        message = Sentence(
            "YouTube takes no more videos from this channel today. This waits a day and then goes on where it stopped."
        )
        super().__init__(message, until=until, details={"until": until.isoformat()})


@dataclass(frozen=True, slots=True)
class Said:
    """The error in an answer's body."""

    reason: str = ""
    message: str = ""


def said_read(body: bytes) -> Said:
    """Return what an error's body says; nothing where it is not YouTube's."""
    try:
        error = json.loads(body).get("error", {})
        first = error["errors"][0]
        details = [entry.get("reason") for entry in error.get("details", []) if isinstance(entry, dict)]
        reason = next((name for name in details if isinstance(name, str)), None) or str(first.get("reason", ""))
        return Said(reason, str(error.get("message", "")))
    except (ValueError, AttributeError, KeyError, IndexError, TypeError):
        return Said()


def error_read(
    *, status: int, body: bytes, now: datetime, bucket: Bucket, retry_after_seconds: float | None = None
) -> ProviderError | WaitUntil:
    """Return what a refusal means, by its reason alone; one exception is the day's limit that calls itself a rate."""
    said = said_read(body)
    is_day = said.reason in _DAY or (status == 429 and said.reason == "rateLimitExceeded" and "per day" in said.message)
    if is_day:
        return QuotaSpent(bucket, now=now, is_told=True)
    if said.reason == "uploadLimitExceeded":
        return UploadLimit(now=now)
    if status == 401:
        return ReconnectNeeded("YouTube does not accept the channel's permission any more. Connect it again under Settings.")
    if said.reason in _RATE or status == 429 or status >= 500:
        return YouTubeBusy(retry_after_seconds=retry_after_seconds)
    known = _SENTENCES.get(said.reason)
    return YouTubeRefused(
        known or Sentence("YouTube refused this (%(reason)s).", reason=said.reason or status), reason=said.reason, status=status
    )
