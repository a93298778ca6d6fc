from datetime import timedelta
from typing import get_args

import pytest
import time_machine
from django.utils import timezone

from videoflow.api import schemas
from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.tests.factories import ProjectFactory, TaskFactory, task_done, task_failed, task_running, with_script
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db

SCRIPT = "A: What is everybody watching?\nB: Tiny forests. " + "They grow on old car parks, and people film them. " * 12


def test_task_types_and_components_are_the_stages():
    assert get_args(schemas.TaskType) == tuple(stage.name for stage in stages.load())
    assert get_args(schemas.Component) == tuple(stage.component for stage in stages.load())


class TestSubmit:
    def test_ok_makes_a_project(self, program):
        response = program.submit()
        assert response.status_code == 201
        task = response.json()
        schemas.Task.model_validate(task, strict=True)
        assert (task["status"], task["priority"], task["input_data"]) == ("pending", "normal", {})
        assert Project.objects.get(pk=task["project_id"]).session_id == program.session.pk
        assert program.call("GET", f"/api/tasks/{task['task_id']}").json() == task

    def test_a_given_script_with_length_priority_and_continue(self, program):
        given = {"input_type": "script", "script_text": SCRIPT, "minimum_seconds": 60, "continue": True}
        task = program.submit("script_generation", given, priority="high").json()
        assert task["input_data"] == {**given, "script_text": SCRIPT.strip()}
        assert task["priority"] == "high"
        assert Project.objects.get(pk=task["project_id"]).minimum_seconds == 60

    def test_works_on_a_named_project(self, program):
        project = ProjectFactory.create(session=program.session)
        with_script(project)
        task = program.submit("media_generation", {"project_id": str(project.pk)}).json()
        assert task["project_id"] == str(project.pk)

    def test_the_same_stage_of_the_same_project_once_at_a_time(self, program, refused):
        project = {"project_id": program.submit().json()["project_id"]}
        refused(program.submit("trending_analysis", project), 409, "TASK_ALREADY_RUNNING")

    @pytest.mark.parametrize("task_type", ["script_generation", "media_generation", "video_composition", "youtube_upload"])
    def test_an_earlier_stage_is_missing(self, program, refused, task_type):
        project = ProjectFactory.create(session=program.session)
        refused(program.submit(task_type, {"project_id": str(project.pk)}), 409, "STAGE_NOT_READY")

    def test_a_refused_submit_leaves_no_project(self, program, refused):
        refused(program.submit("script_generation", {"input_type": "theme"}), 409, "STAGE_NOT_READY")
        assert not Project.objects.exists()

    @pytest.mark.parametrize("task_type", ["media_generation", "video_composition", "youtube_upload"])
    def test_later_stages_need_a_project(self, program, refused, task_type):
        assert "input_data.project_id" in refused(program.submit(task_type), 400, "INVALID_INPUT")["details"]

    def test_a_project_of_somebody_else_is_not_there(self, program, refused):
        foreign = ProjectFactory.create()
        for wrong in (str(foreign.pk), "no id"):
            refused(program.submit("trending_analysis", {"project_id": wrong}), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("task_type", "input_data", "field"),
        [
            ("trending_analysis", {"window": "daily"}, "input_data.window"),
            ("trending_analysis", {"categories": "10"}, "input_data.categories"),
            ("trending_analysis", {"continue": "true"}, "input_data.continue"),
            ("script_generation", {"minimum_seconds": "180"}, "input_data.minimum_seconds"),
            ("script_generation", {"minimum_seconds": 5}, "input_data.minimum_seconds"),
            ("script_generation", {"theme_ids": ["1"]}, "input_data.theme_ids.0"),
            ("video_composition", {"project_id": 7}, "input_data.project_id"),
            ("youtube_upload", {"target": "moon"}, "input_data.target"),
            ("youtube_upload", {"colour": "red"}, "input_data.colour"),
        ],
    )
    def test_names_each_wrong_field(self, program, refused, task_type, input_data, field):
        assert list(refused(program.submit(task_type, input_data), 400, "INVALID_INPUT")["details"]) == [field]

    @pytest.mark.parametrize("facts", [{"priority": "urgent"}, {"speed": 1}, {"session_id": 5}, {"input_data": "x"}])
    def test_names_wrong_fields_around_the_input(self, program, refused, facts):
        assert list(refused(program.submit(**facts), 400, "INVALID_INPUT")["details"]) == list(facts)

    def test_an_unknown_task_type_is_not_there(self, program, refused):
        refused(program.submit("cooking"), 404, "NOT_FOUND")


class TestIdempotencyKey:
    def test_the_same_key_returns_the_first_reply(self, program):
        first = program.submit(headers={"Idempotency_Key": "a"})
        Task.objects.update(status=Task.Status.CANCELLED)
        again = program.submit(headers={"Idempotency_Key": "a"})
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert Task.objects.count() == 1

    def test_another_key_is_another_task(self, program):
        tasks = {program.submit(headers={"Idempotency_Key": key}).json()["task_id"] for key in "ab"}
        assert len(tasks) == 2

    def test_with_another_body_it_conflicts(self, program, refused):
        program.submit(headers={"Idempotency_Key": "a"})
        other = program.submit("trending_analysis", {"window": "monthly"}, headers={"Idempotency_Key": "a"})
        refused(other, 409, "IDEMPOTENCY_KEY_REUSED")
        other = program.submit("script_generation", {}, headers={"Idempotency_Key": "a"})
        refused(other, 409, "IDEMPOTENCY_KEY_REUSED")

    def test_keys_of_two_sessions_do_not_meet(self, program, stranger):
        mine = program.submit(headers={"Idempotency_Key": "a"}).json()
        theirs = stranger.submit(headers={"Idempotency_Key": "a"}).json()
        assert mine["task_id"] != theirs["task_id"]

    def test_after_a_refusal_the_key_is_free(self, program):
        assert program.submit("trending_analysis", {"window": "daily"}, headers={"Idempotency_Key": "a"}).status_code == 400
        given = {"input_type": "theme"}
        assert program.submit("script_generation", given, headers={"Idempotency_Key": "a"}).status_code == 409
        assert program.submit(headers={"Idempotency_Key": "a"}).status_code == 201

    def test_after_a_day_it_is_a_new_request(self, program):
        first = program.submit(headers={"Idempotency_Key": "a"}).json()
        with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
            again = program.submit(headers={"Idempotency_Key": "a"}).json()
        assert again["task_id"] != first["task_id"]

    @pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\tb"])
    def test_a_key_that_cannot_be_kept_is_refused(self, program, refused, key):
        refused(program.submit(headers={"Idempotency_Key": key}), 400, "INVALID_INPUT")


class TestList:
    def test_newest_first_in_pages(self, program, stranger):
        stranger.submit()
        made = [program.submit().json()["task_id"] for _ in range(5)]
        page = program.call("GET", f"/api/tasks?session_id={program.session_id}&limit=2&offset=1").json()
        schemas.TaskList.model_validate(page, strict=True)
        assert [task["task_id"] for task in page["tasks"]] == made[::-1][1:3]
        assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (5, 2, 1, True)
        last = program.call("GET", f"/api/tasks?session_id={program.session_id}&limit=2&offset=3").json()
        assert (len(last["tasks"]), last["has_more"]) == (2, False)

    def test_filters(self, program):
        program.submit()
        done = task_done(ProjectFactory.create(session=program.session), "script_generation", "done")
        for query in ("status=completed", "task_type=script_generation", "status=completed&task_type=script_generation"):
            page = program.call("GET", f"/api/tasks?session_id={program.session_id}&{query}").json()
            assert [task["task_id"] for task in page["tasks"]] == [str(done.pk)]
            assert (page["total"], page["limit"]) == (1, 20)

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "status=done", "task_type=x", "page=2"])
    def test_names_each_wrong_field(self, program, refused, query):
        body = refused(program.call("GET", f"/api/tasks?session_id={program.session_id}&{query}"), 400, "INVALID_INPUT")
        assert list(body["details"]) == [query.partition("=")[0]]

    def test_needs_a_session_of_the_caller(self, program, stranger, refused):
        refused(program.call("GET", "/api/tasks"), 400, "INVALID_INPUT")
        for session_id in ("no-id", stranger.session_id):
            refused(program.call("GET", f"/api/tasks?session_id={session_id}"), 404, "NOT_FOUND")


class TestRetry:
    def test_a_failed_task_runs_again(self, program):
        task = task_failed(ProjectFactory.create(session=program.session), "script_generation", "The disk is full.")
        shown = program.call("GET", f"/api/tasks/{task.pk}").json()
        schemas.Task.model_validate(shown, strict=True)
        assert shown["error"]["error_code"] == "DISK_FULL"
        retried = program.call("POST", f"/api/tasks/{task.pk}/retry")
        assert retried.status_code == 200
        assert (retried.json()["status"], retried.json()["retry_count"], retried.json()["error"]) == ("retrying", 1, None)

    def test_three_times_at_most(self, program, refused):
        project = ProjectFactory.create(session=program.session)
        task = task_failed(project, "script_generation", "No.", retry_count=3)
        refused(program.call("POST", f"/api/tasks/{task.pk}/retry"), 400, "RETRIES_USED_UP")

    def test_only_what_ended_badly(self, program, refused):
        done, running = ProjectFactory.create_batch(2, session=program.session)
        for task in (task_done(done, "script_generation", "x"), task_running(running, "script_generation", 10, "x")):
            refused(program.call("POST", f"/api/tasks/{task.pk}/retry"), 400, "TASK_NOT_RETRYABLE")

    def test_not_while_the_stage_runs_anew(self, program, refused):
        project = ProjectFactory.create(session=program.session)
        failed = task_failed(project, "script_generation", "No.")
        task_running(project, "script_generation", 10, "x")
        refused(program.call("POST", f"/api/tasks/{failed.pk}/retry"), 409, "TASK_ALREADY_RUNNING")

    def test_takes_no_fields(self, program, refused):
        task = task_failed(ProjectFactory.create(session=program.session), "script_generation", "No.")
        refused(program.call("POST", f"/api/tasks/{task.pk}/retry", {"now": True}), 400, "INVALID_INPUT")
        assert program.call("POST", f"/api/tasks/{task.pk}/retry", {}).status_code == 200


class TestCancel:
    @pytest.mark.parametrize("status", ["pending", "in_progress", "retrying"])
    def test_ok(self, program, status):
        task = TaskFactory.create(project__session=program.session, status=status)
        assert program.call("DELETE", f"/api/tasks/{task.pk}").status_code == 204
        assert program.call("GET", f"/api/tasks/{task.pk}").json()["status"] == "cancelled"

    @pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
    def test_not_when_it_has_ended(self, program, refused, status):
        task = TaskFactory.create(project__session=program.session, status=status)
        refused(program.call("DELETE", f"/api/tasks/{task.pk}"), 400, "TASK_ENDED")
