"""What docs/api.md promises to a program that reads nothing else: from the analysis to the chosen theme and to the file."""

import re

import pytest
from django.conf import settings

from videoflow.api.tests.conftest import Program
from videoflow.pipeline import runner, stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.tests.factories import with_script, with_video
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_claim

pytestmark = pytest.mark.django_db(transaction=True)


def run_next(queue: str) -> Task:
    claim = task_claim(queue=queue, worker_id=runner.worker_id_make("test"))
    assert claim is not None
    return runner.task_run(claim=claim)


def test_the_guide_names_each_step() -> None:
    guide = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| ", guide, re.MULTILINE) == [stage.name for stage in stages.load()]


def test_a_program_chooses_a_theme_by_the_ids_of_the_result(program: Program) -> None:
    begun = program.submit("trending_analysis", {"source": "sample"}).json()
    assert run_next("io").status == "completed"
    analysed = program.call("GET", f"/api/tasks/{begun['task_id']}").json()
    result = analysed["result_data"]
    assert len(result["theme_ids"]) == len(result["themes"]) > 0
    chosen = {"project_id": analysed["project_id"], "theme_ids": [result["theme_ids"][2]], "minimum_seconds": 20}
    answer = program.submit("script_generation", chosen)
    assert (answer.status_code, answer.json()["project_id"]) == (201, analysed["project_id"])
    assert program.submit("script_generation", {**chosen, "theme_ids": [max(result["theme_ids"]) + 1]}).status_code == 400


def test_the_token_opens_the_file_in_ranges(program: Program, stranger: Program) -> None:
    project = Project.objects.create(session=program.session, title="Tiny forests", seed=7, hosts={})
    video = with_video(project, with_script(project), file=b"0123456789")
    path = f"/media/{video.file_id}/video.mp4"
    answer = program.call("GET", path, Range="bytes=2-4")
    assert (answer.status_code, answer.getvalue()) == (206, b"234")
    assert stranger.call("GET", path).status_code == 404
