from uuid import uuid4

import pytest

from videoflow.api import schemas
from videoflow.pipeline.tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


class TestWorkflow:
    def test_begins_at_the_first_step(self, program):
        response = program.call("GET", f"{program.path}/workflow-state")
        schemas.WorkflowState.model_validate(response.json(), strict=True)
        assert response.headers["ETag"] == '"0"'
        assert response.json()["workflow_state"] == {
            "current_step": "trending_analysis",
            "completed_steps": [],
            "active_project_id": None,
            "form_data": {},
        }

    def test_given_keys_replace_and_absent_keys_stay(self, program):
        path = f"{program.path}/workflow-state"
        program.call("PUT", path, {"workflow_state": {"form_data": {"a": 1}, "completed_steps": ["trending_analysis"]}})
        response = program.call("PUT", path, {"workflow_state": {"form_data": {"b": 2}, "current_step": "script_generation"}})
        assert response.headers["ETag"] == '"2"'
        assert response.json()["workflow_state"] == {
            "current_step": "script_generation",
            "completed_steps": ["trending_analysis"],
            "active_project_id": None,
            "form_data": {"b": 2},
        }
        assert program.call("GET", program.path).json()["workflow_state"] == response.json()["workflow_state"]

    def test_the_active_project_is_one_of_the_session(self, program, refused):
        path = f"{program.path}/workflow-state"
        mine, foreign = ProjectFactory.create(session=program.session), ProjectFactory.create()
        response = program.call("PUT", path, {"workflow_state": {"active_project_id": str(mine.pk)}})
        assert response.json()["workflow_state"]["active_project_id"] == str(mine.pk)
        for wrong in (str(foreign.pk), str(uuid4()), "no id"):
            refused(program.call("PUT", path, {"workflow_state": {"active_project_id": wrong}}), 404, "NOT_FOUND")
        mine.delete()
        assert program.call("GET", path).json()["workflow_state"]["active_project_id"] is None

    @pytest.mark.parametrize(
        "state", [{"current_step": "cooking"}, {"completed_steps": ["cooking"]}, {"form_data": []}, {"mood": 1}]
    )
    def test_what_is_unknown_is_refused(self, program, refused, state):
        refused(program.call("PUT", f"{program.path}/workflow-state", {"workflow_state": state}), 400, "INVALID_INPUT")

    def test_a_stale_save_gets_the_stored_state(self, program, refused):
        path = f"{program.path}/workflow-state"
        program.call("PUT", path, {"workflow_state": {"form_data": {"a": 1}}}, If_Match='"0"')
        stale = program.call("PUT", path, {"workflow_state": {"form_data": {}}}, If_Match='"0"')
        assert refused(stale, 409, "STALE_REVISION")["details"] == program.call("GET", path).json()


class TestUIState:
    def test_ok(self, program):
        path = f"{program.path}/ui-state/script_generator"
        response = program.call("PUT", path, {"form_data": {"topic": "Moss 🌱"}, "auto_save": False})
        assert response.status_code == 200
        schemas.UIState.model_validate(response.json(), strict=True)
        assert (response.json()["revision"], response.headers["ETag"]) == (1, '"1"')
        assert program.call("GET", path).json() == response.json()

    def test_404_until_first_saved(self, program, refused):
        refused(program.call("GET", f"{program.path}/ui-state/script_generator"), 404, "NOT_FOUND")

    def test_given_fields_replace_and_absent_fields_stay(self, program):
        path = f"{program.path}/ui-state/video_composer"
        program.call("PUT", path, {"form_data": {"a": 1}, "ui_state": {"open": True}})
        saved = program.call("PUT", path, {"form_data": {"b": 1}}).json()
        assert (saved["form_data"], saved["ui_state"], saved["auto_save"]) == ({"b": 1}, {"open": True}, True)

    def test_each_component_and_no_other(self, program, refused):
        for name in ("trending_analysis", "script_generator", "media_generator", "video_composer", "youtube_uploader"):
            assert program.call("PUT", f"{program.path}/ui-state/{name}", {}).status_code == 200
        refused(program.call("PUT", f"{program.path}/ui-state/kitchen", {}), 404, "NOT_FOUND")

    def test_a_stale_save_loses_and_one_without_if_match_wins(self, program, refused):
        path = f"{program.path}/ui-state/script_generator"
        program.call("PUT", path, {"form_data": {"who": "first"}})
        assert program.call("PUT", path, {"form_data": {"who": "second"}}, If_Match='"1"').headers["ETag"] == '"2"'
        stale = program.call("PUT", path, {"form_data": {"who": "late"}}, If_Match='"1"')
        assert refused(stale, 409, "STALE_REVISION")["details"]["form_data"] == {"who": "second"}
        assert stale.headers["ETag"] == '"2"'
        assert program.call("PUT", path, {"form_data": {"who": "last"}}).json()["revision"] == 3

    @pytest.mark.parametrize(("if_match", "status"), [('"0"', 200), ('"3"', 409), ("*", 200), ("nonsense", 409), ('W/"0"', 200)])
    def test_if_match_before_the_first_save(self, program, if_match, status):
        response = program.call("PUT", f"{program.path}/ui-state/script_generator", {}, If_Match=if_match)
        assert response.status_code == status

    def test_100_kb_at_most(self, program, refused):
        path = f"{program.path}/ui-state/script_generator"
        assert program.call("PUT", path, {"form_data": {"text": "x" * 102_000}}).status_code == 200
        refused(program.call("PUT", path, {"form_data": {"text": "x" * 102_500}}), 413, "TOO_LARGE")
        assert len(program.call("GET", path).json()["form_data"]["text"]) == 102_000

    @pytest.mark.parametrize("body", [{"form_data": []}, {"ui_state": None}, {"auto_save": "no"}, {"form": {}}, []])
    def test_the_wrong_type_is_refused(self, program, body):
        assert program.call("PUT", f"{program.path}/ui-state/script_generator", body).status_code == 400
