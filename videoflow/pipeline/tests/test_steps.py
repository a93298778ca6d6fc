from contextlib import closing

import pytest
from django.db import connection

from videoflow.pipeline.editing.parts import PARTS, turns_write
from videoflow.pipeline.editing.steps import STEPS_KEPT, edit, redo, steps_state, undo
from videoflow.pipeline.models import EditStep, Project, Script
from videoflow.pipeline.tests.factories import SceneFactory, ScriptFactory, TurnFactory
from videoflow.tests.lock_waits import held_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    script = ScriptFactory.create()
    for position, text in enumerate(("One.", "Two.", "Three.")):
        TurnFactory.create(script=script, position=position, text=text)
    return script


def texts(script: Script) -> list[str]:
    return list(script.turns.values_list("text", flat=True))


def rename(script: Script, position: int, text: str) -> None:
    with edit(script.project, "script", f"Edit line {position + 1}"):
        script.turns.filter(position=position).update(text=text)


def test_a_step_is_undone_and_done_again(script):
    rename(script, 1, "Zwei.")
    assert steps_state(script.project).undo == "Edit line 2"
    assert undo(script.project) and texts(script) == ["One.", "Two.", "Three."]
    assert steps_state(script.project).redo == "Edit line 2"
    assert redo(script.project) and texts(script) == ["One.", "Zwei.", "Three."]


def test_a_removed_and_moved_turn_comes_back_in_its_place(script):
    before = list(script.turns.values_list("key", "text"))
    with edit(script.project, "script", "Delete line 1"):
        rows = PARTS["script"].read(script.project)["turns"]
        turns_write(script, [rows[2], rows[1]])
    assert texts(script) == ["Three.", "Two."]
    undo(script.project)
    assert list(script.turns.values_list("key", "text")) == before


def test_a_new_edit_ends_what_could_be_done_again(script):
    rename(script, 0, "Uno.")
    undo(script.project)
    rename(script, 2, "Tres.")
    assert redo(script.project) is None
    assert texts(script) == ["One.", "Two.", "Tres."]


def test_an_edit_that_changes_nothing_is_no_step(script):
    rename(script, 0, "One.")
    assert steps_state(script.project).undo == ""


def test_the_oldest_steps_go(script):
    for number in range(STEPS_KEPT + 3):
        rename(script, 0, f"Take {number}.")
    assert script.project.edit_steps.count() == STEPS_KEPT
    while undo(script.project):
        pass
    assert texts(script)[0] == "Take 2."


def test_a_failed_edit_leaves_nothing(script):
    with pytest.raises(RuntimeError), edit(script.project, "script", "Edit line 1"):
        script.turns.filter(position=0).update(text="Half.")
        raise RuntimeError
    assert texts(script)[0] == "One." and not script.project.edit_steps.exists()


def test_scenes_change_places_and_change_back(script):
    scenes = [
        SceneFactory.create(script=script, project=script.project, position=position, layout=f"l{position}")
        for position in (0, 1)
    ]
    with edit(script.project, "scenes", "Move scene 2 earlier"):
        script.scenes.filter(pk=scenes[0].pk).update(position=9)
        script.scenes.filter(pk=scenes[1].pk).update(position=0)
        script.scenes.filter(pk=scenes[0].pk).update(position=1)
    undo(script.project)
    assert list(script.scenes.values_list("layout", flat=True)) == ["l0", "l1"]


def test_a_step_of_a_replaced_script_touches_nothing(script):
    rename(script, 0, "Uno.")
    newer = ScriptFactory.create(project=script.project, version=2)
    TurnFactory.create(script=newer, position=0, text="New.")
    undo(script.project)
    assert texts(newer) == ["New."]


def test_the_look_of_the_captions_is_a_step(script):
    project = Project.objects.get(pk=script.project_id)
    with edit(project, "look", "Caption style"):
        Project.objects.filter(pk=project.pk).update(caption={"name": "classic"})
    undo(project)
    project.refresh_from_db()
    assert project.caption == {}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
class TestLocks:
    @pytest.mark.parametrize("act", [undo, redo])
    def test_undo_holds_no_step_while_an_edit_has_the_project(self, script, act):
        """The edit goes on to delete steps: with one of them held meanwhile, each would wait for the other."""
        rename(script, 1, "Zwei.")
        if act is redo:
            undo(script.project)
        projects, steps = (rows.objects.select_for_update(no_key=True, nowait=True) for rows in (Project, EditStep))
        with held_up(lambda: act(script.project), by=lambda: projects.get(pk=script.project_id)):
            assert steps.get().label == "Edit line 2"
        assert EditStep.objects.get().is_undone is (act is undo)

    def test_what_a_worker_adds_does_not_wait_for_an_edit(self, script):
        with edit(script.project, "script", "Edit line 1"), closing(connection.copy()) as other, other.cursor() as cursor:
            # As the database asks for every row that belongs to the project.
            cursor.execute("SELECT 1 FROM pipeline_project WHERE id = %s FOR KEY SHARE NOWAIT", [script.project_id])
            assert cursor.fetchone() == (1,)
