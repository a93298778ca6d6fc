"""Chapters as their creator types them: a time and a title each, by the rules under which YouTube shows them."""

import re
from collections.abc import Sequence

from videoflow.errors import BadInput
from videoflow.pipeline.editing.publish_draft import draft_chapters_put
from videoflow.pipeline.metadata import CHAPTER_SECONDS, CHAPTERS_MINIMUM, Section, clock, title_read
from videoflow.pipeline.models import Project, Video
from videoflow.sentences import Sentence

TITLE_LIMIT = 100
CHAPTERS_MOST = 100
_TIME = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})", re.ASCII)


def chapters_save(*, project: Project, video: Video, rows: Sequence[tuple[str, str]]) -> bool:
    """Write typed chapters, (time, title) each, into the description and say whether anything changed; empty rows are left out.

    Raises:
        BadInput: a rule is broken; the sentence names the first row that breaks one.
    """
    chapters = [_chapter(time.strip(), title_read(title)) for time, title in rows if time.strip() or title.strip()]
    _check(chapters, video.seconds)
    return draft_chapters_put(project=project, video=video, chapters=chapters)


def _chapter(time: str, title: str) -> Section:
    match = _TIME.fullmatch(time)
    if match is None or int(match[3]) > 59:
        raise BadInput(
            Sentence(
                "“%(time)s” is not a time. Write minutes and seconds, as in 1:05, or hours too, as in 1:02:05.", time=time[:20]
            )
        )
    start = int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])
    if not title:
        raise BadInput(Sentence("The chapter at %(time)s has no title.", time=time))
    if len(title) > TITLE_LIMIT or "<" in title or ">" in title:
        raise BadInput(
            Sentence("The title at %(time)s can have %(limit)s characters, without < and >.", time=time, limit=TITLE_LIMIT)
        )
    return Section(float(start), title)


def _check(chapters: Sequence[Section], seconds: float) -> None:
    if len(chapters) > CHAPTERS_MOST:
        raise BadInput(Sentence("%(limit)s chapters are the most.", limit=CHAPTERS_MOST))
    if len(chapters) < CHAPTERS_MINIMUM:
        raise BadInput(
            Sentence(
                "YouTube shows chapters when there are %(least)s at least; here are %(chapters)s.",
                least=CHAPTERS_MINIMUM,
                chapters=len(chapters),
            )
        )
    if chapters[0].start:
        raise BadInput(Sentence("The first chapter begins at 0:00, not at %(time)s.", time=clock(chapters[0].start)))
    ends = [*(chapter.start for chapter in chapters[1:]), seconds]
    for chapter, end in zip(chapters, ends, strict=True):
        if end - chapter.start < CHAPTER_SECONDS:
            follows = Sentence("the video ends") if end == seconds else Sentence("the next begins")
            raise BadInput(
                Sentence(
                    "“%(title)s” begins at %(time)s and %(follows)s at %(next)s: a chapter lasts %(seconds)s seconds at least.",
                    title=chapter.title,
                    time=clock(chapter.start),
                    follows=follows,
                    next=clock(end),
                    seconds=f"{CHAPTER_SECONDS:.0f}",
                )
            )
