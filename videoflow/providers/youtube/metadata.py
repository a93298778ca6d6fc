"""A video's metadata as YouTube's API wants it, and what differs in what it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from videoflow.providers.youtube.errors import YouTubeRefused
from videoflow.sentences import Sentence

TITLE_LIMIT = 100
DESCRIPTION_LIMIT_BYTES = 5000
TAGS_LIMIT = 500
PARTS = ("snippet", "status", "localizations", "recordingDetails", "paidProductPlacementDetails")
"""What is written, and read back."""
_LOCKED = "YouTube locked it to private: the Google project behind this studio has not been audited by YouTube."


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """All that a creator sets for a video."""

    title: str
    description: str
    tags: tuple[str, ...]
    category: str
    language: str
    privacy: str
    publish_at: datetime | None
    made_for_kids: bool
    contains_synthetic_media: bool
    licence: str
    is_embeddable: bool = True
    localizations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Title and description by language."""
    languages_dropped: frozenset[str] = frozenset()
    """Those whose translation was sent once and is to be gone; what others added at YouTube stays."""
    recorded_on: date | None = None
    has_paid_promotion: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that YouTube has otherwise than it was wanted."""

    field: str
    wanted: str
    stored: str
    why: str = ""


def marker_file_name(marker: str) -> str:
    return f"videoflow-{marker}.mp4"


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def limits_check(facts: VideoFacts) -> None:
    """Refuse what YouTube would refuse, before anything is sent.

    Raises:
        YouTubeRefused: with the reason that YouTube would give.
    """
    texts = {"": (facts.title, facts.description), **facts.localizations}
    for language, (title, description) in texts.items():
        where = f" ({language})" if language else ""
        if not 1 <= len(title) <= TITLE_LIMIT or _has_angles(title):
            raise YouTubeRefused(
                Sentence("The title%(where)s needs 1 to 100 characters and no < or >.", where=where),
                reason="invalidTitle",
                status=400,
            )
        if len(description.encode()) > DESCRIPTION_LIMIT_BYTES or _has_angles(description):
            said = Sentence("The description%(where)s may have 5,000 bytes and no < or >.", where=where)
            raise YouTubeRefused(said, reason="invalidDescription", status=400)
    size = sum(len(tag) + (2 if " " in tag else 0) for tag in facts.tags) + max(0, len(facts.tags) - 1)
    if size > TAGS_LIMIT:
        raise YouTubeRefused(
            Sentence("The tags have %(size)s characters; 500 are allowed.", size=size), reason="invalidTags", status=400
        )


def _has_angles(text: str) -> bool:
    return "<" in text or ">" in text


def insert_body(facts: VideoFacts, marker: str) -> dict[str, Any]:
    """Return the first, private form of the video, with its marker for the only tag; the second step gives it the rest."""
    body = _body(facts)
    body["snippet"]["tags"] = [marker]
    body["status"] |= {"privacyStatus": "private"}
    body["status"].pop("publishAt", None)
    return body


def update_body(video_id: str, facts: VideoFacts, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the video as it is wanted, whole: what an update leaves out of a part, it erases.

    Translations, the day of recording and paid promotion are parts of their own, sent only where YouTube has them otherwise.
    """
    body = {"id": video_id, **_body(facts)}
    body.pop("localizations", None)
    has = _localizations(stored)
    gone = facts.languages_dropped | {facts.language}
    wanted = {language: texts for language, texts in has.items() if language not in gone} | _translations(facts)
    if wanted != has:
        body["localizations"] = wanted
    if _recorded_on(stored) != _day(facts.recorded_on):
        body["recordingDetails"] = {"recordingDate": f"{facts.recorded_on}T00:00:00Z"} if facts.recorded_on else {}
    if _is_paid(stored) != facts.has_paid_promotion:
        body["paidProductPlacementDetails"] = {"hasPaidProductPlacement": facts.has_paid_promotion}
    return body


def parts_of(body: Mapping[str, Any]) -> str:
    return ",".join(name for name in PARTS if name in body)


def stored_of(video: Mapping[str, Any]) -> dict[str, Any]:
    """Return what YouTube has of all that is written."""
    return {part: video.get(part, {}) for part in PARTS}


def _translations(facts: VideoFacts) -> dict[str, dict[str, str]]:
    """Return the translations to send; one into the video's own language is none."""
    return {
        language: {"title": title, "description": description}
        for language, (title, description) in facts.localizations.items()
        if language != facts.language
    }


def _localizations(stored: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the translations that YouTube has; it lists title and description in the video's own language among them."""
    own = stored.get("snippet", {}).get("defaultLanguage")
    return {
        language: {"title": str(texts.get("title", "")), "description": str(texts.get("description", ""))}
        for language, texts in stored.get("localizations", {}).items()
        if language != own
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _recorded_on(stored: Mapping[str, Any]) -> str:
    return str(stored.get("recordingDetails", {}).get("recordingDate") or "")[:10]


def _is_paid(stored: Mapping[str, Any]) -> bool:
    return bool(stored.get("paidProductPlacementDetails", {}).get("hasPaidProductPlacement"))


def _body(facts: VideoFacts) -> dict[str, Any]:
    status: dict[str, Any] = {
        "privacyStatus": facts.privacy,
        "license": facts.licence,
        "embeddable": facts.is_embeddable,
        "selfDeclaredMadeForKids": facts.made_for_kids,
        "containsSyntheticMedia": facts.contains_synthetic_media,
    }
    if facts.publish_at is not None:
        status |= {"privacyStatus": "private", "publishAt": moment(facts.publish_at)}
    body: dict[str, Any] = {
        "snippet": {
            "title": facts.title,
            "description": facts.description,
            "tags": list(facts.tags),
            "categoryId": facts.category,
            "defaultLanguage": facts.language,
            "defaultAudioLanguage": facts.language,
        },
        "status": status,
    }
    if translations := _translations(facts):
        body["localizations"] = translations
    return body


def differences(facts: VideoFacts, stored: Mapping[str, Any]) -> list[Difference]:
    """Return what YouTube has otherwise, from ``videos.list`` of all PARTS."""
    wanted, found = _body(facts), []
    for part in ("snippet", "status"):
        for name, value in wanted[part].items():
            now = stored.get(part, {}).get(name)
            if _same(name, value, now):
                continue
            why = _LOCKED if name in ("privacyStatus", "publishAt") and _is_locked(wanted, stored) else ""
            found.append(Difference(name, _shown(value), _shown(now), why))
    has = _localizations(stored)
    for language, texts in _translations(facts).items():
        found += [
            Difference(f"localizations.{language}.{name}", _shown(text or None), _shown(now or None))
            for name, text in texts.items()
            if (now := has.get(language, {}).get(name, "")) != text
        ]
    found += [
        Difference(f"localizations.{language}.title", _shown(None), _shown(has[language].get("title")))
        for language in sorted(facts.languages_dropped & set(has))
    ]
    if _recorded_on(stored) != _day(facts.recorded_on):
        found.append(Difference("recordingDate", _day(facts.recorded_on) or "—", _recorded_on(stored) or "—"))
    if _is_paid(stored) != facts.has_paid_promotion:
        found.append(Difference("hasPaidProductPlacement", str(facts.has_paid_promotion), str(_is_paid(stored))))
    return found


def _is_locked(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    asked = wanted["status"]["privacyStatus"] != "private" or "publishAt" in wanted["status"]
    return asked and stored.get("status", {}).get("privacyStatus") == "private"


def _same(name: str, wanted: Any, has: Any) -> bool:
    if name == "tags":
        return list(wanted) == list(has or [])
    if name == "publishAt":
        return has is not None and datetime.fromisoformat(str(has)) == datetime.fromisoformat(wanted)
    if name in ("defaultLanguage", "defaultAudioLanguage"):
        return has is None or str(has).split("-")[0] == str(wanted).split("-")[0]  # it may be given back with a region
    if name in ("selfDeclaredMadeForKids", "containsSyntheticMedia") and has is None:
        return not wanted  # not told means no
    return bool(wanted == has)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))[:200]
    return "—" if value is None else str(value)[:200]
