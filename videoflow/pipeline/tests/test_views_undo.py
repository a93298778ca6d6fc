import pytest
from django.urls import reverse

from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.models import Project, Script
from videoflow.pipeline.tests.factories import ProjectFactory, session_of, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(client) -> Project:
    project = ProjectFactory.create(session=session_of(client))
    script: Script = with_script(project)
    with edit(project, "script", "Edit line 1"):
        script.turns.filter(position=0).update(text="Another hook.")
    return project


def first_line(project: Project) -> str:
    script = project.scripts.get()
    return str(script.turns.get(position=0).text)


def test_the_page_names_what_would_be_undone(client, project):
    page = client.get(reverse("pipeline:project_detail", args=[project.pk])).content.decode()
    assert "Undo: Edit line 1" in page


def test_undo_and_redo_without_javascript(client, project):
    reply = client.post(reverse("pipeline:undo", args=[project.pk]))
    assert reply.status_code == 302
    assert first_line(project).startswith("Twelve million views")
    client.post(reverse("pipeline:redo", args=[project.pk]))
    assert first_line(project) == "Another hook."


def test_undo_with_htmx_draws_the_buttons_and_wakes_the_panels(client, project):
    reply = client.post(reverse("pipeline:undo", args=[project.pk]), headers={"HX-Request": "true"})
    assert reply.headers["HX-Trigger"] == "vf:changed"
    assert "Redo: Edit line 1" in reply.content.decode()


def test_nothing_to_undo_is_said(client, project):
    client.post(reverse("pipeline:undo", args=[project.pk]))
    reply = client.post(reverse("pipeline:undo", args=[project.pk]), headers={"HX-Request": "true"})
    assert "nothing to undo" in reply.content.decode()


@pytest.mark.parametrize(("name", "method"), [("undo", "post"), ("redo", "post"), ("step_buttons", "get")])
def test_somebody_elses_is_not_there(client, name, method):
    other = ProjectFactory.create()
    assert getattr(client, method)(reverse(f"pipeline:{name}", args=[other.pk])).status_code == 404
