"""Language models on this machine: strict servers of the three dialects, whose answers a test writes."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from videoflow.providers.net import Client, Connection
from videoflow.providers.paid import PaidCall, Reply
from videoflow.providers.registry import Access
from videoflow.providers.services import service_get
from videoflow.providers.tests.fake_service import Asked, FakeService, Told

KEY = "sk-canary-0123456789"
MODEL = "model-of-the-day"
_FENCE = re.compile(r"<data ([0-9a-f]{12})>\n(.*?)\n</data \1>", re.DOTALL)


@dataclass(frozen=True)
class Prompt:
    """What the model was told, read back."""

    system: str
    turns: list[tuple[str, str]]
    """(role, text)"""
    mode: str
    """``schema``, ``json`` or ``text``."""

    @property
    def first(self) -> str:
        return self.turns[0][1]

    @property
    def fenced(self) -> list[Any]:
        return [json.loads(text) for _, text in _FENCE.findall(self.first)]

    @property
    def evidence(self) -> list[dict[str, str]]:
        return next((block for block in self.fenced if block and "says" in block[0]), [])

    @property
    def task(self) -> dict[str, Any]:
        return json.JSONDecoder().raw_decode(self.first, self.first.index("{"))[0]

    @property
    def is_repair(self) -> bool:
        return len(self.turns) > 1


@dataclass
class Notes:
    """``Remembered`` in memory."""

    facts: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.facts.get(name)

    def set(self, name: str, value: Any) -> None:
        self.facts[name] = value


def script_answer(prompt: Prompt, *, exchanges: int = 12, figure: bool = True) -> dict[str, Any]:
    """A conversation as a good model writes it: each exchange asks about a piece of evidence and says it."""
    entries = prompt.evidence or [{"key": "", "says": "That depends on whom you ask."}]
    made = []
    for number in range(exchanges):
        entry = entries[number % len(entries)]
        says = entry["says"] if figure else "That is what the list shows."
        asker, other = ("A", "B") if number % 2 == 0 else ("B", "A")
        sources = [entry["key"]] if entry["key"] else []
        turns = [
            _turn(asker, f"Let us look at point {_word(number)}. What is there to say, and why would anybody care?", []),
            _turn(other, f"Well, {says}", sources, "What the list shows"),
        ]
        made.append({"section": f"Part {_word(number // 4)}", "core": number < 4, "turns": turns})
    return {"title": "What the list shows", "keywords": ["charts", "music"], "exchanges": made}


def _turn(speaker: str, text: str, sources: list[str], on_screen: str = "") -> dict[str, Any]:
    return {"speaker": speaker, "text": text, "sources": sources, "on_screen": on_screen}


def _word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number)).upper()


Write = Callable[[Prompt], Any]


@dataclass
class FakeModels:
    """Routes for one dialect. ``write`` gives the answer, as text or as what becomes JSON; ``modes``: what the server takes."""

    fake: FakeService
    service: str = "openai"
    write: Write = script_answer
    modes: tuple[str, ...] = ("schema", "json", "text")
    prompts: list[Prompt] = field(default_factory=list)
    finish: str = ""
    told: Told | None = None
    """Instead of any answer."""

    def __post_init__(self) -> None:
        if self.service == "anthropic":
            self.fake.route("POST", "/v1/messages")(self._anthropic)
        elif self.service == "gemini":
            self.fake.route("POST", r"/v1beta/models/([^/:]+):generateContent")(self._gemini)
        else:
            self.fake.route("POST", "/v1/chat/completions")(self._chat)

    @property
    def base_url(self) -> str:
        return f"{self.fake.url}/v1beta" if self.service == "gemini" else f"{self.fake.url}/v1"

    def access(self, *, notes: Notes | None = None, paid: list[PaidCall] | None = None, **options: Any) -> Access:
        service = service_get(self.service)
        connection = Connection(
            self.service, self.base_url, KEY, MODEL, {**service.options, **options}, frozenset({self.fake.host})
        )

        def pay(call: PaidCall) -> bytes:
            if paid is not None:
                paid.append(call)
            reply = call.send("key-1")
            assert isinstance(reply, Reply)
            return reply.body

        return Access(connection, Client(connection, headers=service.headers(KEY)), pay, lambda: False, notes or Notes())

    def _text(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        said = self.write(prompt)
        return said if isinstance(said, str) else json.dumps(said)

    def _chat(self, asked: Asked) -> Told:
        assert asked.headers["authorization"] == f"Bearer {KEY}", "no key"
        body = asked.json()
        assert set(body) <= {"model", "messages", "response_format", "max_tokens", "max_completion_tokens", "temperature"}, set(
            body
        )
        assert body["model"] == MODEL
        form = body.get("response_format")
        mode = "text" if form is None else {"json_schema": "schema", "json_object": "json"}[form["type"]]
        if mode == "schema":
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", form["json_schema"]["name"])
            assert form["json_schema"]["strict"] is True
            schema_check(form["json_schema"]["schema"])
        if self.told:
            return self.told
        if mode not in self.modes:
            return Told({"error": {"message": "response_format is not supported", "type": "invalid_request_error"}}, 400)
        roles = [message["role"] for message in body["messages"]]
        assert roles[0] == "system" and roles[1::2] == ["user"] * len(roles[1::2])
        turns = [(message["role"], message["content"]) for message in body["messages"][1:]]
        text = self._text(Prompt(body["messages"][0]["content"], turns, mode))
        choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if self.finish == "refusal":
            choice["message"] = {"role": "assistant", "content": None, "refusal": "I do not write about this."}
        elif self.finish:
            choice["finish_reason"] = self.finish
        return Told({"id": "1", "choices": [choice], "usage": {"prompt_tokens": 900, "completion_tokens": 500}})

    def _anthropic(self, asked: Asked) -> Told:
        assert asked.headers["x-api-key"] == KEY
        assert asked.headers["anthropic-version"] == "2023-06-01"
        body = asked.json()
        assert set(body) <= {"model", "max_tokens", "system", "messages", "output_config", "temperature"}, set(body)
        assert isinstance(body["max_tokens"], int)
        mode = "text"
        if "output_config" in body:
            form = body["output_config"]["format"]
            assert set(form) == {"type", "schema"} and form["type"] == "json_schema"
            schema_check(form["schema"])
            mode = "schema"
        if self.told:
            return self.told
        if mode not in self.modes:
            return Told({"type": "error", "error": {"type": "invalid_request_error", "message": "output_config"}}, 400)
        text = self._text(Prompt(body["system"], [(entry["role"], entry["content"]) for entry in body["messages"]], mode))
        content = [{"type": "thinking", "thinking": "{not this}"}, {"type": "text", "text": text}]
        return Told(
            {"content": content, "stop_reason": self.finish or "end_turn", "usage": {"input_tokens": 9, "output_tokens": 5}}
        )

    def _gemini(self, asked: Asked) -> Told:
        assert asked.headers["x-goog-api-key"] == KEY and "key" not in asked.query
        assert asked.groups == (MODEL,)
        body = asked.json()
        assert set(body) == {"systemInstruction", "contents", "generationConfig"}, set(body)
        wanted = body["generationConfig"]
        assert set(wanted) <= {"responseMimeType", "responseJsonSchema", "maxOutputTokens", "temperature"}, set(wanted)
        mode = "schema" if "responseJsonSchema" in wanted else "json" if "responseMimeType" in wanted else "text"
        if mode == "schema":
            schema_check(wanted["responseJsonSchema"])
        if self.told:
            return self.told
        if mode not in self.modes:
            return Told({"error": {"code": 400, "message": "responseJsonSchema", "status": "INVALID_ARGUMENT"}}, 400)
        roles = {"user": "user", "model": "assistant"}
        turns = [(roles[entry["role"]], entry["parts"][0]["text"]) for entry in body["contents"]]
        text = self._text(Prompt(body["systemInstruction"]["parts"][0]["text"], turns, mode))
        parts = [{"text": "{a thought}", "thought": True}, {"text": text}]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": self.finish or "STOP"}
        return Told({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}})


def schema_check(node: Any) -> None:
    """Refuse what a strict service refuses: open objects, optional fields, references, limits."""
    if isinstance(node, list):
        for item in node:
            schema_check(item)
        return
    if not isinstance(node, dict):
        return
    unknown = set(node) - {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "const"}
    assert not unknown, unknown
    if node.get("type") == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
        for value in node["properties"].values():
            schema_check(value)
    else:
        schema_check(node.get("items"))
