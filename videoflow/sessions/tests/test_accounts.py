"""Signing in and out as a browser does it, and what becomes of the sessions."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from videoflow import redis
from videoflow.sessions.accounts import (
    SIGN_INS_PER_NAME,
    SIGN_UPS_PER_ADDRESS,
    address_of,
    attempt_begin,
    sessions_claim,
    sign_ins_alive,
    user_of_sign_in,
)
from videoflow.sessions.models import AttemptCount, CreatorSession
from videoflow.sessions.services import COOKIE_NAME, session_create, sessions_owned

pytestmark = pytest.mark.django_db
PASSWORD = "seven green bicycles"
WRONG = "The name or the password is wrong"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana", password=PASSWORD)


def sign_in(client: Client, name: str = "ana", password: str = PASSWORD, **extra: str):
    return client.post("/sign-in/", {"username": name, "password": password, **extra})


def text_of(response) -> str:
    return str(response.content, "utf-8")


def with_work(client: Client) -> CreatorSession:
    """A session that this browser made without signing in."""
    client.cookies[COOKIE_NAME] = "browser-token"
    return session_create(cookie="browser-token")


class TestSignIn:
    def test_ok(self, client, ana):
        response = sign_in(client)
        assert (response.status_code, response.url) == (302, "/")
        page = text_of(client.get("/"))
        assert "Sign out" in page
        assert "ana" in page
        assert "Sign in" not in page

    def test_the_page_helps_password_managers(self, client):
        page = text_of(client.get("/sign-in/"))
        assert 'autocomplete="username"' in page
        assert 'autocomplete="current-password"' in page
        assert "onpaste" not in page
        assert client.get("/sign-in/").headers["Cache-Control"].count("no-store") == 1

    def test_the_sign_ins_key_is_a_new_one(self, client, ana):
        session = client.session
        session["x"] = 1
        session.save()
        before = client.cookies["sessionid"].value
        sign_in(client)
        assert client.cookies["sessionid"].value != before
        assert not Session.objects.filter(session_key=before).exists()

    @pytest.mark.parametrize(("name", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("ben", PASSWORD), ("ANA", PASSWORD)])
    def test_what_was_wrong_is_not_told(self, client, ana, name, password):
        User.objects.create_user("ben", password=PASSWORD, is_active=False)
        response = sign_in(client, name, password)
        assert response.status_code == 422
        assert WRONG in text_of(response)
        assert "sessionid" not in client.cookies

    def test_needs_the_csrf_token(self, ana):
        strict = Client(enforce_csrf_checks=True)
        assert sign_in(strict).status_code == 403

    @pytest.mark.parametrize("wanted", ["/projects/?page=2", "/tasks/"])
    def test_goes_on_to_the_page_that_was_wanted(self, client, ana, wanted):
        assert f'value="{wanted}"' in text_of(client.get("/sign-in/", {"next": wanted}))
        assert sign_in(client, next=wanted).url == wanted

    @pytest.mark.parametrize(
        "wanted",
        [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "http:///evil.example",
            "javascript:alert(1)",
            "\thttps://evil.example",
            "http://testserver/projects/",
        ],
    )
    def test_goes_nowhere_else(self, client, ana, wanted):
        assert client.get("/sign-in/", {"next": wanted}).context["next"] == ""
        assert sign_in(client, next=wanted).url == "/"

    def test_the_admin_uses_the_same_page(self, client, ana):
        response = client.get("/admin/", follow=True)
        assert response.redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2F"
        ana.is_staff = ana.is_superuser = True
        ana.save()
        assert client.get(sign_in(client, next="/admin/").url).status_code == 200

    def test_a_user_who_may_not_open_the_admin_is_not_sent_in_circles(self, client, ana):
        sign_in(client)
        response = client.get("/admin/", follow=True)
        assert response.status_code == 200
        assert "You are signed in as <b>ana</b>" in text_of(response)


class TestThrottle:
    def test_ten_failures_are_the_most(self, client, ana):
        for _ in range(SIGN_INS_PER_NAME):
            assert sign_in(client, password="wrong").status_code == 422
        response = sign_in(client)
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 900
        assert "Wait 15 minutes" in text_of(response)
        assert sign_in(client, name="ＡNA").status_code == 429, "another spelling of the name is the same name"

    def test_others_are_not_kept_out(self, client, ana):
        User.objects.create_user("ben", password=PASSWORD)
        for _ in range(SIGN_INS_PER_NAME + 1):
            sign_in(client, password="wrong")
        assert sign_in(Client(REMOTE_ADDR="10.0.0.7")).status_code == 302
        assert sign_in(Client(), "ben").status_code == 302

    def test_it_ends_after_a_quarter_of_an_hour(self, client, ana):
        for _ in range(SIGN_INS_PER_NAME + 1):
            sign_in(client, password="wrong")
        AttemptCount.objects.update(since=timezone.now() - timedelta(minutes=15, seconds=1))
        assert sign_in(client).status_code == 302

    def test_a_success_begins_anew(self, client, ana):
        for _ in range(3):
            for _ in range(SIGN_INS_PER_NAME - 1):
                sign_in(client, password="wrong")
            assert sign_in(client).status_code == 302

    def test_it_holds_while_redis_is_away(self, client, ana, monkeypatch):
        monkeypatch.setattr(redis.breaker, "allows", lambda: False)
        for _ in range(SIGN_INS_PER_NAME):
            sign_in(client, password="wrong")
        assert sign_in(client).status_code == 429

    def test_no_name_is_kept(self):
        attempt_begin(what="sign-in", address="10.0.0.7", name="ana", limit=10)
        assert "ana" not in str(AttemptCount.objects.values().get())

    def test_behind_our_proxy_the_address_is_what_the_proxy_added(self, rf, settings):
        request = rf.get("/", headers={"X-Forwarded-For": "6.6.6.6, 10.0.0.9"})
        assert address_of(request) == "127.0.0.1"
        settings.VIDEOFLOW_HTTPS = True
        assert address_of(request) == "10.0.0.9"


class TestSignUp:
    FORM = {"username": "ana", "password1": PASSWORD, "password2": PASSWORD}

    def test_ok(self, client):
        session = with_work(client)
        response = client.post("/sign-up/", {**self.FORM, "next": "/projects/"})
        assert (response.status_code, response.url) == (302, "/projects/")
        user = User.objects.get()
        assert (user.is_staff, user.is_superuser, user.check_password(PASSWORD)) == (False, False, True)
        session.refresh_from_db()
        assert session.user == user

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"password2": "seven green bicycle"}, "The two passwords are not the same."),
            ({"password1": "short", "password2": "short"}, "too short"),
            ({"password1": "1234567890", "password2": "1234567890"}, "too common"),
            ({"username": "BEN"}, "Choose another"),
            ({"username": "a b"}, "Enter a valid username"),
        ],
    )
    def test_refusals_stand_at_their_field(self, client, change, sentence):
        User.objects.create_user("ben")
        response = client.post("/sign-up/", {**self.FORM, **change})
        assert response.status_code == 422
        assert sentence in text_of(response)
        assert User.objects.count() == 1

    def test_is_limited_for_each_address(self, client):
        for _ in range(SIGN_UPS_PER_ADDRESS):
            assert client.post("/sign-up/", {**self.FORM, "password2": "other"}).status_code == 422
        assert client.post("/sign-up/", self.FORM).status_code == 429
        assert not User.objects.exists()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_shut_it_says_who_makes_accounts(self, client, settings, method):
        settings.VIDEOFLOW_SIGN_UP = False
        response = getattr(client, method)("/sign-up/", self.FORM)
        assert response.status_code == 403
        assert "Accounts are made by whoever runs this studio" in text_of(response)
        assert not User.objects.exists()
        assert "/sign-up/" not in text_of(client.get("/sign-in/"))


class TestClaim:
    def test_what_the_browser_made_becomes_the_users_everywhere(self, client, ana):
        session = with_work(client)
        sign_in(client)
        session.refresh_from_db()
        assert (session.user, session.expires_at) == (ana, None)
        second = Client()
        sign_in(second)
        for device in (client, second):
            assert device.get(f"/progress/{session.pk}/events").status_code == 200

    def test_the_old_cookie_alone_opens_nothing_any_more(self, client, ana):
        session = with_work(client)
        sign_in(client)
        assert client.cookies[COOKIE_NAME].value == "", "the browser was told to forget it"
        thief = Client()
        thief.cookies[COOKIE_NAME] = "browser-token"
        assert thief.get(f"/progress/{session.pk}/events").status_code == 404

    def test_another_users_session_is_not_taken(self, ana):
        ben = User.objects.create_user("ben")
        session = session_create(user=ben, cookie="shared browser")
        assert sessions_claim(user=ana, cookie="shared browser") == 0
        session.refresh_from_db()
        assert session.user == ben

    def test_no_cookie_claims_nothing(self, ana):
        session_create()
        assert sessions_claim(user=ana, cookie="") == 0

    def test_a_wrong_password_claims_nothing(self, client, ana):
        session = with_work(client)
        sign_in(client, password="wrong")
        session.refresh_from_db()
        assert session.user is None
        assert client.get(f"/progress/{session.pk}/events").status_code == 200

    def test_a_programs_token_goes_on_working(self, ana):
        session = session_create(cookie="browser-token", bearer="program")
        sessions_claim(user=ana, cookie="browser-token")
        assert sessions_owned(user=None, cookie="", bearer="program").get() == session


class TestSignOut:
    def test_the_browser_sees_nothing_any_more(self, client, ana):
        session = with_work(client)
        sign_in(client)
        response = client.post("/sign-out/", follow=True)
        assert "You are signed out." in text_of(response)
        assert "Sign in" in text_of(response)
        assert client.get(f"/progress/{session.pk}/events").status_code == 404
        assert not Session.objects.exists()

    def test_only_by_a_form(self, client, ana):
        sign_in(client)
        assert client.get("/sign-out/").status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(ana)
        assert strict.post("/sign-out/").status_code == 403
        assert "Sign out" in text_of(client.get("/"))


class TestWhetherASignInHolds:
    def test_ok(self, client, ana):
        sign_in(client)
        key = client.cookies["sessionid"].value
        assert user_of_sign_in(key) == ana
        assert sign_ins_alive([key, "other"]) == {key}

    def test_a_changed_password_an_inactive_user_or_its_end(self, client, ana):
        client.force_login(ana)
        key = client.cookies["sessionid"].value
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert not user_of_sign_in(key).is_authenticated
        assert sign_ins_alive([key]) == set()
        for change in ({"is_active": False}, {"password": "changed"}):
            client.force_login(ana)
            key = client.cookies["sessionid"].value
            assert user_of_sign_in(key).is_authenticated
            get_user_model().objects.update(**change)
            assert not user_of_sign_in(key).is_authenticated
            get_user_model().objects.update(is_active=True)

    @pytest.mark.parametrize("key", ["", "nonsense", "x" * 5000, "a\x00b"])
    def test_no_key_is_nobody(self, key):
        user = user_of_sign_in(key)
        assert user is None or not user.is_authenticated
