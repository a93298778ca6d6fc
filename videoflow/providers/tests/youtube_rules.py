"""What YouTube's own description of its API says of a request: read from the package that carries it, checked in tests only."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

PARTS_OF_A_VIDEO = {
    *("snippet", "status", "localizations", "recordingDetails", "paidProductPlacementDetails"),
    *("fileDetails", "processingDetails", "statistics"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


@cache
def _document(name: str = "youtube.v3") -> dict[str, Any]:
    document = files("googleapiclient") / f"discovery_cache/documents/{name}.json"
    found: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    return found


@cache
def _method(verb: str, path: str) -> dict[str, Any] | None:
    known = [*_document()["resources"].values(), *_document("youtubeAnalytics.v2")["resources"].values()]
    for resource in known:
        for method in resource.get("methods", {}).values():
            uploads = [protocol["path"] for protocol in method.get("mediaUpload", {}).get("protocols", {}).values()]
            if method["httpMethod"] == verb and path in {f"/{method['path']}", *uploads}:
                found: dict[str, Any] = method
                return found
    return None


def request_faults(verb: str, path: str, query: Mapping[str, Sequence[str]], body: object) -> list[str]:
    """Return everything that the description forbids about a request; empty when it is right."""
    method = _method(verb, path)
    if method is None:
        return [f"there is no {verb} {path}"]
    known = {**_document()["parameters"], **method.get("parameters", {})}
    faults = [f"parameter {name} is unknown" for name in query if name not in known]
    for name, facts in method.get("parameters", {}).items():
        values = query.get(name, ())
        if facts.get("required") and not values:
            faults.append(f"parameter {name} is missing")
        for value in values:
            faults += [f"parameter {name}: {fault}" for fault in _text_faults(value, facts)]
    if body is not None:
        if "request" not in method:
            faults.append("no body is taken")
        else:
            faults += _value_faults(body, _document()["schemas"][method["request"]["$ref"]], "body")
            sent = set(query.get("part", [""])[0].split(",")) if isinstance(body, dict) else set()
            if isinstance(body, dict) and (extra := (set(body) & PARTS_OF_A_VIDEO) - sent):
                faults.append(f"parts in the body that `part` does not name: {sorted(extra)}")
    return faults


def _text_faults(value: str, facts: Mapping[str, Any]) -> list[str]:
    faults = []
    if "enum" in facts and value not in facts["enum"]:
        faults.append(f"{value!r} is none of {facts['enum']}")
    if facts["type"] == "boolean" and value not in ("true", "false"):
        faults.append(f"{value!r} is not true or false")
    if facts["type"] == "integer":
        if not value.isdecimal():
            faults.append(f"{value!r} is no number")
        elif not int(facts.get("minimum", 0)) <= int(value) <= int(facts.get("maximum", 2**31)):
            faults.append(f"{value} is out of range")
    return faults


def _value_faults(value: object, schema: Mapping[str, Any], where: str) -> list[str]:
    if "$ref" in schema:
        return _value_faults(value, _document()["schemas"][schema["$ref"]], where)
    kind = schema.get("type", "any")
    if kind != "any" and (not isinstance(value, _TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool))):
        return [f"{where} is not {kind}"]
    faults = []
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            if name in properties or rest:
                faults += _value_faults(inner, properties.get(name, rest), f"{where}.{name}")
            else:
                faults.append(f"{where}.{name} is unknown")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            faults += _value_faults(inner, schema["items"], f"{where}[{number}]")
    elif "enum" in schema and value not in schema["enum"]:
        faults.append(f"{where}: {value!r} is none of {schema['enum']}")
    return faults
