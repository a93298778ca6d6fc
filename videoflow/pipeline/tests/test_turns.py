import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.arranging import Cover
from videoflow.pipeline.editing import turns
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.keeping import scenes_read
from videoflow.pipeline.models import Script, Turn
from videoflow.pipeline.tests.factories import LINES, ProjectFactory, with_media, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    project = ProjectFactory.create()
    script = with_script(project)
    with_media(project, script)
    script.turns.update(words=[["word", 0.0, 1.0]])
    return script


def line(script: Script, position: int) -> Turn:
    return script.turns.select_related("script__project").get(position=position)


def said(script: Script) -> list[tuple[str, str]]:
    return list(script.turns.values_list("speaker", "text"))


def test_a_new_text_is_estimated_at_the_speakers_pace(script):
    pace = turns.paces(script)["A"]
    turn = turns.turn_text_save(turn=line(script, 0), text="  Six words\nare  said right here ", revision=1)
    assert (turn.text, turn.revision, turn.words) == ("Six words are said right here", 2, [])
    assert turn.measured_seconds == round(6 / pace, 2)


def test_the_length_and_the_shares_follow(script):
    turns.turn_text_save(turn=line(script, 0), text="Short.", revision=1)
    before = Script.objects.get(pk=script.pk)
    turns.turn_text_save(turn=line(script, 0), text="Long " * 100, revision=2)
    after = Script.objects.get(pk=script.pk)
    assert after.measured_seconds > before.measured_seconds and after.share_a > before.share_a


def test_the_same_text_is_no_edit_even_from_an_old_page(script):
    turns.turn_text_save(turn=line(script, 0), text="Other words.", revision=1)
    assert turns.turn_text_save(turn=line(script, 0), text="Other words.", revision=1).revision == 2
    assert script.project.edit_steps.count() == 1


def test_an_old_page_does_not_overwrite(script):
    turns.turn_text_save(turn=line(script, 0), text="Theirs.", revision=1)
    with pytest.raises(turns.StaleRevision) as caught:
        turns.turn_text_save(turn=line(script, 0), text="Mine.", revision=1)
    assert caught.value.turn.text == "Theirs." and line(script, 0).text == "Theirs."


@pytest.mark.parametrize("text", ["", " \n ", "…!", "word " * 500])
def test_a_text_that_cannot_be_spoken_is_refused(script, text):
    with pytest.raises(BadInput):
        turns.turn_text_save(turn=line(script, 0), text=text, revision=1)
    assert said(script)[0][1] == LINES[0][1]


def test_the_other_speaker_says_it(script):
    turns.turn_swap(turn=line(script, 0))
    assert said(script)[0][0] == "B" and line(script, 0).words == []


def test_a_lock_needs_no_new_recording(script):
    turns.turn_lock(turn=line(script, 0), is_locked=True)
    turn = line(script, 0)
    assert turn.is_locked and turn.words and turn.speech


def test_a_line_moves_and_keeps_its_recording(script):
    before = said(script)
    speech = line(script, 2).speech
    turns.turn_move(turn=line(script, 2), by=-1)
    assert said(script) == [before[0], before[2], before[1], *before[3:]]
    assert line(script, 1).speech == speech and line(script, 1).section == before_section(script)


def before_section(script: Script) -> str:
    return line(script, 0).section


@pytest.mark.parametrize(("position", "by"), [(0, -1), (5, 1)])
def test_at_the_end_a_line_stays(script, position, by):
    before = said(script)
    turns.turn_move(turn=line(script, position), by=by)
    assert said(script) == before and not script.project.edit_steps.exists()


def test_a_line_is_split_and_joined_again(script):
    before = said(script)
    cut = len("Twelve million views in four days,")
    turns.turn_split(turn=line(script, 0), at_character=cut)
    assert [text for _, text in said(script)[:2]] == [
        "Twelve million views in four days,",
        "for trees no taller than a bicycle. Theo, what is going on?",
    ]
    turns.turn_merge(turn=line(script, 0))
    assert said(script) == before


@pytest.mark.parametrize("at", [0, 10_000])
def test_a_split_leaves_words_on_both_sides(script, at):
    with pytest.raises(BadInput):
        turns.turn_split(turn=line(script, 0), at_character=at)


def test_the_last_line_has_none_to_join(script):
    with pytest.raises(BadInput, match="last line"):
        turns.turn_merge(turn=line(script, 5))


def test_a_new_line_is_the_other_speakers(script):
    turns.turn_add(turn=line(script, 0), text="Go on.")
    assert said(script)[1] == ("B", "Go on.")


def test_a_conversation_keeps_two_speakers(script):
    for _ in range(2):
        turns.turn_delete(turn=script.turns.filter(speaker="B").select_related("script__project").last())
    with pytest.raises(BadInput, match="Both speakers"):
        turns.turn_delete(turn=script.turns.select_related("script__project").get(speaker="B"))


def test_a_deleted_line_comes_back(script):
    before = said(script)
    turns.turn_delete(turn=line(script, 3))
    undo(script.project)
    assert said(script) == before


def under(script: Script) -> list[list[str]]:
    """Return what is said under each scene, by its lines' keys."""
    return [list(scene.turn_keys) for scene in scenes_read(script)]


def test_scenes_stay_with_their_lines_when_others_come_between(script):
    before = under(script)
    turns.turn_add(turn=line(script, 0), text="And what of it?")
    turns.turn_move(turn=line(script, 3), by=1)
    assert under(script) == before


def test_a_scene_gets_its_line_back_when_a_deleted_one_is(script):
    script.scenes.filter(position=1).update(covers=[Cover(1, (1,), 4.0, 8.0, ends=0.5).stored()])
    before = script.scenes.values_list("turn_positions", "covers")
    found = list(before.all())
    turns.turn_delete(turn=line(script, 1))
    assert [scene.turn_positions for scene in script.scenes.all()][:3] == [[0], [], [1]]
    undo(script.project)
    assert list(before.all()) == found
