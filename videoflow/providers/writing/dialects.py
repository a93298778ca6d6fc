"""Three ways to say the same to a language model: the chat completions of OpenAI and its kin, Anthropic's messages, Gemini's."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Rung = Literal["schema", "json", "text"]
"""How an answer's shape is asked for: by the service's schema mode, by its JSON mode, or by words alone."""
Finish = Literal["done", "length", "refused"]
ANTHROPIC_VERSION = "2023-06-01"
_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked, before it is put into a service's words."""

    model: str
    system: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    rung: Rung
    max_tokens: int
    """The most that the answer may take, with what the model thinks before it; not sent where the service needs no limit."""
    temperature: float | None = None
    """Sent only where it is set: several models take none."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said. ``text`` is its answer, or the reason where it refused."""

    text: str
    finish: Finish


class NoAnswer(Exception):
    """The reply has no answer in it; the words say what it has instead."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family of services is asked and read. ``rungs`` from the strictest down."""

    rungs: tuple[Rung, ...]
    headers: Mapping[str, str]
    """What a service wants besides the key, which the client carries."""
    path: Callable[[str], str]
    body: Callable[[Ask, Mapping[str, Any]], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], Said]


def _system(ask: Ask) -> str:
    """Return the instructions; where the service does not take the schema by itself, they hold it."""
    if ask.rung == "schema":
        return ask.system
    schema = json.dumps(ask.schema, separators=(",", ":"))
    return f"{ask.system}\n\nAnswer with one JSON object of this JSON Schema and with nothing else:\n{schema}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, Sequence) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# Chat completions --------------------------------------------------------------------------------------------------------


def _chat_body(ask: Ask, options: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"role": "system", "content": _system(ask)}]
    messages += [{"role": message.role, "content": message.text} for message in ask.messages]
    body: dict[str, Any] = {"model": ask.model, "messages": messages}
    if ask.rung == "schema":
        wanted = {"name": "answer", "strict": True, "schema": ask.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    elif ask.rung == "json":
        body["response_format"] = {"type": "json_object"}
    if limit := options.get("max_tokens_field"):
        body[str(limit)] = ask.max_tokens
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    return body


def _chat_read(reply: Mapping[str, Any]) -> Said:
    choices = _mappings(reply.get("choices"))
    if not choices:
        raise NoAnswer("no choices")
    choice = choices[0]
    message = _mapping(choice.get("message"))
    content = message.get("content")
    text = content if isinstance(content, str) else "".join(_text(part.get("text")) for part in _mappings(content))
    finish: Finish = "length" if choice.get("finish_reason") == "length" else "done"
    if refusal := _text(message.get("refusal")):
        text, finish = refusal[:_REASON_LENGTH], "refused"
    elif choice.get("finish_reason") == "content_filter":
        text, finish = "its content filter stopped the answer", "refused"
    if not text.strip() and finish == "done":
        raise NoAnswer("an empty message")
    return Said(text, finish)


CHAT = Dialect(("schema", "json", "text"), {}, lambda model: "/chat/completions", _chat_body, _chat_read)


# Anthropic ---------------------------------------------------------------------------------------------------------------


def _anthropic_body(ask: Ask, options: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": ask.model,
        "max_tokens": ask.max_tokens,
        "system": _system(ask),
        "messages": [{"role": message.role, "content": message.text} for message in ask.messages],
    }
    if ask.rung == "schema":
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    return body


def _anthropic_read(reply: Mapping[str, Any]) -> Said:
    text = "".join(_text(part.get("text")) for part in _mappings(reply.get("content")) if part.get("type") == "text")
    stop = reply.get("stop_reason")
    finish: Finish = "done"
    if stop == "refusal":
        text, finish = text[:_REASON_LENGTH] or "it gave no reason", "refused"
    elif stop in {"max_tokens", "model_context_window_exceeded"}:
        finish = "length"
    if not text.strip() and finish == "done":
        raise NoAnswer("no text")
    return Said(text, finish)


ANTHROPIC = Dialect(
    ("schema", "text"), {"anthropic-version": ANTHROPIC_VERSION}, lambda model: "/messages", _anthropic_body, _anthropic_read
)


# Gemini ------------------------------------------------------------------------------------------------------------------

_GEMINI_REFUSALS = {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE"}


def _gemini_body(ask: Ask, options: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"maxOutputTokens": ask.max_tokens}
    if ask.rung != "text":
        wanted["responseMimeType"] = "application/json"
    if ask.rung == "schema":
        wanted["responseJsonSchema"] = ask.schema
    if ask.temperature is not None:
        wanted["temperature"] = ask.temperature
    roles = {"user": "user", "assistant": "model"}
    return {
        "systemInstruction": {"parts": [{"text": _system(ask)}]},
        "contents": [{"role": roles[message.role], "parts": [{"text": message.text}]} for message in ask.messages],
        "generationConfig": wanted,
    }


def _gemini_read(reply: Mapping[str, Any]) -> Said:
    candidates = _mappings(reply.get("candidates"))
    blocked = _text(_mapping(reply.get("promptFeedback")).get("blockReason"))
    if not candidates and not blocked:
        raise NoAnswer("no candidates")
    candidate = candidates[0] if candidates else {}
    parts = _mappings(_mapping(candidate.get("content")).get("parts"))
    text = "".join(_text(part.get("text")) for part in parts if not part.get("thought"))
    reason = candidate.get("finishReason")
    finish: Finish = "done"
    if blocked or reason in _GEMINI_REFUSALS:
        text, finish = f"it was stopped for {str(blocked or reason).lower().replace('_', ' ')}", "refused"
    elif reason == "MAX_TOKENS":
        finish = "length"
    if not text.strip() and finish == "done":
        raise NoAnswer("no text")
    return Said(text, finish)


GEMINI = Dialect(("schema", "json", "text"), {}, lambda model: f"/models/{model}:generateContent", _gemini_body, _gemini_read)
