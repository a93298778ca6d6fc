"""Scripts by a writing service, through the real stage, ledger and speech."""

from dataclasses import replace
from typing import Any

import pytest

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.editing import proposals
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Project, ProviderCall, Script, script_current
from videoflow.pipeline.services import project_create, stage_start
from videoflow.pipeline.stages import drafting
from videoflow.pipeline.stages.drafting import ScriptInput
from videoflow.providers.net.addresses import host_listed
from videoflow.providers.tests.fake_service import FakeService
from videoflow.providers.writing.tests.fake_models import KEY, MODEL, FakeModels, Prompt, script_answer
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db(transaction=True)
NOTES = "Tiny forests are planted densely. They grow ten times faster, said Miyawaki in 1987. Japan has 3,000 of them."
TOPIC = {"input_type": "topic", "topic": "Tiny forests", "notes": NOTES, "minimum_seconds": 20}


@pytest.fixture
def models(settings):
    with FakeService() as fake:
        yield FakeModels(fake)


@pytest.fixture
def project(models, settings) -> Project:
    """A project whose script is written by the service on this machine."""
    settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": models.base_url}
    settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": KEY}
    assert host_listed(models.base_url) == models.fake.host
    made: Project = project_create(session=session_create(), minimum_seconds=20, seed=5)
    made.providers = {"writer": {"service": "openai", "model": MODEL}}
    made.save(update_fields=["providers"])
    return made


def write(project: Project, **changes: Any) -> Script:
    stage_run(project=project, task_type="script_generation", input_data={**TOPIC, **changes})
    script = script_current(project)
    assert script is not None
    return script


class TestScript:
    def test_ok(self, project, models):
        script = write(project, persona="Two gardeners", tone="dry", instruction="Mention Japan.")
        assert script.provider == f"openai/{MODEL}"
        assert script.measured_seconds >= 20
        assert {entry["key"] for entry in script.evidence} >= {"notes:1"}
        asked = models.prompts[0].task
        assert (asked["persona"], asked["tone"], asked["instruction"]) == ("Two gardeners", "dry", "Mention Japan.")
        call = ProviderCall.objects.get()
        assert (call.provider, call.model, call.state, call.purpose) == ("openai", MODEL, "done", "script")

    def test_the_same_wish_is_paid_for_once(self, project, models):
        write(project)
        write(project)
        assert len(models.fake.requests) == 1
        write(project, seed=6)
        assert len(models.fake.requests) == 2

    def test_too_short_a_script_is_written_on(self, project, models):
        def short_first(prompt: Prompt) -> Any:
            if "too short" not in prompt.first:
                return script_answer(prompt, exchanges=2)
            answer = script_answer(prompt, exchanges=6)
            for exchange in answer["exchanges"]:
                exchange["turns"][0]["text"] = "And then there is more. " + exchange["turns"][0]["text"]
                exchange["turns"][1]["text"] = "It is like this. " + exchange["turns"][1]["text"]
            return answer

        models.write = short_first
        script = write(project, minimum_seconds=26)
        assert script.measured_seconds >= 26
        assert [call.purpose for call in ProviderCall.objects.order_by("created_at")] == ["script", "more of the script, 1"]

    def test_a_bare_topic_is_enough(self, project, models):
        script = write(project, notes="")
        assert "no notes" in script.warnings[0]

    def test_a_missing_key_is_said_at_the_form(self, project, settings):
        settings.VIDEOFLOW_SERVICE_KEYS = {}
        with pytest.raises(BadInput, match="needs a key"):
            stage_start(project=project, task_type="script_generation", input_data=TOPIC)

    def test_a_failure_is_no_quiet_switch(self, project, models):
        models.finish = "refusal"
        with pytest.raises(VideoflowError, match="does not write this"):
            write(project)
        assert script_current(project) is None

    def test_the_embedded_writer_steps_in_where_allowed_and_says_so(self, project, models, monkeypatch):
        own = drafting.user_draft(ScriptInput(script_text="Ana: Is it long?\nBen: It is short."))
        monkeypatch.setattr(drafting, "embedded_draft", lambda brief: replace(own, writer="embedded"))
        models.finish = "refusal"
        project.providers = {"writer": {"service": "openai", "model": MODEL, "fallback": True}}
        project.save(update_fields=["providers"])
        script = write(project)
        assert script.provider == "embedded"
        assert "stepped in" in script.warnings[0]


class TestReword:
    def test_proposals_stand_beside_the_lines(self, project, models):
        script = write(project)
        turn = script.turns.all()[1]

        def other(prompt: Prompt) -> Any:
            number = prompt.task["rewrite_lines"][0]
            return {"lines": [{"line": number, "text": "Quite so, and densely planted.", "sources": ["e1"]}]}

        models.write = other
        asked = proposals.propose(project=project, keys=proposals.lines_named(script, "2"), instruction="Shorter, please.")
        assert asked.task is not None
        assert asked.task.input_data["reword"]["instruction"] == "Shorter, please."
        asked.task.delete()
        stage_run(project=project, task_type="script_generation", input_data=asked.task.input_data)
        proposal = script.proposals.get()
        assert (proposal.turn_id, proposal.text) == (turn.pk, "Quite so, and densely planted.")
        assert MODEL in proposal.origin
        assert proposals.proposals_accept(project=project) == 1
        assert script.turns.all()[1].text == "Quite so, and densely planted."

    @pytest.mark.parametrize("numbers", ["0", "99", "x", "3-1", "1, two"])
    def test_wrong_numbers_are_refused(self, project, numbers):
        script = write(project)
        with pytest.raises(BadInput, match="names no line"):
            proposals.lines_named(script, numbers)

    def test_the_embedded_writer_takes_no_instructions(self, project):
        write(project)
        project.providers = {}
        with pytest.raises(BadInput, match="no instructions"):
            proposals.propose(project=project, instruction="Funnier.")
