"""The section of the settings page about channels, and words for the calendar."""

import zoneinfo
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from videoflow.pipeline.channels.access import is_registered, quota_full_at, quota_left, reads_statistics
from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.models import Channel, Publication, Theme, YouTubeUpload
from videoflow.pipeline.publishing import LANGUAGES

register = template.Library()
_MISSED = (
    ("next", gettext_lazy("Takes the next free slot")),
    ("publish", gettext_lazy("Becomes public at once")),
    ("hold", gettext_lazy("Stays private until I choose a time")),
)
_KINDS = {
    "scheduled": gettext_lazy("Scheduled at YouTube"),
    "published": gettext_lazy("Published"),
    "queued": gettext_lazy("Waits to be uploaded"),
    "uploading": gettext_lazy("On its way"),
    "draft": gettext_lazy("Draft with a time"),
    "slot": gettext_lazy("Free slot"),
}

_SETTINGS = {
    "title": gettext_lazy("Title"),
    "description": gettext_lazy("Description"),
    "tags": gettext_lazy("Tags"),
    "categoryId": gettext_lazy("Category"),
    "defaultLanguage": gettext_lazy("Language"),
    "defaultAudioLanguage": gettext_lazy("Language of the sound"),
    "privacyStatus": gettext_lazy("Visibility"),
    "publishAt": gettext_lazy("Becomes public on"),
    "license": gettext_lazy("Licence"),
    "embeddable": gettext_lazy("Other sites may embed it"),
    "selfDeclaredMadeForKids": gettext_lazy("Made for kids"),
    "containsSyntheticMedia": gettext_lazy("Altered or synthetic"),
    "recordingDate": gettext_lazy("Recorded on"),
    "hasPaidProductPlacement": gettext_lazy("Paid promotion"),
}


@register.inclusion_tag("pipeline/channels/_section.html", takes_context=True)
def channels_section(context: dict[str, Any]) -> dict[str, Any]:
    """Draw the channels of whoever asks."""
    request = context["request"]
    channels = list(Channel.objects.filter(session__in=request.creator.sessions).order_by("state", "title"))
    for channel in channels:
        channel.days = sorted({day for day, _at in channel.slots})  # type: ignore[attr-defined]
        channel.times = sorted({at for _day, at in channel.slots})  # type: ignore[attr-defined]
    zone = zoneinfo.ZoneInfo(channels[0].time_zone if channels else "UTC")
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "registered": is_registered(),
        "channels": channels,
        "callback": request.build_absolute_uri(reverse("pipeline:channels_callback")),
        "weekdays": list(WEEKDAYS_ABBR.items()),
        "missed_rules": _MISSED,
        "left": quota_left() if channels else {},
        "full_at": f"{date_format(timezone.localtime(quota_full_at(), zone), 'H:i')} {zone}",
        "zones": sorted(zoneinfo.available_timezones()) if channels else [],
    }


@register.filter
def slots_told(channel: Channel) -> str:
    """How many slots a week a channel has."""
    count = len(channel.slots)
    return ngettext("%(count)s slot a week", "%(count)s slots a week", count) % {"count": count} if count else _("no slots")


@register.filter
def entry_told(kind: str) -> str:
    """What stands in the calendar."""
    return str(_KINDS.get(kind, kind))


@register.filter
def setting_told(name: str) -> str:
    """What a setting of a video is called, from its name in YouTube's API: ``title``, ``localizations.es.title``."""
    *path, last = name.split(".")
    told = str(_SETTINGS.get(last, last))
    if not path:
        return told
    return _("%(setting)s in %(language)s") % {"setting": told, "language": LANGUAGES.get(path[-1], path[-1])}


@register.filter
def tells_stay(channel: Channel | None) -> bool:
    """Whether a channel's permission covers how long viewers stay."""
    return channel is not None and reads_statistics(channel)


@register.filter
def upload_of(publication: Publication) -> YouTubeUpload | None:
    """The upload that brought a publication to its channel."""
    return YouTubeUpload.objects.filter(channel=publication.channel_id, remote_id=publication.remote_id).first()


@register.filter
def came_from(publication: Publication) -> str:
    """The script, and the themes where it had some, that a published video was made from."""
    script = publication.video.script
    themes = list(Theme.objects.filter(pk__in=theme_ids_of(script.task)).values_list("label", flat=True))
    told = _("Script “%(title)s”, version %(version)s") % {"title": script.title, "version": script.version}
    if not themes:
        return told
    listed = ", ".join(f"“{label}”" for label in themes)
    return ngettext("%(told)s, from the theme %(listed)s", "%(told)s, from the themes %(listed)s", len(themes)) % {
        "told": told,
        "listed": listed,
    }


@register.filter
def watch_address(remote_id: str) -> str:
    """Where viewers find a video."""
    return f"https://youtu.be/{remote_id}"


@register.filter
def studio_address(channel: Channel) -> str:
    """Where a channel's owner finds its videos."""
    return f"https://studio.youtube.com/channel/{channel.channel_id}/videos"
