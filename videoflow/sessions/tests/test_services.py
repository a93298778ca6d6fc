from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from videoflow.sessions.models import CreatorSession, OneUseLink
from videoflow.sessions.services import link_create, link_use, session_create, session_touch, sessions_owned, token_make

pytestmark = pytest.mark.django_db


class TestSessionsOwned:
    def test_ok(self):
        session = session_create(cookie="mine")
        assert list(sessions_owned(user=None, cookie="mine")) == [session]

    def test_a_stranger_owns_nothing_and_an_empty_token_never_matches(self):
        session_create(cookie="mine")
        session_create()
        for cookie, bearer in (("other", ""), ("", ""), ("", "other")):
            assert not sessions_owned(user=AnonymousUser(), cookie=cookie, bearer=bearer).exists()

    def test_a_program_by_its_bearer_token(self):
        session = session_create(bearer="token")
        assert sessions_owned(user=None, cookie="", bearer="token").get() == session

    def test_a_users_session_is_theirs_alone_even_with_the_old_cookie(self):
        user = get_user_model().objects.create_user("ana")
        session = session_create(user=user, cookie="mine")
        assert sessions_owned(user=user, cookie="").get() == session
        assert not sessions_owned(user=AnonymousUser(), cookie="mine").exists()

    def test_no_token_is_kept(self):
        token = token_make()
        session = session_create(cookie=token, bearer=token)
        assert token not in str(CreatorSession.objects.filter(pk=session.pk).values().get())


class TestTouch:
    def test_slides_the_expiry(self):
        session = session_create(cookie="mine")
        session.last_activity = timezone.now() - timedelta(hours=20)
        session.expires_at = timezone.now() + timedelta(hours=4)
        session_touch(session=session)
        session.refresh_from_db()
        assert session.expires_at is not None
        assert session.expires_at > timezone.now() + timedelta(hours=23)


class TestLink:
    def test_opens_the_session_in_one_browser_once(self):
        session = session_create()
        token = link_create(session=session)
        assert link_use(token=token, cookie="browser") == session
        assert sessions_owned(user=None, cookie="browser").get() == session
        assert link_use(token=token, cookie="thief") is None

    def test_an_old_link_is_dead(self):
        token = link_create(session=session_create())
        OneUseLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert link_use(token=token, cookie="browser") is None
