from videoflow.pipeline.keeping import SHORTEST_SECONDS, cuts_shift, kept_load, kept_match, kept_store, scenes_read
from videoflow.pipeline.models import Turn
from videoflow.pipeline.tests.factories import ProjectFactory, SceneFactory, ScriptFactory, TurnFactory
from videoflow.providers.base import Shot


def shot(index: int, turns: tuple[int, ...]) -> Shot:
    return Shot(index, turns, float(index), 1.0, "image", "statement", {}, "push_in", "cut")


def test_a_cut_moves_and_the_last_end_stays():
    assert cuts_shift([2.0, 5.0, 9.0], [0.5, -1.0, 3.0]) == [2.5, 4.0, 9.0]


def test_a_moved_cut_leaves_both_scenes_long_enough():
    assert cuts_shift([2.0, 5.0, 9.0], [9.0, 0.0, 0.0]) == [5.0 - SHORTEST_SECONDS, 5.0, 9.0]
    assert cuts_shift([2.0, 5.0, 9.0], [-9.0, 0.0, 0.0])[0] == SHORTEST_SECONDS


def test_a_cut_between_scenes_too_short_to_move_stays():
    assert cuts_shift([0.5, 1.0], [0.2, 0.0]) == [0.5, 1.0]


def test_a_scene_is_found_by_its_turns_and_its_turn_among_them(db):
    script = ScriptFactory.create()
    first, second = TurnFactory.create(script=script, position=0), TurnFactory.create(script=script, position=1)
    opening = SceneFactory.create(script=script, position=0, turn_positions=[0])
    closing = SceneFactory.create(script=script, position=1, turn_positions=[0])
    kept = scenes_read(script)
    inserted = Turn(script=script, position=0)  # a new line in front: every position moves by one
    matched = kept_match([shot(0, (0,)), shot(1, (1,)), shot(2, (1,)), shot(3, (2,))], [inserted, first, second], kept)
    assert [scene and scene.key for scene in matched] == [None, str(opening.key), str(closing.key), None]


def test_what_was_chosen_survives_an_attempt_that_dies(db):
    project = ProjectFactory.create()
    script = ScriptFactory.create(project=project)
    TurnFactory.create(script=script, position=0)
    SceneFactory.create(script=script, position=0, turn_positions=[0], is_locked=True, end_shift=0.4)
    kept = scenes_read(script)
    kept_store(project, kept)
    project.refresh_from_db()
    assert kept_load(project) == kept
    assert kept[0].keeps_picture and kept[0].end_shift == 0.4
