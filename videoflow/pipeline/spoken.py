"""What a turn sounds like, as a key: the same words, voice and pronunciations need not be spoken again."""

import hashlib
import json
from collections.abc import Iterable

from videoflow.pipeline.models import Project, Script, Turn
from videoflow.providers.services import EMBEDDED

Pronunciations = tuple[tuple[str, str], ...]


def pronunciations_of(project: Project) -> Pronunciations:
    """Return the project's pronunciation book as (written, spoken) pairs."""
    return tuple((str(written), str(spoken)) for written, spoken in project.pronunciations)


def spoken_key(project: Project, turn: Turn) -> str:
    """Return a hash of all that shapes a turn's recording; entries of the book count where their word occurs."""
    text = turn.text.casefold()
    book = [pair for pair in pronunciations_of(project) if pair[0].casefold() in text]
    voice = project.hosts.get(turn.speaker, {}).get("voice", "")
    return _hash([turn.text, voice, book, *_service(project)])


def _service(project: Project) -> list[object]:
    """Return which service speaks, and how; nothing for the embedded voices."""
    chosen = project.providers.get("speech") or {}
    return [] if chosen.get("service", EMBEDDED) == EMBEDDED else [chosen["service"], chosen.get("model"), chosen.get("options")]


def turns_unspoken(project: Project, script: Script) -> list[Turn]:
    """Return the turns whose recording is missing or says something else by now; one query."""
    return [turn for turn in script.turns.select_related("speech") if is_unspoken(project, turn)]


def is_unspoken(project: Project, turn: Turn) -> bool:
    """Say whether a turn's recording is missing or says something else by now."""
    speech = getattr(turn, "speech", None)
    return speech is None or speech.spoken_key != spoken_key(project, turn)


def words_key(turns: Iterable[Turn]) -> str:
    """Return a hash of who says what, for a picture drawn under these turns."""
    return _hash([[turn.speaker, turn.text] for turn in turns])


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
