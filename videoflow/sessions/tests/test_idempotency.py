import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from videoflow.sessions.idempotency import KeyReused, keys_forget, reply_once
from videoflow.sessions.models import CreatorSession, IdempotencyKey
from videoflow.sessions.services import session_create


@pytest.mark.django_db
class TestReplyOnce:
    def test_ok(self):
        session = session_create()
        calls = []

        def act():
            calls.append(1)
            return {"n": len(calls)}

        call = {"session": session, "key": "a", "request_hash": "1", "act": act}
        assert [reply_once(**call), reply_once(**call)] == [({"n": 1}, False), ({"n": 1}, True)]
        assert reply_once(**{**call, "key": "b"}) == ({"n": 2}, False)
        with pytest.raises(KeyReused):
            reply_once(**{**call, "request_hash": "2"})

    def test_what_fails_is_not_kept(self):
        session = session_create()

        def fails():
            raise ValueError

        with pytest.raises(ValueError):
            reply_once(session=session, key="a", request_hash="1", act=fails)
        assert reply_once(session=session, key="a", request_hash="2", act=lambda: {"n": 1}) == ({"n": 1}, False)

    def test_keys_are_forgotten_after_a_day(self):
        session = session_create()
        reply_once(session=session, key="old", request_hash="1", act=dict)
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
        reply_once(session=session, key="new", request_hash="1", act=dict)
        keys_forget()
        assert IdempotencyKey.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_have_one_effect():
    session = session_create()
    barrier = threading.Barrier(6)
    replies = []

    def act():
        return {"made": str(session_create().pk)}

    def run():
        barrier.wait()
        try:
            replies.append(reply_once(session=session, key="a", request_hash="1", act=act)[0]["made"])
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 6
    assert len(set(replies)) == 1
    assert CreatorSession.objects.count() == 2
