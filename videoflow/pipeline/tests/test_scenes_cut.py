import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.arranging import arrange, covers_of
from videoflow.pipeline.editing import scenes, scenes_cut
from videoflow.pipeline.editing.duplicate import project_duplicate
from videoflow.pipeline.editing.staleness import staleness_of
from videoflow.pipeline.editing.steps import redo, undo
from videoflow.pipeline.keeping import scenes_read
from videoflow.pipeline.models import Asset, Project, Scene, Script
from videoflow.pipeline.stages.video_composition import timeline_of
from videoflow.pipeline.tests import factories
from videoflow.providers.base import Shot

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    """Six scenes of 4 s under six lines."""
    project = factories.ProjectFactory.create()
    script = factories.with_script(project)
    factories.with_media(project, script)
    return script


def at(script: Script, position: int) -> Scene:
    return script.scenes.select_related("project", "script", "asset").get(position=position)


def times(script: Script) -> list[tuple[float, float]]:
    return [(round(scene.start, 3), round(scene.seconds, 3)) for scene in script.scenes.all()]


def same(script: Script) -> list[tuple[object, ...]]:
    """What an undone act leaves as it was; the scenes' candidates among it."""
    rows = script.scenes.prefetch_related("candidates")
    names = (
        "position",
        "key",
        "start",
        "seconds",
        "asset_id",
        "motion",
        "transition",
        "turn_positions",
        "drawn_for",
        "end_shift",
    )
    return [(*(getattr(row, name) for name in names), {asset.pk for asset in row.candidates.all()}) for row in rows]


class TestSplit:
    def test_ok(self, script):
        whole = at(script, 1)
        key = scenes_cut.scene_split(scene=whole, at=5.5)
        first, second = at(script, 1), at(script, 2)
        assert times(script)[:4] == [(0.0, 4.0), (4.0, 1.5), (5.5, 2.5), (8.0, 4.0)] and script.scenes.count() == 7
        assert (first.key, second.key, second.asset_id, second.made_id) == (whole.key, key, whole.asset_id, whole.made_id)
        assert (first.motion, second.motion, second.transition) == (whole.motion, "push_in", "cut")

    def test_the_video_has_it_as_a_scene_of_its_own(self, script):
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        shown = timeline_of(script.project, script).scenes
        assert [(scene.start, scene.seconds, scene.motion) for scene in shown[1:3]] == [
            (4.0, 1.5, "still"),
            (5.5, 2.5, "push_in"),
        ]
        assert shown[1].media == shown[2].media

    def test_nobody_said_where(self, script):
        scene = at(script, 1)
        spoken = list(script.turns.select_related("speech"))
        beginnings = [turn.speech.start + word[1] for turn in spoken for word in [["", 0.0, 0.0], *turn.words]]
        scenes_cut.scene_split(scene=scene)
        cut = at(script, 2).start
        assert scene.start + 0.7 <= cut <= scene.start + 3.3
        near = [second for second in beginnings if abs(second - cut) < 0.011]
        assert near or not any(scene.start + 0.7 <= second <= scene.start + 3.3 for second in beginnings)

    def test_nothing_becomes_out_of_date(self, script):
        assert staleness_of(script.project, script, None).scenes == ()
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        assert staleness_of(script.project, script, None).scenes == ()

    def test_a_clip_goes_on_where_it_was_cut(self, script):
        Asset.objects.filter(pk=at(script, 1).asset_id).update(kind="clip", seconds=6.0)
        scenes.scene_change(scene=at(script, 1), trim_start=1.0)
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        assert (at(script, 1).trim_start, at(script, 2).trim_start) == (1.0, 2.5)
        assert at(script, 2).motion == at(script, 1).motion

    def test_undo_and_redo(self, script):
        before = same(script)
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        after = same(script)
        undo(script.project)
        assert same(script) == before
        redo(script.project)
        assert same(script) == after

    @pytest.mark.parametrize("second", [4.5, 7.5, 3.0, 20.0])
    def test_neither_part_becomes_too_short(self, script, second):
        with pytest.raises(BadInput, match=r"between 4\.7 and 7\.3"):
            scenes_cut.scene_split(scene=at(script, 1), at=second)
        assert script.scenes.count() == 6 and not script.project.edit_steps.exists()

    def test_a_scene_too_short_is_refused(self, script):
        scenes.scene_trim(scene=at(script, 1), end=5.2)
        with pytest.raises(BadInput, match="too short to be split"):
            scenes_cut.scene_split(scene=at(script, 1))

    def test_an_old_page_splits_nothing(self, script):
        scenes.scene_change(scene=at(script, 1), motion="pan_left")
        with pytest.raises(scenes.StaleScene):
            scenes_cut.scene_split(scene=at(script, 1), at=5.5, revision=1)
        assert script.scenes.count() == 6

    def test_the_media_made_anew_leave_it_split(self, script):
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        scenes.scene_trim(scene=at(script, 2), end=8.5)
        assert arranged_ends(script) == pytest.approx([4.0, 5.5, 8.5, 12.0, 16.0, 20.0, 24.0])


class TestDelete:
    def test_ok(self, script):
        gone, before = at(script, 2), at(script, 1)
        key = scenes_cut.scene_delete(scene=gone)
        kept = at(script, 1)
        assert key == kept.key == before.key
        assert times(script) == [(0.0, 4.0), (4.0, 8.0), (12.0, 4.0), (16.0, 4.0), (20.0, 4.0)]
        assert kept.asset_id == before.asset_id and kept.turn_positions == [1, 2]
        assert gone.asset in kept.candidates.all()

    def test_the_first_goes_to_the_one_after(self, script):
        scenes.scene_change(scene=at(script, 1), transition="wipe")
        after = at(script, 1)
        assert scenes_cut.scene_delete(scene=at(script, 0)) == after.key
        assert times(script)[0] == (0.0, 8.0)
        assert (at(script, 0).asset_id, at(script, 0).transition) == (after.asset_id, "cut")

    def test_undo_brings_it_back_with_what_was_tried_there(self, script):
        tried = factories.AssetFactory.create(project=script.project)
        at(script, 2).candidates.add(tried)
        before = same(script)
        scenes_cut.scene_delete(scene=at(script, 2))
        undo(script.project)
        restored = at(script, 2)
        assert tried in restored.candidates.all() and same(script)[2] == before[2] and times(script)[1] == (4.0, 4.0)
        redo(script.project)
        assert script.scenes.count() == 5

    def test_a_locked_scene_stays(self, script):
        scenes.scene_change(scene=at(script, 2), is_locked=True)
        with pytest.raises(BadInput, match="Unlock it first"):
            scenes_cut.scene_delete(scene=at(script, 2))

    def test_the_only_scene_stays(self, script):
        script.scenes.exclude(position=0).delete()
        with pytest.raises(BadInput, match="only scene"):
            scenes_cut.scene_delete(scene=at(script, 0))

    def test_changed_words_under_it_show_with_the_neighbour(self, script):
        scenes_cut.scene_delete(scene=at(script, 2))
        assert staleness_of(script.project, script, None).scenes == ()
        script.turns.filter(position=2).update(text="Other words altogether.")
        assert staleness_of(script.project, script, None).scenes == (1,)

    def test_the_media_made_anew_leave_it_out(self, script):
        scenes.scene_trim(scene=at(script, 2), end=12.5)
        scenes_cut.scene_delete(scene=at(script, 2))
        assert arranged_ends(script) == pytest.approx([4.0, 12.5, 16.0, 20.0, 24.0])

    def test_two_parts_of_one_are_one_again(self, script):
        scenes_cut.scene_split(scene=at(script, 1), at=5.5)
        scenes_cut.scene_delete(scene=at(script, 2))
        [cover] = covers_of(at(script, 1).covers)
        assert cover.is_whole and times(script)[1] == (4.0, 4.0) and arranged_ends(script)[1] == 8.0

    def test_what_was_undone_meanwhile_does_not_come_back_into_new_media(self, script):
        scenes_cut.scene_delete(scene=at(script, 2))
        Script.objects.filter(pk=script.pk).update(media_seconds=None)  # they are being made anew
        undo(script.project)
        assert script.scenes.count() == 5


def arranged_ends(script: Script) -> list[float]:
    """Return where scenes would end if the same storyboard came again."""
    shots = [Shot(n, (n % 6,), n * 4.0, 4.0, "image", f"l{n}", {}, "still", "cut") for n in range(6)]
    arranged = arrange(shots, list(script.turns.all()), scenes_read(script), {})
    return [scene.end + (scene.kept.end_shift if scene.kept else 0.0) for scene in arranged]


def test_a_copy_keeps_its_scenes_apart(script):
    scenes_cut.scene_split(scene=at(script, 1), at=5.5)
    copy = Project.objects.get(pk=project_duplicate(project=script.project).pk)
    assert [len(scene.covers) for scene in copy.scenes.order_by("position")] == [1] * 7
