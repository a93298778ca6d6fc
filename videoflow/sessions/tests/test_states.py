import threading

import pytest
from django.db import connection

from videoflow.sessions.models import UIState
from videoflow.sessions.services import session_create
from videoflow.sessions.states import StaleRevision, ui_state_get, ui_state_save, workflow_get, workflow_save


@pytest.mark.django_db
class TestSave:
    def test_ok(self):
        session = session_create()
        state = ui_state_save(session=session, component_name="script_generator", changes={"form_data": {"a": 1}})
        assert (state.revision, state.form_data, state.ui_state, state.auto_save) == (1, {"a": 1}, {}, True)
        stored = ui_state_get(session=session, component_name="script_generator")
        assert stored == state

    def test_only_from_a_wanted_revision(self):
        session = session_create()
        save = {"session": session, "component_name": "script_generator", "changes": {}}
        with pytest.raises(StaleRevision) as stale:
            ui_state_save(**save, revisions=[1])
        assert stale.value.stored is None
        assert ui_state_save(**save, revisions=[0]).revision == 1
        assert ui_state_save(**save, revisions=[4, 1]).revision == 2
        with pytest.raises(StaleRevision) as stale:
            ui_state_save(**save, revisions=[1])
        assert stale.value.stored is not None
        assert stale.value.stored.revision == 2

    def test_the_workflow_has_a_state_before_it_is_saved(self):
        session = session_create()
        assert workflow_get(session=session).revision == 0
        assert workflow_save(session=session, changes={"current_step": "media_generation"}).revision == 1
        assert workflow_get(session=session).current_step == "media_generation"


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def _together(self, count, act):
        barrier = threading.Barrier(count)
        outcomes = []

        def run(number):
            barrier.wait()
            try:
                outcomes.append(act(number))
            except StaleRevision:
                outcomes.append(None)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    def test_no_save_is_lost_and_no_revision_is_given_twice(self):
        session = session_create()
        states = self._together(
            6, lambda number: ui_state_save(session=session, component_name="a", changes={"form_data": {"n": number}})
        )
        assert sorted(state.revision for state in states) == [1, 2, 3, 4, 5, 6]
        last = max(states, key=lambda state: state.revision)
        assert UIState.objects.get().form_data == last.form_data

    def test_of_many_with_the_same_if_match_one_wins(self):
        session = session_create()
        for revision in (0, 1):
            states = self._together(
                5, lambda _, r=revision: ui_state_save(session=session, component_name="a", changes={}, revisions=[r])
            )
            assert [state.revision for state in states if state] == [revision + 1]
