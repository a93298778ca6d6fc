"""The pronunciation book of a project: written so, said so; captions keep what is written."""

import time
from pathlib import Path
from threading import BoundedSemaphore
from typing import cast

from videoflow.errors import BadInput
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.models import Project
from videoflow.pipeline.spoken import pronunciations_of
from videoflow.pipeline.store import cache_dir
from videoflow.providers import base
from videoflow.providers.base import Line
from videoflow.providers.embedded_speech.speech_text import has_something_to_say
from videoflow.providers.registry import provider_get
from videoflow.sentences import Sentence

ENTRIES_LIMIT = 100
WRITTEN_LIMIT = 60
SPOKEN_LIMIT = 120
LISTEN_SECONDS = 25.0
"""A sample takes one to three seconds; a busy machine gets this long."""
_listening = BoundedSemaphore(2)


def _clean(text: str, limit: int, field: str, missing: str) -> str:
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not clean:
        raise BadInput(missing, details={field: "empty"})
    if len(clean) > limit:
        raise BadInput(
            Sentence("%(limit)s characters are the most here; this has %(size)s.", limit=limit, size=len(clean)),
            details={field: "too long"},
        )
    if not has_something_to_say(clean):
        raise BadInput("The offline voices read Latin letters and figures. Write it with those.", details={field: "unspeakable"})
    return clean


def pronunciation_check(written: str, spoken: str) -> tuple[str, str]:
    """Return both sides of an entry as they are kept.

    Raises:
        BadInput: one of them is empty, too long, or nothing that the voices can say; ``details`` names the field.
    """
    one = _clean(written, WRITTEN_LIMIT, "written", Sentence("Say how the word is written in the script."))
    other = _clean(spoken, SPOKEN_LIMIT, "spoken", Sentence("Say how it sounds, in plain letters: “key-wee” for Kiwi."))
    if one == other:
        raise BadInput("Both sides are the same, so nothing would sound different.", details={"spoken": "the same"})
    return one, other


def pronunciation_set(*, project: Project, written: str, spoken: str) -> None:
    """Put a word in the book; one that stands there, in whatever case, is replaced.

    Raises:
        BadInput: the entry cannot be spoken, or the book is full.
    """
    entry = pronunciation_check(written, spoken)
    with edit(project, "look", Sentence("Say “%(written)s” as “%(spoken)s”", written=entry[0], spoken=entry[1])):
        book = [list(pair) for pair in pronunciations_of(project) if pair[0].casefold() != entry[0].casefold()]
        if len(book) >= ENTRIES_LIMIT:
            raise BadInput(
                Sentence("The book has %(limit)s entries. Remove one first.", limit=ENTRIES_LIMIT),
                details={"written": "full"},
            )
        project.pronunciations = sorted([*book, list(entry)], key=lambda pair: pair[0].casefold())
        project.save(update_fields=["pronunciations"])


def pronunciation_remove(*, project: Project, written: str) -> None:
    """Take a word out of the book; one that is not there changes nothing."""
    with edit(project, "look", Sentence("Say “%(written)s” as written", written=written[:WRITTEN_LIMIT])):
        project.pronunciations = [list(pair) for pair in pronunciations_of(project) if pair[0] != written]
        project.save(update_fields=["pronunciations"])


def pronunciation_listen(*, project: Project, written: str, spoken: str) -> Path:
    """Return a short recording of an entry in the first speaker's voice, a WAV; the same one again is there at once.

    Raises:
        BadInput: the entry cannot be spoken, or too many samples are being spoken at this moment.
        Cancelled: the machine did not get to it in time.
    """
    entry = pronunciation_check(written, spoken)
    speech = cast(base.Speech, provider_get("speech", "embedded"))
    known = [voice.key for voice in speech.voices("en")]
    voice = project.hosts.get("A", {}).get("voice", "")
    line = Line(f"{entry[0]}.", voice if voice in known else known[0], (entry,))
    if not _listening.acquire(timeout=LISTEN_SECONDS / 2):
        raise BadInput("Other samples are being spoken at this moment. Try again.")
    deadline = time.monotonic() + LISTEN_SECONDS
    try:
        spoken_lines = speech.speak(
            [line], cache_dir("speech"), report=lambda share, message: None, cancelled=lambda: time.monotonic() > deadline
        )
    finally:
        _listening.release()
    return spoken_lines[0].path
