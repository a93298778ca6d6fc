"""Two clients and every route: what is somebody else's looks like what is not there."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from videoflow.api.api import api
from videoflow.api.tests.conftest import Program
from videoflow.pipeline.models import Project
from videoflow.pipeline.tests.factories import ProjectFactory, asset_make, task_failed
from videoflow.sessions.models import UIState
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db

SUBMIT = {"input_data": {}, "priority": "low"}
ROUTES: list[tuple[str, str, dict[str, object] | None]] = [
    ("GET", "/api/sessions/{session_id}", None),
    ("PUT", "/api/sessions/{session_id}", {"preferences": {"theme": "dark"}}),
    ("GET", "/api/sessions/{session_id}/workflow-state", None),
    ("PUT", "/api/sessions/{session_id}/workflow-state", {"workflow_state": {}}),
    ("GET", "/api/sessions/{session_id}/ui-state/script_generator", None),
    ("PUT", "/api/sessions/{session_id}/ui-state/script_generator", {"form_data": {}}),
    ("GET", "/api/tasks?session_id={session_id}", None),
    ("POST", "/api/tasks/submit/trending_analysis", {"session_id": "{session_id}", **SUBMIT}),
    ("GET", "/api/tasks/{task_id}", None),
    ("POST", "/api/tasks/{task_id}/retry", None),
    ("DELETE", "/api/tasks/{task_id}", None),
    ("DELETE", "/api/sessions/{session_id}", None),
]
SUCCESS = {"POST": {200, 201}, "GET": {200}, "PUT": {200}, "DELETE": {204}}


def filled(owner: Program, route: tuple[str, str, dict[str, object] | None]) -> tuple[str, str, dict[str, object] | None]:
    """Return the route with ids of the owner's things."""
    method, path, body = route
    UIState.objects.get_or_create(session=owner.session, component_name="script_generator")
    task = task_failed(ProjectFactory.create(session=owner.session), "script_generation", "No.")
    if method == "DELETE":
        Task.objects.update(status=Task.Status.PENDING)
    ids = {"session_id": owner.session_id, "task_id": str(task.pk)}
    if body and "session_id" in body:
        body = {**body, "session_id": owner.session_id}
    return method, path.format(**ids), body


def test_the_table_has_every_route():
    paths = api.get_openapi_schema()["paths"]
    known = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    named = {
        (
            method,
            path.partition("?")[0].replace("script_generator", "{component_name}").replace("trending_analysis", "{task_type}"),
        )
        for method, path, _ in ROUTES
    }
    assert known - named == {("POST", "/api/sessions")}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
class TestEveryRoute:
    def test_its_owner_by_token(self, program, route):
        method, path, body = filled(program, route)
        assert program.call(method, path, body).status_code in SUCCESS[method]

    def test_its_owner_by_cookie(self, browser, route):
        method, path, body = filled(browser, route)
        assert browser.call(method, path, body).status_code in SUCCESS[method]

    def test_a_signed_in_owner_on_another_device(self, program, route):
        user = get_user_model().objects.create_user("ana")
        program.session.projects.all().delete()
        type(program.session).objects.update(user=user)
        method, path, body = filled(program, route)
        device = Client()
        device.force_login(user)
        extra = {"data": body, "content_type": "application/json"} if body else {}
        assert getattr(device, method.lower())(path, **extra).status_code in SUCCESS[method]

    @pytest.mark.parametrize("who", ["stranger", "other browser", "nobody", "wrong token"])
    def test_anybody_else_finds_nothing_and_changes_nothing(
        self, program: Program, refused: Callable[..., dict[str, object]], route, who
    ):
        method, path, body = filled(program, route)
        before = list(Task.objects.values_list("pk", "status")), Project.objects.count(), program.session.preferences
        caller = Program(bearer=who != "other browser")
        if who == "nobody":
            caller.headers = {}
        elif who == "wrong token":
            caller.headers = {"Authorization": f"Bearer {program.session_id}"}
        foreign = refused(caller.call(method, path, body), 404, "NOT_FOUND")
        assert (list(Task.objects.values_list("pk", "status")), Project.objects.count(), program.session.preferences) == before
        absent = path.replace(program.session_id, str(uuid4())).replace(str(Task.objects.get().pk), str(uuid4()))
        if body and "session_id" in body:
            body = {**body, "session_id": str(uuid4())}
        unknown = refused(caller.call(method, absent, body), 404, "NOT_FOUND")
        assert {**foreign, "timestamp": 0} == {**unknown, "timestamp": 0}

    def test_a_cookie_needs_the_csrf_token(self, browser, refused, route):
        method, path, body = filled(browser, route)
        if method == "GET":
            return
        browser.headers = {}
        refused(browser.call(method, path, body), 403, "CSRF_FAILED")
        browser.headers = {"X-CSRFToken": browser.client.cookies["csrftoken"].value, "Origin": "https://evil.example"}
        refused(browser.call(method, path, body), 403, "CSRF_FAILED")


class TestCreatingWithoutCookie:
    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_another_sites_page_cannot(self, refused, headers):
        response = Client().post("/api/sessions", headers=headers, content_type="application/json")
        refused(response, 403, "CSRF_FAILED")
        assert "videoflow_creator" not in response.cookies

    @pytest.mark.parametrize("headers", [{}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
    def test_programs_and_our_own_page_can(self, headers):
        assert Client().post("/api/sessions", headers=headers).status_code == 201

    def test_with_the_cookie_it_needs_the_csrf_token(self, browser, refused):
        assert browser.call("POST", "/api/sessions", {}).status_code == 201
        browser.headers = {}
        refused(browser.call("POST", "/api/sessions", {}), 403, "CSRF_FAILED")


def test_a_token_opens_its_own_session_only(program):
    other = session_create(bearer="another token")
    assert program.call("GET", f"/api/sessions/{other.pk}").status_code == 404


def test_a_program_fetches_its_files_with_its_token(program, stranger):
    asset = asset_make(ProjectFactory.create(session=program.session), kind="video", name="video.mp4", content=b"0" * 50)
    path = f"/media/{asset.pk}/video.mp4"
    assert program.call("GET", path).status_code == 200
    assert program.call("GET", path, Range="bytes=0-9").status_code == 206
    assert stranger.call("GET", path).status_code == 404
    assert Client().get(path).status_code == 404


def test_a_token_shuts_the_cookie_out(program, browser):
    browser.headers = program.headers
    assert browser.call("GET", browser.path).status_code == 404
    assert browser.call("GET", f"/progress/{browser.session_id}/events").status_code == 404
    assert browser.call("GET", f"/progress/{program.session_id}/events").status_code == 200


def test_an_empty_token_opens_nothing(program):
    type(program.session).objects.update(bearer_hash="", cookie_hash="")
    for value in ("Bearer ", "Bearer", "bearer  "):
        program.headers = {"Authorization": value}
        assert program.call("GET", program.path).status_code == 404
