from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from videoflow.api import schemas
from videoflow.api.tests.conftest import Program
from videoflow.pipeline.models import Project
from videoflow.pipeline.tests.factories import TaskFactory
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.vault.models import Credential

pytestmark = pytest.mark.django_db


class TestCreate:
    def test_ok_with_an_empty_body(self):
        client = Client()
        response = client.post("/api/sessions", content_type="application/json")
        assert response.status_code == 201
        schemas.NewSession.model_validate(response.json(), strict=True)
        cookie = client.cookies["videoflow_creator"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert client.cookies["csrftoken"].value
        assert response.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in response.headers

    def test_defaults_and_times(self, program):
        created = program.created
        assert created["preferences"] == {
            "theme": "system",
            "auto_save": True,
            "notifications": True,
            "openai_api_key": None,
            "youtube_api_key": None,
            "gemini_api_key": None,
        }
        begun, ends = (datetime.fromisoformat(created[name]) for name in ("created_at", "expires_at"))
        assert ends - begun == timedelta(hours=24)
        assert begun.tzinfo == UTC
        assert created["created_at"].endswith("Z")

    def test_takes_preferences(self):
        program = Program(theme="dark", openai_api_key="sk-canary-12345678")
        assert program.created["preferences"]["theme"] == "dark"
        assert program.created["preferences"]["openai_api_key"] == "…5678"

    def test_a_session_that_cannot_be_as_wished_is_not_made(self, refused):
        response = Client().post(
            "/api/sessions", {"preferences": {"openai_api_key": "two words"}}, content_type="application/json"
        )
        refused(response, 400, "KEY_INVALID")
        assert not CreatorSession.objects.exists()

    def test_the_token_is_shown_once_and_kept_nowhere(self, program):
        assert "access_token" not in program.call("GET", program.path).json()
        assert program.created["access_token"] not in str(CreatorSession.objects.values().get())

    def test_a_signed_in_users_session_lives_until_deleted(self):
        client = Client()
        client.force_login(get_user_model().objects.create_user("ana"))
        assert client.post("/api/sessions", content_type="application/json").json()["expires_at"] is None


class TestGet:
    def test_ok(self, program):
        response = program.call("GET", program.path)
        assert response.status_code == 200
        schemas.Session.model_validate(response.json(), strict=True)

    def test_by_cookie(self, browser):
        assert browser.call("GET", browser.path).status_code == 200

    def test_activity_slides_the_expiry(self, program):
        with time_machine.travel(timezone.now() + timedelta(hours=20)):
            ends = datetime.fromisoformat(program.call("GET", program.path).json()["expires_at"])
            assert ends > timezone.now() + timedelta(hours=23, minutes=59)
        with time_machine.travel(timezone.now() + timedelta(hours=40)):
            assert program.call("GET", program.path).status_code == 200

    def test_over_after_24_hours(self, program, refused):
        with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=2)):
            refused(program.call("GET", program.path), 404, "NOT_FOUND")

    def test_not_over_while_a_task_is_open(self, program):
        program.submit()
        with time_machine.travel(timezone.now() + timedelta(hours=30)):
            assert program.call("GET", program.path).status_code == 200


class TestChange:
    def test_merges_and_null_deletes_one(self, program):
        program.call("PUT", program.path, {"preferences": {"theme": "dark", "auto_save": False}})
        response = program.call("PUT", program.path, {"preferences": {"theme": None, "notifications": False}})
        preferences = response.json()["preferences"]
        assert (preferences["theme"], preferences["auto_save"], preferences["notifications"]) == ("system", False, False)

    def test_keys_go_into_the_vault_and_nowhere_else(self, program, caplog):
        key = "sk-canary-0a1b2c3d"
        response = program.call("PUT", program.path, {"preferences": {"gemini_api_key": key}})
        assert response.json()["preferences"]["gemini_api_key"] == "…2c3d"
        assert program.session.preferences == {}
        row = Credential.objects.get()
        assert key.encode() not in bytes(row.ciphertext)
        assert key not in str(response.content) + str(CreatorSession.objects.values().get()) + caplog.text

    def test_sending_back_what_was_read_changes_nothing(self, program):
        program.call("PUT", program.path, {"preferences": {"openai_api_key": "sk-first-12345678"}})
        before = bytes(Credential.objects.get().ciphertext)
        read = program.call("GET", program.path).json()["preferences"]
        assert program.call("PUT", program.path, {"preferences": {**read, "theme": "dark"}}).status_code == 200
        assert bytes(Credential.objects.get().ciphertext) == before

    def test_null_forgets_a_key(self, program):
        program.call("PUT", program.path, {"preferences": {"openai_api_key": "sk-first-12345678"}})
        response = program.call("PUT", program.path, {"preferences": {"openai_api_key": None}})
        assert response.json()["preferences"]["openai_api_key"] is None
        assert not Credential.objects.exists()

    @pytest.mark.parametrize(
        ("preferences", "field"),
        [
            ({"theme": "blue"}, "preferences.theme"),
            ({"auto_save": "yes"}, "preferences.auto_save"),
            ({"auto_save": 1}, "preferences.auto_save"),
            ({"colour": "red"}, "preferences.colour"),
            ({"openai_api_key": 12345678}, "preferences.openai_api_key"),
        ],
    )
    def test_names_each_wrong_field(self, program, refused, preferences, field):
        body = refused(program.call("PUT", program.path, {"preferences": preferences}), 400, "INVALID_INPUT")
        assert list(body["details"]) == [field]

    @pytest.mark.parametrize("key", ["", "short", "two words", "schlüssel-123", "x" * 601, "…"])
    def test_what_cannot_be_a_key_is_refused(self, program, key):
        response = program.call("PUT", program.path, {"preferences": {"openai_api_key": key}})
        assert response.status_code == 400
        assert not Credential.objects.exists()

    def test_needs_preferences(self, program, refused):
        assert "preferences" in refused(program.call("PUT", program.path, {}), 400, "INVALID_INPUT")["details"]

    def test_a_refused_key_leaves_the_rest_unchanged(self, program, refused):
        body = {"preferences": {"theme": "dark", "openai_api_key": "…9999"}}
        refused(program.call("PUT", program.path, body), 400, "KEY_MASKED")
        assert program.session.preferences == {}


class TestDelete:
    def test_cancels_tasks_and_deletes_rows(self, program, refused):
        program.submit()
        program.call("PUT", program.path, {"preferences": {"openai_api_key": "sk-first-12345678"}})
        assert program.call("DELETE", program.path).status_code == 204
        for model in (CreatorSession, Project, Task, Credential):
            assert not model.objects.exists()
        refused(program.call("GET", program.path), 404, "NOT_FOUND")

    def test_leaves_other_sessions_alone(self, program, stranger):
        task = TaskFactory.create(project__session=stranger.session)
        program.call("DELETE", program.path)
        assert stranger.call("GET", f"/api/tasks/{task.pk}").json()["status"] == "pending"
