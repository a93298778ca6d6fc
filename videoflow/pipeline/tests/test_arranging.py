import pytest

from videoflow.pipeline.arranging import Arranged, Cover, arrange, turns_heard
from videoflow.pipeline.keeping import scenes_read
from videoflow.pipeline.models import Script, Turn
from videoflow.pipeline.tests.factories import AssetFactory, SceneFactory, ScriptFactory, TurnFactory
from videoflow.providers.base import Shot

pytestmark = pytest.mark.django_db


def shot(index: int, turns: tuple[int, ...], seconds: float = 4.0) -> Shot:
    return Shot(index, turns, index * 4.0, seconds, "image", f"l{index}", {}, "push_in", "cut")


def cover(number: int, begins: float = 0.0, ends: float = 1.0, *, is_pictured: bool = True) -> dict[str, object]:
    return Cover(number, (number,), number * 4.0, number * 4.0 + 4, begins, ends, is_pictured).stored()


@pytest.fixture
def script() -> Script:
    """Three lines of 4 s, each a shot of its own."""
    script = ScriptFactory.create()
    for position in range(3):
        TurnFactory.create(script=script, position=position)
    return script


def turns_of(script: Script) -> list[Turn]:
    return list(script.turns.all())


def anew(script: Script, shots: list[Shot] | None = None) -> list[Arranged]:
    spans = {position: (position * 4.0, position * 4.0 + 4) for position in range(3)}
    return arrange(shots or [shot(index, (index,)) for index in range(3)], turns_of(script), scenes_read(script), spans)


def keys(arranged: list[Arranged]) -> list[str]:
    return [scene.kept.key if scene.kept else "" for scene in arranged]


def test_a_scene_is_found_by_its_turns_and_its_turn_among_them(script):
    opening = SceneFactory.create(script=script, position=0, turn_positions=[0])
    closing = SceneFactory.create(script=script, position=1, turn_positions=[0])
    kept = scenes_read(script)
    inserted = Turn(script=script, position=0)  # a new line in front: every position moves by one
    shots = [shot(0, (0,)), shot(1, (1,)), shot(2, (1,)), shot(3, (2,))]
    assert keys(arrange(shots, [inserted, *turns_of(script)[:2]], kept, {})) == ["", str(opening.key), str(closing.key), ""]


def test_a_split_scene_stays_split_and_shows_one_drawing(script):
    first = SceneFactory.create(script=script, position=0, turn_positions=[0], covers=[cover(0, 0.0, 0.25)])
    second = SceneFactory.create(
        script=script, position=1, turn_positions=[0], covers=[cover(0, 0.25, 1.0)], asset=first.asset, made=first.asset
    )
    third = SceneFactory.create(script=script, position=2, turn_positions=[1], covers=[cover(1)])
    scenes = anew(script)
    assert keys(scenes) == [str(first.key), str(second.key), str(third.key), ""]
    assert [scene.end for scene in scenes] == [1.0, 4.0, 8.0, 12.0]
    assert [scene.follows for scene in scenes] == [None, 0, None, None]
    assert [scene.shot.index for scene in scenes] == [0, 1, 2, 3] and scenes[1].shot.layout == "l0"


def test_a_part_with_a_picture_of_its_own_follows_nobody(script):
    first = SceneFactory.create(script=script, position=0, covers=[cover(0, 0.0, 0.5)])
    first.asset = AssetFactory.create(project=script.project, origin="upload")
    first.save()
    SceneFactory.create(script=script, position=1, covers=[cover(0, 0.5, 1.0)])
    assert [scene.follows for scene in anew(script)] == [None, None, None, None]


def test_a_deleted_scene_stays_deleted_and_its_time_with_the_neighbour(script):
    kept = SceneFactory.create(script=script, position=0, covers=[cover(0), cover(1, is_pictured=False)])
    last = SceneFactory.create(script=script, position=1, covers=[cover(2)])
    scenes = anew(script)
    assert keys(scenes) == [str(kept.key), str(last.key)]
    assert (scenes[0].end, scenes[0].turn_positions, scenes[0].shot.layout) == (8.0, (0, 1), "l0")
    assert scenes[0].shot.seconds == 8.0


def test_the_picture_is_drawn_for_the_shot_that_it_was_drawn_for(script):
    SceneFactory.create(script=script, position=0, covers=[cover(0, is_pictured=False), cover(1)])
    assert anew(script)[0].shot.layout == "l1"


def test_a_new_shot_between_the_two_ends_what_was_one(script):
    kept = SceneFactory.create(script=script, position=0, covers=[cover(0), cover(2, is_pictured=False)])
    scenes = anew(script)
    assert keys(scenes) == [str(kept.key), "", ""]
    assert [scene.end for scene in scenes] == [4.0, 8.0, 12.0]


def test_lines_are_told_apart_by_when_they_are_heard():
    spans = {0: (0.0, 2.0), 1: (2.2, 4.0)}
    assert turns_heard([0, 1], spans, 0.0, 2.1) == [0]
    assert turns_heard([0, 1], spans, 1.0, 3.0) == [0, 1]
    assert turns_heard([0, 1], {}, 0.0, 1.0) == [0, 1]


def test_a_breath_of_a_line_at_a_cut_is_not_heard():
    spans = {0: (0.0, 5.03), 1: (5.03, 9.0)}
    assert turns_heard((0, 1), spans, 5.0, 9.0) == [1]
    assert turns_heard((0, 1), spans, 4.9, 9.0) == [0, 1]
    assert turns_heard((0,), spans, 5.0, 9.0) == [0], "where nothing is heard, what stood there stays"
