"""What the steps of a project are made with: each state of the disclosure, every choice in it, and the budget."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from videoflow.pipeline.budget import budget_get
from videoflow.pipeline.models import Project, ServiceCall, ServicePrice
from videoflow.pipeline.service_options import OPTIONS, options_read
from videoflow.pipeline.services import project_new
from videoflow.pipeline.tests import factories
from videoflow.providers.services import EMBEDDED, SERVICES
from videoflow.providers.tests.fake_service import FakeService
from videoflow.tasks.models import Task
from videoflow.vault.services import Owner, credential_set

pytestmark = pytest.mark.django_db
SECRET = "sk-canary-0a1b2c3d4e5f"
MEDIA, SCRIPT = "media_generation", "script_generation"


@pytest.fixture
def project(client: Client) -> Project:
    project: Project = factories.ProjectFactory.create(session=factories.session_of(client))
    factories.with_script(project)
    return project


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def opened(client: Client, project: Project, stage: str = MEDIA) -> str:
    return words(client.get(reverse("pipeline:made_with", args=[project.pk, stage]), headers={"HX-Request": "true"}))


def closed(client: Client, project: Project, stage: str = MEDIA) -> str:
    return words(client.get(reverse("pipeline:panel", args=[project.pk, stage])))


def act(client: Client, project: Project, name: str, *, stage: str = MEDIA, htmx: bool = True, **facts: str) -> Any:
    headers = {"HX-Request": "true", "HX-Target": f"made-{stage}"} if htmx else {}
    return client.post(reverse("pipeline:made_with", args=[project.pk, stage]), {"act": name, **facts}, headers=headers)


def chosen(project: Project) -> dict[str, Any]:
    project.refresh_from_db()
    return project.providers


class TestClosed:
    def test_embedded(self, client, project):
        shown = closed(client, project)
        assert "Made with Embedded" in shown
        assert "a run" not in shown.split("Made with Embedded")[1][:30]

    def test_outside(self, client, project):
        ServicePrice.objects.create(service="elevenlabs", capability="speech", micros=300_000)
        project.providers = {"speech": {"service": "elevenlabs"}, "images": {"service": "pexels"}}
        project.save()
        assert re.search(r"Made with ElevenLabs, Pexels a run costs up to 0\.\d+ USD", closed(client, project))
        ServicePrice.objects.all().delete()
        assert "a run's cost is not known" in closed(client, project)

    def test_a_service_that_is_gone_is_shown_as_embedded(self, client, project):
        project.providers = {"speech": {"service": "nobody"}}
        project.save()
        assert "Made with Embedded" in closed(client, project)
        assert "Voices" in opened(client, project)

    def test_voices_are_paid_for_in_the_script_too(self, client, project):
        project.providers = {"speech": {"service": "elevenlabs"}}
        project.save()
        assert "Made with Embedded, ElevenLabs a run's cost is not known" in closed(client, project, SCRIPT)


class TestOpen:
    def test_ok(self, client, project):
        ServicePrice.objects.create(service="openai", capability="images", micros=40_000)
        for number in range(20):
            outcome = "ok" if number else "SERVICE_BUSY"
            ServiceCall.objects.create(service="pexels", outcome=outcome, milliseconds=1200, created_at=timezone.now())
        shown = opened(client, project)
        assert "95 % of 20 requests went well · 1.2 s, 95 % within 1.2 s · last answer just now" in shown
        assert "last error just now: it was too busy, or its limit was reached" in shown
        assert "0.04 USD for picture" in shown
        assert "by 1,000 characters, price not known" in shown
        assert "on this machine, always there" in shown
        assert "Needs a key" in shown
        assert "no limit" in client.get(reverse("pipeline:made_with", args=[project.pk, MEDIA])).content.decode()

    def test_page_without_scripts(self, client, project):
        page = client.get(reverse("pipeline:made_with", args=[project.pk, SCRIPT]))
        assert page.status_code == 200
        assert "<html" in page.content.decode()
        assert "Use it" in words(page)

    def test_queries_are_bounded(self, client, project, django_assert_max_num_queries):
        for service in SERVICES:
            ServiceCall.objects.create(service=service, outcome="ok", milliseconds=300)
        with django_assert_max_num_queries(40):
            opened(client, project)

    def test_only_where_there_is_a_choice(self, client, project):
        assert client.get(reverse("pipeline:made_with", args=[project.pk, "video_composition"])).status_code == 404

    def test_somebody_elses(self, client, project):
        theirs = factories.ProjectFactory.create()
        assert client.get(reverse("pipeline:made_with", args=[theirs.pk, MEDIA])).status_code == 404
        assert act(client, theirs, "choose", capability="speech", service="openai").status_code == 404
        answer = client.post(reverse("pipeline:budget_raise", args=[theirs.pk, MEDIA]), {"amount": "1"})
        assert answer.status_code == 404


class TestChoose:
    def test_ok(self, client, project):
        answer = act(client, project, "choose", capability="speech", service="elevenlabs")
        assert "From now on: ElevenLabs" in words(answer)
        assert "ElevenLabs needs a key before this can start" in words(answer)
        assert "script_generation" in answer.headers["HX-Trigger"]
        assert chosen(project) == {"speech": {"service": "elevenlabs"}}
        act(client, project, "choose", capability="speech", service=EMBEDDED)
        assert chosen(project) == {}

    def test_without_scripts(self, client, project):
        answer = act(client, project, "choose", htmx=False, capability="images", service="openverse")
        assert answer.url.endswith(f"?open={MEDIA}#panel-{MEDIA}"), "open, for who has no scripts"
        assert chosen(project)["images"]["service"] == "openverse"

    def test_the_same_again_keeps_its_options(self, client, project):
        project.providers = {"images": {"service": "openai", "options": {"quality": "high"}, "model": "m", "fallback": True}}
        project.save()
        act(client, project, "choose", capability="images", service="openai")
        assert chosen(project)["images"]["options"] == {"quality": "high"}
        act(client, project, "choose", capability="images", service="gemini")
        assert chosen(project)["images"] == {"service": "gemini"}

    @pytest.mark.parametrize(
        ("capability", "service"), [("speech", "pexels"), ("speech", "nobody"), ("writer", "openai"), ("", "")]
    )
    def test_what_does_not_fit_is_refused(self, client, project, capability, service):
        answer = act(client, project, "choose", capability=capability, service=service)
        assert answer.status_code == 422
        assert "notice-bad" in answer.content.decode()
        assert chosen(project) == {}

    def test_model_options_and_stand_in(self, client, project):
        act(client, project, "choose", capability="images", service="openai")
        answer = act(
            client,
            project,
            "options",
            capability="images",
            service="openai",
            model="paint-2",
            option_quality="high",
            fallback="on",
        )
        assert "Saved." in words(answer)
        assert chosen(project)["images"] == {
            "service": "openai",
            "model": "paint-2",
            "options": {"quality": "high"},
            "fallback": True,
        }
        act(client, project, "options", capability="images", service="openai")
        assert chosen(project)["images"] == {"service": "openai", "model": "", "options": {}, "fallback": False}

    def test_options_of_a_choice_that_is_gone(self, client, project):
        answer = act(client, project, "options", capability="images", service="openai", model="paint-2")
        assert "Another service was chosen meanwhile" in words(answer)
        assert chosen(project) == {}

    def test_missing_model_is_said(self, client, project):
        act(client, project, "choose", stage=SCRIPT, capability="writer", service="ollama")
        assert "Choose a model of Ollama before this can start" in opened(client, project, SCRIPT)


class TestUsual:
    def test_new_projects_begin_with_the_choice(self, client, project):
        assert "Begin new projects" not in opened(client, project, SCRIPT)
        act(client, project, "choose", stage=SCRIPT, capability="writer", service="ollama")
        act(client, project, "options", stage=SCRIPT, capability="writer", service="ollama", model="small-2")
        assert "Begin new projects with Ollama too" in opened(client, project, SCRIPT)
        answer = act(client, project, "usual", stage=SCRIPT, capability="writer")
        assert "New projects begin with this choice" in words(answer)
        assert "Begin new projects with" not in words(answer)
        project.session.refresh_from_db()
        made = project_new(session=project.session)
        assert made.providers == {"writer": {"service": "ollama", "model": "small-2", "options": {}, "fallback": False}}
        act(client, project, "choose", stage=SCRIPT, capability="writer", service=EMBEDDED)
        act(client, project, "usual", stage=SCRIPT, capability="writer")
        project.session.refresh_from_db()
        assert project_new(session=project.session).providers == {}


class TestOptions:
    def test_every_one_belongs_to_a_service_that_does_it(self):
        for service, capability in OPTIONS:
            assert capability in SERVICES[service].capabilities

    def test_numbers_and_workflows_are_read(self):
        workflow = '{"3": {"class_type": "KSampler", "inputs": {}}}'
        assert options_read("openai", "speech", {"option_speed": "1,5"}) == {"speed": 1.5}
        assert options_read("comfyui", "images", {"option_workflow": workflow}) == {
            "workflow": {"3": {"class_type": "KSampler", "inputs": {}}}
        }

    @pytest.mark.parametrize(
        ("service", "capability", "field", "value", "sentence"),
        [
            ("openai", "speech", "speed", "9", "from 0.25 to 4"),
            ("openai", "speech", "speed", "fast", "from 0.25 to 4"),
            ("openai", "speech", "speed", "nan", "from 0.25 to 4"),
            ("openai", "speech", "instructions", "x" * 501, "500 characters"),
            ("openai", "images", "quality", "best", "no such choice"),
            ("comfyui", "images", "workflow", "{", "Export (API)"),
            ("comfyui", "images", "workflow", '{"nodes": []}', "Export (API)"),
            ("comfyui", "images", "workflow", "[" * 100_000, "Export (API)"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, client, project, service, capability, field, value, sentence):
        act(client, project, "choose", capability=capability, service=service)
        answer = act(client, project, "options", capability=capability, service=service, **{f"option_{field}": value})
        assert answer.status_code == 422
        assert sentence in words(answer)
        assert "options" not in chosen(project)[capability]


@pytest.mark.django_db(transaction=True)
class TestModels:
    @pytest.fixture
    def openai(self, settings: Any) -> Iterator[FakeService]:
        with FakeService() as fake:
            settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": f"{fake.url}/v1"}
            yield fake

    def test_the_service_is_asked(self, client, project, openai):
        credential_set(owner=Owner(session_id=project.session_id), provider="openai", secret=SECRET)
        openai.route("GET", "/v1/models")(lambda asked: {"data": [{"id": "small-2"}, {"id": "large-1"}]})
        act(client, project, "choose", stage=SCRIPT, capability="writer", service="openai")
        answer = act(client, project, "models", stage=SCRIPT, capability="writer")
        assert '<option value="large-1">' in answer.content.decode()
        assert "2 models to choose from" in words(answer)

    def test_without_a_key(self, client, project):
        act(client, project, "choose", stage=SCRIPT, capability="writer", service="openai")
        answer = act(client, project, "models", stage=SCRIPT, capability="writer")
        assert answer.status_code == 422
        assert "OpenAI needs a key" in words(answer)


class TestBudget:
    def test_ok(self, client, project):
        answer = act(client, project, "budget", project_amount="2.50", month_amount="20", takes_unknown_prices="on")
        assert "The budget is saved" in words(answer)
        project.refresh_from_db()
        budget = budget_get(project.session)
        assert (project.budget_micros, budget.month_micros, budget.takes_unknown_prices) == (2_500_000, 20_000_000, True)
        assert 'value="2.50"' in answer.content.decode()
        act(client, project, "budget")
        project.refresh_from_db()
        budget = budget_get(project.session)
        assert (project.budget_micros, budget.month_micros, budget.takes_unknown_prices) == (None, None, False)

    @pytest.mark.parametrize("amount", ["much", "-1", "nan", "1e99"])
    def test_what_is_no_amount_is_refused(self, client, project, amount):
        answer = act(client, project, "budget", project_amount=amount)
        assert answer.status_code == 422
        project.refresh_from_db()
        assert project.budget_micros is None

    def reached(self, project: Project, scope: str) -> Task:
        task: Task = factories.task_failed(project, MEDIA, "The budget of this project does not reach.", code="BUDGET_REACHED")
        details = {"scope": scope, "limit_micros": 2_000_000, "used_micros": 1_980_000, "needed_micros": 30_000}
        task.error = {**(task.error or {}), "details": details}
        task.save()
        return task

    @pytest.mark.parametrize("scope", ["project", "month"])
    def test_one_that_was_reached_is_raised_and_the_step_goes_on(self, client, project, scope):
        task = self.reached(project, scope)
        page = client.get(reverse("pipeline:panel", args=[project.pk, MEDIA])).content.decode()
        assert 'value="3.00"' in page
        assert "retries left" not in page
        client.post(reverse("pipeline:budget_raise", args=[project.pk, MEDIA]), {"scope": scope, "amount": "5"})
        task.refresh_from_db()
        project.refresh_from_db()
        assert task.status == Task.Status.RETRYING
        budget = project.budget_micros if scope == "project" else budget_get(project.session).month_micros
        assert budget == 5_000_000

    def test_nonsense_raises_nothing(self, client, project):
        task = self.reached(project, "project")
        answer = client.post(reverse("pipeline:budget_raise", args=[project.pk, MEDIA]), {"scope": "project", "amount": "lots"})
        assert "amount in dollars" in words(client.get(answer.url))
        task.refresh_from_db()
        assert task.status == Task.Status.FAILED
        assert client.post(reverse("pipeline:budget_raise", args=[project.pk, "youtube_upload"])).status_code == 404
