import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis as redis_py
from channels.layers import get_channel_layer

from videoflow import redis
from videoflow.health.embedded_redis import redis_command
from videoflow.tasks import bells, wakeup
from videoflow.tasks.events import EventMessage

ROW: EventMessage = {
    "event_type": "status_change", "seq": 1, "task_id": "", "task_type": "", "message": "ñ", "progress": 0, "status": "pending",
    "data": {}, "timestamp": "",
}  # fmt: skip
SESSION = uuid4()


class OwnRedis:
    """A Redis that may be hurt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "r.sock"
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = redis_command(socket=self.socket, folder=self.folder, keep=False)
        launch = [sys.executable, "-m", "videoflow.health.launch", str(os.getpid()), *command]
        self.process = subprocess.Popen(launch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own(settings, monkeypatch) -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = OwnRedis(Path(folder))
        url = f"unix://{server.socket}"
        layer = settings.CHANNEL_LAYERS["default"]
        host = layer["CONFIG"]["hosts"][0] | {"address": url}
        settings.CHANNEL_LAYERS = {"default": layer | {"CONFIG": layer["CONFIG"] | {"hosts": [host]}}}
        monkeypatch.setattr(redis, "ANSWER_TIMEOUT_SECONDS", 0.3)  # it is hurt: whoever rings must not wait for it
        client = redis.connect(url)
        monkeypatch.setattr(redis, "connection", lambda: client)
        monkeypatch.setattr(redis.breaker, "allows", lambda: True)
        for name in ("QUIET_SECONDS", "ANSWER_SECONDS", "RETRY_SECONDS"):
            monkeypatch.setattr(bells, name, 0.2)
        monkeypatch.setattr(bells, "START_SECONDS", 0.5)
        yield server
        server.kill()


class Listening:
    """An ear with what it has heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[UUID, int, str]] = []
        self.ear = bells.Ear(self.take)
        self.seq = 0

    async def take(self, session_id: UUID, seq: int, row: str) -> None:
        self.heard.append((session_id, seq, row))

    async def hears(self) -> None:
        """Ring again and again until a bell comes through."""
        self.heard.clear()
        await until(self._rings)

    def _rings(self) -> bool:
        self.seq += 1
        wakeup.bell_ring(session_id=SESSION, seq=self.seq, row=ROW)
        return bool(self.heard)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(240):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    one = Listening()
    one.ear.open()
    yield one


class TestEar:
    async def test_ok(self, own, listening):
        await listening.hears()
        session_id, _, row = listening.heard[0]
        assert session_id == SESSION
        assert '"event_type": "status_change"' in row

    async def test_opening_again_does_not_double(self, own, listening):
        listening.ear.open()
        await listening.hears()
        seqs = [seq for _, seq, _ in listening.heard]
        assert len(seqs) == len(set(seqs))

    async def test_a_quiet_time_is_no_outage(self, own, listening, caplog, monkeypatch):
        await listening.hears()
        monkeypatch.setattr(bells, "ANSWER_SECONDS", 6)  # the machine may have other things to do
        caplog.clear()
        task = listening.ear._task
        tests = []
        layer = get_channel_layer()
        send = layer.group_send

        async def counted(group, message):
            tests.append(message["type"])
            await send(group, message)

        monkeypatch.setattr(layer, "group_send", counted, raising=False)
        await until(lambda: len(tests) >= 2)
        assert listening.ear._task is task
        assert set(tests) == {bells.TEST}
        assert "no bells" not in caplog.text

    async def test_a_frozen_redis_is_noticed_and_heard_again(self, own, listening, caplog):
        await listening.hears()
        own.process.send_signal(signal.SIGSTOP)
        await until(lambda: "no bells for now" in caplog.text)
        own.process.send_signal(signal.SIGCONT)
        await listening.hears()

    async def test_a_killed_redis_is_heard_again_when_it_is_back(self, own, listening, caplog, monkeypatch):
        for name in ("QUIET_SECONDS", "START_SECONDS"):  # a slow machine is no second outage
            monkeypatch.setattr(bells, name, 60.0)
        await listening.hears()
        caplog.clear()
        own.kill()
        await until(lambda: "no bells for now" in caplog.text)
        own.start()
        await listening.hears()
        assert caplog.text.count("no bells for now") == 1

    async def test_a_redis_that_is_absent_at_first(self, own, caplog):
        own.kill()
        late = Listening()
        late.ear.open()
        await until(lambda: "no bells for now" in caplog.text)
        own.start()
        await late.hears()

    async def test_a_cut_connection_is_made_again(self, own, listening):
        await listening.hears()
        redis_py.Redis.from_url(f"unix://{own.socket}").execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await listening.hears()

    async def test_a_subscription_that_redis_forgot_is_made_again(self, own, listening, caplog):
        await listening.hears()
        layer = get_channel_layer()._get_layer()
        await layer._shards[0]._pubsub.unsubscribe("videoflow__group__bells")  # behind the layer's back: all looks well
        await until(lambda: "no bell comes through" in caplog.text)
        await listening.hears()

    @pytest.mark.parametrize("steps", range(12))
    async def test_a_loop_that_ends_while_it_subscribes(self, own, steps):
        """However far it got, the cancellation at the end of the loop must end it: the test's own teardown would hang."""
        Listening().ear.open()
        for _ in range(steps):
            await asyncio.sleep(0)
