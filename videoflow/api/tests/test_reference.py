"""The API's page for readers: it says all that the document says, its commands work, and its structure can be walked."""

import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from string import Template
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils.html import escape

from videoflow.api.api import api
from videoflow.api.reference import Operation, sections_of
from videoflow.api.tests.conftest import Program
from videoflow.pipeline import stages
from videoflow.pipeline.tests.factories import ProjectFactory, task_failed
from videoflow.sessions.models import UIState
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db
BASE = "http://testserver"


class Structure(HTMLParser):
    """What of the page a screen reader walks: headings, ids, links, labels."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.labelled_by: list[str] = []
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])
        if "aria-labelledby" in given:
            self.labelled_by.append(given["aria-labelledby"])
        if given.get("href", "").startswith("#"):
            self.anchors.append(given["href"].removeprefix("#"))
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "script" and "src" not in given:
            self.inline.append(tag)


@pytest.fixture
def html(client: Client) -> str:
    response = client.get("/api/docs")
    assert response.status_code == 200
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    return response.content.decode()


def operations() -> Iterator[Operation]:
    for section in sections_of(api.get_openapi_schema(), BASE):
        yield from section.operations


class TestPage:
    def test_uses_nothing_from_outside_and_nothing_inline(self, html):
        page = Structure(html)
        assert page.inline == []
        sheets = [address for address in page.addresses if address.startswith(settings.STATIC_URL)]
        assert f"{settings.STATIC_URL}css/reference.css" in sheets
        for address in page.addresses:
            assert address.startswith(("/", "#")), address
        for address in sheets:
            assert finders.find(address.removeprefix(settings.STATIC_URL).partition("#")[0]), address

    def test_headings_descend_one_by_one(self, html):
        levels = Structure(html).headings
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))

    def test_every_link_and_label_leads_to_one_place(self, html):
        page = Structure(html)
        assert len(page.ids) == len(set(page.ids))
        assert set(page.anchors) | set(page.labelled_by) <= set(page.ids)

    def test_says_every_operation_with_its_fields_and_refusals(self, html):
        document = api.get_openapi_schema()
        shown = list(operations())
        assert len(shown) == sum(len(methods) for methods in document["paths"].values())
        for operation in shown:
            part = html.partition(f'id="{operation.key}"')[2].partition("</article>")[0]
            assert escape(operation.curl) in part
            told = document["paths"][operation.path][operation.method.lower()]
            for name in [parameter["name"] for parameter in told["parameters"]]:
                assert f">{name}</code>" in part
            for status in told["responses"]:
                assert f">{status}</" in part

    def test_says_what_each_task_type_takes(self, html):
        part = html.partition('id="task_submit"')[2].partition("</article>")[0]
        for stage in stages.load():
            fold = part.partition(f"of <code>{stage.name}</code>")[2].partition("</details>")[0]
            for name, field in stage.input_schema.model_fields.items():
                assert f">{field.alias or name}</code>" in fold

    def test_frame_speaks_the_readers_language_and_the_reference_says_that_it_is_english(self, client):
        html = client.get("/api/docs", headers={"Accept-Language": "de"}).content.decode()
        assert '<html lang="de"' in html
        assert '<div class="ref-body" lang="en">' in html


class TestFields:
    def field(self, key: str, name: str) -> Any:
        operation = next(operation for operation in operations() if operation.key == key)
        shapes = [*operation.bodies, *([operation.answer] if operation.answer else [])]
        fields = [*operation.parameters, *(field for shape in shapes for field in shape.fields)]
        return next(field for field in fields if field.name == name)

    def test_limits_and_defaults(self):
        assert self.field("task_list", "limit").text == "In the query. 1 to 100. Without it: <code>20</code>."
        assert "At most 300 characters." in self.field("task_submit", "topic").text

    def test_kinds(self):
        assert self.field("task_submit", "priority").kind == '"low" | "normal" | "high"'
        assert self.field("session_get", "expires_at").kind == "date and time or null"
        assert self.field("task_list", "tasks").kind == "list of object"

    def test_fields_of_fields_have_their_whole_name(self):
        assert self.field("session_change", "preferences.theme").kind.startswith('"light"')
        assert self.field("task_list", "tasks[].status").is_required

    def test_text_of_the_document_is_no_markup(self):
        document = api.get_openapi_schema()
        operation = {**document["paths"]["/api/tasks/{task_id}"]["get"], "description": "A ``<b>`` & <i>."}
        sections = sections_of({**document, "paths": {"/api/x": {"get": operation}}}, BASE)
        assert sections[0].operations[0].description == "A <code>&lt;b&gt;</code> &amp; &lt;i&gt;."


class Command:
    """A command of the page, read as a shell reads it."""

    def __init__(self, text: str, **variables: str) -> None:
        words = iter(shlex.split(Template(text.replace("\\\n", "")).substitute(variables)))
        assert next(words) == "curl"
        self.method, self.headers, self.body = "GET", dict[str, str](), ""
        for word in words:
            if word == "-X":
                self.method = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                self.headers[name] = value
            elif word == "-d":
                self.body = next(words)
            else:
                self.path = word.removeprefix(BASE)

    def send(self) -> int:
        kind = self.headers.pop("Content-Type", "application/json")
        answer = Client().generic(self.method, self.path, self.body, content_type=kind, headers=self.headers)
        return answer.status_code


@pytest.mark.parametrize("key", [operation.key for operation in operations()])
def test_command_does_what_it_says(key: str, program: Program) -> None:
    UIState.objects.create(session=program.session, component_name="script_generator")
    task = task_failed(ProjectFactory.create(session=program.session), "script_generation", "No.")
    if key == "task_cancel":
        Task.objects.update(status=Task.Status.PENDING)
    operation = next(operation for operation in operations() if operation.key == key)
    command = Command(operation.curl, TOKEN=program.created["access_token"], SESSION_ID=program.session_id, TASK_ID=str(task.pk))
    assert command.method == operation.method
    assert command.send() == int(operation.status)
