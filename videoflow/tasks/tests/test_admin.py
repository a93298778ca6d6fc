import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from videoflow.errors import VideoflowError
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import session_create
from videoflow.tasks.admin import duration_shown
from videoflow.tasks.history import attempts_of
from videoflow.tasks.models import ProgressEvent, Task, Worker
from videoflow.tasks.services import leases_reap, task_cancel, task_claim, task_complete, task_fail, task_progress
from videoflow.tasks.tests.factories import claim_make, session_make, task_make

pytestmark = pytest.mark.django_db
LIST = "/admin/tasks/task/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="a long word"))
    return client


def words(answer: Any) -> str:
    """The text of a page, tags gone, blanks joined."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def listed(client: Client, **filters: str) -> set[str]:
    """The ids (shortened) that the list shows under the given filters."""
    answer = client.get(LIST, filters)
    assert answer.status_code == 200, filters
    return {str(task.pk) for task in answer.context["cl"].result_list}


class TestList:
    def test_ok(self, staff: Client) -> None:
        task = task_make()
        task_progress(claim=claim_make(task), percent=40, message="Drawing scene 4 of 9")
        Task.objects.update(attempt_started_at=timezone.now() - timedelta(seconds=75))
        text = words(staff.get(LIST))
        for part in (str(task.pk)[:8], "script_generation", "in progress", "40 %", "Drawing scene 4 of 9"):
            assert part in text
        assert re.search(r"\b1:[1-4]\d min", text)

    def test_filters(self, staff: Client) -> None:
        mine, other = task_make(), task_make(task_type="trending_analysis", queue="io")
        task_cancel(task_id=other.pk)
        for name, value in (
            ("status__exact", "pending"),
            ("task_type__exact", "script_generation"),
            ("queue__exact", "cpu"),
            ("session", str(mine.session_id)),
        ):
            if name == "task_type__exact":
                name = "task_type"
            elif name == "queue__exact":
                name = "queue"
            assert listed(staff, **{name: value}) == {str(mine.pk)}, name
        assert listed(staff, session="no id") == set()

    def test_the_session_filter_offers_the_latest_and_the_chosen(self, staff: Client) -> None:
        first = task_make()
        CreatorSession.objects.update(last_activity=timezone.now() - timedelta(hours=1))
        for _ in range(16):
            task_make()
        text = words(staff.get(LIST))
        assert str(first.session_id)[:8] not in text.split("By session")[1].split("By created at")[0]
        chosen = words(staff.get(LIST, {"session": str(first.session_id)}))
        assert str(first.session_id)[:8] in chosen.split("By session")[1].split("By created at")[0]

    def test_search(self, staff: Client) -> None:
        task, _ = task_make(), task_make()
        task.project.title = "Night gardens"
        task.project.save()
        for query in (str(task.pk), str(task.session_id), str(task.project_id), "night gard"):
            assert listed(staff, q=query) == {str(task.pk)}, query

    def test_queries_do_not_grow_with_rows(self, staff: Client, django_assert_max_num_queries: Any) -> None:
        for _ in range(12):
            task_make()
        with django_assert_max_num_queries(16):
            staff.get(LIST)

    def test_the_pages_policy_holds_here_too(self, staff: Client) -> None:
        policy = staff.get(LIST).headers["Content-Security-Policy"]
        assert "script-src 'self';" in f"{policy};"
        assert "unsafe" not in policy

    def test_strangers_are_sent_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST).status_code == 302


class TestDetail:
    def test_ok(self, staff: Client) -> None:
        """Two attempts: the first one lost its worker, the second one completes."""
        task = task_make()
        claim = claim_make(task)
        for percent in (10, 20, 55):
            task_progress(claim=claim, percent=percent, message=f"Part {percent}")
        Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert leases_reap() == 1
        task_complete(claim=claim_make(task), message="9 scenes", result_data={"scenes": 9})
        text = words(staff.get(reverse("admin:tasks_task_change", args=[task.pk])))
        timeline = text.split("Timeline")[1]
        assert timeline.index("Attempt 2 completed") < timeline.index("Attempt 1 retrying") < timeline.index("Before the first")
        assert "3 progress reports in_progress 10 to 55 % Part 55" in timeline
        assert "The worker was lost; another one takes over" in timeline
        assert "&quot;scenes&quot;: 9" in text

    def test_error_is_named(self, staff: Client) -> None:
        task = task_make()
        task_fail(claim=claim_make(task), error=VideoflowError("The disk is full.", code="DISK_FULL"))
        timeline = words(staff.get(reverse("admin:tasks_task_change", args=[task.pk]))).split("Timeline")[1]
        assert "The disk is full. DISK_FULL" in timeline

    def test_words_of_others_are_text(self, staff: Client) -> None:
        task = task_make(message="<script>alert(1)</script>")
        task.input_data = {"topic": "</pre><script>alert(2)</script>"}
        task.save()
        for url in (LIST, reverse("admin:tasks_task_change", args=[task.pk])):
            assert "<script>alert" not in staff.get(url).content.decode()

    def test_nothing_can_be_changed(self, staff: Client) -> None:
        task = task_make()
        page = staff.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
        assert 'name="status"' not in page
        assert 'name="_save"' not in page
        assert staff.post(reverse("admin:tasks_task_change", args=[task.pk]), {"status": "failed"}).status_code == 403
        assert staff.get(reverse("admin:tasks_task_add")).status_code == 403
        assert staff.post(reverse("admin:tasks_task_delete", args=[task.pk]), {"post": "yes"}).status_code == 403

    def test_unknown_task(self, staff: Client) -> None:
        answer = staff.get(reverse("admin:tasks_task_change", args=["1d0f6e6e-0000-4000-8000-000000000000"]), follow=True)
        assert "doesn’t exist" in words(answer)


def act(client: Client, action: str, *tasks: Task) -> str:
    ids = [str(task.pk) for task in tasks]
    return words(client.post(LIST, {"action": action, "_selected_action": ids}, follow=True))


class TestActions:
    def test_cancel(self, staff: Client) -> None:
        running, ended = task_make(), task_make()
        claim = claim_make(running)
        task_cancel(task_id=ended.pk)
        text = act(staff, "cancel_tasks", running, ended)
        assert "1 task cancelled." in text
        assert "1 left as it is: This task has already ended" in text
        assert Task.objects.get(pk=running.pk).status == "cancelled"
        assert not claim.rows().exists()  # its worker finds out
        assert ProgressEvent.objects.filter(task=running, status="cancelled").count() == 1

    def test_retry(self, staff: Client) -> None:
        task, waiting = task_make(), task_make()
        task_cancel(task_id=task.pk)
        text = act(staff, "retry_tasks", task, waiting)
        assert "1 task waiting for a worker again." in text
        assert "Only a failed or cancelled task can be retried." in text
        assert Task.objects.get(pk=task.pk).retry_count == 1
        assert task_claim(queue="cpu", worker_id="host:test:1", task_id=task.pk) is not None

    def test_buttons(self, staff: Client) -> None:
        task = task_make()
        url = reverse("admin:tasks_task_change", args=[task.pk])
        assert "Cancel this task" in words(staff.get(url))
        answer = staff.post(f"/admin/tasks/task/{task.pk}/operate/cancel/", follow=True)
        assert Task.objects.get(pk=task.pk).status == "cancelled"
        assert "Retry this task" in words(answer)
        assert "Cancel this task" not in words(answer)
        assert staff.get(f"/admin/tasks/task/{task.pk}/operate/cancel/").status_code == 405
        assert staff.post(f"/admin/tasks/task/{task.pk}/operate/delete/").status_code == 404
        assert staff.post("/admin/tasks/task/nothing/operate/cancel/").status_code == 404

    def test_buttons_need_the_csrf_token(self, staff: Client) -> None:
        task = task_make()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(User.objects.get())
        assert strict.post(f"/admin/tasks/task/{task.pk}/operate/cancel/").status_code == 403
        assert Task.objects.get(pk=task.pk).status == "pending"

    def test_those_who_only_look_cannot_act(self, client: Client) -> None:
        user = User.objects.create_user("grace", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_task"))
        client.force_login(user)
        task = task_make()
        assert client.get(LIST).status_code == 200
        act(client, "cancel_tasks", task)
        assert client.post(f"/admin/tasks/task/{task.pk}/operate/cancel/").status_code == 403
        assert Task.objects.get(pk=task.pk).status == "pending"


class TestSecrets:
    def test_no_hash_no_key_is_shown(self, staff: Client) -> None:
        session = session_create(cookie="a cookie", bearer="a bearer")
        session.preferences = {"theme": "dark", "gemini_api_key": "AIza-very-secret"}
        session.save()
        text = staff.get(reverse("admin:creator_sessions_creatorsession_change", args=[session.pk])).content.decode()
        text += staff.get("/admin/creator_sessions/creatorsession/").content.decode()
        for secret in (session.cookie_hash, session.bearer_hash, "AIza"):
            assert secret not in text
        assert "a browser and a program" in text
        assert "&quot;theme&quot;: &quot;dark&quot;" in text

    def test_sessions_are_not_found_by_a_hash(self, staff: Client) -> None:
        session = session_create(cookie="a cookie")
        answer = staff.get("/admin/creator_sessions/creatorsession/", {"q": session.cookie_hash[:12]})
        assert answer.context["cl"].result_count == 0
        assert staff.get("/admin/creator_sessions/creatorsession/", {"cookie_hash__startswith": "a"}).status_code in {302, 400}

    def test_no_list_shows_a_secret_field(self) -> None:
        for model, shown in admin.site._registry.items():
            if model is User:
                continue
            names = {*map(str, shown.list_display), *map(str, shown.search_fields), *map(str, shown.fields or ())}
            assert not {name for name in names if re.search("hash|token|cipher|password", name)}, model

    def test_counts_of_a_session(self, staff: Client) -> None:
        session = session_make()
        task_make(session)
        task_make(session)
        row = staff.get("/admin/creator_sessions/creatorsession/").context["cl"].result_list.get(pk=session.pk)
        assert (row.projects_n, row.tasks_n) == (2, 2)


class TestReadOnly:
    def test_every_room_of_ours(self, staff: Client) -> None:
        """Lists open, and nowhere but in the operator's price list can a row be added."""
        ours = [model for model in admin.site._registry if model.__module__.startswith("videoflow.")]
        assert {Task, Worker, CreatorSession} < set(ours)
        for model in ours:
            base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert staff.get(base).status_code == 200, base
            is_listed = model._meta.model_name == "serviceprice"
            assert staff.get(f"{base}add/").status_code == (200 if is_listed else 403), base


class TestHistory:
    def test_without_events(self) -> None:
        assert attempts_of([]) == []

    def test_waiting(self) -> None:
        task = task_make()
        (attempt,) = attempts_of(task.events.order_by("seq"))
        assert (attempt.number, attempt.outcome, attempt.seconds) == (0, "waiting", None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.42, "0.4 s"), (42, "42 s"), (59.6, "1:00 min"), (187, "3:07 min"), (3727, "1:02:07 h")]
)
def test_duration_shown(seconds: float | None, text: str) -> None:
    assert duration_shown(seconds) == text
