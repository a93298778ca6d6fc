from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from videoflow import redis
from videoflow.health import probes
from videoflow.tasks.models import Worker
from videoflow.tests.slow_redis import redis_frozen

pytestmark = pytest.mark.django_db
CHECKS = {"database", "redis", "worker", "ffmpeg", "storage"}


@pytest.fixture
def worker() -> Worker:
    return Worker.objects.create(worker_id="one", kind="celery", host="here", pid=1)


class TestLive:
    def test_ok(self, client: Client) -> None:
        assert client.get("/livez").json() == {"status": "ok"}

    def test_wrong_method(self, client: Client) -> None:
        assert client.post("/livez").status_code == 405

    def test_needs_no_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "cursor", _fall)
        assert client.get("/livez").status_code == 200


class TestReady:
    @pytest.mark.parametrize("path", ["/readyz", "/health"])
    def test_ok(self, client: Client, worker: Worker, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "checks": dict.fromkeys(CHECKS, "ok"), "messages": {}}
        assert "no-store" in answer.headers["Cache-Control"]

    def test_no_worker_is_degraded(self, client: Client) -> None:
        body = client.get("/readyz").json()
        assert (body["status"], body["checks"]["worker"]) == ("degraded", "degraded")
        assert "No worker is running" in body["messages"]["worker"]

    def test_silent_worker_is_none(self, client: Client, worker: Worker) -> None:
        Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
        assert client.get("/readyz").json()["checks"]["worker"] == "degraded"

    def test_no_redis_is_degraded(self, client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis, "connection", lambda: redis.connect("unix:///nowhere/redis.sock"))
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["redis"]) == (200, "degraded")

    def test_frozen_redis_is_degraded_and_waited_for_no_longer(self, client: Client, worker: Worker) -> None:
        """A stopped process takes connections and never answers: the worst that Redis can do."""
        with redis_frozen():
            answers = [client.get(path) for path in ("/readyz", "/health", "/livez")]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert (answers[0].json()["status"], answers[0].json()["checks"]["redis"]) == ("degraded", "degraded")

    def test_no_database_is_down(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "cursor", _fall)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
        assert "secret table" not in answer.content.decode()

    def test_storage_that_cannot_be_written_is_down(self, client: Client, worker: Worker, settings: Any, tmp_path: Any) -> None:
        (tmp_path / "file").write_text("")
        settings.MEDIA_ROOT = tmp_path / "file" / "media"
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["storage"]) == (503, "down")
        assert str(tmp_path) not in answer.content.decode()

    def test_little_room_is_degraded(self, client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "free_bytes", lambda folder: 10**9)
        assert client.get("/readyz").json()["messages"] == {"storage": "Only 0.9 GB of disk are free."}


def _fall(*_: object, **__: object) -> None:
    raise OperationalError("secret table is locked")
