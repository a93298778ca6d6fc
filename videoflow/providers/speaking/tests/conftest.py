import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from videoflow.providers.net import Client, Connection
from videoflow.providers.net.addresses import host_listed
from videoflow.providers.paid import PaidCall, Reply
from videoflow.providers.registry import Access, provider_make
from videoflow.providers.services import service_get
from videoflow.providers.tests.fake_service import FakeService


class Notes:
    """``Remembered`` in a dictionary; what goes in comes out as JSON would."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def get(self, name: str) -> Any:
        return json.loads(self.facts.get(name, "null"))

    def set(self, name: str, value: Any) -> None:
        self.facts[name] = json.dumps(value)


class Till:
    """Pays, keeps replies, and gives them again, as the ledger does."""

    def __init__(self) -> None:
        self.replies: dict[tuple[str, str, int], bytes] = {}
        self.made: Counter[str] = Counter()
        self.calls: list[PaidCall] = []

    def pay(self, call: PaidCall) -> bytes:
        wanted = (call.purpose, call.request_hash, call.run)
        if wanted not in self.replies:
            self.made[call.purpose] += 1
            self.calls.append(call)
            reply = call.send("")
            assert isinstance(reply, Reply)
            self.replies[wanted] = reply.body
        return self.replies[wanted]


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with FakeService(drip_seconds=0.05) as service:
        yield service


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def make(fake: FakeService, till: Till, notes: Notes) -> Callable[..., Any]:
    """``make("openai", path="/v1", key=…)``: the provider, as a stage gets it."""

    def made(service: str, *, path: str = "", key: str = "", model: str = "", **options: Any) -> Any:
        known = service_get(service)
        connection = Connection(
            service,
            fake.url + path,
            key=key,
            model=model or known.models.get("speech", ""),
            options={**known.options, **options},
            allowed_hosts=frozenset([host_listed(fake.url)]),
        )
        client = Client(connection, headers=known.headers(key))
        return provider_make("speech", service, Access(connection, client, till.pay, lambda: False, notes))

    return made
