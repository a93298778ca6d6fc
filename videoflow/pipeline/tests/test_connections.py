from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.connections import Choice, choice_of, client_for, connection_for, owner_of, provider_open
from videoflow.pipeline.models import Project, ServiceCall, ServiceFact
from videoflow.pipeline.service_health import Health, calls_forgettable, health_of
from videoflow.pipeline.services import project_create
from videoflow.providers import registry
from videoflow.providers.net import ServiceBroken
from videoflow.providers.registry import Access
from videoflow.providers.tests.fake_service import FakeService
from videoflow.sessions.services import session_create
from videoflow.vault.services import credential_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    return project_create(session=session_create(), seed=1)


@pytest.fixture
def fake(settings) -> Iterator[FakeService]:
    with FakeService() as service:
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": service.url}
        service.route("GET", "/models")(lambda asked: {"data": [{"id": "m"}]})
        yield service


class TestChoice:
    def test_embedded_unless_chosen(self, project):
        assert choice_of(project, "writer") == Choice("embedded")

    def test_ok(self, project):
        project.providers = {"writer": {"service": "ollama", "model": "m", "options": {"a": 1}, "fallback": True}}
        assert choice_of(project, "writer") == Choice("ollama", "m", {"a": 1}, fallback=True)

    @pytest.mark.parametrize("service", ["pexels", "gone"])
    def test_a_service_that_cannot_do_it(self, project, service):
        project.providers = {"writer": {"service": service}}
        with pytest.raises(BadInput, match="Choose another"):
            choice_of(project, "writer")


class TestConnection:
    def test_the_operators_key_goes_first(self, project, settings):
        owner = owner_of(project)
        credential_set(owner=owner, provider="gemini", secret="mine-0123456789")
        assert connection_for(owner=owner, service="veo", capability="images").key == "mine-0123456789"
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "veo": "theirs-0123456789"}
        assert connection_for(owner=owner, service="veo", capability="images").key == "theirs-0123456789"

    def test_a_missing_key_says_where_to_give_it(self, project):
        with pytest.raises(BadInput, match="Pexels needs a key") as caught:
            connection_for(owner=owner_of(project), service="pexels", capability="images")
        assert caught.value.code == "KEY_MISSING"

    def test_a_missing_model(self, project):
        with pytest.raises(BadInput, match="Choose a model of Ollama"):
            connection_for(owner=owner_of(project), service="ollama", capability="writer")

    def test_a_project_cannot_choose_what_is_the_operators(self, project, settings):
        settings.VIDEOFLOW_SERVICE_OPTIONS = {**settings.VIDEOFLOW_SERVICE_OPTIONS, "piper": {"command": "/usr/bin/piper"}}
        made = connection_for(owner=owner_of(project), service="piper", capability="speech", options={"command": "/bin/sh"})
        assert made.options["command"] == "/usr/bin/piper"

    def test_a_service_may_not_open_anothers_private_address(self, project, settings):
        settings.VIDEOFLOW_SERVICE_HOSTS = ["gpu.lan:8188"]
        made = connection_for(owner=owner_of(project), service="openverse", capability="images")
        assert made.allowed_hosts == {"api.openverse.org:443", "gpu.lan:8188"}


class TestProvider:
    def test_a_services_provider_gets_its_access(self, project, fake, monkeypatch):
        class Humming:
            def __init__(self, access: Access) -> None:
                self.access = access

        monkeypatch.setitem(registry._makers, ("music", "openai"), Humming)
        credential_set(owner=owner_of(project), provider="openai", secret="sk-0123456789")
        made = provider_open(
            project, "music", pay=lambda call: b"", cancelled=lambda: False, choice=Choice("openai", options={"pitch": 2})
        )
        assert made.access.connection.options["pitch"] == 2
        made.access.client.request("GET", "/models")
        assert fake.requests[0].headers["authorization"] == "Bearer sk-0123456789"
        made.access.remember.set("rung m", "json_object")
        made.access.remember.set("rung m", "json_schema")
        assert made.access.remember.get("rung m") == "json_schema"
        assert made.access.remember.get("rung n") is None
        assert ServiceFact.objects.count() == 1

    def test_embedded_needs_none(self, project):
        assert provider_open(project, "writer", pay=lambda call: b"", cancelled=lambda: False).name == "embedded"


class TestHealth:
    def test_ok(self, project, fake, settings):
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": "sk-0123456789"}
        client = client_for(connection_for(owner=owner_of(project), service="openai", capability="speech"))
        fake.fault("500")
        with pytest.raises(ServiceBroken):
            client.request("GET", "/models")
        failing = health_of(["openai"])["openai"]
        assert (failing.last_success_at, failing.is_failing) == (None, True)
        for _ in range(3):
            client.request("GET", "/models")
        health = health_of(["openai", "pexels"])
        assert health["pexels"] == Health()
        assert (health["openai"].calls, health["openai"].error_share, health["openai"].last_error) == (4, 0.25, "SERVICE_BROKEN")
        assert not health["openai"].is_failing
        assert health["openai"].p50_seconds is not None and health["openai"].p50_seconds >= 0
        assert ServiceCall.objects.filter(outcome="SERVICE_BROKEN").count() == 1

    def test_a_week_is_looked_at(self):
        ServiceCall.objects.create(service="openai", outcome="ok", milliseconds=1, created_at=timezone.now() - timedelta(days=8))
        assert health_of(["openai"])["openai"] == Health()
        assert calls_forgettable().count() == 1
