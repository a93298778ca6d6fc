import json

import pytest
from django.core.management import CommandError, call_command

from videoflow.tasks.services import task_cancel, task_progress
from videoflow.tasks.tests.factories import claim_make, task_make

pytestmark = pytest.mark.django_db


def listing(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("tasks", *arguments)
    return capsys.readouterr().out


class TestTasks:
    def test_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        task = task_make()
        task_progress(claim=claim_make(task), percent=40, message="Drawing\nscene 4 of 9 " + "x" * 80)
        head, row = listing(capsys).splitlines()
        assert head.split()[:3] == ["task", "type", "status"]
        assert row.split()[:7] == [str(task.pk), "script_generation", "in_progress", "40", "1", "0", "cpu"]
        assert "Drawing scene 4 of 9 xxx" in row
        assert row.endswith("…")

    def test_filters(self, capsys: pytest.CaptureFixture[str]) -> None:
        mine, other = task_make(), task_make()
        task_cancel(task_id=other.pk)
        assert str(other.pk) not in listing(capsys, "--session", str(mine.session_id))
        assert str(mine.pk) not in listing(capsys, "--status", "cancelled,failed")
        assert listing(capsys, "--status", "failed") == "No task.\n"

    def test_json_is_the_api_s(self, capsys: pytest.CaptureFixture[str]) -> None:
        task_make()
        newest = task_make()
        found = json.loads(listing(capsys, "--json", "--limit", "1"))
        assert (found["total"], [task["task_id"] for task in found["tasks"]]) == (2, [str(newest.pk)])
        assert found["tasks"][0]["error"] is None

    def test_says_that_there_are_more(self, capsys: pytest.CaptureFixture[str]) -> None:
        task_make()
        task_make()
        assert listing(capsys, "--limit", "1").endswith("1 of 2 tasks; --limit shows more.\n")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--session", "me"], "'me' is not the id of a session"),
            (["--status", "done,failed"], "done is no status. There are pending"),
            (["--limit", "0"], "--limit must be at least 1."),
        ],
    )
    def test_refusals(self, arguments: list[str], sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence):
            call_command("tasks", *arguments)
