from videoflow.pipeline.arranging import Cover
from videoflow.pipeline.keeping import SHORTEST_SECONDS, cuts_shift, kept_load, kept_store, scenes_read
from videoflow.pipeline.tests.factories import ProjectFactory, SceneFactory, ScriptFactory, TurnFactory


def test_a_cut_moves_and_the_last_end_stays():
    assert cuts_shift([2.0, 5.0, 9.0], [0.5, -1.0, 3.0]) == [2.5, 4.0, 9.0]


def test_a_moved_cut_leaves_both_scenes_long_enough():
    assert cuts_shift([2.0, 5.0, 9.0], [9.0, 0.0, 0.0]) == [5.0 - SHORTEST_SECONDS, 5.0, 9.0]
    assert cuts_shift([2.0, 5.0, 9.0], [-9.0, 0.0, 0.0])[0] == SHORTEST_SECONDS


def test_a_cut_between_scenes_too_short_to_move_stays():
    assert cuts_shift([0.5, 1.0], [0.2, 0.0]) == [0.5, 1.0]


def test_what_was_chosen_survives_an_attempt_that_dies(db):
    project = ProjectFactory.create()
    script = ScriptFactory.create(project=project)
    TurnFactory.create(script=script, position=0)
    cover = Cover(0, (0,), 0.0, 4.0, ends=0.5)
    SceneFactory.create(script=script, position=0, turn_positions=[0], is_locked=True, end_shift=0.4, covers=[cover.stored()])
    kept = scenes_read(script)
    kept_store(project, kept)
    project.refresh_from_db()
    assert kept_load(project) == kept
    assert kept[0].keeps_picture and kept[0].end_shift == 0.4
