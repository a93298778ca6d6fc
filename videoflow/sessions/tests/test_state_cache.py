import json
import zlib
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from videoflow import redis
from videoflow.pipeline.services import project_create, project_delete
from videoflow.sessions import state_cache
from videoflow.sessions.accounts import sessions_claim
from videoflow.sessions.models import CreatorSession, UIState, WorkflowState
from videoflow.sessions.services import session_close, session_create, session_is_closed, session_touch
from videoflow.sessions.states import StaleRevision, ui_state_get, ui_state_save, workflow_get, workflow_save
from videoflow.tests.slow_redis import redis_frozen

pytestmark = pytest.mark.django_db
NAME = "script_generator"


@pytest.fixture
def session() -> CreatorSession:
    return session_create(cookie="mine", bearer="program")


def fresh(session: CreatorSession) -> CreatorSession:
    """The session's row as another request reads it."""
    return CreatorSession.objects.get(pk=session.pk)


def save(session: CreatorSession, number: int, **facts: object) -> UIState:
    return ui_state_save(session=fresh(session), component_name=NAME, changes={"form_data": {"n": number}}, **facts)


def number_of(session: CreatorSession) -> int:
    state = ui_state_get(session=fresh(session), component_name=NAME)
    assert state is not None
    return int(state.form_data["n"])


class TestRead:
    def test_ok(self, session, django_assert_num_queries):
        """The second reader asks the database nothing, and finds the same to the last digit."""
        save(session, 1)
        reader = fresh(session)
        first = ui_state_get(session=reader, component_name=NAME)
        with django_assert_num_queries(0):
            second = ui_state_get(session=reader, component_name=NAME)
        fields = [field.attname for field in UIState._meta.concrete_fields]
        assert [getattr(second, name) for name in fields] == [getattr(first, name) for name in fields]
        assert first == second and second.updated_at.microsecond == UIState.objects.get().updated_at.microsecond

    def test_the_workflow_with_its_project(self, session, django_assert_num_queries):
        reader = fresh(session)
        assert workflow_get(session=reader).revision == 0
        with django_assert_num_queries(0):
            assert workflow_get(session=reader).revision == 0  # that there is none is remembered too
        workflow_save(session=reader, changes={"current_step": "media_generation", "completed_steps": ["trending_analysis"]})
        workflow_get(session=reader)
        with django_assert_num_queries(0):
            state = workflow_get(session=reader)
        assert (state.revision, state.completed_steps) == (1, ["trending_analysis"])

    def test_a_kept_state_can_be_saved_as_the_row_it_is(self, session):
        save(session, 1)
        number_of(session)
        kept = ui_state_get(session=fresh(session), component_name=NAME)
        kept.form_data = {"n": 2}
        kept.save()
        assert UIState.objects.get().form_data == {"n": 2}

    def test_a_state_that_is_too_large_stays_in_its_row(self, session):
        ui_state_save(session=session, component_name=NAME, changes={"form_data": {"n": 7, "text": "x" * 20_000}})
        assert (number_of(session), number_of(session)) == (7, 7)
        key = next(redis.connection().scan_iter("videoflow:1:state:*"))
        assert (redis.connection().memory_usage(key) or 0) < 400

    @pytest.mark.parametrize("value", [b"{", b"7", b"[]", b'{"mark": 1}', b'{"mark": "0.1", "row": {"id": 4}}'])
    def test_what_somebody_else_left_there_is_not_believed(self, session, value):
        save(session, 3)
        redis.connection().set(f"videoflow:1:state:{session.pk}:{NAME}", value, ex=60)
        assert number_of(session) == 3

    def test_of_another_version_of_the_studio(self, session, monkeypatch):
        save(session, 3)
        number_of(session)
        state_cache._shape.cache_clear()
        monkeypatch.setattr(zlib, "crc32", lambda _: 5)
        UIState.objects.update(form_data={"n": 4})
        assert number_of(session) == 4
        state_cache._shape.cache_clear()

    def test_other_sessions_and_components_are_other_values(self, session):
        save(session, 1)
        assert number_of(session) == 1
        assert ui_state_get(session=session_create(), component_name=NAME) is None
        assert ui_state_get(session=fresh(session), component_name="video_composer") is None


class TestNeverOlderThanOnesOwnWrite:
    def test_ok(self, session):
        for number in range(4):
            save(session, number)
            assert (number_of(session), number_of(session)) == (number, number)

    def test_redis_frozen_during_the_write_and_back_with_the_old_value(self, session):
        save(session, 1)
        assert number_of(session) == 1
        with redis_frozen():
            save(session, 2)
            assert number_of(session) == 2
        redis.breaker.reset()
        assert '"n": 1' in redis.connection().get(f"videoflow:1:state:{session.pk}:{NAME}").decode()  # it is there
        assert (number_of(session), number_of(session)) == (2, 2)

    def test_if_match_is_decided_on_the_row(self, session):
        save(session, 1)
        kept = ui_state_get(session=fresh(session), component_name=NAME)
        with redis_frozen():
            save(session, 2)
        redis.breaker.reset()
        with pytest.raises(StaleRevision) as stale:
            save(session, 3, revisions=[kept.revision])
        assert stale.value.stored.form_data == {"n": 2}
        assert save(session, 3, revisions=[2]).revision == 3

    def test_a_slow_reader_puts_an_old_value_there_afterwards(self, session):
        save(session, 1)
        assert number_of(session) == 1
        kept = redis.connection().get(f"videoflow:1:state:{session.pk}:{NAME}")
        save(session, 2)
        assert number_of(session) == 2
        redis.connection().set(f"videoflow:1:state:{session.pk}:{NAME}", kept, ex=60)
        assert number_of(session) == 2

    def test_a_restored_database_meets_values_of_the_time_after(self, session):
        """Marks are drawn, not counted: the same number of saves does not lead to the same mark."""
        save(session, 1)
        before = UIState.objects.values().get(), fresh(session).states_mark
        save(session, 2)
        assert number_of(session) == 2
        UIState.objects.update(**before[0])
        CreatorSession.objects.update(states_mark=before[1])
        save(session, 3)
        assert number_of(session) == 3

    def test_a_write_that_is_rolled_back(self, session):
        save(session, 1)
        with transaction.atomic():
            save(session, 2)
            assert number_of(session) == 2
            transaction.set_rollback(True)
        assert (number_of(session), number_of(session)) == (1, 1)

    def test_a_project_that_is_deleted_leaves_the_workflow(self, session):
        project = project_create(session=session)
        workflow_save(session=session, changes={"active_project_id": project.pk})
        assert workflow_get(session=fresh(session)).active_project_id == project.pk
        project_delete(project=project)
        assert workflow_get(session=fresh(session)).active_project_id is None
        assert WorkflowState.objects.get().revision == 1


class TestRedisAway:
    def test_emptied(self, session):
        save(session, 1)
        number_of(session)
        redis.connection().flushall()
        assert number_of(session) == 1

    def test_frozen_pages_and_api_go_on(self, session):
        client = Client(headers={"Authorization": "Bearer program"})
        save(session, 1)
        address = f"/api/sessions/{session.pk}/ui-state/{NAME}"
        with redis_frozen():
            assert client.get(address).json()["form_data"] == {"n": 1}
            assert client.put(address, json.dumps({"form_data": {"n": 2}}), content_type="application/json").status_code == 200
            assert client.get(address).json()["form_data"] == {"n": 2}
            assert not redis.breaker.allows()
            assert client.get("/").status_code == 200

    def test_down(self, session, monkeypatch):
        save(session, 1)
        monkeypatch.setattr(cache, "get", lambda _: (_ for _ in ()).throw(RedisConnectionError("gone")))
        assert (number_of(session), number_of(session)) == (1, 1)
        assert not redis.breaker.allows()


class TestOwnership:
    """Whose a session is stands in its row alone, so what is cached opens nothing."""

    def test_a_closed_session_shows_nothing_to_whoever_had_it(self, session):
        client = Client(headers={"Authorization": "Bearer program"})
        save(session, 1)
        address = f"/api/sessions/{session.pk}/ui-state/{NAME}"
        assert client.get(address).status_code == 200
        with redis_frozen():
            session_close(session=session)
        redis.breaker.reset()
        assert client.get(address).status_code == 404

    def test_a_claimed_session_is_lost_to_the_cookie(self, session, django_user_model):
        ana = django_user_model.objects.create_user("ana")
        client = Client()
        client.cookies["videoflow_creator"] = "mine"
        save(session, 1)
        address = f"/api/sessions/{session.pk}/ui-state/{NAME}"
        assert client.get(address).status_code == 200
        sessions_claim(user=ana, cookie="mine")
        assert client.get(address).status_code == 404
        client.force_login(ana)
        assert client.get(address).json()["form_data"] == {"n": 1}


class TestTouch:
    def _stale(self, session: CreatorSession) -> CreatorSession:
        CreatorSession.objects.update(last_activity=timezone.now() - timedelta(minutes=5))
        return fresh(session)

    def test_at_most_once_a_minute(self, session, django_assert_num_queries):
        reader, other = self._stale(session), fresh(session)
        with django_assert_num_queries(1):
            session_touch(session=reader)
            session_touch(session=reader)
        before = fresh(session).last_activity
        session_touch(session=other)  # a request at the same time, with the row as it was
        assert fresh(session).last_activity == before

    def test_a_session_claimed_meanwhile_does_not_end_after_a_day(self, session, django_user_model):
        reader = self._stale(session)
        sessions_claim(user=django_user_model.objects.create_user("ana"), cookie="mine")
        session_touch(session=reader)
        assert fresh(session).expires_at is None

    def test_a_session_closed_meanwhile_stays_closed(self, session):
        reader = self._stale(session)
        session_close(session=session)
        session_touch(session=reader)
        assert session_is_closed(fresh(session))
