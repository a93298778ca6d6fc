"""Voices on the settings page: listed for free, heard for what the button says, never paid for twice unasked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import ProviderCall, ServicePrice
from videoflow.pipeline.tests import factories
from videoflow.pipeline.voices import SAMPLES
from videoflow.providers.base import Line
from videoflow.providers.registry import provider_get
from videoflow.providers.tests.fake_service import Asked, FakeService, Told
from videoflow.vault.services import Owner, credential_set

SECRET = "sk-canary-0a1b2c3d4e5f"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample's words, really spoken."""
    folder = tmp_path_factory.mktemp("spoken")
    speech = provider_get("speech", "embedded")
    spoken = speech.speak([Line(SAMPLES["en"], "heart")], folder, report=lambda *_: None, cancelled=lambda: False)
    return Path(spoken[0].path).read_bytes()


@pytest.fixture
def owner(client: Client) -> Owner:
    return Owner(session_id=factories.session_of(client).pk)


@pytest.fixture
def openai(settings: Any, owner: Owner, recording: bytes, tmp_path: Path) -> Iterator[FakeService]:
    """A fake OpenAI that speaks, with the owner's key, and a data folder without earlier recordings."""

    def speak(asked: Asked) -> Told:
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.json()["input"] == SAMPLES["en"]
        return Told(recording, headers={"Content-Type": "audio/wav"})

    settings.VIDEOFLOW_DATA = tmp_path
    credential_set(owner=owner, provider="openai", secret=SECRET)
    with FakeService() as fake:
        fake.route("POST", "/v1/audio/speech")(speak)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": f"{fake.url}/v1"}
        yield fake


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def listed(client: Client, service: str = "embedded", **query: str) -> Any:
    return client.get(reverse("pipeline:voices", args=[service]), query, headers={"HX-Request": "true"})


def hear(client: Client, service: str, voice: str, *, act: str = "hear", **facts: str) -> Any:
    posted = {"voice": voice, "language": "en", "act": act, **facts}
    return client.post(reverse("pipeline:voices", args=[service]), posted, headers={"HX-Request": "true"})


def sound_of(client: Client, answer: Any) -> bytes:
    address = re.search(r'<audio[^>]* src="([^"]+)"', answer.content.decode())
    assert address
    return b"".join(client.get(address[1]))


@pytest.mark.django_db
class TestList:
    def test_ok(self, client, owner):
        shown = words(listed(client))
        assert "Heart" in shown
        assert "Kumo" in shown
        assert "Hear it" in shown
        assert "up to" not in shown

    def test_on_the_settings_page(self, client):
        assert "Hear the voices" in words(client.get(reverse("pipeline:settings")))

    def test_page_without_scripts(self, client):
        page = client.get(reverse("pipeline:voices", args=["embedded"]))
        assert "<html" in page.content.decode()

    def test_language_that_nobody_speaks(self, client):
        assert "Embedded has no voice for this language" in words(listed(client, language="ja"))
        assert listed(client, language="tlh").status_code == 404

    def test_service_without_a_key(self, client, owner):
        assert "ElevenLabs needs a key" in words(listed(client, "elevenlabs"))

    def test_only_services_that_speak(self, client):
        assert listed(client, "pexels").status_code == 404
        assert listed(client, "nobody").status_code == 404

    def test_price_stands_on_the_button(self, client, owner, settings):
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": SECRET}
        assert "price not known" in words(listed(client, "openai"))
        ServicePrice.objects.create(service="openai", capability="speech", micros=15_000)
        assert re.search(r"up to 0\.00\d+ USD", words(listed(client, "openai")))


@pytest.mark.django_db(transaction=True)
class TestHear:
    def test_embedded(self, client, owner):
        answer = hear(client, "embedded", "heart")
        assert answer.status_code == 200
        assert sound_of(client, answer)[:4] == b"RIFF"
        assert not ProviderCall.objects.exists()

    def test_of_a_service_is_paid_for_once(self, client, owner, openai):
        voice = self.first_voice(client)
        for _ in range(2):
            assert sound_of(client, hear(client, "openai", voice))[:4] == b"RIFF"
        call = ProviderCall.objects.get()
        assert (call.state, call.project, call.task, call.owner) == ("done", None, None, f"session:{owner.session_id}")
        assert [asked.method for asked in openai.requests].count("POST") == 1

    def test_refusal_is_said_on_the_row(self, client, owner, openai):
        openai.route("POST", "/v1/audio/speech")(lambda asked: Told({"error": {"code": "insufficient_quota"}}, 429))
        answer = hear(client, "openai", self.first_voice(client))
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert "OpenAI" in words(answer)

    def test_lost_answer_is_only_asked_again_on_demand(self, client, owner, openai):
        voice = self.first_voice(client)
        openai.fault("lost")
        answer = hear(client, "openai", voice)
        assert "Ask again, perhaps paying twice" in words(answer)
        call = ProviderCall.objects.get()
        assert call.state == "unknown"
        assert "<audio" not in hear(client, "openai", voice).content.decode()
        assert sound_of(client, hear(client, "openai", voice, act="ask_again", call=str(call.pk)))[:4] == b"RIFF"
        assert ProviderCall.objects.filter(state="done").count() == 1

    def test_somebody_elses_lost_call(self, client, owner, openai):
        voice = self.first_voice(client)
        openai.fault("lost")
        hear(client, "openai", voice)
        call = ProviderCall.objects.get()
        ProviderCall.objects.update(owner="session:somebody")
        assert hear(client, "openai", voice, act="ask_again", call=str(call.pk)).status_code == 404
        assert hear(client, "openai", voice, act="ask_again", call="no id").status_code == 404

    def test_no_such_voice(self, client, owner):
        answer = hear(client, "embedded", "nobody")
        assert answer.status_code == 422
        assert "There is no such voice any more" in words(answer)

    def test_only_who_has_the_address_hears_it(self, client):
        for token in ("0" * 64, "../../secret_key:abc"):
            assert client.get(f"/settings/voices/sample/{token}/voice.wav").status_code == 404

    def first_voice(self, client: Client) -> str:
        found = re.search(r'name="voice" value="([^"]+)"', listed(client, "openai").content.decode())
        assert found
        return found[1]
