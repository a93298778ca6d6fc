"""What moved in a theme (growth, dates, staying power) and where it stands beside its category and the other themes."""

from collections.abc import Iterator
from datetime import date

from videoflow.providers.base import Cue, Datum, Theme
from videoflow.providers.embedded_writer.figures import (
    day_of,
    say_day,
    say_figure,
    say_ordinal,
    say_percent,
    say_several,
    say_times,
)
from videoflow.providers.embedded_writer.stock import Said
from videoflow.providers.embedded_writer.theme_facts import Angle, NamedVideo, ThemeFacts, label_shown, label_spoken


def _gain(entry: NamedVideo) -> int:
    return entry.video.days[-1][1] - entry.video.days[0][1] if len(entry.video.days) > 1 else 0


def _days_between(first: str, last: str) -> int:
    start, end = day_of(first), day_of(last)
    return (end - start).days if start and end else 0


def growth_angles(facts: ThemeFacts) -> Iterator[Angle]:
    """Gains in views and in percent, the pace, and the rate by the minute."""
    grown = sorted(
        (entry for entry in facts.named if _gain(entry) > 0 and entry.video.days[0][1] > 0), key=lambda entry: -_gain(entry)
    )
    grown = [entry for entry in grown if _days_between(entry.video.days[0][0], entry.video.days[-1][0]) > 0]
    for number, entry in enumerate(grown[:4]):
        yield _growth(facts, entry, is_most=number == 0 and len(grown) > 1)
    if grown:
        yield from _pace(facts, grown[0])
    if len(grown) > 2:
        entry = max(grown, key=lambda item: _gain(item) / item.video.days[0][1])
        if entry is not grown[0] and entry is not facts.named[0]:
            start, end = entry.video.days[0][1], entry.video.days[-1][1]
            percent = 100 * _gain(entry) / start
            key = facts.record.add(
                f"{entry.key}:percent",
                "video",
                f"“{entry.title}” grew by {percent:.1f} percent, from {start:,} to {end:,} {facts.unit}.",
                data=(Datum(entry.title, percent, "%"), Datum("start", start, facts.unit), Datum("end", end, facts.unit)),
                url=entry.video.url,
            )
            said = {
                **facts.of_video(entry, prefix="p_"),
                "p_pct": Said(say_percent(percent), (key,), Datum(entry.title, percent, "%")),
                "p_start": facts.count(start, (key,), entry.title),
                "p_end": facts.count(end, (key,), entry.title),
            }
            rivals = (entry, grown[0])
            pair = facts.versus(
                *(Datum(item.title, 100 * _gain(item) / item.video.days[0][1], "%") for item in rivals),
                heading="Growth in percent",
            )
            yield facts.angle("growth_pct", said, line=facts.line(entry), comparison=pair)
    per_day = facts.theme.views_gained_per_day
    if per_day and per_day >= 14_400:
        minute = per_day / 1440
        key = facts.record.add(
            f"{facts.key}:minute",
            "theme",
            f"The theme gains {per_day:,.0f} {facts.unit} a day, {minute:,.1f} a minute.",
            data=(Datum("a day", per_day, facts.unit), Datum("a minute", minute, facts.unit)),
        )
        yield facts.angle(
            "per_minute",
            {
                "per_day": facts.count(per_day, (key,), "a day"),
                "per_minute": Said(say_figure(minute), (key,), Datum("every minute", minute, facts.unit)),
            },
        )


def _growth(facts: ThemeFacts, entry: NamedVideo, *, is_most: bool) -> Angle:
    (first_day, start), (last_day, end) = entry.video.days[0], entry.video.days[-1]
    per_day = (end - start) / _days_between(first_day, last_day)
    key = (
        facts.record.add(
            f"{entry.key}:growth",
            "video",
            f"“{entry.title}” had {start:,} {facts.unit} on {say_day(first_day)} and {end:,} on {say_day(last_day)}: "
            f"{end - start:,} more, "
            f"{per_day:,.0f} a day.",
            data=(
                *(Datum(entry.title, views, facts.unit, day) for day, views in entry.video.days),
                Datum("gain", end - start, facts.unit),
                Datum("a day", per_day, facts.unit),
            ),
            url=entry.video.url,
        ),
    )
    said = {
        **facts.of_video(entry, prefix="g_"),
        "g_from": Said(say_day(first_day), key),
        "g_to": Said(say_day(last_day), key),
        "g_start": Said(say_figure(start), key, Datum(entry.title, start, facts.unit)),
        "g_end": facts.count(end, key, entry.title),
        "g_gain": facts.count(end - start, key, "Gained"),
        "g_per_day": facts.count(per_day, key, "A day"),
    }
    flags = {"doubled"} if end > 2.05 * start else set()
    if is_most:
        flags.add("most")
    return facts.angle("growth", said, flags, line=facts.line(entry), quote=facts.quote(entry))


def _pace(facts: ThemeFacts, entry: NamedVideo) -> Iterator[Angle]:
    steps = [
        (after[1] - before[1]) / days
        for before, after in zip(entry.video.days, entry.video.days[1:], strict=False)
        if (days := _days_between(before[0], after[0])) > 0
    ]
    if len(steps) < 2 or min(steps) <= 0:
        return
    first, last = steps[0], steps[-1]
    flag = "slowing" if last < 0.8 * first else "speeding" if last > 1.25 * first else ""
    if flag:
        key = (
            facts.record.add(
                f"{entry.key}:pace",
                "video",
                f"“{entry.title}” gained {first:,.0f} {facts.unit} a day at the start of the window and {last:,.0f} a "
                "day at its end.",
                data=(Datum("First days", first, facts.unit), Datum("Last days", last, facts.unit)),
                url=entry.video.url,
            ),
        )
        said = {
            **facts.of_video(entry, prefix="g_"),
            "first_gain": facts.count(first, key, "At the start"),
            "last_gain": Said(say_figure(last), key, Datum("At the end", last, facts.unit)),
        }
        yield facts.angle("pace", said, {flag}, line=facts.line(entry))


def date_angles(facts: ThemeFacts) -> Iterator[Angle]:
    """Newest and oldest, how soon after publishing a video was listed, and who stayed longest."""
    dated = [(day, entry) for entry in facts.named if (day := day_of(entry.video.published_at))]
    if len(dated) >= 2 and len(dated) == len(facts.named):
        (old_day, oldest), (new_day, newest) = min(dated, key=_by_day), max(dated, key=_by_day)
        if (new_day - old_day).days >= 1:
            said = {**facts.of_video(oldest, prefix="o_"), **facts.of_video(newest, prefix="n_")}
            said["o_date"] = Said(say_day(oldest.video.published_at), (oldest.key,))
            said["n_date"] = Said(say_day(newest.video.published_at), (newest.key,))
            points = tuple(
                Datum(entry.title, entry.video.views, facts.unit, day.isoformat())
                for day, entry in sorted(dated, key=_by_day)[:6]
            )
            yield facts.angle("dates_new", said, ranking=Cue("ranking", "In order of publication", data=points))
    quick = [
        (delay, entry)
        for day, entry in dated
        if entry.video.days and (listed := day_of(entry.video.days[0][0])) and 0 <= (delay := (listed - day).days) <= 2
    ]
    if quick:
        delay, entry = min(quick, key=lambda item: (item[0], -item[1].video.views))
        listed_on = entry.video.days[0][0]
        key = facts.record.add(
            f"{entry.key}:listed",
            "video",
            f"“{entry.title}” was published on {say_day(entry.video.published_at)} and is listed from {say_day(listed_on)} on.",
            data=(Datum("days until listed", delay, "days", listed_on),),
            url=entry.video.url,
        )
        said = {
            **facts.of_video(entry, prefix="d_"),
            "d_date": Said(say_day(entry.video.published_at), (key,), Datum("Days until listed", delay, "days")),
            "d_listed": Said(("the same day", "the next day")[delay] if delay < 2 else f"on {say_day(listed_on)}", (key,)),
        }
        yield facts.angle("delay", said, quote=facts.quote(entry))
    if len(facts.named) >= 3:
        entry = max(facts.named, key=lambda item: (len(item.video.days), item.video.views))
        days = len(entry.video.days)
        if days >= 3:
            key = facts.record.add(
                f"{entry.key}:days",
                "video",
                f"“{entry.title}” is listed on {days} days, the last count being {entry.video.days[-1][1]:,}.",
                data=(Datum(entry.title, days, "days"), Datum("last count", entry.video.days[-1][1], facts.unit)),
                url=entry.video.url,
            )
            said = {
                **facts.of_video(entry, prefix="s_"),
                "s_days": Said(say_several(days, "day"), (key,), Datum(entry.title, days, "days on the list")),
                "s_views": facts.count(entry.video.days[-1][1], (key,), entry.title),
            }
            yield facts.angle("listed", said)


def _by_day(item: tuple[date, NamedVideo]) -> date:
    return item[0]


def category_angle(facts: ThemeFacts) -> Iterator[Angle]:
    """The category that the theme belongs to, and its part of it."""
    theme, unit = facts.theme, facts.unit
    found = next((item for item in facts.analysis.categories if item.category_id == theme.category_id), None)
    if found is None or found.views < theme.views or found.views == 0:
        return
    share = 100 * theme.views / found.views
    key = (
        facts.record.add(
            f"category:{found.category_id}",
            "category",
            f"{found.name} is category number {found.rank} ({say_ordinal(found.rank)}) of the file: {found.videos:,} "
            f"videos of {found.channels:,} "
            f"channels with {found.views:,} {unit}.",
            data=(
                Datum(found.name, found.views, unit),
                Datum("videos", found.videos, "videos"),
                Datum("channels", found.channels, "channels"),
                Datum("rank", found.rank),
            ),
        ),
    )
    part = facts.record.add(
        f"{facts.key}:category",
        "category",
        f"“{facts.label}” has {share:.1f} percent of the {unit} of {found.name}.",
        data=(Datum(facts.label, theme.views, unit), Datum(found.name, found.views, unit), Datum("share", share, "%")),
    )
    said = {
        "cat_views": facts.count(found.views, key, found.name),
        "cat_share": Said(say_percent(share), (part,), Datum(facts.label, share, "%")),
        "cat_videos": Said(say_several(found.videos, "video"), key),
        "cat_channels": Said(say_several(found.channels, "channel"), key),
        "cat_rank": Said(say_ordinal(found.rank), key),
        "cat_most": Said("most watched" if found.rank == 1 else f"{say_ordinal(found.rank)} most watched", key),
    }
    pair = facts.versus(Datum(facts.label, theme.views, unit), Datum(found.name, found.views, unit), heading=found.name)
    yield facts.angle("category", said, comparison=pair)


def beside(facts: ThemeFacts, other: Theme, *, move: str) -> Angle | None:
    """The theme beside one that was covered (``versus``) or is only in the report (``sibling``, ``elsewhere``)."""
    if not other.views or not facts.theme.views or label_shown(other.label) == facts.label:
        return None
    unit = facts.unit
    other_key = (
        facts.record.add(
            f"theme:{other.category_id}:{other.rank}",
            "theme",
            f"Theme “{label_shown(other.label)}” in {other.category}: {other.views:,} {unit}.",
            data=(Datum(label_shown(other.label), other.views, unit),),
        ),
    )
    ratio = max(facts.theme.views, other.views) / min(facts.theme.views, other.views)
    both = (Datum(facts.label, facts.theme.views, unit), Datum(label_shown(other.label), other.views, unit))
    key = facts.record.add(
        f"{facts.key}:beside:{other.category_id}:{other.rank}",
        "theme",
        f"“{facts.label}” has {facts.theme.views:,} {unit}, “{label_shown(other.label)}” {other.views:,}: {ratio:.2f} times "
        f"({say_times(ratio)}).",
        data=both,
    )
    said = {
        "other": Said(label_spoken(other.label)),
        "other_category": Said(other.category),
        "other_total": facts.count(other.views, other_key, label_shown(other.label)),
        "versus_times": Said(say_times(ratio), (key,)),
    }
    flags = {"versus_more" if facts.theme.views > other.views else "versus_less"} if ratio >= 1.1 else set()
    return facts.angle(move, said, flags, comparison=facts.versus(*both, heading="Side by side"))
