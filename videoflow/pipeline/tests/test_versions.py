from datetime import timedelta

import pytest
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.editing import turns, versions
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.models import Script, script_current
from videoflow.pipeline.tests.factories import LINES, ProjectFactory, with_media, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    script = with_script(ProjectFactory.create())
    with_media(script.project, script)
    return script


def edit_line(script: Script, text: str, position: int = 0) -> None:
    turn = script.turns.select_related("script__project").get(position=position)
    turns.turn_text_save(turn=turn, text=text, revision=turn.revision)


def texts(script: Script) -> list[str]:
    return list(script.turns.values_list("text", flat=True))


def test_the_first_edit_keeps_what_was_written(script):
    edit_line(script, "Other words.")
    kept = script.project.scripts.get(version=1)
    current = script_current(script.project)
    assert texts(kept) == [text for _, text, _ in LINES] and kept.origin == "Written"
    assert (current.pk, current.version, current.origin) == (script.pk, 2, "Edited")
    assert current.turns.first().speech and current.scenes.exists()


def test_edits_within_ten_minutes_are_one_version(script):
    edit_line(script, "Other words.")
    edit_line(script, "Yet other words.")
    assert script.project.scripts.count() == 2
    Script.objects.filter(pk=script.pk).update(created_at=timezone.now() - timedelta(minutes=11))
    edit_line(script, "Words of later.")
    assert [texts(one)[0] for one in script.project.scripts.all()] == ["Words of later.", "Yet other words.", LINES[0][1]]


def test_a_restored_version_is_a_new_one_with_the_same_lines(script):
    keys = list(script.turns.values_list("key", flat=True))
    edit_line(script, "Other words.")
    length = script_current(script.project).measured_seconds
    versions.version_restore(project=script.project, version=script.project.scripts.get(version=1))
    current = script_current(script.project)
    assert texts(current) == [text for _, text, _ in LINES] and list(current.turns.values_list("key", flat=True)) == keys
    assert (current.pk, current.version, current.origin) == (script.pk, 3, "Version 1 restored")
    assert texts(script.project.scripts.get(version=2))[0] == "Other words."
    assert current.measured_seconds != length
    undo(script.project)
    assert texts(current)[0] == "Other words."
    assert script_current(script.project).measured_seconds == pytest.approx(length)


def test_restoring_what_stands_there_is_refused(script):
    edit_line(script, "Other words.")
    edit_line(script, LINES[0][1])
    turns.turn_text_save(turn=script.turns.select_related("script__project").get(position=0), text=LINES[0][1], revision=9)
    script.turns.update(words=[], measured_seconds=1)
    script.project.scripts.get(version=1).turns.update(words=[], measured_seconds=1)
    with pytest.raises(BadInput, match="says what"):
        versions.version_restore(project=script.project, version=script.project.scripts.get(version=1))


def test_words_are_compared_one_by_one():
    runs = versions.words_compare("It gained 900 views a day", "It gained 966 views in a day")
    assert runs == (
        ("same", "It gained"),
        ("gone", "900"),
        ("new", "966"),
        ("same", "views"),
        ("new", "in"),
        ("same", "a day"),
    )


def test_versions_are_compared_line_by_line(script):
    edit_line(script, f"{LINES[0][1]} Well?")
    turns.turn_delete(turn=script.turns.select_related("script__project").get(position=3))
    turns.turn_add(turn=script.turns.select_related("script__project").get(position=4), text="A last word.")
    changes = versions.versions_compare(script.project.scripts.get(version=1), script_current(script.project))
    assert [line.change for line in changes] == ["changed", "same", "same", "gone", "same", "same", "new"]
    assert changes[0].runs[-1] == ("new", "Well?")


def test_drafts_without_a_line_in_common_are_compared_by_their_words(script):
    other = with_script(ProjectFactory.create())
    other.turns.filter(position=2).update(text="Quite another line.")
    changes = versions.versions_compare(script, other)
    assert [line.change for line in changes] == ["same", "same", "gone", "new", "same", "same", "same"]


def test_old_versions_go_but_not_one_with_a_video(script, monkeypatch):
    monkeypatch.setattr(versions, "VERSIONS_KEPT", 3)
    for number in range(6):
        Script.objects.filter(pk=script.pk).update(created_at=timezone.now() - timedelta(minutes=11))
        edit_line(script, f"Text {number}.")
    assert list(script.project.scripts.values_list("version", flat=True)) == [7, 6, 5]
