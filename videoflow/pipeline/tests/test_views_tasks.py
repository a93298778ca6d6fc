import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_enqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(client: Client) -> CreatorSession:
    return factories.session_of(client)


@pytest.fixture
def task(session) -> Task:
    project = factories.ProjectFactory.create(session=session)
    return task_enqueue(
        session=session, project_id=project.pk, task_type="trending_analysis", queue="io", input_data={}, wake=False
    )


class TestTaskList:
    def test_ok(self, client, task):
        factories.TaskFactory.create(message="Not mine")
        page = client.get(reverse("tasks:task_list")).content.decode()
        assert str(task.pk) in page
        assert "Not mine" not in page

    def test_filter(self, client, task):
        assert str(task.pk) in client.get("/tasks/?status=pending").content.decode()
        assert str(task.pk) not in client.get("/tasks/?status=failed").content.decode()
        assert client.get("/tasks/?status=dancing&page=x").status_code == 200

    def test_tasks_of_a_deleted_project_are_neither_shown_nor_counted(self, client, session, task):
        gone = factories.ProjectFactory.create(session=session, deleted_at=timezone.now())
        factories.task_done(gone, "script_generation", "done")
        page = client.get("/tasks/")
        assert [row.pk for row in page.context["page"]] == [task.pk]
        assert (page.context["total"], dict(page.context["filters"])["completed"]) == (1, 0)

    def test_empty(self, client):
        assert "No tasks yet" in client.get("/tasks/").content.decode()

    def test_fragment(self, client, task):
        page = client.get("/tasks/", headers={"HX-Request": "true", "HX-Target": "tasks"}).content.decode()
        assert "<html" not in page


class TestCancel:
    def test_ok(self, client, task):
        response = client.post(reverse("tasks:task_cancel", args=[task.pk]))
        assert response.url == f"{reverse('pipeline:project_detail', args=[task.project_id])}#panel-trending_analysis"
        task.refresh_from_db()
        assert task.status == "cancelled"

    def test_htmx_stays_on_the_page(self, client, task):
        response = client.post(reverse("tasks:task_cancel", args=[task.pk]), headers={"HX-Request": "true"})
        assert (response.status_code, response.headers["HX-Trigger"]) == (204, "vf:changed")

    def test_ended_is_a_sentence_on_the_next_page(self, client, session):
        task = factories.task_done(factories.ProjectFactory.create(session=session), "trending_analysis", "done")
        response = client.post(reverse("tasks:task_cancel", args=[task.pk]), {"next": "/tasks/"}, follow=True)
        assert "already ended" in response.content.decode()

    def test_another_creators_is_404(self, client, session):
        assert client.post(reverse("tasks:task_cancel", args=[factories.TaskFactory.create().pk])).status_code == 404

    def test_wrong_method(self, client, task):
        assert client.get(reverse("tasks:task_cancel", args=[task.pk])).status_code == 405

    def test_next_leads_nowhere_else(self, client, task):
        response = client.post(reverse("tasks:task_cancel", args=[task.pk]), {"next": "https://elsewhere.example/"})
        assert response.url.startswith("/projects/")


class TestRetry:
    def test_ok(self, client, session):
        task = factories.task_failed(factories.ProjectFactory.create(session=session), "trending_analysis", "No.")
        assert client.post(reverse("tasks:task_retry", args=[task.pk])).status_code == 302
        task.refresh_from_db()
        assert task.status == "retrying"

    def test_refusal_draws_the_page_anew(self, client, task):
        response = client.post(reverse("tasks:task_retry", args=[task.pk]), headers={"HX-Request": "true"})
        assert response.headers["HX-Refresh"] == "true"
        assert "Only a failed or cancelled task" in client.get("/tasks/").content.decode()

    def test_another_creators_is_404(self, client, session):
        assert (
            client.post(reverse("tasks:task_retry", args=[factories.TaskFactory.create(status="failed").pk])).status_code == 404
        )


class TestEvents:
    def test_ok(self, client, session, task):
        url = reverse("tasks:events", args=[session.pk])
        reply = client.get(f"{url}?after=0").json()
        assert reply["hello"]["seq"] == 1
        assert reply["hello"]["reset"] is False
        assert [event["seq"] for event in reply["events"]] == [1]
        assert reply["events"][0]["task_id"] == str(task.pk)

    def test_beyond_the_head_starts_over(self, client, session, task):
        reply = client.get(f"{reverse('tasks:events', args=[session.pk])}?after=99").json()
        assert (reply["hello"]["reset"], reply["events"]) == (True, [])

    @pytest.mark.parametrize("after", ["", "x", "-1", "9" * 30, "²"])
    def test_nonsense_is_the_state_without_events(self, client, session, task, after):
        reply = client.get(f"{reverse('tasks:events', args=[session.pk])}?after={after}")
        assert reply.status_code == 200
        assert reply.json()["events"] == []

    def test_another_creators_is_404(self, client, session):
        stranger = factories.CreatorSessionFactory.create()
        assert client.get(reverse("tasks:events", args=[stranger.pk])).status_code == 404
