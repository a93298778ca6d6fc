"""When a channel publishes: weekly slots in its own time zone."""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from videoflow.errors import BadInput
from videoflow.pipeline.models import Channel

SLOTS_MOST = 21
_LOOK_DAYS = 60
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def zone_of(channel: Channel) -> ZoneInfo:
    return ZoneInfo(channel.time_zone)


def slots_clean(slots: Collection[tuple[int, str]]) -> list[list[int | str]]:
    """Return slots in the order of the week, each once.

    Raises:
        BadInput: not a weekday and a time, or more than three a day.
    """
    if any(not 0 <= weekday <= 6 or not _TIME.fullmatch(at) for weekday, at in slots):
        raise BadInput(_("A slot is a day of the week and a time such as 18:00."))
    if len(set(slots)) > SLOTS_MOST:
        raise BadInput(_("A channel has at most 21 slots a week."))
    return [[weekday, at] for weekday, at in sorted(set(slots))]


def slots_between(channel: Channel, first: date, last: date) -> Iterator[datetime]:
    """Yield the slots of some days in UTC; a time that the clocks leave out is taken an hour later, as the clock shows it."""
    day = first
    while day <= last:
        for weekday, at in channel.slots:
            if weekday == day.weekday():
                hour, minute = map(int, str(at).split(":"))
                yield datetime.combine(day, time(hour, minute), zone_of(channel)).astimezone(UTC)
        day += timedelta(days=1)


def slot_next(channel: Channel, *, after: datetime, taken: Collection[datetime] = ()) -> datetime | None:
    """Return the channel's first free slot after a time; None when it has none within two months."""
    start = after.astimezone(zone_of(channel)).date()
    for at in slots_between(channel, start, start + timedelta(days=_LOOK_DAYS)):
        if at > after and at not in taken:
            return at
    return None
