"""Requests held against what the services' own packages say of them; ``scripts/official_requests.py`` wrote that down."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from videoflow.providers.net import Client, Connection
from videoflow.providers.paid import PaidCall, Reply
from videoflow.providers.registry import Access, provider_make
from videoflow.providers.services import SERVICES
from videoflow.providers.tests.fake_service import FakeService
from videoflow.providers.tests.fault_drivers import drivers
from videoflow.providers.writing.tests.fake_models import Notes

DESCRIBED = {
    "writer openai": "openai chat",
    "writer groq": "openai chat",
    "writer ollama": "openai chat",
    "writer anthropic": "anthropic messages",
    "writer gemini": "gemini generate",
    "speech openai": "openai speech",
    "speech gemini": "gemini generate",
    "speech elevenlabs": "elevenlabs speech",
    "images openai": "openai images",
    "images gemini": "gemini generate",
}
DRIVERS = {driver.name: driver for driver in drivers()}


@cache
def description(name: str) -> Any:
    file = Path(__file__).with_name("official_requests.json")
    return jsonschema_rs.validator_for(json.loads(file.read_text("utf-8"))[name])


def pay(call: PaidCall) -> bytes:
    reply = call.send("key-1")
    assert isinstance(reply, Reply)
    return reply.body


@pytest.mark.parametrize("name", DESCRIBED)
def test_ok(name: str, tmp_path: Path) -> None:
    driver, described = DRIVERS[name], description(DESCRIBED[name])
    with FakeService() as fake:
        driver.routes(fake)
        options = {**SERVICES[driver.service].options, **driver.options}
        made = Connection(driver.service, fake.url + driver.path, driver.key, driver.model, options, frozenset({fake.host}))
        client = Client(made, headers=SERVICES[driver.service].headers(driver.key))
        provider = provider_make(driver.capability, driver.service, Access(made, client, pay, lambda: False, Notes()))
        driver.call(provider, 1, tmp_path)
        bodies = [asked.json() for asked in fake.requests if asked.method == "POST"]
    assert bodies
    for body in bodies:
        faults = [f"{error.instance_path}: {error.message}"[:300] for error in described.iter_errors(body)]
        assert not faults, faults
        assert not described.is_valid({**body, "no_such_field": 1}), "the description is open: it would let anything through"


def test_the_documentation_says_what_each_service_was_held_against() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "providers.md").read_text("utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    wrong = [
        service.key for service in SERVICES.values() if service.verified and service.verified not in rows.get(service.label, "")
    ]
    assert not wrong
