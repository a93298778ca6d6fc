"""The API's reference for readers: what ``/api/docs`` lays out of the OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from ninja.openapi.docs import DocsBase

from videoflow.api import schemas
from videoflow.api.document import REFUSALS, refusal_example
from videoflow.tasks.events import EventMessage

if TYPE_CHECKING:
    from ninja import NinjaAPI

Json = Mapping[str, Any]
SHELL_NAMES = {"session_id": "$SESSION_ID", "task_id": "$TASK_ID"}
"""What stands for an id in a command: variables of the shell, which the first two commands tell how to set."""
PATH_EXAMPLES = {"component_name": "script_generator", "task_type": "script_generation"}
EVENT_EXAMPLE: EventMessage = {
    "event_type": "progress_update",
    "seq": 42,
    "task_id": schemas.TASK_ID,
    "task_type": "media_generation",
    "message": "Scene 7 of 24",
    "progress": 29,
    "status": "in_progress",
    "data": {},
    "timestamp": schemas.MOMENT,
}
CODE = re.compile(r"``?([^`]+)``?")


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a parameter, a body or an answer."""

    name: str
    """With the names around it: ``preferences.theme``, ``tasks[].status``."""
    kind: str
    is_required: bool
    text: SafeString


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a JSON object, with an example where the document has one."""

    title: str
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    key: str
    method: str
    path: str
    summary: str
    description: SafeString
    who: str
    parameters: tuple[Field, ...]
    bodies: tuple[Shape, ...]
    status: str
    answer: Shape | None
    refusals: tuple[str, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    status: str
    code: str
    when: SafeString
    message: str


class ReferencePage(DocsBase):
    """Ninja's place for a page of the document: ours needs no script and nothing from outside."""

    def render_page(self, request: HttpRequest, api: "NinjaAPI", **kwargs: Any) -> HttpResponse:
        base = request.build_absolute_uri("/").rstrip("/")
        context = {
            "base": base,
            "socket": base.replace("http", "ws", 1),
            "document_url": self.get_openapi_url(api, kwargs),
            "sections": sections_of(api.get_openapi_schema(path_params=kwargs), base),
            "refusals": [Refusal(status, code, _marked(when), message) for status, (when, code, message) in REFUSALS.items()],
            "refusal_body": _pretty(refusal_example("429")),
            "event": _pretty(EVENT_EXAMPLE),
        }
        return render(request, "api/reference.html", context)


def sections_of(document: Json, base: str) -> list[Section]:
    """Return the document's operations under their tags, in its order; ``base`` stands before the paths of the commands."""
    reader = _Reader(document["components"]["schemas"], base)
    sections: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            sections.setdefault(operation["tags"][0], []).append(reader.operation(method, path, operation))
    return [Section(name, tuple(operations)) for name, operations in sections.items()]


class _Reader:
    """Reads operations with the document's schemas at hand."""

    def __init__(self, known: Json, base: str) -> None:
        self._known = known
        self._base = base

    def operation(self, method: str, path: str, operation: Json) -> Operation:
        bodies = tuple(self._bodies(operation))
        status = min(operation["responses"])
        content = operation["responses"][status].get("content", {})
        answer = self._shape("", content["application/json"]["schema"]) if content else None
        return Operation(
            key=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            description=_marked(operation.get("description", "")),
            who=_who(operation["security"]),
            parameters=tuple(
                Field(parameter["name"], self._kind(parameter["schema"]), parameter["required"], self._parameter(parameter))
                for parameter in operation["parameters"]
            ),
            bodies=bodies,
            status=status,
            answer=answer,
            refusals=tuple(sorted(status for status in operation["responses"] if status >= "400")),
            curl=self._curl(method, path, operation, bodies),
        )

    def _parameter(self, parameter: Json) -> SafeString:
        place = {"path": "In the path.", "query": "In the query.", "header": "A header."}[parameter["in"]]
        return _marked(" ".join(filter(None, (place, parameter.get("description"), *_limits(self._plain(parameter["schema"]))))))

    def _bodies(self, operation: Json) -> Iterator[Shape]:
        """Yield the body's shape; where it differs by the path, one for each, called after it."""
        if "requestBody" not in operation:
            return
        content = operation["requestBody"]["content"]["application/json"]
        examples = content.get("examples", {})
        if not examples:
            yield self._shape("", content["schema"])
            return
        inputs = self._resolved(content["schema"])["properties"]["input_data"]["anyOf"]
        whole = self._shape("", content["schema"])
        yield Shape("", tuple(field for field in whole.fields if "." not in field.name), "")
        for (name, example), schema in zip(examples.items(), inputs, strict=True):
            yield Shape(name, tuple(self._fields(schema, "")), _pretty(example["value"]))

    def _shape(self, title: str, schema: Json) -> Shape:
        examples = self._resolved(schema).get("examples", [])
        return Shape(title, tuple(self._fields(schema, "")), _pretty(examples[0]) if examples else "")

    def _fields(self, schema: Json, before: str) -> Iterator[Field]:
        """Yield a line for each property, those of objects inside it after it."""
        schema = self._resolved(schema)
        for name, part in schema.get("properties", {}).items():
            plain = self._plain(part)
            text = " ".join(filter(None, (part.get("description") or plain.get("description"), *_limits({**plain, **part}))))
            yield Field(before + name, self._kind(part), name in schema.get("required", ()), _marked(text))
            inner, mark = (self._plain(plain["items"]), "[].") if "items" in plain else (plain, ".")
            if inner.get("title") != "Value":
                yield from self._fields(inner, f"{before}{name}{mark}")

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._known[schema["$ref"].rpartition("/")[2]]
        return schema

    def _plain(self, schema: Json) -> Json:
        """Return what a value is when it is not null."""
        schema = self._resolved(schema)
        choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        return self._plain(choices[0]) if len(choices) == 1 else schema

    def _kind(self, schema: Json) -> str:
        """Say in words what may stand there."""
        schema = self._resolved(schema)
        if schema.get("title") == "Value":
            return "anything"
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._kind(choice) for choice in schema["anyOf"]))
        if "enum" in schema:
            return " | ".join(json.dumps(value) for value in schema["enum"])
        if "const" in schema:
            return json.dumps(schema["const"])
        if schema.get("type") == "array":
            return f"list of {self._kind(schema.get('items', {}))}"
        kind = str(schema.get("type", "anything"))
        return {"uuid": "UUID", "date-time": "date and time", "date": "date"}.get(schema.get("format", ""), kind)

    def _curl(self, method: str, path: str, operation: Json, bodies: tuple[Shape, ...]) -> str:
        """Return a command for a shell that has ``$TOKEN``, ``$SESSION_ID`` and ``$TASK_ID``."""
        query = []
        for parameter in operation["parameters"]:
            name = parameter["name"]
            value = SHELL_NAMES.get(name) or PATH_EXAMPLES.get(name)
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", value or name)
            elif parameter["in"] == "query" and parameter["required"]:
                query.append(f"{name}={value}")
        address = f"{self._base}{path}" + (f"?{'&'.join(query)}" if query else "")
        parts = [f'curl -X {method.upper()} "{address}"'] if method != "get" else [f'curl "{address}"']
        if operation["security"] != [{}]:
            parts.append('-H "Authorization: Bearer $TOKEN"')
        fitting = [body.example for body in bodies if body.example and body.title in {"", PATH_EXAMPLES["task_type"]}]
        if fitting:
            body = json.dumps(json.loads(fitting[0]), ensure_ascii=False).replace("'", r"'\''")
            parts += ["-H 'Content-Type: application/json'", f"-d '{body.replace(schemas.SESSION_ID, _SESSION_IN_QUOTES)}'"]
        return " \\\n  ".join(parts)


_SESSION_IN_QUOTES = "'\"$SESSION_ID\"'"
"""Leaves the single quotes of a body for the variable, and enters them again."""


def _who(security: list[Json]) -> str:
    if security == [{}]:
        return "Anybody: it needs no token."
    if any("csrf" in choice for choice in security):
        return "The session's owner: its token, or the browser's cookie with X-CSRFToken."
    return "The session's owner: its token, or the browser's cookie."


def _limits(schema: Json) -> Iterator[str]:
    """Yield a sentence for each limit of a value that a caller can run into."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}."
    elif low is not None or high is not None:
        yield f"At least {low}." if low is not None else f"At most {high}."
    if "maxLength" in schema:
        yield f"At most {schema['maxLength']} characters."
    if "maxItems" in schema:
        yield f"At most {schema['maxItems']} of them."
    if schema.get("default") not in (None, "", [], {}):
        yield f"Without it: `{json.dumps(schema['default'])}`."


def _marked(text: str) -> SafeString:
    """Return a text of the document as HTML: what stands in backticks is code."""
    parts = enumerate(CODE.split(text))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if number % 2 else part,) for number, part in parts))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
