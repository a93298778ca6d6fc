"""What a creator does to the lines of a script; every act is one step that can be undone."""

import re
import uuid
from collections.abc import Callable

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.editing.parts import Stored, script_measure, script_rows, turns_write
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.editing.versions import version_keep
from videoflow.pipeline.length import ANSWER_PAUSE_SECONDS, GUESS_WORDS_PER_SECOND, SAME_SPEAKER_PAUSE_SECONDS
from videoflow.pipeline.models import Project, Script, Turn, script_current
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task

TEXT_LIMIT = 2000
TURNS_LIMIT = 400


class StaleRevision(VideoflowError):
    """Somebody else has changed the line meanwhile."""

    code = "STALE_REVISION"

    def __init__(self, turn: Turn) -> None:
        super().__init__(Sentence("This line was changed elsewhere meanwhile. Compare both and keep one."))
        self.turn = turn


def paces(script: Script) -> dict[str, float]:
    """Return how many words a second each speaker says, measured on what was spoken; a usual pace before that."""
    measured = {}
    for speaker in ("A", "B"):
        turns = [turn for turn in script.turns.filter(speaker=speaker) if turn.words]
        seconds = sum(turn.measured_seconds for turn in turns)
        words = sum(len(turn.text.split()) for turn in turns)
        measured[speaker] = words / seconds if seconds and words else GUESS_WORDS_PER_SECOND
    return measured


def text_clean(text: str) -> str:
    """Return a line's text on one line.

    Raises:
        BadInput: nothing is left of it, or it is too long to be one line.
    """
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not any(char.isalnum() for char in clean):
        raise BadInput("A line needs words to be spoken. Delete it instead.", details={"text": "empty"})
    if len(clean) > TEXT_LIMIT:
        raise BadInput(
            Sentence(
                "A line can have %(limit)s characters; this one has %(size)s. Split it.",
                limit=f"{TEXT_LIMIT:,}",
                size=f"{len(clean):,}",
            ),
            details={"text": "too long"},
        )
    return clean


def turn_text_save(*, turn: Turn, text: str, revision: int) -> Turn:
    """Change what a line says; the same text again changes nothing.

    Raises:
        BadInput: the text cannot be a line.
        StaleRevision: the line was changed since ``revision``.
    """
    clean = text_clean(text)
    with edit(turn.script.project, "script", Sentence("Edit line %(number)s", number=turn.position + 1)):
        turn.refresh_from_db()
        if turn.text == clean:
            return turn
        if turn.revision != revision:
            raise StaleRevision(turn)
        version_keep(turn.script, script_rows(turn.script))
        turn.text, turn.revision = clean, turn.revision + 1
        turn.words, turn.measured_seconds = [], estimate(turn.script, turn.speaker, clean)
        turn.save(update_fields=["text", "revision", "words", "measured_seconds"])
        script_measure(turn.script)
    return turn


def turn_swap(*, turn: Turn) -> None:
    """Let the other speaker say the line."""

    def change(rows: list[Stored], at: int) -> None:
        rows[at]["speaker"] = "B" if rows[at]["speaker"] == "A" else "A"
        _unspoken(turn.script, rows[at])

    _restructure(turn, Sentence("Other speaker for line %(number)s", number=turn.position + 1), change)


def turn_lock(*, turn: Turn, is_locked: bool) -> None:
    """Keep a line as it is when the script is written anew, or let it go again."""

    def change(rows: list[Stored], at: int) -> None:
        rows[at]["is_locked"] = is_locked

    number = turn.position + 1
    label = Sentence("Lock line %(number)s", number=number) if is_locked else Sentence("Unlock line %(number)s", number=number)
    _restructure(turn, label, change)


def turn_move(*, turn: Turn, by: int) -> None:
    """Move a line up (-1) or down (1); at the end of the script it stays."""

    def change(rows: list[Stored], at: int) -> None:
        to = max(0, min(len(rows) - 1, at + by))
        row = rows.pop(at)
        row["section"] = rows[min(to, len(rows) - 1)]["section"]
        rows.insert(to, row)

    number = turn.position + 1
    label = Sentence("Move line %(number)s up", number=number) if by < 0 else Sentence("Move line %(number)s down", number=number)
    _restructure(turn, label, change)


def split_place(text: str) -> int:
    """Return where to cut a line when nobody said where: between the two sentences, else the two words, nearest its middle."""
    places = [match.end() for match in re.finditer(r"[.!?…]\S*\s", text)] or [match.start() for match in re.finditer(r"\s", text)]
    return min(places, key=lambda place: abs(place - len(text) / 2), default=0)


def turn_split(*, turn: Turn, at_character: int) -> None:
    """Cut a line in two at a character; both parts stay with the speaker.

    Raises:
        BadInput: one part would have no words.
    """
    if not all(any(char.isalnum() for char in part) for part in (turn.text[:at_character], turn.text[at_character:])):
        raise BadInput("Put the cursor between two words of this line; it is cut there.")
    first, second = text_clean(turn.text[:at_character]), text_clean(turn.text[at_character:])

    def change(rows: list[Stored], at: int) -> None:
        rows[at]["text"] = first
        _unspoken(turn.script, rows[at])
        added = rows[at] | {"key": str(uuid.uuid4()), "text": second, "cue": None, "pause_seconds": SAME_SPEAKER_PAUSE_SECONDS}
        _unspoken(turn.script, added)
        rows.insert(at + 1, added)

    _restructure(turn, Sentence("Split line %(number)s", number=turn.position + 1), change)


def turn_merge(*, turn: Turn) -> None:
    """Join a line and the next into one of the first one's speaker.

    Raises:
        BadInput: there is no next line, or both together are too long.
    """

    def change(rows: list[Stored], at: int) -> None:
        if at + 1 >= len(rows):
            raise BadInput("This is the last line: there is nothing to join it with.")
        second = rows.pop(at + 1)
        rows[at]["text"] = text_clean(f"{rows[at]['text']} {second['text']}")
        rows[at]["sources"] = list(dict.fromkeys([*rows[at]["sources"], *second["sources"]]))
        rows[at]["cue"] = rows[at]["cue"] or second["cue"]
        _unspoken(turn.script, rows[at])

    _restructure(turn, Sentence("Join lines %(number)s and %(other)s", number=turn.position + 1, other=turn.position + 2), change)


def turn_add(*, turn: Turn, text: str) -> None:
    """Add a line after this one, of the other speaker.

    Raises:
        BadInput: the text cannot be a line, or the script has as many lines as it can.
    """
    clean = text_clean(text)

    def change(rows: list[Stored], at: int) -> None:
        speaker = "B" if rows[at]["speaker"] == "A" else "A"
        added = rows[at] | {"key": str(uuid.uuid4()), "speaker": speaker, "text": clean, "sources": [], "cue": None}
        added |= {"is_locked": False, "pause_seconds": ANSWER_PAUSE_SECONDS}
        _unspoken(turn.script, added)
        rows.insert(at + 1, added)

    _restructure(turn, Sentence("Add a line after line %(number)s", number=turn.position + 1), change)


def turn_delete(*, turn: Turn) -> None:
    """Take a line out.

    Raises:
        BadInput: it is the only one, or the last of its speaker: the conversation needs two.
    """

    def change(rows: list[Stored], at: int) -> None:
        rows.pop(at)
        if len({row["speaker"] for row in rows}) < 2:
            raise BadInput("Both speakers need at least one line.")

    _restructure(turn, Sentence("Delete line %(number)s", number=turn.position + 1), change)


def _restructure(turn: Turn, label: str, change: Callable[[list[Stored], int], None]) -> None:
    """Change the rows of the current script as data and write them back, as one step."""
    project: Project = turn.script.project
    _check_idle(project)
    with edit(project, "script", label):
        script = script_current(project)
        if script is None or script.pk != turn.script_id:
            raise BadInput("This version of the script is not the current one. Restore it first.")
        rows = script_rows(script)
        at = next((index for index, row in enumerate(rows) if row["key"] == str(turn.key)), None)
        if at is None:
            raise BadInput("This line is not there any more.")
        before = script_rows(script)
        change(rows, at)
        if len(rows) > TURNS_LIMIT:
            raise BadInput(Sentence("A script can have %(limit)s lines.", limit=TURNS_LIMIT))
        if rows != before:
            version_keep(script, before)
            turns_write(script, rows)


def _unspoken(script: Script, row: Stored) -> None:
    row["words"] = []
    row["measured_seconds"] = estimate(script, row["speaker"], row["text"])


def _check_idle(project: Project) -> None:
    """Refuse to change which lines there are while they are being spoken one by one; words may be changed meanwhile."""
    if project.tasks.filter(task_type="media_generation", status=Task.Status.IN_PROGRESS).exists():
        raise BadInput("The media are being made from these lines. Wait until they are ready, or cancel, then change the order.")


def estimate(script: Script, speaker: str, text: str) -> float:
    """Return how long a speaker will take for a text, in seconds, at the pace measured so far."""
    return round(len(text.split()) / paces(script)[speaker], 2)
