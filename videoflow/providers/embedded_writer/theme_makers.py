"""Who made a theme's videos and how they look: channels, tags, weekdays, titles, and each video by itself."""

from collections import Counter
from collections.abc import Iterator

from videoflow.providers.base import Cue, Datum
from videoflow.providers.embedded_writer.figures import day_of, say_count, say_list, say_several, say_weekday
from videoflow.providers.embedded_writer.stock import Said
from videoflow.providers.embedded_writer.theme_facts import Angle, ThemeFacts
from videoflow.providers.embedded_writer.titles import clean_channel, clean_title


def maker_angles(about: ThemeFacts) -> Iterator[Angle]:
    """Channels, tags, weekdays and the look of the titles."""
    videos = about.theme.videos
    channels = Counter(clean_channel(video.channel) for video in videos)
    spoken = [name for name, _ in channels.most_common() if name]
    if len(videos) > 2 and len(spoken) == len(channels) == about.theme.channels:
        top, times = spoken[0], channels[spoken[0]]
        key = about.record.add(
            f"{about.key}:channels",
            "theme",
            f"Channels of the theme: {', '.join(f'{name} ({count} videos)' for name, count in channels.most_common())}; "
            f"{len(videos)} videos of {len(channels)} channels.",
            data=tuple(Datum(name, count, "videos") for name, count in channels.most_common(6)),
        )
        facts = {
            "channel_top": Said(top, (key,)),
            "n_top": Said(_times(times), (key,)),
            "channel_list": Said(say_list(spoken[:3]), (key,)),
        }
        flag = "one_channel" if len(channels) == 1 else "all_different" if len(channels) == len(videos) else "repeaters"
        yield about.angle("breadth", facts, {flag}, list=Cue("list", "Who made them", items=tuple(spoken[:5])))
    tags = Counter(tag.strip().lower() for video in videos for tag in set(video.tags))
    own = {name.lower() for name in spoken}
    common = [
        (tag, count)
        for tag, count in tags.most_common(40)
        if count >= 2 and tag not in own and clean_title(tag).lower() == tag and 1 <= len(tag.split()) <= 4
    ]
    if len(common) >= 3 and len(videos) >= 3:
        tag, count = common[0]
        more = [name for name, _ in common[1:4]]
        text = f"Tags: “{tag}” stands on {count} of {len(videos)} videos; others: {', '.join(name for name, _ in common[1:4])}."
        key = about.record.add(f"{about.key}:tags", "theme", text, data=tuple(Datum(n, c, "videos") for n, c in common[:6]))
        facts = {
            "tag": Said(tag, (key,)),
            "tag_count": Said(say_count(count), (key,)),
            "tag_list": Said(say_list([f"“{name}”" for name in more[:2]]), (key,)),
        }
        yield about.angle("tags", facts, list=Cue("list", "Shared tags", items=tuple(name for name, _ in common[:5])))
    yield from _weekday(about)
    yield from _title_shape(about)


def _weekday(about: ThemeFacts) -> Iterator[Angle]:
    videos = about.theme.videos
    days = Counter(say_weekday(video.published_at) for video in videos if day_of(video.published_at))
    if sum(days.values()) == len(videos) >= 4 and (best := days.most_common(2)) and best[0][1] >= 2:
        if len(best) > 1 and best[0][1] == best[1][1]:
            return
        day, count = best[0]
        key = about.record.add(
            f"{about.key}:weekday",
            "theme",
            f"{count} of the {len(videos)} videos were published on a {day}.",
            data=tuple(Datum(name, number, "videos") for name, number in days.most_common()),
        )
        facts = {"w_day": Said(day, (key,), Datum(day, count, "videos")), "w_count": Said(say_count(count), (key,))}
        yield about.angle("weekday", facts)


def _title_shape(about: ThemeFacts) -> Iterator[Angle]:
    videos = about.theme.videos
    if len(videos) < 3:
        return
    asking = sum(1 for video in videos if video.title.rstrip(" \"'”’").endswith("?"))
    loud = sum(1 for video in videos if video.title.isupper())
    lengths = sorted((len(video.title.split()), video.video_id) for video in videos)
    whole = [entry for entry in about.named if entry.title.lower() == entry.video.title.strip(" .!").lower()]
    short = next((entry for entry in whole if len(entry.title.split()) == lengths[0][0]), None)
    words = (lengths[0][0], lengths[-1][0])
    key = about.record.add(
        f"{about.key}:titles",
        "theme",
        f"The shortest title has {words[0]} words, the longest {words[1]}; {asking} of {len(videos)} end with a "
        "question mark, "
        f"{loud} are all capitals.",
        data=(Datum("Shortest title", words[0], "words"), Datum("Longest title", words[1], "words")),
    )
    facts = {"q_count": Said(say_count(asking), (key,), Datum("Titles that ask", asking, "videos"))} if asking >= 2 else {}
    facts |= {"caps_count": Said(say_count(loud), (key,), Datum("Titles in capitals", loud, "videos"))} if loud >= 2 else {}
    if words[1] >= words[0] + 3:
        facts["long_words"] = Said(say_several(words[1], "word"), (key,))
        facts["short_words"] = Said(say_several(words[0], "word"), (key,))
        if short is not None:
            facts["short_title"] = Said(f"“{short.title}”", (key, about.video_key(short)))
    flags = {flag for flag, count in (("questions", asking), ("shouting", loud)) if count >= 2}
    pair = about.versus(
        Datum("Longest title", words[1], "words"), Datum("Shortest title", words[0], "words"), heading="Words in the title"
    )
    yield about.angle("title_shape", facts, flags, comparison=pair, **({"quote": about.quote(short)} if short else {}))


def profile_angles(about: ThemeFacts) -> Iterator[Angle]:
    """Each video below the two leaders, and pairs to guess at."""
    for entry in about.named[2:]:
        facts = {**about.of_video(entry), **about.details(entry)}
        yield about.angle("profile", facts, quote=about.quote(entry))


def pair_angles(about: ThemeFacts) -> Iterator[Angle]:
    """Two videos to guess between; the first named wins or loses."""
    entries = about.named[1:]
    for number, (high, low) in enumerate(zip(entries[::2], entries[1::2], strict=False)):
        if high.video.views < 1.1 * low.video.views:
            continue
        left, right = (high, low) if number % 2 == 0 else (low, high)
        facts = {**about.of_video(left, prefix="left_"), **about.of_video(right, prefix="right_")}
        pair = about.versus(*about.data_of(left, right))
        yield about.angle("pick", facts, {"left_wins" if left is high else "right_wins"}, comparison=pair)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{say_count(count)} times")
