import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.editing import looks
from videoflow.pipeline.editing.music import music_mood_set
from videoflow.pipeline.editing.staleness import staleness_of
from videoflow.pipeline.editing.steps import steps_state, undo
from videoflow.pipeline.models import Project
from videoflow.pipeline.stages.video_composition import caption_style_of, speakers_of, timeline_of
from videoflow.pipeline.tests.factories import AssetFactory, ProjectFactory, with_media, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory.create()


def test_captions_are_chosen_and_taken_back(project):
    looks.caption_change(project=project, values={"name": "classic", "size_share": 0.06, "colours": {"A": "#ff8866"}})
    project = Project.objects.get(pk=project.pk)
    assert (caption_style_of(project).name, caption_style_of(project).size_share) == ("classic", 0.06)
    assert [speaker.colour for speaker in speakers_of(project)] == ["#ff8866", "#6cc5ff"]
    assert steps_state(project).undo == "Change the captions"
    undo(project)
    assert Project.objects.get(pk=project.pk).caption == {}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "karaoke"}, "name"),
        ({"size_share": 0.5}, "size_share"),
        ({"colours": {"A": "red"}}, "colour_a"),
        ({"glow": 3}, "glow"),
    ],
)
def test_captions_that_cannot_be_drawn_are_refused(project, values, field):
    with pytest.raises(BadInput) as refusal:
        looks.caption_change(project=project, values=values)
    assert field in refusal.value.details
    assert not project.edit_steps.exists()


def test_an_old_form_does_not_overwrite(project):
    shown = looks.look_revision(project, "caption")
    looks.caption_change(project=project, values={"name": "classic"}, revision=shown)
    with pytest.raises(looks.StaleLook):
        looks.caption_change(project=project, values={"name": "none"}, revision=shown)
    looks.caption_change(project=project, values={"name": "classic"}, revision=shown)  # the same again changes nothing
    assert project.edit_steps.count() == 1


def test_music_is_switched_off_and_heard_again(project):
    script = with_script(project)
    with_media(project, script)
    looks.music_change(project=project, values={"level_db": -26.0})
    assert timeline_of(project, script).music.level_db == -26.0
    looks.music_change(project=project, values={"is_on": False})
    assert timeline_of(project, script).music is None
    assert project.music == {"level_db": -26.0, "is_on": False}


def test_a_mood_is_laid_once_whatever_its_bed_is_called(project):
    script = with_script(project)
    with_media(project, script)
    script.media_seconds = 2.0
    script.save(update_fields=["media_seconds"])
    bed = music_mood_set(project=project, mood="warm")
    assert (bed.mood, bed.seconds) == ("warm", 2.0)
    bed.alt = "The song of the harbour"
    bed.save(update_fields=["alt"])
    assert music_mood_set(project=project, mood="warm") == bed


@pytest.mark.parametrize("values", [{"level_db": 0.0}, {"level_db": float("nan")}, {"tempo": 2}])
def test_music_that_cannot_be_is_refused(project, values):
    with pytest.raises(BadInput):
        looks.music_change(project=project, values=values)


def test_another_projects_music_is_refused(project):
    other = AssetFactory.create(kind="music")
    with pytest.raises(BadInput, match="not there any more"):
        looks.music_change(project=project, values={"asset_id": str(other.pk)})


def test_another_format_makes_the_drawn_pictures_stale_and_keeps_the_chosen(project):
    script = with_script(project)
    with_media(project, script)
    locked = script.scenes.get(position=2)
    locked.is_locked = True
    locked.save()
    assert staleness_of(project, script, None).scenes == ()
    looks.aspect_change(project=project, aspect="9:16")
    assert staleness_of(project, script, None).scenes == (0, 1, 3, 4, 5)
    assert timeline_of(project, script).format.height_px == 1920
    undo(project)
    project.refresh_from_db()
    assert staleness_of(project, script, None).scenes == ()


def test_a_format_there_is_not_is_refused(project):
    with pytest.raises(BadInput):
        looks.aspect_change(project=project, aspect="4:3")
