"""The editor of chapters: what it refuses, what it writes into the description, and that it can be undone."""

import pytest
from django.urls import reverse

from videoflow.errors import BadInput
from videoflow.pipeline.editing.chapters import chapters_save
from videoflow.pipeline.editing.publish_draft import draft_values
from videoflow.pipeline.editing.steps import steps_state, undo
from videoflow.pipeline.metadata import chapters_read
from videoflow.pipeline.tests import factories

pytestmark = pytest.mark.django_db
ROWS = [("0:00", "The forest"), ("0:45", "What grows"), ("2:10", "Who plants"), ("", " ")]


@pytest.fixture
def project(client):
    return factories.project_finished(factories.session_of(client))


def written(project) -> list[tuple[float, str]]:
    project.refresh_from_db()
    found = chapters_read(str(draft_values(project, project.videos.get())["description"]))
    return [(chapter.start, chapter.title) for chapter in found]


def test_typed_chapters_take_the_place_of_those_in_the_description_and_can_be_undone(client, project):
    before = written(project)
    address = reverse("pipeline:publish_chapters", args=[project.pk])
    data = {"act": "save", "start": [time for time, _ in ROWS], "chapter": [title for _, title in ROWS]}
    answer = client.post(address, data, headers={"hx-request": "true"})
    assert answer.status_code == 200 and "youtube_upload" in answer.headers["HX-Trigger-After-Settle"]
    assert written(project) == [(0.0, "The forest"), (45.0, "What grows"), (130.0, "Who plants")]
    assert steps_state(project).undo == "Change the description to publish with"
    undo(project)
    assert written(project) == before
    plain = client.post(address, data)
    assert plain.status_code == 302 and plain.url.endswith("?open=youtube_upload#panel-youtube_upload")
    assert written(project)[1] == (45.0, "What grows")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("0:00", "One"), ("0:30", "Two")], "3 at least"),
        ([("0:05", "One"), ("0:30", "Two"), ("1:00", "Three")], "begins at 0:00, not at 0:05"),
        ([("0:00", "One"), ("0:05", "Two"), ("1:00", "Three")], "“One” begins at 0:00 and the next begins at 0:05"),
        ([("0:00", "One"), ("1:00", "Two"), ("0:30", "Three")], "“Two” begins at 1:00"),
        ([("0:00", "One"), ("1:00", "Two"), ("3:05", "Three")], "the video ends at 3:09"),
        ([("0:00", "One"), ("1:00", ""), ("2:00", "Three")], "The chapter at 1:00 has no title."),
        ([("0:00", "One"), ("1:00", "<b>"), ("2:00", "Three")], "without < and >"),
        ([("0:00", "One"), ("1:75", "Two"), ("2:00", "Three")], "“1:75” is not a time"),
        ([("soon", "One"), ("1:00", "Two"), ("2:00", "Three")], "“soon” is not a time"),
    ],
)
def test_a_broken_rule_is_named(project, rows, reason):
    with pytest.raises(BadInput, match=reason):
        chapters_save(project=project, video=project.videos.get(), rows=rows)


def test_a_refusal_keeps_what_was_typed(client, project):
    address = reverse("pipeline:publish_chapters", args=[project.pk])
    data = {"act": "save", "start": ["0:00", "9:99"], "chapter": ["Mine", "Kept"]}
    for headers in ({}, {"hx-request": "true"}):
        answer = client.post(address, data, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 422 and "“9:99” is not a time" in page
        assert 'value="Mine"' in page and 'value="9:99"' in page and 'value="Kept"' in page


def test_one_more_row_changes_nothing(client, project):
    before = written(project)
    address = reverse("pipeline:publish_chapters", args=[project.pk])
    page = client.post(address, {"act": "add", "start": ["0:00"], "chapter": ["Mine"]}, headers={"hx-request": "true"})
    assert page.content.decode().count('name="start"') == 2
    assert written(project) == before


def test_another_creators_is_404(client, project):
    stranger = factories.project_finished(factories.CreatorSessionFactory.create())
    assert client.get(reverse("pipeline:publish_chapters", args=[stranger.pk])).status_code == 404
    assert client.get(reverse("pipeline:publish_chapters", args=[project.pk])).status_code == 200
