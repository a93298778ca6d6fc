"""Three creators at once through the whole journey on one running studio: each sees their own work and nothing else."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from videoflow.tasks.tests.noop.calls import Answer, Caller
from videoflow.tasks.tests.noop.machine import Machine, wait_for
from videoflow.tasks.tests.noop.sockets import ProgressSocket, Refused, progress_socket
from videoflow.tests.own_rows import rows_ask

STAGES = ("trending_analysis", "script_generation", "media_generation", "video_composition")
ENDED = {"completed", "failed", "cancelled"}
FLOOD = 12
SECONDS = 240.0


@pytest.fixture(scope="module")
def studio() -> Iterator[Machine]:
    """A studio of real processes whose stages keep a small file and do nothing else; two tasks run at once."""
    with Machine(workers=1, processes=2, serves=True) as machine:
        yield machine


@dataclass
class User:
    """A program with its token, and the browser that made the session, with its cookie."""

    caller: Caller
    session: str
    token: str
    cookie: str
    heard: list[dict[str, Any]] = field(default_factory=list)
    socket: ProgressSocket | None = None

    @classmethod
    async def arrive(cls, caller: Caller) -> "User":
        made = await caller.call("POST", "/api/sessions", {})
        facts = made.json()
        return cls(caller, facts["session_id"], facts["access_token"], made.cookies["videoflow_creator"])

    async def listen(self) -> None:
        def hear(payload: bytes, _: float) -> None:
            self.heard.append(json.loads(payload))

        self.socket = await progress_socket(port=self.caller.port, session_id=self.session, bearer=self.token, hear=hear)

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.caller.call(method, path, body, {"Authorization": f"Bearer {self.token}"})

    async def browse(self, path: str) -> Answer:
        return await self.caller.call("GET", path, headers={"Cookie": f"videoflow_creator={self.cookie}"})

    async def submit(self, stage: str = "trending_analysis", **options: Any) -> dict[str, Any]:
        answer = await self.call("POST", f"/api/tasks/submit/{stage}", {"session_id": self.session, "input_data": options})
        assert answer.status == 201, answer.body
        return dict(answer.json())

    async def tasks(self) -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/api/tasks?session_id={self.session}&limit=100")).json()["tasks"])

    async def done(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many tasks have ended, and return all of them."""
        async with asyncio.timeout(SECONDS):
            while True:
                tasks = await self.tasks()
                if sum(task["status"] in ENDED for task in tasks) >= count:
                    return tasks
                await asyncio.sleep(0.1)

    def events(self) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["event_type"] != "hello"]


async def journey(user: User) -> str:
    """Go through all five stages and return the project's id."""
    begun = await user.submit(**{"continue": True, "file": True, "work_seconds": 0.1})
    await user.done(len(STAGES))
    await user.submit("youtube_upload", project_id=begun["project_id"], file=True)
    await user.done(len(STAGES) + 1)
    return str(begun["project_id"])


async def three(studio: Machine) -> tuple[Caller, list[User]]:
    caller = Caller(studio.port)
    users = [await User.arrive(caller) for _ in range(3)]
    for user in users:
        await user.listen()
    return caller, users


def assets_of(studio: Machine, project: str) -> list[str]:
    """Paths under which the project's files are served."""
    sought = "SELECT id, name FROM pipeline_asset WHERE project_id = %s"
    found = rows_ask(studio.environment, sought, project.replace("-", ""))
    return [f"/media/{UUID(str(asset))}/{name}" for asset, name in found]


async def test_each_goes_through_all_stages_and_sees_only_their_own(studio: Machine) -> None:
    caller, users = await three(studio)
    projects = await asyncio.gather(*(journey(user) for user in users))
    assert len(set(projects)) == 3
    for user, project in zip(users, projects, strict=True):
        tasks = await user.tasks()
        assert [task["task_type"] for task in reversed(tasks)] == [*STAGES, "youtube_upload"]
        assert {(task["status"], task["progress"], task["project_id"]) for task in tasks} == {("completed", 100, project)}
        await asyncio.to_thread(wait_for, lambda: _is_whole(user), seconds=SECONDS, what="every event on the socket")  # noqa: B023
        mine = {task["task_id"] for task in tasks}
        assert {event["task_id"] for event in user.events()} == mine
        assert [event["seq"] for event in user.events()] == list(range(1, len(user.events()) + 1))
        completions = [event["task_id"] for event in user.events() if event["event_type"] == "completion"]
        assert sorted(completions) == sorted(mine)
    for user, project in zip(users, projects, strict=True):
        own, theirs = (
            assets_of(studio, project),
            [one for other in projects if other != project for one in assets_of(studio, other)],
        )
        assert own and theirs
        assert {(await user.browse(path)).status for path in own} == {200}
        assert {(await user.browse(path)).status for path in theirs} == {404}
        assert {(await user.call("GET", path)).status for path in theirs} == {404}
        listed = (await user.browse("/projects/")).body.decode() + (await user.browse("/tasks/")).body.decode()
        assert [project in listed for project in projects] == [one == project for one in projects]
    for user in users:
        user.socket.close()
    caller.close()


def _is_whole(user: User) -> bool:
    return sum(event["event_type"] == "completion" for event in user.events()) == len(STAGES) + 1


async def test_what_is_the_others_is_not_there_on_any_route(studio: Machine) -> None:
    caller, (owner, stranger, _) = await three(studio)
    task = await owner.submit(file=True)
    await owner.done(1)
    session, project, number = owner.session, task["project_id"], task["task_id"]
    saved = await owner.call("PUT", f"/api/sessions/{session}/ui-state/script_generator", {"form_data": {"topic": "Moss"}})
    assert saved.status == 200
    api: list[tuple[str, str, Any]] = [
        ("GET", f"/api/sessions/{session}", None),
        ("PUT", f"/api/sessions/{session}", {"preferences": {"theme": "dark"}}),
        ("GET", f"/api/sessions/{session}/workflow-state", None),
        ("PUT", f"/api/sessions/{session}/workflow-state", {"workflow_state": {}}),
        ("GET", f"/api/sessions/{session}/ui-state/script_generator", None),
        ("PUT", f"/api/sessions/{session}/ui-state/script_generator", {"form_data": {}}),
        ("GET", f"/api/tasks?session_id={session}", None),
        ("POST", "/api/tasks/submit/trending_analysis", {"session_id": session, "input_data": {}}),
        ("GET", f"/api/tasks/{number}", None),
        ("POST", f"/api/tasks/{number}/retry", None),
        ("DELETE", f"/api/tasks/{number}", None),
        ("DELETE", f"/api/sessions/{session}", None),
    ]
    for method, path, body in api:
        assert (await stranger.call(method, path, body)).status == 404, (method, path)
    # The owner's project in the stranger's own session is not there either.
    body = {"session_id": stranger.session, "input_data": {"project_id": project}}
    assert (await stranger.call("POST", "/api/tasks/submit/script_generation", body)).status == 404
    pages = [f"/projects/{project}/", f"/projects/{project}/rail/", f"/projects/{project}/panels/trending_analysis/"]
    pages += [f"/projects/{project}/delete/", f"/progress/{session}/events", *assets_of(studio, project)]
    for path in pages:
        assert (await stranger.browse(path)).status == 404, path
        assert (await caller.call("GET", path)).status == 404, path
    for path in (*pages[:3], *pages[4:]):
        assert (await owner.browse(path)).status == 200, path
    with pytest.raises(Refused, match="403"):
        await progress_socket(port=caller.port, session_id=session, bearer=stranger.token, hear=lambda *_: None)
    kept = await owner.call("GET", f"/api/sessions/{session}/ui-state/script_generator")
    assert kept.json()["form_data"] == {"topic": "Moss"}
    assert [one["status"] for one in await owner.tasks()] == ["completed"]
    caller.close()


async def test_who_queues_much_does_not_keep_the_others_waiting(studio: Machine) -> None:
    caller, (greedy, *others) = await three(studio)
    for number in range(FLOOD):  # the first two keep both processes until all the others wait
        await greedy.submit(work_seconds=6 if number < 2 else 0.2)
    for user in others:
        await user.submit(work_seconds=0.2)
    ends: dict[str, list[str]] = {}
    for user, count in ((greedy, FLOOD), (others[0], 1), (others[1], 1)):
        tasks = await user.done(count)
        assert {task["status"] for task in tasks} == {"completed"}
        ends[user.session] = sorted(task["started_at"] for task in tasks)
    # Whoever has waited longest since their last turn goes first: both start before the first one's later tasks.
    assert max(ends[user.session][0] for user in others) < ends[greedy.session][FLOOD // 2]
    caller.close()
