"""The list before the start, as far as only YouTube asks: registration, channel, allowance, and whether it is there already."""

from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from videoflow.errors import BadInput
from videoflow.pipeline.caption_tracks import caption_tracks
from videoflow.pipeline.channels.access import channels_of, is_registered, quota_full_at, quota_left
from videoflow.pipeline.channels.journal import repetition_check
from videoflow.pipeline.channels.slots import zone_of
from videoflow.pipeline.models import Channel, Project, Video
from videoflow.pipeline.publishing import Check, PublishChoice
from videoflow.providers.youtube.quota import publish_cost
from videoflow.translation import translated


def target_checks(
    project: Project, video: Video, choice: PublishChoice, *, target: str, channel_id: str, is_repetition: bool
) -> Iterator[Check]:
    """Yield what stands in a target's way beyond the video itself."""
    if target == "webhook" and not (settings.VIDEOFLOW_WEBHOOK_URL and settings.VIDEOFLOW_WEBHOOK_SECRET):
        sentence = _("No webhook is set up: the operator sets VIDEOFLOW_WEBHOOK_URL and VIDEOFLOW_WEBHOOK_SECRET.")
        yield Check("webhook", "block", sentence, "target")
    if target == "youtube":
        yield from _youtube(project, video, choice, channel_id, is_repetition=is_repetition)


def _youtube(project: Project, video: Video, choice: PublishChoice, channel_id: str, *, is_repetition: bool) -> Iterator[Check]:
    if not is_registered():
        sentence = _(
            "This studio is not registered with Google: its operator sets VIDEOFLOW_GOOGLE_CLIENT_ID and "
            "VIDEOFLOW_GOOGLE_CLIENT_SECRET. Settings, Channels, says how."
        )
        yield Check("channel", "block", sentence, "channel")
        return
    known = list(channels_of(project))
    chosen = next((row for row in known if str(row.pk) == channel_id), known[0] if len(known) == 1 else None)
    if chosen is None:
        sentence = _("Choose the channel.") if known else _("Connect a YouTube channel under Settings first.")
        yield Check("channel", "block", sentence, "channel")
        return
    if chosen.state == Channel.State.LOST:
        sentence = _("“%(title)s” has to be connected again under Settings: %(problem)s")
        yield Check("channel", "block", sentence % {"title": chosen.title, "problem": chosen.problem}, "channel")
        return
    yield Check("channel", "ok", _("Goes to “%(title)s”, private until YouTube has processed it.") % {"title": chosen.title})
    try:
        repetition_check(chosen, video, is_wanted=is_repetition)
    except BadInput as error:
        yield Check("again", "block", translated(str(error)), "again")
    yield _allowance(chosen, choice, captions=1 + len(caption_tracks(project)))


def _allowance(channel: Channel, choice: PublishChoice, *, captions: int) -> Check:
    cost = publish_cost(thumbnail=True, captions=captions, playlist=bool(choice.playlist))
    left = quota_left()
    figures = {"units": f"{cost['units']:,}", "left": f"{left['units']:,}", "uploads": left["uploads"]}
    if left["units"] < cost["units"] or left["uploads"] < 1:
        at = date_format(timezone.localtime(quota_full_at(), zone_of(channel)), "H:i")
        sentence = _("Today's allowance of YouTube's API is used up. The upload waits and begins after %(at)s, %(zone)s.")
        return Check("quota", "warn", sentence % {"at": at, "zone": channel.time_zone})
    sentence = _(
        "Takes 1 upload and about %(units)s units of today's allowance; %(uploads)s uploads and %(left)s units are left."
    )
    return Check("quota", "ok", sentence % figures)
