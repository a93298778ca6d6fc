"""Undo and redo on the server: every edit is one step with what it found and what it left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from videoflow.pipeline.editing.parts import PARTS, PartName
from videoflow.pipeline.models import EditStep, Project
from videoflow.translation import translated

STEPS_KEPT = 50


@dataclass(frozen=True, slots=True)
class StepsState:
    """What undo and redo would do, in words for their buttons, in the reader's language; empty where there is nothing."""

    undo: str
    redo: str


@contextmanager
def edit(project: Project, part: PartName, label: str) -> Iterator[None]:
    """Record what happens inside as one step, in one transaction; nothing is recorded when nothing changed."""
    with transaction.atomic():
        _hold(project)
        before = PARTS[part].read(project)
        yield
        after = PARTS[part].read(project)
        if after == before:
            return
        project.edit_steps.filter(is_undone=True).delete()
        newest = project.edit_steps.values_list("number", flat=True).first() or 0
        EditStep.objects.create(project=project, number=newest + 1, part=part, label=label, before=before, after=after)
        project.edit_steps.filter(number__lte=newest + 1 - STEPS_KEPT).delete()
        project.save(update_fields=["updated_at"])


def _hold(project: Project) -> None:
    """Have other edits of the project wait until the transaction's end; what workers add to it does not."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def steps_state(project: Project) -> StepsState:
    """Return what can be undone and done again; two queries."""
    undo = project.edit_steps.filter(is_undone=False).values_list("label", flat=True).first()
    redo = project.edit_steps.filter(is_undone=True).order_by("number").values_list("label", flat=True).first()
    return StepsState(translated(undo or ""), translated(redo or ""))


def undo(project: Project) -> EditStep | None:
    """Take the newest step back and return it; None when there is none."""
    with transaction.atomic():
        _hold(project)
        step = project.edit_steps.filter(is_undone=False).first()
        return None if step is None else _apply(project, step, is_undone=True)


def redo(project: Project) -> EditStep | None:
    """Do the step that was undone last again and return it; None when there is none."""
    with transaction.atomic():
        _hold(project)
        step = project.edit_steps.filter(is_undone=True).order_by("number").first()
        return None if step is None else _apply(project, step, is_undone=False)


def _apply(project: Project, step: EditStep, *, is_undone: bool) -> EditStep:
    PARTS[step.part].write(project, step.before if is_undone else step.after)  # type: ignore[index]
    step.is_undone = is_undone
    step.save(update_fields=["is_undone"])
    project.save(update_fields=["updated_at"])
    return step
