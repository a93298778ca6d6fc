import wave

import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.editing import pronunciations
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.models import Project
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.tests.factories import ProjectFactory, with_media, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory.create()


def book(project: Project) -> list[list[str]]:
    return list(Project.objects.get(pk=project.pk).pronunciations)


def test_lines_with_the_word_are_to_be_spoken_anew(project):
    script = with_script(project)
    with_media(project, script)
    pronunciations.pronunciation_set(project=project, written="Theo", spoken="tay oh")
    assert [turn.position for turn in turns_unspoken(project, script)] == [0]
    undo(project)
    project.refresh_from_db()
    assert turns_unspoken(project, script) == []


def test_a_word_stands_in_the_book_once_and_leaves_it(project):
    pronunciations.pronunciation_set(project=project, written="Kiwi", spoken="key wee")
    pronunciations.pronunciation_set(project=project, written="  kiwi ", spoken="kee wee")
    assert book(project) == [["kiwi", "kee wee"]]
    pronunciations.pronunciation_remove(project=project, written="kiwi")
    assert book(project) == []


@pytest.mark.parametrize(
    ("written", "spoken", "field"),
    [
        ("", "a", "written"),
        ("Kiwi", " ", "spoken"),
        ("Kiwi", "…", "spoken"),
        ("x" * 61, "a", "written"),
        ("Kiwi", "Kiwi", "spoken"),
    ],
)
def test_what_cannot_be_said_is_refused_at_its_field(project, written, spoken, field):
    with pytest.raises(BadInput) as caught:
        pronunciations.pronunciation_set(project=project, written=written, spoken=spoken)
    assert list(caught.value.details) == [field] and book(project) == []


def test_a_full_book_says_so(project, monkeypatch):
    monkeypatch.setattr(pronunciations, "ENTRIES_LIMIT", 1)
    pronunciations.pronunciation_set(project=project, written="Kiwi", spoken="key wee")
    with pytest.raises(BadInput, match="Remove one"):
        pronunciations.pronunciation_set(project=project, written="Nguyen", spoken="win")
    pronunciations.pronunciation_set(project=project, written="Kiwi", spoken="kee wee")


def test_a_sample_is_spoken_as_the_book_says(project):
    path = pronunciations.pronunciation_listen(project=project, written="Saoirse", spoken="seer sha")
    with wave.open(str(path)) as sound:
        assert 0.3 < sound.getnframes() / sound.getframerate() < 4
    assert pronunciations.pronunciation_listen(project=project, written="Saoirse", spoken="seer sha") == path
