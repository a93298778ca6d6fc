"""Versions of a script: kept before something changes it, compared word by word, and brought back."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db.models import Max
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.editing.parts import Stored, script_rows, turns_write
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.models import Project, Script, Turn, script_current
from videoflow.sentences import Sentence

EDITED = "Edited"
STRETCH = timedelta(minutes=10)
"""Edits within it are one version."""
VERSIONS_KEPT = 50
_CARRIED = ("input_type", "title", "topic", "keywords", "evidence", "warnings", "measured_seconds", "share_a", "provider")

Change = Literal["same", "gone", "new"]
WordRun = tuple[Change, str]


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of a comparison; ``runs`` are its words, with what became of them."""

    speaker: str
    change: Change | Literal["changed"]
    runs: tuple[WordRun, ...]


def version_keep(script: Script, rows: Sequence[Stored], *, origin: str = EDITED) -> None:
    """Keep these lines as a version of their own, once for each stretch of the same kind of change.

    The script itself takes the next number and keeps its row, and with it its recordings and pictures.
    """
    script.refresh_from_db()
    now = timezone.now()
    if script.origin == origin and now - script.created_at < STRETCH:
        return
    number = script.version
    newest: int = script.project.scripts.aggregate(newest=Max("version"))["newest"]
    Script.objects.filter(pk=script.pk).update(version=newest + 1, origin=origin, created_at=now)
    facts: dict[str, Any] = {name: getattr(script, name) for name in _CARRIED}
    kept = Script.objects.create(
        project=script.project, task=script.task, version=number, origin=script.origin, created_at=script.created_at, **facts
    )
    Turn.objects.bulk_create(Turn(script=kept, position=position, **row) for position, row in enumerate(rows))
    script.refresh_from_db()
    _forget_old(script.project)


def _forget_old(project: Project) -> None:
    """Let the oldest versions go beyond those that are kept; one of which a video was made stays."""
    old = project.scripts.filter(videos__isnull=True).values_list("pk", flat=True)[VERSIONS_KEPT:]
    project.scripts.filter(pk__in=list(old)).delete()


def version_restore(*, project: Project, version: Script) -> None:
    """Make the lines of an earlier version the current ones; what stood there becomes a version too.

    Raises:
        BadInput: it says what the current one says.
    """
    with edit(project, "script", Sentence("Restore version %(number)s", number=version.version)):
        current = script_current(project)
        assert current is not None
        rows, before = script_rows(version), script_rows(current)
        if current.pk == version.pk or rows == before:
            raise BadInput("This version says what the script says now.")
        version_keep(current, before, origin=f"Version {version.version} restored")
        known = {entry["key"] for entry in version.evidence}
        facts: dict[str, Any] = {name: getattr(version, name) for name in _CARRIED}
        facts["evidence"] = [*version.evidence, *(entry for entry in current.evidence if entry["key"] not in known)]
        Script.objects.filter(pk=current.pk).update(**facts)
        turns_write(current, rows)


def words_compare(before: str, after: str) -> tuple[WordRun, ...]:
    """Return the words of both texts in reading order, joined where they share their fate."""
    old, new = before.split(), after.split()
    runs: list[WordRun] = []
    for kind, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            runs.append(("same", " ".join(old[old_from:old_to])))
            continue
        if old_to > old_from:
            runs.append(("gone", " ".join(old[old_from:old_to])))
        if new_to > new_from:
            runs.append(("new", " ".join(new[new_from:new_to])))
    return tuple(runs)


def versions_compare(before: Script, after: Script) -> list[LineChange]:
    """Return every line of two versions, in the order of the newer.

    A line is the same one by its key; of drafts that have no keys in common, by its words.
    """
    old, new = list(before.turns.all()), list(after.turns.all())
    lines: list[LineChange] = []
    shared = {turn.key for turn in old} & {turn.key for turn in new}
    names = [[str(turn.key) if turn.key in shared else turn.text for turn in turns] for turns in (old, new)]
    matcher = difflib.SequenceMatcher(None, names[0], names[1], autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            lines += [_line(one, other) for one, other in zip(old[old_from:old_to], new[new_from:new_to], strict=True)]
        else:
            lines += [LineChange(turn.speaker, "gone", (("gone", turn.text),)) for turn in old[old_from:old_to]]
            lines += [LineChange(turn.speaker, "new", (("new", turn.text),)) for turn in new[new_from:new_to]]
    return lines


def _line(before: Turn, after: Turn) -> LineChange:
    if before.speaker != after.speaker:  # the same words from the other one are another line to the ear
        return LineChange(after.speaker, "changed", (("gone", before.text), ("new", after.text)))
    if before.text == after.text:
        return LineChange(after.speaker, "same", (("same", after.text),))
    return LineChange(after.speaker, "changed", words_compare(before.text, after.text))
