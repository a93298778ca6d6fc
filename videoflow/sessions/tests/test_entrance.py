"""With VIDEOFLOW_REQUIRE_LOGIN every address of the studio is shut, whatever is added later."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME, link_create, session_create

pytestmark = pytest.mark.django_db
SAMPLES = {
    "uuid": "11111111-1111-4111-8111-111111111111",
    "int": "7",
    "slug": "script_generation",
    "str": "name",
    "path": "some/path",
}
OPEN = {
    "livez", "readyz", "health", "metrics", "sign-in/", "sign-up/", "sign-out/", "open/<str:token>/", "admin/login/",
    "podcast/<str:token>/feed.xml", "podcast/<str:token>/<int:publication_id>/<str:name>",
}  # fmt: skip


def patterns(found: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return every address of the studio as written, and one that matches it."""
    for pattern in found:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "(?P" not in route:
            address = route
            for kind, converter in pattern.pattern.converters.items():
                name = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
                for written in (f"<{name}:{kind}>", f"<{kind}>"):
                    address = address.replace(written, SAMPLES[name])
            if prefix:
                for name in ("session_id", "task_id", "task_type", "component_name", "object_id", "content_type_id", "app_label"):
                    address = (
                        address.replace(f"<{name}>", SAMPLES["uuid"]).replace(f"<path:{name}>", "1").replace(f"<int:{name}>", "1")
                    )
            yield route, f"/{address}"


ADDRESSES = sorted(set(patterns(get_resolver().url_patterns)))


@pytest.fixture(autouse=True)
def shut(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.VIDEOFLOW_REQUIRE_LOGIN = True
    settings.VIDEOFLOW_SIGN_UP = False


def test_the_walk_finds_the_addresses():
    routes = {route for route, _ in ADDRESSES}
    assert len(routes) > 60
    assert {"", "projects/", "media/<uuid:asset_id>/<str:name>", "api/sessions", "api/tasks/<task_id>", "admin/"} <= routes
    assert routes >= OPEN


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_every_address_is_shut(method):
    client = Client()
    client.cookies[COOKIE_NAME] = "browser-token"
    session_create(cookie="browser-token")
    for route, address in ADDRESSES:
        if route in OPEN:
            continue
        assert "<" not in address
        response = client.generic(method, address)
        if route.startswith("api/") and route != "api/docs":
            assert response.status_code == 404, address
            if method != "HEAD":
                assert set(response.json()) == {"error_code", "message", "details", "timestamp", "retryable"}
                assert response.json()["error_code"] == "NOT_FOUND"
        else:
            assert response.status_code == 302, address
            assert response.headers["Location"].startswith("/sign-in/"), address
    assert CreatorSession.objects.count() == 1


STAYS_OPEN = ("/livez", "/health", "/readyz", "/sign-in/", "/open/x/", f"{settings.STATIC_URL}css/videoflow.css")


@pytest.mark.parametrize("address", STAYS_OPEN)
def test_what_stays_open(client, address):
    assert client.get(address).status_code in {200, 503}


def test_the_sign_in_page_shows_no_way_around(client):
    page = str(client.get("/sign-in/").content, "utf-8")
    assert 'class="nav"' not in page
    assert "There is no account yet" in page
    User.objects.create_user("ana")
    page = str(client.get("/sign-in/").content, "utf-8")
    assert "There is no account yet" not in page
    assert "Accounts are made by whoever runs this studio" in page


class TestTheWayBack:
    def test_a_page_with_its_query(self, client):
        assert client.get("/projects/?page=2").url == "/sign-in/?next=/projects/%3Fpage%3D2"

    def test_a_form_leads_back_to_its_page(self, client):
        response = client.post("/theme/", headers={"Referer": "http://testserver/settings/"})
        assert response.url == "/sign-in/?next=/settings/"
        assert client.post("/theme/", headers={"Referer": "https://evil.example/x"}).url == "/sign-in/"

    def test_htmx_leaves_the_page(self, client):
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/tasks/?status=failed"}
        response = client.get("/tasks/", headers=headers)
        assert response.status_code == 200
        assert response.headers["HX-Redirect"] == "/sign-in/?next=/tasks/%3Fstatus%3Dfailed"
        assert response.content == b""

    def test_scripts_are_told_that_nothing_is_there(self, client):
        path = f"/progress/{session_create().pk}/events"
        response = client.get(path, headers={"Accept": "application/json"})
        assert (response.status_code, response.json()["error_code"]) == (404, "NOT_FOUND")

    def test_after_the_sign_in_everything_is_as_ever(self, client):
        client.force_login(User.objects.create_user("ana"))
        for address in ("/", "/projects/", "/tasks/", "/settings/", "/api/docs", "/api/openapi.json"):
            assert client.get(address).status_code == 200


class TestPrograms:
    def created(self, client: Client) -> dict[str, str]:
        response = client.post("/api/sessions", content_type="application/json")
        assert response.status_code == 201
        return dict(response.json())

    def test_a_token_of_a_users_session_opens_it(self):
        browser = Client()
        browser.force_login(User.objects.create_user("ana"))
        made = self.created(browser)
        headers = {"Authorization": f"Bearer {made['access_token']}"}
        assert Client().get(f"/api/sessions/{made['session_id']}", headers=headers).status_code == 200
        assert Client().get(f"/progress/{made['session_id']}/events", headers=headers).status_code == 200
        User.objects.update(is_active=False)
        assert Client().get(f"/api/sessions/{made['session_id']}", headers=headers).status_code == 404

    def test_a_token_from_before_opens_nothing_until_its_session_has_a_user(self, settings):
        settings.VIDEOFLOW_REQUIRE_LOGIN = False
        made = self.created(Client())
        settings.VIDEOFLOW_REQUIRE_LOGIN = True
        headers = {"Authorization": f"Bearer {made['access_token']}"}
        path = f"/api/sessions/{made['session_id']}"
        assert Client().get(path, headers=headers).status_code == 404
        CreatorSession.objects.filter(pk=UUID(made["session_id"])).update(user=User.objects.create_user("ana"))
        assert Client().get(path, headers=headers).status_code == 200
        assert Client().post("/api/sessions", headers=headers).status_code == 404, "a new session needs its user"


class TestOneUseLink:
    def test_opened_before_the_sign_in_it_is_claimed_there(self, client):
        session = session_create()
        User.objects.create_user("ana", password="seven green bicycles")
        wanted = client.post(f"/open/{link_create(session=session)}/").url
        to_sign_in = client.get(wanted).url
        assert to_sign_in.startswith("/sign-in/?next=")
        client.post("/sign-in/", {"username": "ana", "password": "seven green bicycles"})
        assert client.get(f"/progress/{session.pk}/events").status_code == 200

    def test_opened_after_the_sign_in_it_is_the_users_at_once(self, client):
        session = session_create()
        client.force_login(User.objects.create_user("ana"))
        client.post(f"/open/{link_create(session=session)}/")
        assert client.get(f"/progress/{session.pk}/events").status_code == 200
