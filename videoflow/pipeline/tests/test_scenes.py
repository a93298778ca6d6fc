import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.editing import scenes
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.keeping import scenes_read
from videoflow.pipeline.models import Scene, Script
from videoflow.pipeline.tests.factories import AssetFactory, ProjectFactory, SceneFactory, ScriptFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    script = ScriptFactory.create()
    for position in range(4):
        SceneFactory.create(script=script, position=position, layout=f"l{position}")
    return script


def at(script: Script, position: int) -> Scene:
    return script.scenes.select_related("project").get(position=position)


def times(script: Script) -> list[tuple[float, float]]:
    return [(round(scene.start, 3), round(scene.seconds, 3)) for scene in script.scenes.all()]


def test_motion_is_set_and_counts_as_an_edit(script):
    scenes.scene_change(scene=at(script, 1), revision=1, motion="pan_left")
    scene = at(script, 1)
    assert (scene.motion, scene.revision, at(script, 0).revision) == ("pan_left", 2, 1)


def test_an_old_page_does_not_overwrite(script):
    scenes.scene_change(scene=at(script, 1), revision=1, motion="pan_left")
    with pytest.raises(scenes.StaleScene):
        scenes.scene_change(scene=at(script, 1), revision=1, motion="still")


@pytest.mark.parametrize("values", [{"motion": "spin"}, {"transition": "star"}, {"focus_x": 1.2}, {"seconds": 3.0}])
def test_what_there_is_not_is_refused(script, values):
    with pytest.raises(BadInput):
        scenes.scene_change(scene=at(script, 1), **values)
    assert not script.project.edit_steps.exists()


def test_pictures_change_places_and_time_stays(script):
    before = times(script)
    scenes.scene_move(scene=at(script, 3), by=-2)
    assert list(script.scenes.values_list("layout", flat=True)) == ["l0", "l3", "l1", "l2"]
    assert times(script) == before
    assert all(scene.keeps_picture for scene in scenes_read(script)[1:])  # chosen: a new run of the media leaves them there
    undo(script.project)
    assert list(script.scenes.values_list("layout", flat=True)) == ["l0", "l1", "l2", "l3"]


def test_a_cut_moves_both_scenes(script):
    scenes.scene_trim(scene=at(script, 1), end=9.5)
    assert times(script) == [(0.0, 4.0), (4.0, 5.5), (9.5, 2.5), (12.0, 4.0)]
    assert at(script, 1).end_shift == 1.5
    scenes.scene_trim(scene=at(script, 1), end=8.0)
    assert at(script, 1).end_shift == 0.0


@pytest.mark.parametrize("end", [4.5, 11.5])
def test_no_scene_becomes_too_short(script, end):
    with pytest.raises(BadInput, match=r"between 4\.7 and 11\.3"):
        scenes.scene_trim(scene=at(script, 1), end=end)


def test_the_last_scene_ends_with_the_video(script):
    with pytest.raises(BadInput, match="last scene"):
        scenes.scene_trim(scene=at(script, 3), end=15.0)


def test_another_picture_and_back(script):
    made = at(script, 1).asset
    own = AssetFactory.create(project=script.project, origin="upload")
    scenes.scene_show(scene=at(script, 1), asset=own)
    assert at(script, 1).asset == own and at(script, 1).made == made
    assert list(at(script, 1).candidates.all()) == [made]
    scenes.scene_restore(scene=at(script, 1))
    assert at(script, 1).asset == made and set(at(script, 1).candidates.all()) == {made, own}


def test_another_projects_picture_is_refused(script):
    with pytest.raises(BadInput):
        scenes.scene_show(scene=at(script, 1), asset=AssetFactory.create(project=ProjectFactory.create()))


def test_sound_is_no_picture(script):
    with pytest.raises(BadInput):
        scenes.scene_show(scene=at(script, 1), asset=AssetFactory.create(project=script.project, kind="music"))
