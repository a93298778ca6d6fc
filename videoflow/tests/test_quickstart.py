"""What README.md promises of a studio that dies: three creators' work, a power cut, and the next start goes on with it."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from videoflow.health.tests.test_studio import Running, are_gone, start
from videoflow.tasks.tests.noop.machine import wait_for

pytestmark = pytest.mark.rows

SECONDS = 240.0
STEPS = 4


class Creator:
    """A program with its session; the session outlives the studio's processes."""

    def __init__(self, studio: Running) -> None:
        made = self._client(studio).post("/api/sessions", json={}).raise_for_status().json()
        self.session = str(made["session_id"])
        self.bearer = {"Authorization": f"Bearer {made['access_token']}"}

    def _client(self, studio: Running) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{studio.port}", timeout=60, trust_env=False)

    def call(self, studio: Running, method: str, path: str, body: Any = None) -> Any:
        with self._client(studio) as client:
            return client.request(method, path, json=body, headers=self.bearer).raise_for_status().json()

    def submit(self, studio: Running, **options: Any) -> None:
        self.call(studio, "POST", "/api/tasks/submit/trending_analysis", {"session_id": self.session, "input_data": options})

    def tasks(self, studio: Running) -> list[dict[str, Any]]:
        return list(self.call(studio, "GET", f"/api/tasks?session_id={self.session}&limit=100")["tasks"])

    def events(self, studio: Running) -> list[dict[str, Any]]:
        return list(self.call(studio, "GET", f"/progress/{self.session}/events?after=0")["events"])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose studio's steps keep a small file and do nothing else; a lost one is taken over after 5 seconds."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "noop").touch()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "videoflow.tasks.tests.noop.settings")
    monkeypatch.setenv("NOOP_LEASE_SECONDS", "5")
    monkeypatch.setenv("NOOP_SLOTS", "3")
    return folder


def end(studio: Running) -> None:
    if studio.process.poll() is None:
        studio.process.terminate()
    studio.process.communicate(timeout=60)


def test_work_goes_on_after_kill_9(data: Path) -> None:
    """Forms, files, events and steps of three creators: nothing is lost, nothing is done twice."""
    studio = start(data)
    try:
        creators = [Creator(studio) for _ in range(3)]
        form = {"form_data": {"topic": "Moss"}}
        for one in creators:
            one.call(studio, "PUT", f"/api/sessions/{one.session}/ui-state/script_generator", form)
            for _ in range(STEPS):
                one.submit(studio, work_seconds=3, file=True)

        def is_amid() -> bool:
            return any(0 < task["progress"] < 70 for one in creators for task in one.tasks(studio))

        wait_for(is_amid, seconds=SECONDS, what="a step amid its work")
        family = studio.family()
        studio.process.kill()
        wait_for(lambda: are_gone(family), seconds=SECONDS, what="nothing running")
    finally:
        end(studio)

    studio = start(data)
    try:
        assert "is ready at" in studio.greeting

        def is_done() -> bool:
            return all(task["status"] == "completed" for one in creators for task in one.tasks(studio))

        wait_for(is_done, seconds=SECONDS, what="all steps done", every=0.5)
        recovered = 0
        for one in creators:
            kept = one.call(studio, "GET", f"/api/sessions/{one.session}/ui-state/script_generator")
            assert kept["form_data"] == form["form_data"]
            tasks, events = one.tasks(studio), one.events(studio)
            assert len(tasks) == STEPS
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            completions = [event["task_id"] for event in events if event["event_type"] == "completion"]
            assert sorted(completions) == sorted(task["task_id"] for task in tasks)
            recovered += sum("worker was lost" in event["message"] for event in events)
        assert recovered >= 1
        files = [path for path in (data / "media").rglob("*") if path.is_file()]
        assert len(files) == 3 * STEPS
        assert [path.stem for path in files] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    finally:
        end(studio)
