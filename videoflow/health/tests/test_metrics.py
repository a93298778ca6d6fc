import os
import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from videoflow import redis
from videoflow.errors import VideoflowError
from videoflow.health import metrics, sockets
from videoflow.health.metrics import Metric
from videoflow.tasks.models import ProgressEvent, Task, Worker
from videoflow.tasks.services import leases_reap, task_cancel, task_complete, task_fail, task_retry
from videoflow.tasks.tests.factories import claim_make, session_make, task_make

pytestmark = pytest.mark.django_db
LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?\d+(\.\d+)?(e[+-]\d+)?$')


@pytest.fixture(autouse=True)
def enabled(settings: Any) -> Iterator[None]:
    settings.VIDEOFLOW_METRICS = True
    metrics.metrics_forget()
    yield
    metrics.metrics_forget()


def figures() -> dict[str, float]:
    """Every sample of a fresh measurement: its name with labels, and its value."""
    lines = [line for metric in metrics.metrics_now() for line in metric.lines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


class TestView:
    def test_ok(self, client: Client) -> None:
        task_make()
        answer = client.get("/metrics")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        samples = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        assert 'videoflow_tasks{queue="cpu",status="pending"} 1' in samples
        assert [line for line in samples if not LINE.match(line)] == []

    def test_off_unless_enabled(self, client: Client, settings: Any) -> None:
        settings.VIDEOFLOW_METRICS = False
        assert client.get("/metrics").status_code == 404

    def test_asked_often_it_measures_once(self, client: Client, django_assert_num_queries: Any) -> None:
        first = client.get("/metrics").content
        with django_assert_num_queries(0):
            assert client.get("/metrics").content == first

    def test_no_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def fall(*_: object, **__: object) -> None:
            raise OperationalError("secret table is locked")

        monkeypatch.setattr(connection, "cursor", fall)
        answer = client.get("/metrics")
        assert answer.status_code == 503
        assert "secret" not in answer.content.decode()

    def test_without_redis_the_rest_is_there(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis, "connection", lambda: redis.connect("unix:///nowhere/redis.sock"))
        text = client.get("/metrics").content.decode()
        assert "videoflow_redis_" not in text
        assert 'videoflow_check{name="redis"} 0.5' in text
        assert 'videoflow_tasks{queue="io",status="pending"} 0' in text

    def test_frozen_redis_is_left_alone_after_two_tries(self, client: Client) -> None:
        process = int(redis.connection().info("server")["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            for _ in range(3):
                metrics.metrics_forget()
                assert client.get("/metrics").status_code == 200
            assert not redis.breaker.allows()
        finally:
            os.kill(process, signal.SIGCONT)


class TestFigures:
    def test_queries_do_not_grow(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(5):
            task_make()
        with django_assert_max_num_queries(10):
            metrics.metrics_now()

    def test_oldest_is_the_one_that_could_start_longest(self) -> None:
        """A retry asked for today of last week's task has waited since today; one that must wait yet does not count."""
        old, later = task_make(), task_make()
        task_cancel(task_id=old.pk)
        Task.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=7))
        task_retry(task_id=old.pk)
        ProgressEvent.objects.update(created_at=timezone.now() - timedelta(seconds=90))
        Task.objects.filter(pk=later.pk).update(not_before=timezone.now() + timedelta(minutes=5))
        found = figures()
        assert 90 <= found['videoflow_queue_oldest_seconds{queue="cpu"}'] < 120
        assert found['videoflow_queue_oldest_seconds{queue="io"}'] == 0

    def test_lease_expiries_are_counted_past_retries(self) -> None:
        task = task_make()
        for _ in range(2):
            claim_make(task)
            Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            assert figures()["videoflow_leases_overdue"] == 1
            leases_reap()
        task_fail(claim=claim_make(task), error=VideoflowError("No."))
        task_retry(task_id=task.pk)
        found = figures()
        assert (found["videoflow_lease_expiries"], found["videoflow_task_retries"]) == (2, 1)

    def test_stage_durations(self) -> None:
        for seconds in (10, 30):
            task = task_make()
            claim = claim_make(task)
            Task.objects.filter(pk=task.pk).update(attempt_started_at=timezone.now() - timedelta(seconds=seconds))
            task_complete(claim=claim, message="Done", result_data={})
        too_old = task_make()
        task_complete(claim=claim_make(too_old), message="Done", result_data={})
        Task.objects.filter(pk=too_old.pk).update(completed_at=timezone.now() - timedelta(hours=25))
        found = figures()
        name = 'videoflow_stage_seconds{{task_type="script_generation",figure="{}"}}'
        assert found[name.format("count")] == 2
        assert 40 <= found[name.format("sum")] < 50
        assert 30 <= found[name.format("max")] < 40

    def test_events_of_the_last_minute(self) -> None:
        session = session_make()
        task_make(session)
        ProgressEvent.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        task_make(session)
        assert figures()["videoflow_events_per_minute"] == 1

    def test_workers(self) -> None:
        Worker.objects.create(worker_id="a", kind="celery", host="here", pid=1)
        Worker.objects.create(
            worker_id="b", kind="celery", host="here", pid=2, heartbeat_at=timezone.now() - timedelta(minutes=5)
        )
        found = figures()
        assert found['videoflow_workers{kind="celery"}'] == 1
        assert found['videoflow_workers{kind="dispatcher"}'] == 0

    def test_redis(self) -> None:
        redis.connection().set("videoflow:rate:address:::1:1", 1, ex=60)
        found = figures()
        assert found["videoflow_redis_keys"] == 1
        assert found["videoflow_redis_memory_bytes"] > 100_000

    def test_sockets_of_this_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sockets, "_counts", [])
        assert "videoflow_sockets" not in figures()  # this process serves none
        sockets.sockets_counted_by(lambda: 3)
        assert figures()["videoflow_sockets"] == 3


def test_labels_cannot_break_a_line() -> None:
    lines = list(Metric("m", "About.", [({"name": 'a"b\\c\nd'}, 0.25)]).lines())
    assert lines[-1] == r'm{name="a\"b\\c\nd"} 0.25'
