"""The OpenAPI document: what the router knows, completed by refusals, headers, examples and the schemas of the task types."""

from typing import TYPE_CHECKING, Any

from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema

from videoflow.api import schemas
from videoflow.api.submit import BEGINNINGS
from videoflow.pipeline import stages
from videoflow.sessions.services import COOKIE_NAME

if TYPE_CHECKING:
    from ninja import NinjaAPI

UNSAFE = {"post", "put", "delete"}
TEXT = {"type": "string", "pattern": "^[^\\x00]*$"}  # no text of a request may hold NUL
VALUE = {
    "title": "Value",
    "description": "Anything in JSON: whole numbers of 64 bits, texts without NUL, 40 levels at most.",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "number", "not": {"type": "integer"}},
        TEXT,
        {"type": "array", "items": {"$ref": "#/components/schemas/Value"}},
        {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Value"}, "propertyNames": TEXT},
    ],
}
REFUSALS = {
    "400": (
        "The request is wrong; `details` names each field.",
        "INVALID_INPUT",
        "limit: Input should be at most 100.",
    ),
    "403": (
        "It came with the cookie but without a valid CSRF token.",
        "CSRF_FAILED",
        "Send the csrftoken as X-CSRFToken.",
    ),
    "404": ("It does not exist, or is not yours.", "NOT_FOUND", "There is nothing here, or it is not yours."),
    "409": ("It conflicts with what is there.", "TASK_ALREADY_RUNNING", "This step is already running for this project."),
    "413": ("The body is too large.", "TOO_LARGE", "A saved state can have 100 KB at most."),
    "415": ("The body is not JSON.", "NOT_JSON", "Send the body as JSON in UTF-8."),
    "429": ("Too many requests in this minute.", "SLOW_DOWN", "Too many requests. Wait 12 s, then go on."),
    "503": ("It cannot be served right now.", "UNAVAILABLE", "This cannot be served right now. Try again in a moment."),
}
CONFLICTING = {"workflow_state_save", "ui_state_save", "task_submit", "task_retry", "session_change", "session_create"}
WITH_REVISION = {"workflow_state_get", "workflow_state_save", "ui_state_get", "ui_state_save"}
HEADERS = {"Idempotency-Key": {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}}
EXAMPLES: dict[str, dict[str, Any]] = {
    "trending_analysis": {"source": "sample", "window": "weekly", "continue": False},
    "script_generation": {"input_type": "script", "script_text": "A: What is trending?\nB: Tiny forests."},
    "media_generation": {"project_id": schemas.PROJECT_ID},
    "video_composition": {"project_id": schemas.PROJECT_ID, "caption_style": "word"},
    "youtube_upload": {"project_id": schemas.PROJECT_ID, "target": "folder", "title": "Why everyone watches tiny forests"},
}


class Document(OpenAPISchema):
    """Ninja's document, completed."""

    def __init__(self, api: "NinjaAPI", path_prefix: str) -> None:
        super().__init__(api, path_prefix)
        self["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "The `access_token` of the session."},
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME},
            "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken", "description": "The csrftoken cookie's value."},
        }
        for operations in self["paths"].values():
            for method, operation in operations.items():
                self._complete(method, operation)
        self._task_types()
        self._say_what_cannot_be_kept()

    def get_components(self) -> dict[str, Any]:
        error = schemas.Error.model_json_schema(ref_template=REF_TEMPLATE)
        self.add_schema_definitions({"Error": error})
        return super().get_components()

    def _complete(self, method: str, operation: dict[str, Any]) -> None:
        name = operation["operationId"]
        for parameter in operation["parameters"]:
            if parameter["in"] == "header":  # a header is there or not, it is never null
                parameter["schema"] = {"type": "string", **HEADERS.get(parameter["name"], {})}
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            if "anyOf" in content["schema"]:  # left out or an object, never null
                content["schema"] = content["schema"]["anyOf"][0]
        operation["responses"] = {str(status): response for status, response in operation["responses"].items()}
        statuses = ["400", "404", "429", "503"]
        if method in UNSAFE:
            statuses += ["403", "413", "415"]
        if name in CONFLICTING:
            statuses.append("409")
        for status in sorted(statuses):
            operation["responses"][status] = _refusal(status)
        if name in WITH_REVISION:
            etag = {"description": "The revision, in quotes.", "schema": {"type": "string", "examples": ['"3"']}}
            operation["responses"]["200"]["headers"] = {"ETag": etag}
        if name == "session_create":
            operation["security"] = [{}]
        else:
            operation["security"] = [{"token": []}, {"cookie": [], "csrf": []} if method in UNSAFE else {"cookie": []}]

    def _say_what_cannot_be_kept(self) -> None:
        """Write into the schemas of requests what the body's reader refuses anywhere."""
        components = self["components"]["schemas"]
        inputs = [name for name in components if name.endswith(("_input", "Change"))]
        for name in [*inputs, "TaskSubmit", "SessionCreate"]:
            _narrow(components[name])
        components["Value"] = VALUE

    def _task_types(self) -> None:
        """Say in the document which input each task type takes."""
        components = self["components"]["schemas"]
        submit = components["TaskSubmit"]
        inputs = []
        examples = {stage.name: EXAMPLES.get(stage.name, {"project_id": schemas.PROJECT_ID}) for stage in stages.load()}
        for stage in stages.load():
            schema = stage.input_schema.model_json_schema(by_alias=True, ref_template=REF_TEMPLATE)
            components.update(schema.pop("$defs", {}))
            schema["title"] = stage.name
            schema["examples"] = [examples[stage.name]]
            if stage.name not in BEGINNINGS:
                schema["properties"]["project_id"] = {"type": "string", "format": "uuid"}
                schema["required"] = ["project_id"]
            components[f"{stage.name}_input"] = schema
            inputs.append({"$ref": f"#/components/schemas/{stage.name}_input"})
        submit["properties"]["input_data"] = {
            "anyOf": inputs,
            "description": "One of these, by the task type in the path. The first two may leave `project_id` out.",
        }
        body = self["paths"][f"/{self.path_prefix}tasks/submit/{{task_type}}".replace("//", "/")]["post"]["requestBody"]
        body["content"]["application/json"]["examples"] = {
            name: {"value": {"session_id": schemas.SESSION_ID, "input_data": example, "priority": "normal"}}
            for name, example in examples.items()
        }


def _narrow(schema: dict[str, Any]) -> None:
    """Narrow the free texts and free objects of a request's schema, in place."""
    if schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum", "const"}:
        schema["pattern"] = TEXT["pattern"]
    if schema.get("additionalProperties") is True:
        schema["additionalProperties"] = {"$ref": "#/components/schemas/Value"}
        schema["propertyNames"] = TEXT
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), schema.get("items")]
    for part in parts:
        if isinstance(part, dict):
            _narrow(part)


def refusal_example(status: str) -> dict[str, Any]:
    """Return the body of a refusal as it may look."""
    _, code, message = REFUSALS[status]
    return {
        "error_code": code,
        "message": message,
        "details": {},
        "timestamp": schemas.MOMENT,
        "retryable": status in {"429", "503"},
    }


def _refusal(status: str) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Error"}, "example": refusal_example(status)}
    response: dict[str, Any] = {"description": REFUSALS[status][0], "content": {"application/json": content}}
    if status in {"429", "503"}:
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response
