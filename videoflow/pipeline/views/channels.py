"""Channels: connected, looked after and let go; the calendar of what goes out when; the podcast's feed."""

import zoneinfo
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.channels.calendar import entries, entry_move, month_days
from videoflow.pipeline.channels.connect import answer_read, channel_disconnect, connect_begin, connect_finish, zone_known
from videoflow.pipeline.channels.slots import slots_clean
from videoflow.pipeline.models import Channel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

_HERE = ("localhost", "127.0.0.1", "::1")
_UTC = zoneinfo.ZoneInfo("UTC")


def _back() -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('pipeline:settings')}#channels")


def callback_address(request: Request) -> tuple[str, bool]:
    """Return where Google sends the browser, and whether that is this very studio.

    Google takes plain http for the browser's own machine only. For a studio elsewhere in the network the browser ends on an
    address that does not open, and its owner pastes that.
    """
    here = request.build_absolute_uri(reverse("pipeline:channels_callback"))
    parts = urlsplit(here)
    if parts.scheme == "https" or parts.hostname in _HERE:
        return here, True
    return f"http://127.0.0.1:{parts.port or 80}{parts.path}", False


@require_POST
@never_cache
def connect(request: Request) -> HttpResponse:
    """The page that leads to Google; a form may not be sent there itself."""
    address, is_here = callback_address(request)
    try:
        consent = connect_begin(
            session=request.creator.session,
            browser=request.creator.token(),
            redirect_uri=address,
            zone=request.POST.get("zone", "UTC"),
        )
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
        return _back()
    return render(request, "pipeline/channels/connect.html", {"consent": consent, "is_here": is_here, "callback": address})


def _finish(request: Request, answer: dict[str, str]) -> HttpResponse:
    try:
        channel = connect_finish(browser=request.creator.cookie, answer=answer)
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    else:
        messages.success(request, _("“%(title)s” is connected.") % {"title": channel.title})
    return _back()


@require_safe
@never_cache
def callback(request: Request) -> HttpResponse:
    """Google sent the browser back."""
    return _finish(request, {name: request.GET[name] for name in ("state", "code", "error") if name in request.GET})


@require_POST
def paste(request: Request) -> HttpResponse:
    """The address that did not open, as its owner pasted it."""
    return _finish(request, answer_read(request.POST.get("address", "")[:4000]))


def _channel(request: Request, channel_id: UUID) -> Channel:
    return get_object_or_404(
        Channel.objects.filter(session__in=request.creator.sessions).select_related("session"), pk=channel_id
    )


@require_POST
def disconnect(request: Request, channel_id: UUID) -> HttpResponse:
    """Give the permission back."""
    channel = _channel(request, channel_id)
    said = {
        "given_back": _("“%(title)s” is disconnected; the permission was given back."),
        "kept": _("“%(title)s” is disconnected here. It is connected elsewhere in this studio, so Google keeps the permission."),
        "untold": _(
            "“%(title)s” is forgotten here. Google could not be told: remove the studio at myaccount.google.com/permissions."
        ),
    }
    released = channel_disconnect(channel)
    tell = messages.warning if released == "untold" else messages.success
    tell(request, said[released] % {"title": channel.title})
    return _back()


@require_POST
def edit(request: Request, channel_id: UUID) -> HttpResponse:
    """Keep a channel's slots, its time zone, and what happens to a missed time."""
    channel = _channel(request, channel_id)
    days = [int(day) for day in request.POST.getlist("day") if day in set("0123456")]
    times = [at.strip() for at in request.POST.get("times", "").replace(";", ",").split(",") if at.strip()]
    try:
        if bool(days) != bool(times):
            raise BadInput(_("Tick the days and give at least one time such as 18:00; or neither, for no slots."))
        channel.slots = slots_clean([(day, at.zfill(5)) for day in days for at in times])
    except BadInput as error:
        messages.error(request, translated(str(error)))
        return _back()
    channel.time_zone = zone_known(request.POST.get("zone", "UTC"))
    if request.POST.get("missed") in Channel.MissedRule.values:
        channel.missed_rule = request.POST["missed"]
    channel.save(update_fields=["slots", "time_zone", "missed_rule"])
    messages.success(request, _("Saved."))
    return _back()


@require_safe
@never_cache
def calendar(request: Request) -> HttpResponse:
    """A month of what goes out, in the time zone of the creator's first channel."""
    first_channel = Channel.objects.filter(session__in=request.creator.sessions).order_by("state", "title").first()
    zone = zoneinfo.ZoneInfo(first_channel.time_zone) if first_channel else _UTC
    today = timezone.localtime(timezone.now(), zone).date()
    month = _month(request.GET.get("month", ""), today)
    days = month_days(month)
    begin, end = (datetime.combine(day, time(0), zone) for day in (days[0], days[-1] + timedelta(days=1)))
    found = [(timezone.localtime(entry.at, zone), entry) for entry in entries(request.creator.sessions, begin, end)]
    sheet = [
        {
            "day": day,
            "is_today": day == today,
            "is_past": day < today,
            "is_other": day.month != month.month,
            "entries": [(at, entry) for at, entry in found if at.date() == day],
        }
        for day in days
    ]
    context = {
        "weeks": [sheet[start : start + 7] for start in range(0, len(sheet), 7)],
        "month": month,
        "before": (month - timedelta(days=1)).replace(day=1),
        "after": (month + timedelta(days=32)).replace(day=1),
        "zone": str(zone),
        "channel": first_channel,
        "kinds": ("scheduled", "queued", "uploading", "draft", "published", "slot"),
        "count": sum(entry.kind != "slot" for _, entry in found),
    }
    return render(request, "pipeline/channels/calendar.html", context)


def _month(text: str, today: date) -> date:
    try:
        day = parse_date(f"{text[:7]}-01")
    except ValueError:
        day = None
    return day if day is not None and 2000 <= day.year <= 2200 else today.replace(day=1)


@require_POST
def calendar_move(request: Request) -> HttpResponse:
    """Give something in the calendar another time, in the calendar's time zone."""
    zone = zoneinfo.ZoneInfo(zone_known(request.POST.get("zone", "UTC")))
    month = request.POST.get("month", "")[:7]
    try:
        try:
            at = parse_datetime(request.POST.get("at", "")[:40])
        except ValueError:
            at = None
        if at is None or not 2000 <= at.year <= 2200:
            raise BadInput(_("Give a day and a time."))
        aware = at if at.tzinfo else at.replace(tzinfo=zone)
        said = entry_move(
            sessions=request.creator.sessions, kind=request.POST.get("kind", ""), key=request.POST.get("key", ""), at=aware
        )
        messages.success(request, said)
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return redirect(f"{reverse('pipeline:calendar')}{f'?month={month}' if month else ''}")
