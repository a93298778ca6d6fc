"""What a creator chooses for a video that is published: the fields, their choices and defaults, and the list before the start."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.metadata import (
    CHAPTER_SECONDS,
    CHAPTERS_MINIMUM,
    DESCRIPTION_LIMIT_BYTES,
    TAGS_LIMIT,
    TITLE_LIMIT,
    chapters_read,
    clock,
    description_make,
    tags_length,
    tags_make,
    title_make,
)
from videoflow.pipeline.models import Project, Theme, Video
from videoflow.pipeline.thumbnails import DRAWN, ThumbnailChoice
from videoflow.translation import translated

Target = Literal["folder", "youtube", "webhook", "podcast"]
Severity = Literal["ok", "warn", "block"]

TARGETS = {
    "folder": gettext_lazy("A folder of this machine"),
    "youtube": gettext_lazy("YouTube"),
    "podcast": gettext_lazy("The studio's podcast"),
    "webhook": gettext_lazy("The operator's webhook"),
}
OUT_OF_SIGHT: tuple[Target, ...] = ("folder", "podcast")
"""Targets that know no visibility, time, audience or disclosure: the form hides those, so nothing is said of them."""
PRIVACIES = {
    "private": gettext_lazy("Private"),
    "unlisted": gettext_lazy("Unlisted"),
    "public": gettext_lazy("Public"),
}
AUDIENCES = {"general": gettext_lazy("No, it is not made for kids"), "kids": gettext_lazy("Yes, it is made for kids")}
LICENCES = {
    "youtube": gettext_lazy("Standard YouTube licence"),
    "creativeCommon": gettext_lazy("Creative Commons, attribution"),
}
CATEGORIES = {
    "1": gettext_lazy("Film & Animation"),
    "2": gettext_lazy("Autos & Vehicles"),
    "10": gettext_lazy("Music"),
    "15": gettext_lazy("Pets & Animals"),
    "17": gettext_lazy("Sports"),
    "19": gettext_lazy("Travel & Events"),
    "20": gettext_lazy("Gaming"),
    "22": gettext_lazy("People & Blogs"),
    "23": gettext_lazy("Comedy"),
    "24": gettext_lazy("Entertainment"),
    "25": gettext_lazy("News & Politics"),
    "26": gettext_lazy("Howto & Style"),
    "27": gettext_lazy("Education"),
    "28": gettext_lazy("Science & Technology"),
    "29": gettext_lazy("Nonprofits & Activism"),
}
"""YouTube's categories that a video can be put into, by their number in its API."""
CATEGORY_USUAL = "22"
LANGUAGES = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "hi": "हिन्दी",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "ru": "Русский",
    "sv": "Svenska",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh": "中文",
}
PLAYLIST_LIMIT = 150  # characters; YouTube's for a playlist's title


@dataclass(frozen=True, slots=True)
class PublishChoice:
    """Everything that goes with a video."""

    title: str
    description: str
    tags: tuple[str, ...]
    privacy: str = "private"
    publish_at: datetime | None = None
    """When a private video becomes public by itself."""
    audience: str = ""
    """``general`` or ``kids``; empty until somebody has said it."""
    playlist: str = ""
    category: str = CATEGORY_USUAL
    language: str = "en"
    licence: str = "youtube"
    contains_synthetic_media: bool = True
    notify_subscribers: bool = True
    is_embeddable: bool = True
    localizations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Title and description by language."""
    recorded_on: date | None = None
    has_paid_promotion: bool = False
    thumbnail: ThumbnailChoice = field(default_factory=ThumbnailChoice)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list before the start; ``field`` is where it can be mended."""

    name: str
    severity: Severity
    sentence: str
    field: str = ""


def suggestion(project: Project, video: Video) -> dict[str, Any]:
    """Return the form's first values, made from the script, the chapters and the themes."""
    return {
        "target": "folder",
        "channel": "",
        "again": False,
        "embeddable": True,
        "recorded_on": "",
        "paid": False,
        **{f"{name}_{code}": "" for code in LANGUAGES for name in ("title", "description")},
        "title": title_make(video.script),
        "description": description_make(video),
        "tags": ", ".join(tags_make(video.script)),
        "thumb_base": DRAWN,
        "thumb_text": "",
        "thumb_position": "bottom-left",
        "thumb_colour": "#ffffff",
        "playlist": "",
        "audience": "",
        "synthetic": True,
        "language": project.language if project.language in LANGUAGES else "en",
        "category": _category(video),
        "licence": "youtube",
        "notify": True,
        "privacy": "private",
        "publish_at": "",
    }


def _category(video: Video) -> str:
    """Return the category of the first theme that the script is about, where YouTube has it."""
    found = Theme.objects.filter(pk__in=theme_ids_of(video.script.task)[:1]).values_list("category_id", flat=True).first()
    return found if found in CATEGORIES else CATEGORY_USUAL


def preflight(video: Video, choice: PublishChoice, *, target: Target, is_current: bool = True) -> list[Check]:
    """Return the list before the start, in the form's order; a ``block`` holds the publication back.

    What only YouTube asks for blocks there alone. ``is_current``: the video shows the present script, pictures and look.
    """
    return [
        *_quality(video, is_current=is_current),
        *_title(choice.title),
        *_description(choice.description),
        *_chapters(choice.description, video.seconds),
        *_tags(choice.tags),
        *_audience(choice.audience, target),
        *_schedule(choice, target),
        *_recorded(choice, target),
        *_disclosure(choice, target),
        *_translations(choice),
    ]


def _quality(video: Video, *, is_current: bool) -> Iterator[Check]:
    findings = video.quality.get("findings", [])
    reasons = [translated(found["message"]) for found in findings if found["severity"] == "block"]
    if video.quality.get("verdict") == "block":
        sentence = _("This video is not published as it is: %(reasons)s Mend that and compose it again.")
        yield Check("quality", "block", sentence % {"reasons": " ".join(reasons)})
    elif video.quality.get("verdict") == "warn":
        count = len(findings)
        told = ngettext(
            "The video's checks found %(count)s thing to look at; see the report under Video.",
            "The video's checks found %(count)s things to look at; see the report under Video.",
            count,
        )
        yield Check("quality", "warn", told % {"count": count})
    else:
        yield Check("quality", "ok", _("The video passed its checks: picture, sound, captions, length."))
    if not is_current:
        yield Check("current", "warn", _("Something was changed since this video was composed. Compose it again to show it."))


def _title(title: str) -> Iterator[Check]:
    if not title.strip():
        yield Check("title", "block", _("Give the video a title."), "title")
    elif len(title) > TITLE_LIMIT:
        sentence = _("The title has %(size)s characters; %(limit)s are allowed.")
        yield Check("title", "block", sentence % {"size": len(title), "limit": TITLE_LIMIT}, "title")
    elif _has_angles(title):
        yield Check("title", "block", _("The signs < and > are not allowed here. Take them out of the title."), "title")
    else:
        yield Check("title", "ok", _("Title: %(size)s of %(limit)s characters.") % {"size": len(title), "limit": TITLE_LIMIT})


def _description(text: str) -> Iterator[Check]:
    size = len(text.encode())
    figures = {"size": f"{size:,}", "limit": f"{DESCRIPTION_LIMIT_BYTES:,}"}
    if size > DESCRIPTION_LIMIT_BYTES:
        sentence = _("The description has %(size)s bytes; %(limit)s are allowed (an emoji counts as four).")
        yield Check("description", "block", sentence % figures, "description")
    elif _has_angles(text):
        sentence = _("The signs < and > are not allowed here. Take them out of the description.")
        yield Check("description", "block", sentence, "description")
    else:
        yield Check("description", "ok", _("Description: %(size)s of %(limit)s bytes.") % figures)


def _has_angles(text: str) -> bool:
    return "<" in text or ">" in text


def _chapters(description: str, seconds: float) -> Iterator[Check]:
    """YouTube shows no chapters at all when one rule is broken; the video goes up all the same."""
    chapters = chapters_read(description)
    starts = [chapter.start for chapter in chapters]
    lengths = [after - before for before, after in zip(starts, [*starts[1:], seconds], strict=True)] if starts else []
    fault = ""
    if not chapters:
        yield Check("chapters", "ok", _("No chapters in the description."))
        return
    if starts[0] != 0:
        fault = _("The first chapter has to begin at 0:00; it begins at %(at)s.") % {"at": clock(starts[0])}
    elif len(chapters) < CHAPTERS_MINIMUM:
        fault = _("YouTube shows chapters from three on; the description has %(count)s.") % {"count": len(chapters)}
    elif any(length <= 0 for length in lengths[:-1]):
        fault = _("The chapters are not in the order of their times.")
    elif starts[-1] >= seconds:
        fault = _("The chapter at %(at)s lies behind the video's end at %(end)s.") % {
            "at": clock(starts[-1]),
            "end": clock(seconds),
        }
    elif min(lengths) < CHAPTER_SECONDS:
        short = chapters[lengths.index(min(lengths))]
        fault = _("“%(title)s” is shorter than 10 seconds, so YouTube would show no chapters.") % {"title": short.title}
    if fault:
        yield Check("chapters", "warn", fault, "description")
    else:
        yield Check("chapters", "ok", _("%(count)s chapters stand in the description.") % {"count": len(chapters)})


def _tags(tags: tuple[str, ...]) -> Iterator[Check]:
    size = tags_length(tags)
    figures = {"size": size, "limit": TAGS_LIMIT}
    if size > TAGS_LIMIT:
        sentence = _("The tags have %(size)s characters; %(limit)s are allowed. A tag of several words counts two more.")
        yield Check("tags", "block", sentence % figures, "tags")
    elif any(_has_angles(tag) for tag in tags):
        yield Check("tags", "block", _("The signs < and > are not allowed here. Take them out of the tags."), "tags")
    else:
        yield Check("tags", "ok", _("Tags: %(size)s of %(limit)s characters.") % figures)


def _audience(audience: str, target: Target) -> Iterator[Check]:
    if audience:
        yield Check("audience", "ok", _("Audience: said."))
    elif target == "youtube":
        sentence = _("Say whether the video is made for kids: YouTube takes none without that.")
        yield Check("audience", "block", sentence, "audience")


def _schedule(choice: PublishChoice, target: Target) -> Iterator[Check]:
    if choice.publish_at is None or target in OUT_OF_SIGHT:
        return
    if choice.publish_at <= timezone.now():
        sentence = _("The time of publication has passed. Choose a later one, or none.")
        yield Check("schedule", "block" if target == "youtube" else "warn", sentence, "publish_at")
    elif choice.privacy != "private":
        sentence = _("A video with a time of publication has to be private until then.")
        yield Check("schedule", "block" if target == "youtube" else "warn", sentence, "privacy")
    else:
        at = choice.publish_at.astimezone(UTC)
        yield Check("schedule", "ok", _("Becomes public on %(day)s UTC.") % {"day": f"{at.day} {at:%b %Y, %H:%M}"})


def _recorded(choice: PublishChoice, target: Target) -> Iterator[Check]:
    if target in OUT_OF_SIGHT:
        return
    if choice.recorded_on is not None and choice.recorded_on > timezone.now().date():
        sentence = _("The day of recording is still to come. Choose an earlier one, or none.")
        yield Check("recorded", "block" if target == "youtube" else "warn", sentence, "recorded_on")


def _disclosure(choice: PublishChoice, target: Target) -> Iterator[Check]:
    if target not in OUT_OF_SIGHT and not choice.contains_synthetic_media:
        sentence = _("The voices are synthetic. YouTube asks that realistic altered content is disclosed.")
        yield Check("synthetic", "warn", sentence, "synthetic")


def _translations(choice: PublishChoice) -> Iterator[Check]:
    """Each fault of a translation, and how many there are without one."""
    right = 0
    for code, (title, description) in choice.localizations.items():
        faults = list(_translation(code, title, description, own=choice.language))
        yield from faults
        right += not faults
    if right:
        told = ngettext(
            "Title and description stand in %(count)s more language.",
            "Title and description stand in %(count)s more languages.",
            right,
        )
        yield Check("translations", "ok", told % {"count": right})


def _translation(code: str, title: str, description: str, *, own: str) -> Iterator[Check]:
    facts: dict[str, object] = {"name": LANGUAGES.get(code, code), "limit": TITLE_LIMIT, "size": len(title)}
    size = len(description.encode())
    if code == own:
        sentence = _(
            "%(name)s is the video's own language, so this translation is not sent. Empty it, or choose another language."
        )
        yield Check("translation", "warn", sentence % facts, f"title_{code}")
        return
    if not title:
        yield Check("translation", "block", _("The translation into %(name)s needs a title.") % facts, f"title_{code}")
    elif len(title) > TITLE_LIMIT:
        sentence = _("The title in %(name)s has %(size)s characters; %(limit)s are allowed.")
        yield Check("translation", "block", sentence % facts, f"title_{code}")
    elif _has_angles(title):
        sentence = _("The signs < and > are not allowed here. Take them out of the title in %(name)s.")
        yield Check("translation", "block", sentence % facts, f"title_{code}")
    if size > DESCRIPTION_LIMIT_BYTES:
        sentence = _("The description in %(name)s has %(size)s bytes; %(limit)s are allowed (an emoji counts as four).")
        figures = {**facts, "size": f"{size:,}", "limit": f"{DESCRIPTION_LIMIT_BYTES:,}"}
        yield Check("translation", "block", sentence % figures, f"description_{code}")
    elif _has_angles(description):
        sentence = _("The signs < and > are not allowed here. Take them out of the description in %(name)s.")
        yield Check("translation", "block", sentence % facts, f"description_{code}")


def publish_metadata(choice: PublishChoice) -> dict[str, Any]:
    """Return what was chosen as it stands in the published metadata."""
    at = choice.publish_at.astimezone(UTC).isoformat().replace("+00:00", "Z") if choice.publish_at else None
    return {
        "privacy": choice.privacy,
        "publish_at": at,
        "made_for_kids": {"kids": True, "general": False}.get(choice.audience),
        "playlist": choice.playlist,
        "category": {"id": choice.category, "name": str(CATEGORIES.get(choice.category, ""))},
        "language": choice.language,
        "licence": choice.licence,
        "contains_synthetic_media": choice.contains_synthetic_media,
        "notify_subscribers": choice.notify_subscribers,
        "embeddable": choice.is_embeddable,
        "recorded_on": choice.recorded_on.isoformat() if choice.recorded_on else None,
        "paid_promotion": choice.has_paid_promotion,
        "localizations": {name: {"title": title, "description": text} for name, (title, text) in choice.localizations.items()},
    }
