"""The services of the settings page: each state of a key, and what its owner can do about it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import ServiceCall, ServicePrice
from videoflow.pipeline.tests import factories
from videoflow.providers.services import EMBEDDED, SERVICES
from videoflow.providers.tests.fake_service import Asked, FakeService, Told
from videoflow.vault.models import Credential
from videoflow.vault.services import Owner, credential_read, credential_set

pytestmark = pytest.mark.django_db
SECRET = "sk-canary-0a1b2c3d4e5f"
MODELS = {"data": [{"id": "small-2"}, {"id": "large-1"}]}


@pytest.fixture
def owner(client: Client) -> Owner:
    return Owner(session_id=factories.session_of(client).pk)


@pytest.fixture
def openai(settings: Any) -> Iterator[FakeService]:
    """A fake OpenAI that knows one key."""

    def models(asked: Asked) -> Any:
        if asked.headers["authorization"] == f"Bearer {SECRET}":
            return MODELS
        return Told({"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, 401)

    with FakeService() as fake:
        fake.route("GET", "/v1/models")(models)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": f"{fake.url}/v1"}
        yield fake


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def row_of(client: Client, key: str) -> str:
    """The HTML of one service on the settings page."""
    page = client.get(reverse("pipeline:settings")).content.decode()
    found = re.search(
        rf'<details class="service" id="service-{key}".*?(?=<details class="service" id=|</section>)', page, re.DOTALL
    )
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def act(client: Client, service: str, name: str, *, htmx: bool = True, **facts: str) -> Any:
    headers = {"HX-Request": "true", "HX-Target": f"service-{service}"} if htmx else {}
    return client.post(reverse("pipeline:service", args=[service]), {"act": name, **facts}, headers=headers)


class TestPage:
    def test_every_service_stands_there_once(self, client):
        page = client.get(reverse("pipeline:settings")).content.decode()
        found = re.findall(r'<details class="service" id="service-([a-z0-9_]+)"', page)
        assert sorted(found) == sorted(name for name in SERVICES if name != EMBEDDED)

    def test_states(self, client, owner, settings):
        assert "uses the key of Google Gemini" in row_of(client, "veo")
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "gemini": "gm-operator-7777"}
        credential_set(owner=owner, provider="openai", secret=SECRET, label="work")
        assert "Key …4e5f" in row_of(client, "openai")
        assert "work" in row_of(client, "openai")
        assert "never used" in row_of(client, "openai")
        assert "By the operator …7777" in row_of(client, "gemini")
        assert "VIDEOFLOW_GEMINI_API_KEY" in row_of(client, "gemini")
        assert "Save and test" not in row_of(client, "gemini")
        assert "No key yet" in row_of(client, "anthropic")
        assert "Key is optional" in row_of(client, "ollama")
        assert "No key needed" in row_of(client, "openverse")
        assert "Writer: by 1,000 tokens; the price is not known here" in row_of(client, "openai")
        ServicePrice.objects.create(service="openai", capability="writer", micros=2_500)
        assert "Writer: 0.0025 USD for 1,000 tokens" in row_of(client, "openai")
        assert "Test connection" not in row_of(client, "anthropic")
        assert "Test connection" in row_of(client, "openverse")
        page = client.get(reverse("pipeline:settings")).content.decode()
        assert SECRET not in page
        assert "operator-7777" not in page

    def test_wrong_master_key_is_said_on_the_row(self, client, owner, settings):
        settings.VIDEOFLOW_VAULT_KEYS = "o" * 32
        credential_set(owner=owner, provider="openai", secret=SECRET)
        settings.VIDEOFLOW_VAULT_KEYS = "n" * 32
        shown = row_of(client, "openai")
        assert "Key cannot be opened" in shown
        assert "the vault&#x27;s master key has changed" in shown
        assert "…4e5f" in shown
        assert "Test connection" not in shown
        assert "Delete the key" in shown
        assert "VIDEOFLOW_VAULT_KEYS</code> opens them" in client.get(reverse("pipeline:settings")).content.decode()

    def test_how_it_answered_stands_on_the_row(self, client):
        assert "Last seven days" not in row_of(client, "openai")
        ServiceCall.objects.create(service="openai", outcome="SERVICE_REFUSED", milliseconds=90)
        shown = row_of(client, "openai")
        assert "Last seven days 0 % of 1 request went well · last error just now: it refused the request" in shown
        ServiceCall.objects.create(service="openai", outcome="not_of_the_list", milliseconds=90)
        assert "last error just now: it did not do what was asked" in row_of(client, "openai")

    def test_queries_do_not_grow_with_the_keys(self, client, owner, django_assert_max_num_queries):
        for name in ("openai", "gemini", "pexels", "pixabay", "anthropic"):
            credential_set(owner=owner, provider=name, secret=SECRET)
        with django_assert_max_num_queries(12):
            client.get(reverse("pipeline:settings"))


class TestSave:
    def test_ok(self, client, owner):
        answer = act(client, "openai", "save", key=f" {SECRET} ", label="work")
        assert "The key for OpenAI is saved" in words(answer)
        assert "…4e5f" in words(answer)
        assert SECRET not in answer.content.decode()
        assert credential_read(owner=owner, provider="openai") == SECRET

    def test_without_scripts(self, client, owner):
        answer = act(client, "openai", "save", htmx=False, key=SECRET)
        assert answer.url == f"{reverse('pipeline:settings')}#service-openai"
        assert "The key for OpenAI is saved" in words(client.get(answer.url))

    def test_first_visit_makes_the_session(self, client):
        act(client, "openai", "save", key=SECRET)
        assert "Key …4e5f" in row_of(client, "openai")

    def test_of_a_user_it_is_the_users(self, client):
        user = User.objects.create_user("ana")
        client.force_login(user)
        act(client, "openai", "save", key=SECRET)
        assert Credential.objects.get().user == user

    def test_what_cannot_be_a_key_is_refused_in_place(self, client, owner):
        answer = act(client, "openai", "save", key="two words here")
        assert answer.status_code == 422
        assert "without blanks" in words(answer)
        assert "two words here" not in answer.content.decode()
        page = act(client, "openai", "save", htmx=False, key="two words here")
        assert page.status_code == 422
        assert "without blanks" in words(page)
        assert not Credential.objects.exists()

    def test_not_over_the_operators(self, client, owner, settings):
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": "sk-operator-7777"}
        for name in ("save", "delete"):
            answer = act(client, "openai", name, key=SECRET)
            assert "operator has set this key" in words(answer)
        assert not Credential.objects.exists()

    def test_not_where_none_is_taken(self, client):
        for name in ("openverse", "veo"):
            assert "has no key of its own" in words(act(client, name, "save", key=SECRET))
        assert not Credential.objects.exists()

    @pytest.mark.parametrize("name", [EMBEDDED, "nobody"])
    def test_no_such_service(self, client, name):
        assert act(client, name, "save", key=SECRET).status_code == 404

    def test_delete(self, client, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        answer = act(client, "openai", "delete")
        assert "The key for OpenAI is deleted" in words(answer)
        assert "No key yet" in words(answer)
        assert not Credential.objects.exists()

    def test_somebody_elses_key_is_out_of_reach(self, client, owner):
        other = Owner(session_id=factories.CreatorSessionFactory.create().pk)
        credential_set(owner=other, provider="openai", secret=SECRET)
        act(client, "openai", "delete")
        assert credential_read(owner=other, provider="openai") == SECRET
        assert "No key yet" in row_of(client, "openai")


@pytest.mark.django_db(transaction=True)
class TestConnection:
    def test_ok(self, client, owner, openai):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        answer = act(client, "openai", "test")
        assert re.search(r"OpenAI answered in \d+\.\d\d s and took the key", words(answer))
        assert "large-1" in words(answer)
        assert "last used just now" in words(answer)

    def test_save_and_test_in_one(self, client, owner, openai):
        shown = words(act(client, "openai", "save_test", htmx=False, key=SECRET))
        assert "The key for OpenAI is saved" in shown
        assert "2 models" in shown

    def test_refused_key(self, client, owner, openai):
        answer = act(client, "openai", "save_test", key="sk-wrong-0123456789")
        assert answer.status_code == 422
        assert "The key for OpenAI is saved" in words(answer)
        assert "key" in words(answer)
        assert "sk-wrong-0123456789" not in answer.content.decode()
        assert credential_read(owner=owner, provider="openai") == "sk-wrong-0123456789"

    def test_nobody_there(self, client, owner, openai):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        openai.close()
        answer = act(client, "openai", "test")
        assert answer.status_code == 422
        assert "OpenAI cannot be reached" in words(answer)

    def test_no_key(self, client, owner):
        answer = act(client, "openai", "test")
        assert answer.status_code == 422
        assert "OpenAI needs a key" in words(answer)

    def test_anything_else_does_nothing(self, client, owner):
        assert act(client, "openai", "shout").status_code == 200
        assert client.get(reverse("pipeline:service", args=["openai"])).status_code == 405
