"""What goes beside a video when it leaves the house: chapters, description with sources and credits, tags, title."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.pipeline.credits import assets_used, credit_lines, machine_made
from videoflow.pipeline.models import Script, Video

TITLE_LIMIT = 100  # characters; YouTube's
DESCRIPTION_LIMIT_BYTES = 5000
TAGS_LIMIT = 500  # characters, commas and quotes included
CHAPTERS_MINIMUM = 3
CHAPTER_SECONDS = 10.0  # YouTube ignores chapter lists with a shorter one
CHAPTER_TITLE_LIMIT = 60
SOURCES_LIMIT = 25
_CHAPTER_LINE = re.compile(r"[([]?((?:\d{1,2}:)?\d{1,2}:\d{2})[)\]]?(?:[ \t.:|–—-]+(.*))?", re.ASCII)
_SPACES = re.compile("[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")  # as static/js/counting.js has it
_VIDEO_SOURCE = re.compile(r"(“.+” by .+?): [\d,]+ views")


@dataclass(frozen=True, slots=True)
class Section:
    start: float
    title: str


def _shorten(text: str, limit: int) -> str:
    clean = " ".join(text.replace("<", "‹").replace(">", "›").split())
    if len(clean) <= limit:
        return clean
    return clean[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"


def chapters_make(script: Script, *, seconds: float) -> list[Section]:
    """Return at least three chapters of 10 s or more, the first at 0:00; none when the video is too short for that.

    Chapters are the script's sections; where those are too few, turns that begin near even thirds open one.
    """
    turns = list(script.turns.select_related("speech"))
    if seconds < CHAPTERS_MINIMUM * CHAPTER_SECONDS:
        return []
    starts: list[Section] = []
    for before, turn in zip([None, *turns], turns, strict=False):
        if before is None or turn.section != before.section:
            starts.append(Section(turn.speech.start, turn.section or turn.text))
    if len(_spaced(starts, seconds)) < CHAPTERS_MINIMUM:
        wanted = [seconds * share for share in (0.0, 1 / 3, 2 / 3)]
        nearest = [min(turns, key=lambda turn: abs(turn.speech.start - at)) for at in wanted]
        starts = [Section(turn.speech.start, turn.text) for turn in nearest]
    return [Section(item.start, _shorten(item.title, CHAPTER_TITLE_LIMIT)) for item in _spaced(starts, seconds)]


def _spaced(starts: Sequence[Section], seconds: float) -> list[Section]:
    """Drop those that would leave a chapter under 10 s; the first begins at 0."""
    kept: list[Section] = []
    for item in starts:
        start = 0.0 if not kept else float(int(item.start))  # players show whole seconds
        if kept and start - kept[-1].start < CHAPTER_SECONDS:
            continue
        if seconds - start < CHAPTER_SECONDS:
            continue
        kept.append(Section(start, item.title))
    return kept


def clock(seconds: float) -> str:
    """Return ``m:ss`` or ``h:mm:ss``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def chapters_read(description: str) -> list[Section]:
    """Return the chapters of a description as YouTube finds them: the lines that begin with a time, in their order."""
    found = (_CHAPTER_LINE.fullmatch(line.strip(" \t")) for line in description.split("\n"))
    return [Section(_seconds(match[1]), (match[2] or "").strip()) for match in found if match]


def _seconds(stamp: str) -> float:
    total = 0
    for part in stamp.split(":"):
        total = total * 60 + int(part)
    return float(total)


def chapters_put(description: str, chapters: Sequence[Section]) -> str:
    """Return the description with these chapters in the place of its own; below the text where it has none."""
    lines = description.rstrip("\n").split("\n") if description.strip() else []
    own = [number for number, line in enumerate(lines) if _CHAPTER_LINE.fullmatch(line.strip(" \t"))]
    fresh = [f"{clock(item.start)} {item.title}" for item in chapters]
    if not own:
        return "\n".join([*lines, "", "Chapters", *fresh] if lines else ["Chapters", *fresh])
    kept = [line for number, line in enumerate(lines) if number not in own]
    return "\n".join([*kept[: own[0]], *fresh, *kept[own[0] :]])


def description_make(video: Video) -> str:
    """Return the description: what it is, chapters, sources, credits, and that the voices are synthetic. 5,000 bytes at most."""
    script = video.script
    names = [host["name"] for host in video.project.hosts.values()]
    head = [f"{script.title}", "", f"{' and '.join(names)} talk it through in {clock(video.seconds)}."]
    chapters = [f"{clock(start)} {title}" for start, title in video.chapters]
    used = assets_used(video)
    machine = machine_made(video, used)
    body = [*head, *(["", "Chapters", *chapters] if chapters else [])]
    sources = _sources(script)
    text = ""
    for thanks in credit_lines(used):
        for count in range(len(sources), -1, -1):
            named = ["", "Sources", *sources[:count]] if count else []
            text = "\n".join([*body, *named, "", machine, *thanks]).replace("<", "‹").replace(">", "›")
            if len(text.encode()) <= DESCRIPTION_LIMIT_BYTES:
                return text
    return text.encode()[:DESCRIPTION_LIMIT_BYTES].decode(errors="ignore")


def _sources(script: Script) -> list[str]:
    lines: dict[str, str] = {}  # by address, or by label where there is none
    for entry in script.evidence:
        named = _VIDEO_SOURCE.match(entry["text"]) if entry["kind"] == "video" else None
        label = _shorten(named[1] if named else entry["source_label"], 120)
        key = entry["url"] or label
        if key not in lines or named:
            lines[key] = f"– {label} {entry['url']}".rstrip()
    return list(lines.values())[:SOURCES_LIMIT]


def tags_make(script: Script) -> list[str]:
    """Return the script's keywords as tags, within YouTube's 500 characters counted with commas and quotes."""
    tags: list[str] = []
    for keyword in script.keywords:
        tag = _shorten(str(keyword), 60).replace(",", " ").strip()
        if tag and tag.lower() not in {known.lower() for known in tags} and tags_length([*tags, tag]) <= TAGS_LIMIT:
            tags.append(tag)
    return tags


def tags_read(text: str) -> list[str]:
    """Return the tags of a line as it is typed: between commas, without quotes and surplus spaces, each once."""
    tags: dict[str, str] = {}
    for part in text.split(","):
        tag = _SPACES.sub(" ", part.replace('"', " ")).strip(" ")
        if tag:
            tags.setdefault(tag.lower(), tag)
    return list(tags.values())


def title_read(text: str) -> str:
    """Return a title in one line, without surplus spaces."""
    return _SPACES.sub(" ", text).strip(" ")


def text_normal(text: str) -> str:
    """Return a text with one sign for the end of a line, as its bytes are counted."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tags_length(tags: Sequence[str]) -> int:
    """Return the length as YouTube counts it: a tag with a space is quoted, tags are joined by commas."""
    return sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)


def title_make(script: Script) -> str:
    return _shorten(script.title, TITLE_LIMIT)
