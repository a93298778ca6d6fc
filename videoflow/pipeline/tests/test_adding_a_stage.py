"""The stage of docs/adding-a-stage.md, taken from the page and run as it stands there."""

import re
import sys
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from videoflow.pipeline import runner, stages
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Asset
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.stages.base import Stage, StageNotReady
from videoflow.pipeline.tests.factories import ProjectFactory, session_of, with_script
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_cancel, task_claim

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def summary(monkeypatch: pytest.MonkeyPatch) -> Stage:
    page = (settings.BASE_DIR / "docs" / "adding-a-stage.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    module = ModuleType("videoflow.pipeline.stages.summary")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code[1], "docs/adding-a-stage.md", "exec"), module.__dict__)
    stage: Stage = module.__dict__["STAGE"]
    made = tuple(sorted([*stages.load(), stage], key=lambda each: each.order))
    monkeypatch.setattr(stages, "load", lambda: made)
    return stage


class TestSummary:
    def test_a_page_starts_it_and_its_owner_gets_the_file(self, summary: Stage, client: Any) -> None:
        client.get("/")
        project = ProjectFactory.create(session=session_of(client))
        script = with_script(project)
        page = client.get(reverse("pipeline:project_detail", args=[project.pk]))
        assert 'id="panel-summary"' in page.content.decode()
        assert client.post(reverse("pipeline:stage_run", args=[project.pk, "summary"])).status_code == 302
        claim = task_claim(queue="io", worker_id=runner.worker_id_make("test"))
        assert claim is not None
        task = runner.task_run(claim=claim)
        assert (task.status, task.message) == ("completed", f"{script.turns.count()} lines written down")
        address = task.result_data["result_url"]
        assert address in client.get(reverse("pipeline:panel", args=[project.pk, "summary"])).content.decode()
        answer = client.get(address)
        assert b"".join(answer.streaming_content).decode().splitlines()[0].startswith("A: ")

    def test_a_command_runs_it(self, summary: Stage) -> None:
        project = ProjectFactory.create()
        with_script(project)
        task = stage_run(project=project, task_type="summary", input_data={"with_times": True})
        assert Asset.objects.get(project=project, task=task).name == "script.txt"

    def test_refuses_before_anything_is_queued(self, summary: Stage) -> None:
        project = ProjectFactory.create()
        with pytest.raises(StageNotReady, match="There is no script yet"):
            stage_start(project=project, task_type="summary", input_data={})
        assert not Task.objects.filter(project=project).exists()

    def test_a_cancelled_one_leaves_no_file(self, summary: Stage) -> None:
        project = ProjectFactory.create()
        with_script(project)
        task = stage_start(project=project, task_type="summary", input_data={})
        claim = task_claim(queue="io", worker_id=runner.worker_id_make("test"))
        assert claim is not None
        task_cancel(task_id=task.pk)
        assert runner.task_run(claim=claim).status == "cancelled"
        assert not Asset.objects.filter(project=project, name="script.txt").exists()
