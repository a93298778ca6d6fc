import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import Project
from videoflow.pipeline.services import project_create
from videoflow.pipeline.tests import factories
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.tests.fake_service import FakeService

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "host-voices"}


@pytest.fixture
def project(client: Client) -> Project:
    made: Project = project_create(session=factories.session_of(client), language="en")
    made.hosts = {"A": {"name": "Maya", "role": "r", "voice": "heart"}, "B": {"name": "Theo", "role": "r", "voice": "kumo"}}
    made.save(update_fields=["hosts"])
    return made


def ask(client: Client, project: Project, *, htmx: bool = True, **facts: str) -> Any:
    address = reverse("pipeline:host_voices", args=[project.pk])
    headers = HTMX if htmx else {}
    return client.post(address, facts, headers=headers) if facts else client.get(address, headers=headers)


class TestHostVoices:
    def test_ok(self, client, project):
        answer = ask(client, project).content.decode()
        assert "<html" not in answer
        assert "Maya speaks with" in answer
        assert '<option value="heart"' in answer
        assert answer.count("selected") == 2
        changed = ask(client, project, speaker="A", voice="heart-low")
        assert json.loads(changed.headers["HX-Trigger"])["vf:edited"]["panels"]
        project.refresh_from_db()
        assert project.hosts["A"] == {"name": "Maya", "role": "r", "voice": "heart-low"}

    def test_the_other_hosts_voice_is_swapped(self, client, project):
        ask(client, project, speaker="A", voice="kumo")
        project.refresh_from_db()
        assert [project.hosts[speaker]["voice"] for speaker in ("A", "B")] == ["kumo", "heart"]

    def test_before_there_is_a_script(self, client, project):
        Project.objects.filter(pk=project.pk).update(hosts={})
        assert "Speaker A speaks with" in ask(client, project).content.decode()
        ask(client, project, speaker="B", voice="heart")
        project.refresh_from_db()
        assert project.hosts == {"B": {"voice": "heart"}}

    @pytest.mark.parametrize(("facts"), [{"speaker": "A", "voice": "gone"}, {"speaker": "C", "voice": "heart"}])
    def test_what_is_not_there_is_refused(self, client, project, facts):
        answer = ask(client, project, **facts)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        project.refresh_from_db()
        assert project.hosts["A"]["voice"] == "heart"

    def test_without_scripts(self, client, project):
        answer = ask(client, project, htmx=False, speaker="A", voice="heart-low")
        assert (answer.status_code, answer.url) == (302, reverse("pipeline:host_voices", args=[project.pk]))
        page = client.get(answer.url).content.decode()
        assert "<html" in page
        assert "The voice is saved." in page

    def test_somebody_elses_project_is_not_there(self, project):
        assert ask(Client(), project).status_code == 404
        assert Client().delete(reverse("pipeline:host_voices", args=[project.pk])).status_code == 405

    @pytest.mark.django_db(transaction=True)
    def test_a_services_voices(self, client, project, settings):
        with FakeService() as fake:
            fake_voices.kokoro_routes(fake)
            settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "kokoro": f"{fake.url}/v1"}
            project.providers = {"speech": {"service": "kokoro"}}
            project.save(update_fields=["providers"])
            answer = ask(client, project).content.decode()
        assert '<option value="af_heart"' in answer
        assert "jf_alpha" not in answer

    @pytest.mark.django_db(transaction=True)
    def test_a_service_that_does_not_answer_is_said(self, client, project, settings):
        with FakeService() as fake:
            pass
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "kokoro": f"{fake.url}/v1"}
        project.providers = {"speech": {"service": "kokoro"}}
        project.save(update_fields=["providers"])
        answer = ask(client, project)
        assert answer.status_code == 200
        assert "Kokoro server cannot be reached" in answer.content.decode()
