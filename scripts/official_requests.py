#!/usr/bin/env python3
"""Write down what services' own Python packages say of requests, as JSON Schema that tests hold our requests against.

The packages weigh 190 MB with what they need, so they are not installed for tests. Run this in an environment of their own:

    python3 -m venv /tmp/official
    /tmp/official/bin/pip install openai==3.54.0 anthropic==2.12.0 google-genai==3.4.0 elevenlabs==2.78.0
    /tmp/official/bin/python scripts/official_requests.py
"""

import inspect
import json
import typing
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming  # type: ignore[import-not-found]
from elevenlabs.text_to_speech.raw_client import RawTextToSpeechClient  # type: ignore[import-not-found]
from google.genai import types as gemini  # type: ignore[import-not-found]
from openai.types.audio.speech_create_params import SpeechCreateParams  # type: ignore[import-not-found]
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming  # type: ignore[import-not-found]
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming  # type: ignore[import-not-found]
from pydantic import TypeAdapter

OUT = Path(__file__).resolve().parent.parent / "videoflow" / "providers" / "tests" / "official_requests.json"
NOT_IN_GENERATION = {"systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "httpOptions", "labels"}
QUERY = {"enable_logging", "optimize_streaming_latency", "output_format", "request_options", "voice_id", "self"}
SHORT = {"description", "title", "default", "examples"}


def schema_of(kind: Any) -> dict[str, Any]:
    return TypeAdapter(kind).json_schema()


def closed(node: Any) -> Any:
    """Return a schema without prose in which an object takes no field that it does not name."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {name: closed(part) for name, part in node.items() if name not in SHORT or isinstance(part, dict)}
    if made.get("type") == "object" and "properties" in made:
        made["additionalProperties"] = False
    return made


def used_only(schema: dict[str, Any], used: Collection[str]) -> dict[str, Any]:
    """Return it with only the names of the fields that the studio never sends, and with only the definitions that are left."""
    properties = {name: part if name in used else True for name, part in schema["properties"].items()}
    for definition in schema.get("$defs", {}).values():
        for kind in definition.get("properties", {}).get("content", {}).get("anyOf", []):
            if kind.get("type") == "array":
                kind["items"] = True  # the studio sends text, no blocks
    return _reachable({**schema, "properties": properties})


def _reachable(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.get("$defs", {})
    wanted, seen = [json.dumps({**schema, "$defs": {}})], set[str]()
    while wanted:
        text = wanted.pop()
        for name in definitions:
            if name not in seen and f'"#/$defs/{name}"' in text:
                seen.add(name)
                wanted.append(json.dumps(definitions[name]))
    return {**schema, "$defs": {name: part for name, part in definitions.items() if name in seen}}


def gemini_request() -> dict[str, Any]:
    content, config = schema_of(gemini.Content), schema_of(gemini.GenerateContentConfig)
    definitions = {**content.pop("$defs", {}), **config.pop("$defs", {}), "Content": content}
    for name in NOT_IN_GENERATION:
        config["properties"].pop(name, None)
    used = {
        "responseMimeType",
        "responseJsonSchema",
        "maxOutputTokens",
        "temperature",
        "responseModalities",
        "speechConfig",
        "imageConfig",
    }
    config["properties"] = {name: part if name in used else True for name, part in config["properties"].items()}
    reference = {"$ref": "#/$defs/Content"}
    return {
        "type": "object",
        "properties": {
            "contents": {"type": "array", "items": reference, "minItems": 1},
            "systemInstruction": reference,
            "generationConfig": config,
            **dict.fromkeys(("tools", "toolConfig", "safetySettings", "cachedContent"), True),
        },
        "required": ["contents"],
        "$defs": definitions,
    }


def elevenlabs_request() -> dict[str, Any]:
    signature = inspect.signature(RawTextToSpeechClient.convert_with_timestamps)
    fields = {name: field for name, field in signature.parameters.items() if name not in QUERY}
    plain = {str: "string", int: "integer", bool: "boolean", float: "number"}
    properties: dict[str, Any] = {}
    for name, field in fields.items():
        kinds = [plain[kind] for kind in (typing.get_args(field.annotation) or (field.annotation,)) if kind in plain]
        properties[name] = {"type": kinds[0]} if kinds else True
    return {"type": "object", "properties": properties, "required": ["text"]}


def main() -> None:
    chat = {"messages", "model", "max_completion_tokens", "max_tokens", "response_format", "temperature", "seed"}
    messages = {"max_tokens", "messages", "model", "output_config", "system", "temperature"}
    made = {
        "openai chat": used_only(schema_of(CompletionCreateParamsNonStreaming), chat),
        "openai speech": schema_of(SpeechCreateParams),
        "openai images": schema_of(ImageGenerateParamsNonStreaming),
        "anthropic messages": used_only(schema_of(MessageCreateParamsNonStreaming), messages),
        "gemini generate": _reachable(gemini_request()),
        "elevenlabs speech": elevenlabs_request(),
    }
    read_from = {name: version(name) for name in ("openai", "anthropic", "google-genai", "elevenlabs")}
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(closed(schema), separators=(',', ':'))}" for name, schema in made.items()
    )
    OUT.write_text(f'{{"read from": {json.dumps(read_from)},\n{lines}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
