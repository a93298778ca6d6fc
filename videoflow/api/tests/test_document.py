import json
import re
from typing import Any

import pytest

from videoflow.api.tests.test_ownership import ROUTES
from videoflow.pipeline import stages

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


class TestDocument:
    def test_every_reference_leads_somewhere(self, document):
        references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
        assert "#/components/schemas/Task" in references
        for reference in references:
            place = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]

    def test_every_operation_says_what_it_refuses(self, document):
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                refusals = {status for status in operation["responses"] if status >= "400"}
                assert {"400", "404", "429", "503"} <= refusals, (method, path)
                assert ({"403", "413", "415"} <= refusals) == (method != "get"), (method, path)
                for status in refusals:
                    content = operation["responses"][status]["content"]["application/json"]
                    assert content["schema"]["$ref"].endswith("/Error")
                    assert set(content["example"]) == {"error_code", "message", "details", "timestamp", "retryable"}

    def test_has_a_schema_with_a_valid_example_for_each_task_type(self, document):
        for stage in stages.load():
            schema = document["components"]["schemas"][f"{stage.name}_input"]
            assert set(schema["properties"]) == {field.alias or name for name, field in stage.input_schema.model_fields.items()}
            for example in schema["examples"]:
                stage.input_schema.model_validate_json(json.dumps(example), strict=True)
        submit = document["paths"]["/api/tasks/submit/{task_type}"]["post"]
        assert set(submit["requestBody"]["content"]["application/json"]["examples"]) == {stage.name for stage in stages.load()}
        assert submit["parameters"][0]["schema"]["enum"] == [stage.name for stage in stages.load()]

    def test_only_the_first_two_task_types_make_their_project(self, document):
        needed = {stage.name: document["components"]["schemas"][f"{stage.name}_input"].get("required") for stage in stages.load()}
        assert [needed[stage.name] for stage in stages.load()] == [None, None, *[["project_id"]] * (len(stages.load()) - 2)]

    def test_says_who_may_call(self, document):
        assert {"token", "cookie", "csrf"} == set(document["components"]["securitySchemes"])
        assert document["paths"]["/api/sessions"]["post"]["security"] == [{}]
        assert document["paths"]["/api/tasks"]["get"]["security"] == [{"token": []}, {"cookie": []}]

    def test_names_the_headers_of_the_contract(self, document):
        text = json.dumps(document)
        for name in ("If-Match", "Idempotency-Key", "ETag", "Retry-After"):
            assert f'"{name}"' in text

    def test_has_every_route(self, document):
        assert len(ROUTES) + 1 == sum(len(operations) for operations in document["paths"].values())
