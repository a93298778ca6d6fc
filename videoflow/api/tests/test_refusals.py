import logging

import pytest
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from videoflow import redis
from videoflow.api import limits
from videoflow.api.routers import sessions as session_routes
from videoflow.api.routers import tasks as task_routes

pytestmark = pytest.mark.django_db
JSON = "application/json"


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"nonsense",
            b"\xff\xfe",
            b'\xef\xbb\xbf{"form_data": {}}',
            b"[]",
            b"null",
            b"7",
            b'"text"',
            b'{"form_data": {"a": NaN}}',
            b'{"form_data": {"a": -Infinity}}',
            b'{"form_data": {"a": 1e999}}',
            b'{"form_data": {"a": 9223372036854775808}}',
            b'{"form_data": {"a": 1' + b"0" * 5000 + b"}}",
            b'{"form_data": {"a": "\\u0000"}}',
            b'{"form_data": {"\\u0000": 1}}',
            b'{"form_data": {"a": "\\ud800"}}',
            b'{"form_data": {"a": ["\\udfff"]}}',
            b'{"form_data": {}, "form_data": {"a": 1}}',
            b'{"form_data": {"a": {"b": 1, "b": 2}}}',
            b'{"form_data": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}",
            b'{"form_data": {"a": ' + b"[" * 50_000,
            b'{"form_data": {"a": ' + b"[" * 40_000 + b"]" * 40_000 + b"}}",
            b'{"form_data": {"a": "line\nbreak"}}',
            b"{'form_data': {}}",
        ],
    )
    def test_what_has_no_single_meaning_is_refused(self, program, refused, body):
        response = program.call("PUT", f"{program.path}/ui-state/script_generator", body)
        assert response.json()["error_code"] in {"BAD_JSON"}
        refused(response, 400, "BAD_JSON")
        assert program.call("GET", f"{program.path}/ui-state/script_generator").status_code == 404

    def test_what_can_be_kept_comes_back_as_it_was(self, program):
        kept = {
            "largest": 2**63 - 1,
            "smallest": -(2**63),
            "float": 1.5e300,
            "text": "𝄞\u2028\U0001f331",
            "": None,
            "deep": [[[{}]]],
        }
        path = f"{program.path}/ui-state/script_generator"
        assert program.call("PUT", path, {"form_data": kept}).json()["form_data"] == kept
        assert program.call("GET", path).json()["form_data"] == kept

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "application/json; charset=utf-16"],
    )
    def test_what_is_not_json(self, program, refused, content_type):
        response = program.client.generic("PUT", program.path, b'{"preferences": {}}', content_type, headers=program.headers)
        refused(response, 415, "NOT_JSON")

    def test_a_charset_may_be_named(self, program):
        content_type = "application/json; charset=UTF-8"
        response = program.client.generic("PUT", program.path, b'{"preferences": {}}', content_type, headers=program.headers)
        assert response.status_code == 200

    def test_too_large(self, program, refused):
        refused(program.call("POST", "/api/sessions", b'"' + b"x" * 10_000_000 + b'"'), 413, "TOO_LARGE")

    def test_an_empty_form_is_an_empty_body(self):
        assert Client().post("/api/sessions").status_code == 201
        assert Client().post("/api/sessions", {"preferences": "x"}).status_code == 415


class TestRoutes:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/",
            "/api/kitchen",
            "/api/sessions/",
            "/api/sessions/not-an-id",
            "/api/tasks/7",
            "/api/tasks/%00",
            "/api/sessions/%F0%9F/workflow-state",
        ],
    )
    def test_what_is_not_there(self, program, refused, path):
        refused(program.call("GET", path), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("PATCH", "/api/sessions"), ("GET", "/api/sessions"), ("POST", "/api/tasks"), ("OPTIONS", "/api/tasks")],
    )
    def test_the_wrong_method(self, program, refused, method, path):
        response = program.call(method, path)
        refused(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["Allow"]

    def test_a_foreign_host(self, refused):
        refused(Client().get("/api/tasks", headers={"Host": "evil.example"}), 400, "BAD_REQUEST")

    def test_pages_keep_their_own_refusals(self):
        assert "json" not in Client().get("/nothing/").headers["Content-Type"]


class TestFailures:
    def test_a_bug_is_logged_and_shows_nothing_of_itself(self, program, refused, monkeypatch, caplog):
        def broken(**_: object) -> None:
            raise RuntimeError("secret path /srv/key")

        monkeypatch.setattr(task_routes, "task_submit", broken)
        program.client.raise_request_exception = False
        with caplog.at_level(logging.ERROR):
            body = refused(program.submit(), 500, "UNEXPECTED")
        assert "secret" not in str(body)
        assert "secret path" in caplog.text

    def test_a_locked_database_is_a_matter_of_waiting(self, program, refused, monkeypatch):
        def locked(**_: object) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(session_routes, "session_delete", locked)
        assert refused(program.call("DELETE", program.path), 503, "UNAVAILABLE")["retryable"]


class TestLimits:
    def test_submits_of_a_session(self, program, refused, monkeypatch):
        monkeypatch.setattr(task_routes, "SUBMITS_PER_SESSION", 2)
        assert [program.submit().status_code for _ in range(2)] == [201, 201]
        response = program.submit()
        refused(response, 429, "SLOW_DOWN")
        assert 1 <= int(response.headers["Retry-After"]) <= 61

    def test_sessions_of_an_address(self, refused, monkeypatch, db):
        monkeypatch.setattr(session_routes, "SESSIONS_PER_ADDRESS", 1)
        assert Client().post("/api/sessions").status_code == 201
        refused(Client().post("/api/sessions"), 429, "SLOW_DOWN")

    def test_can_be_taken_off(self, program, monkeypatch, settings):
        settings.VIDEOFLOW_RATE_LIMITS = False
        monkeypatch.setattr(task_routes, "SUBMITS_PER_SESSION", 1)
        assert [program.submit().status_code for _ in range(3)] == [201] * 3

    def test_without_redis_each_process_counts_for_itself(self, program, refused, monkeypatch):
        def away() -> None:
            raise RedisConnectionError("gone")

        monkeypatch.setattr(redis, "connection", away)
        monkeypatch.setattr(limits, "_process", limits._ProcessCounter())
        monkeypatch.setattr(task_routes, "SUBMITS_PER_SESSION", 2)
        assert [program.submit().status_code for _ in range(3)] == [201, 201, 429]
