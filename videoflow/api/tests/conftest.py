from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from videoflow.api.schemas import Error
from videoflow.sessions.models import CreatorSession


class Program:
    """A client of the API as the contract has it: one session, its bearer token, JSON both ways."""

    def __init__(self, *, bearer: bool = True, **preferences: Any) -> None:
        self.client = Client(enforce_csrf_checks=True)
        body = {"preferences": preferences} if preferences else {}
        response = self.client.post("/api/sessions", body, content_type="application/json")
        assert response.status_code == 201, response.content
        self.created: dict[str, Any] = response.json()
        self.session_id: str = self.created["session_id"]
        self.path = f"/api/sessions/{self.session_id}"
        self.headers: dict[str, str] = {}
        if bearer:
            self.headers["Authorization"] = f"Bearer {self.created['access_token']}"
            self.client.cookies.clear()
        else:
            self.headers["X-CSRFToken"] = self.client.cookies["csrftoken"].value

    @property
    def session(self) -> CreatorSession:
        return CreatorSession.objects.get(pk=self.session_id)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; ``body`` bytes go as they are. Header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        extra: dict[str, Any] = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method.lower())(path, headers={**self.headers, **sent}, **extra)

    def submit(self, task_type: str = "trending_analysis", input_data: Any = None, **facts: Any) -> Any:
        headers = facts.pop("headers", {})
        body = {"session_id": self.session_id, "input_data": input_data or {}, **facts}
        return self.call("POST", f"/api/tasks/submit/{task_type}", body, **headers)


@pytest.fixture
def program(db: None) -> Program:
    return Program()


@pytest.fixture
def stranger(db: None) -> Program:
    return Program()


@pytest.fixture
def browser(db: None) -> Program:
    return Program(bearer=False)


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Assert a refusal with the contract's body and return it."""

    def check(response: Any, status: int, code: str) -> dict[str, Any]:
        assert (response.status_code, response.json()["error_code"]) == (status, code), response.content
        assert response.headers["Content-Type"] == "application/json"
        assert ("Retry-After" in response.headers) == (status in {429, 503})
        Error.model_validate(response.json(), strict=True)
        return dict(response.json())

    return check
