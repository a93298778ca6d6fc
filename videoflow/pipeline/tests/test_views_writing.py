"""The pages' forms for writing services and live sources: what they offer, what they queue, what they refuse."""

from typing import Any

import pytest
from django.urls import reverse

from videoflow.pipeline.models import Project, Script
from videoflow.pipeline.tests.factories import ProjectFactory, session_of, with_script, with_trends
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db
KEY = "sk-canary"


@pytest.fixture
def keys(settings: Any) -> None:
    """The operator's keys for one writer and for YouTube."""
    settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": KEY, "youtube": KEY}
    settings.VIDEOFLOW_SERVICE_MODELS = {**settings.VIDEOFLOW_SERVICE_MODELS, ("openai", "writer"): "model-x"}


class TestStart:
    def test_a_bare_topic_with_a_writing_service(self, client, keys):
        page = client.get("/?way=topic").content.decode()
        assert "OpenAI (model-x)" in page and "Ollama" not in page
        sent = {
            "way": "topic",
            "topic": "Why the sky is blue",
            "aspect": "16:9",
            "minutes": "3",
            "writer": "openai",
            "tone": "dry",
        }
        assert client.post("/", sent).status_code == 302
        task = Task.objects.get()
        assert (task.input_data["topic"], task.input_data["tone"]) == ("Why the sky is blue", "dry")
        assert Project.objects.get().providers == {"writer": {"service": "openai"}}

    def test_without_a_key_no_service_is_offered_or_taken(self, client):
        assert "topic-writer" not in client.get("/?way=topic").content.decode()
        sent = {"way": "topic", "topic": "Why the sky is blue", "aspect": "16:9", "minutes": "3", "writer": "openai"}
        response = client.post("/", sent)
        assert response.status_code == 422 and not Project.objects.exists()
        assert "cannot be used now" in response.content.decode() or "notes" in response.content.decode()

    def test_a_live_source(self, client):
        page = client.get("/?way=trends").content.decode()
        assert "Hacker News" in page and "points of stories" in page
        sent = {"way": "trends", "use": "live", "live": "hackernews", "window": "weekly", "aspect": "16:9", "minutes": "3"}
        assert client.post("/", sent).status_code == 302
        assert Task.objects.get().input_data["source"] == "hackernews"

    @pytest.mark.parametrize(("live", "sentence"), [("youtube", "needs a key"), ("rss", "at least one feed")])
    def test_what_cannot_be_asked_is_refused_at_the_form(self, client, live, sentence):
        sent = {"way": "trends", "use": "live", "live": live, "window": "weekly", "aspect": "16:9", "minutes": "3"}
        response = client.post("/", sent)
        assert response.status_code == 422 and sentence in response.content.decode()
        assert not Task.objects.exists()

    def test_quota_is_shown(self, client, keys):
        assert "100 of 100 searches left" in client.get("/?way=trends").content.decode()


@pytest.fixture
def owned(client: Any) -> Project:
    made: Project = ProjectFactory.create(session=session_of(client))
    return made


@pytest.fixture
def script(owned: Project) -> Script:
    made = with_script(owned)
    Script.objects.filter(pk=made.pk).update(provider="openai/model-x")
    made.refresh_from_db()
    return made


class TestPanel:
    def test_an_instruction_becomes_a_task(self, client, keys, script, owned):
        owned.providers = {"writer": {"service": "openai"}}
        owned.save(update_fields=["providers"])
        sent = {"act": "propose", "instruction": "Shorter.", "lines": "2-3"}
        assert client.post(reverse("pipeline:script_proposals", args=[owned.pk]), sent).status_code == 302
        reword = Task.objects.latest("created_at").input_data["reword"]
        assert reword["instruction"] == "Shorter."
        assert reword["keys"] == [str(turn.key) for turn in script.turns.all()[1:3]]

    def test_the_embedded_writer_says_that_it_takes_none(self, client, script, owned):
        page = client.post(
            reverse("pipeline:script_proposals", args=[owned.pk]), {"act": "propose", "instruction": "Shorter."}, follow=True
        )
        assert "takes no instructions" in page.content.decode()
        assert not any("reword" in task.input_data for task in Task.objects.all())

    def test_the_page_names_who_wrote_it(self, client, script, owned):
        assert "OpenAI (model-x)" in client.get(reverse("pipeline:script_head", args=[owned.pk])).content.decode()

    def test_another_source_from_the_panel(self, client, owned):
        with_trends(owned)
        address = reverse("pipeline:trends_source", args=[owned.pk])
        assert client.post(address, {"live": "wikimedia", "region": "de"}).status_code == 302
        assert Task.objects.latest("created_at").input_data["source"] == "wikimedia"
