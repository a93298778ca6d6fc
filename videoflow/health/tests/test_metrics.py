import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from videoflow import redis
from videoflow.errors import VideoflowError
from videoflow.health import metrics, sockets
from videoflow.health.figures import Metric
from videoflow.pipeline.models import ProviderCall, ServiceCall
from videoflow.pipeline.tests.factories import AssetFactory, ProjectFactory
from videoflow.tasks.models import ProgressEvent, Task, Worker
from videoflow.tasks.services import leases_reap, task_cancel, task_complete, task_fail, task_retry
from videoflow.tasks.tests.factories import claim_make, session_make, task_make
from videoflow.tests.slow_redis import redis_frozen

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
    metrics.metrics_forget()
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
        with redis_frozen():
            for _ in range(3):
                metrics.metrics_forget()
                assert client.get("/metrics").status_code == 200
            assert not redis.breaker.allows()


class TestFigures:
    def test_queries_do_not_grow(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(5):
            task_make()
        with django_assert_max_num_queries(18):
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

    def test_stage_durations_in_buckets(self) -> None:
        for seconds in (10, 30, 4000):
            task = task_make()
            claim = claim_make(task)
            Task.objects.filter(pk=task.pk).update(attempt_started_at=timezone.now() - timedelta(seconds=seconds))
            task_complete(claim=claim, message="Done", result_data={})
        found = figures()
        name = 'videoflow_stage_seconds_bucket{{task_type="script_generation",le="{}"}}'
        assert [found[name.format(edge)] for edge in ("5", "20", "60", "3600", "+Inf")] == [0, 1, 2, 2, 3]

    def test_backlog_is_what_the_usual_run_takes(self) -> None:
        done = task_make()
        claim = claim_make(done)
        Task.objects.filter(pk=done.pk).update(attempt_started_at=timezone.now() - timedelta(seconds=100))
        task_complete(claim=claim, message="Done", result_data={})
        task_make()
        task_make()
        later = task_make()
        Task.objects.filter(pk=later.pk).update(not_before=timezone.now() + timedelta(minutes=5))
        found = figures()
        assert found['videoflow_queue_due{queue="cpu"}'] == 2
        assert 200 <= found['videoflow_queue_backlog_seconds{queue="cpu"}'] < 300
        assert found['videoflow_queue_backlog_seconds{queue="io"}'] == 0

    def test_files_and_money(self) -> None:
        project = ProjectFactory.create()
        AssetFactory.create(project=project, size_bytes=700)
        AssetFactory.create(project=project, size_bytes=300)
        ServiceCall.objects.create(service="openai", outcome="ok", milliseconds=5)
        facts = {"provider": "openai", "capability": "writer", "stage": "script_generation", "fence": 1, "request_hash": "x"}
        ProviderCall.objects.create(key="a", wanted="a", state="done", charged_micros=250_000, reserved_micros=500_000, **facts)
        ProviderCall.objects.create(key="b", wanted="b", state="done", charged_micros=1_000_000, currency="EUR", **facts)
        found = figures()
        assert (found['videoflow_files{kind="image"}'], found['videoflow_files_bytes{kind="image"}']) == (2, 1000)
        assert found["videoflow_projects"] == 1
        assert found['videoflow_service_requests{service="openai",outcome="ok"}'] == 1
        assert found['videoflow_paid_calls{provider="openai",state="done"}'] == 2
        assert found['videoflow_charged_dollars{provider="openai",state="done"}'] == 0.25
        assert found['videoflow_reserved_dollars{provider="openai",state="done"}'] == 0.5
        assert found["videoflow_database_bytes"] > 100_000

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


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "prometheus-rules.yml"])
def test_what_operators_are_given_names_figures_that_are_there(name: str) -> None:
    text = (Path(settings.BASE_DIR) / "deploy" / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\bvideoflow_[a-z_]+\b", text))
    assert len(named) > 5
    assert named - {metric.name for metric in metrics.metrics_now()} == set()


def test_the_dashboard_shows_every_queue_figure() -> None:
    board = json.loads((Path(settings.BASE_DIR) / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8"))
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel.get("targets", []))
    assert {metric.name for metric in metrics.metrics_now()} - set(re.findall(r"\bvideoflow_[a-z_]+\b", asked)) == set()
