import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from celery.bootsteps import RUN, TERMINATE  # type: ignore[attr-defined]
from django.db import OperationalError

from videoflow.pipeline import tasks
from videoflow.pipeline.tasks import BEAT_SECONDS, DEAF_SECONDS, ENDING_SECONDS, WorkerWatch, release_first
from videoflow.tasks.models import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def watch_of(state: int, *, can_consume: bool = True) -> WorkerWatch:
    qos = SimpleNamespace(can_consume=lambda: can_consume)
    consumer = SimpleNamespace(task_consumer=SimpleNamespace(channel=SimpleNamespace(qos=qos)))
    return WorkerWatch(SimpleNamespace(blueprint=SimpleNamespace(state=state), consumer=consumer))


def test_keeps_the_row_fresh() -> None:
    watch = watch_of(RUN)
    watch.look(100.0)
    first = Worker.objects.get().heartbeat_at
    watch.look(100.0 + BEAT_SECONDS / 2)
    assert Worker.objects.get().heartbeat_at == first
    watch.look(100.0 + BEAT_SECONDS)
    assert Worker.objects.get().heartbeat_at > first


def test_a_database_that_refuses_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OperationalError("database or disk is full")

    watch = watch_of(RUN)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "worker_beat", refuse)
        watch.look(100.0)
    watch.look(100.0 + BEAT_SECONDS)
    assert Worker.objects.count() == 1


def test_a_worker_that_hangs_at_its_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    watch = watch_of(TERMINATE)
    watch.look(100.0)
    watch.look(100.0 + ENDING_SECONDS)
    assert not ended
    watch.look(100.1 + ENDING_SECONDS)
    assert ended == [1]


def test_a_worker_that_was_told_to_end_and_says_that_it_runs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    watch = watch_of(RUN)
    watch.told_to_end(100.0)
    watch.told_to_end(110.0)
    watch.look(100.0 + ENDING_SECONDS)
    assert not ended
    watch.look(100.1 + ENDING_SECONDS)
    assert ended == [1]


def test_a_worker_that_drains_has_that_time_too(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    settings.VIDEOFLOW_DRAIN_SECONDS = 600
    watch = watch_of(RUN)
    watch.told_to_end(100.0)
    assert watch.is_ending
    watch.look(100.0 + 600 + ENDING_SECONDS)
    assert not ended
    watch.look(100.1 + 600 + ENDING_SECONDS)
    assert ended == [1]


def test_a_worker_that_asks_for_nothing_with_nothing_in_hand_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    watch = watch_of(RUN, can_consume=False)
    watch.look(100.0)
    watch.look(100.0 + DEAF_SECONDS)
    assert not ended
    with monkeypatch.context() as patch:  # what is in hand will be acknowledged
        patch.setattr(tasks, "reserved_requests", {"one"})
        watch.look(100.1 + DEAF_SECONDS)
    watch.look(100.2 + DEAF_SECONDS)
    assert not ended
    watch.look(100.3 + 2 * DEAF_SECONDS)
    assert ended == [1]


def test_the_pool_hears_of_the_end_before_celery_counts_down() -> None:
    said: list[int | None] = []
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        gone = psutil.Process(child.pid)
        handler = release_first(lambda: [gone], lambda signum, frame: said.append(child.wait(240)))
        handler(signal.SIGTERM, None)
        handler(signal.SIGTERM, None)  # whose child is gone already
    assert said == [-signal.SIGTERM, -signal.SIGTERM]
