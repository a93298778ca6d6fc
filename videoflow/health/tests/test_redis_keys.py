import json
import re
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import CommandError, call_command

from videoflow import redis
from videoflow.health.redis_keys import KINDS, kind_of, redis_read
from videoflow.sessions.services import session_create
from videoflow.sessions.states import ui_state_get, workflow_get
from videoflow.tasks.wakeup import wakeup_send


def report(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The exit code and the figures of the command."""
    code = 0
    try:
        call_command("redis_report", "--json")
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(capsys.readouterr().out)


class TestReport:
    @pytest.mark.django_db
    def test_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Every way in which the studio writes to Redis, looked at with nobody to read the wake-ups."""
        for queue in settings.VIDEOFLOW_QUEUE_SLOTS:
            assert wakeup_send(task_id="4b5bd0dc-0000-4000-8000-000000000000", queue=queue)
        session = session_create()
        ui_state_get(session=session, component_name="script_generator")
        workflow_get(session=session)
        redis.connection().set("videoflow:rate:submit:me:1", 1, ex=120)
        with current_app.connection_for_read() as connection, connection.SimpleQueue(current_app.amqp.queues["io"]) as reader:
            message = reader.get(timeout=240)  # in a worker's hand
            code, found = report(capsys)
            message.ack()
        counts = {name: figures["keys"] for name, figures in found["kinds"].items()}
        assert (code, found["unknown"], found["foreign"]) == (0, [], [])
        assert counts["wake-ups"] == 2  # the third one is in hand
        assert min(counts["rate"], counts["states"], counts["wake-ups in hand"], counts["bindings"]) >= 1
        assert counts["states"] == 2
        assert 300 < found["kinds"]["states"]["longest_ttl_seconds"] <= 600  # whole seconds, some of which may have gone by
        assert found["kinds"]["rate"]["size_bytes"] > 0

    def test_unknown_key_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        redis.connection().set("videoflow:leftover", "x")
        with pytest.raises(SystemExit) as end:
            call_command("redis_report")
        redis.connection().delete("videoflow:leftover")  # or the check after each test would find it
        assert end.value.code == 1
        assert "! videoflow:leftover is in no line of the table." in capsys.readouterr().out

    @pytest.mark.parametrize("life", [None, 121])
    def test_key_that_lives_longer_than_promised(self, capsys: pytest.CaptureFixture[str], life: int | None) -> None:
        redis.connection().set("videoflow:rate:submit:me:1", 1, ex=life)
        with pytest.raises(SystemExit):
            call_command("redis_report")
        assert "! videoflow:rate:submit:me:1 lives longer than the 120 s promised for rate." in capsys.readouterr().out

    def test_keys_of_others_are_no_fault_of_ours(self, capsys: pytest.CaptureFixture[str]) -> None:
        redis.connection().set("shop:basket", "x")
        call_command("redis_report")
        assert "1 keys belong to other programs: shop:basket" in capsys.readouterr().out

    def test_many_keys(self) -> None:
        pipeline = redis.connection().pipeline()
        for number in range(1203):
            pipeline.set(f"videoflow:rate:address:{number}", 1, ex=60)
        pipeline.execute()
        figures = redis_read(redis.connection()).kinds["rate"]
        assert (figures.keys, figures.eternal) == (1203, 0)

    def test_redis_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis, "connection", lambda: redis.connect("unix:///nowhere/redis.sock"))
        with pytest.raises(CommandError, match="Redis does not answer"):
            call_command("redis_report")


class TestTable:
    def test_lines_do_not_overlap(self) -> None:
        keys = (
            *(
                "videoflow:rate:address:::1:29922784",
                "videoflow:1:state:4b5bd0dc-0000-4000-8000-000000000000:workflow",
                "videoflow:cpu",
                "videoflow:cpu\x06\x163",
            ),
            "videoflow:1:state:4b5bd0dc-0000-4000-8000-000000000000:workflow",
            *("videoflow:unacked_index", "videoflow:_kombu.binding.upload"),
        )
        for key in keys:
            assert [kind.name for kind in KINDS if kind.pattern.fullmatch(key)] == [kind_of(key).name]

    def test_stands_in_the_documentation(self) -> None:
        text = (Path(settings.BASE_DIR) / "docs" / "operations.md").read_text("utf-8")
        for kind in KINDS:
            promised = f"{kind.ttl_seconds} s" if kind.ttl_seconds is not None else "none"
            assert re.search(rf"^\| {re.escape(kind.name)} \|[^|]+\| {re.escape(kind.owner)} \| {promised} \|", text, re.M), (
                kind.name
            )
