import gzip
import threading
from collections.abc import Iterator

import pytest

from videoflow.errors import Cancelled
from videoflow.providers.net import (
    Client,
    Connection,
    ServiceBroken,
    ServiceBusy,
    ServiceError,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    as_paid,
    retry_after_read,
)
from videoflow.providers.paid import CallRefused, Reply
from videoflow.providers.tests.fake_service import FAULTS, FakeService, Told

KEY = "sk-canary-0123456789"


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with FakeService(drip_seconds=0.05) as service:
        service.route("POST", "/v1/say")(lambda asked: {"words": asked.json()["prompt"], "count": 1})
        service.route("GET", "/file")(lambda asked: Told(bytes(range(256)) * 20, headers={"Content-Type": "image/png"}))
        yield service


@pytest.fixture
def client(fake) -> Client:
    return Client(Connection("openai", f"{fake.url}/v1", key=KEY), headers={"Authorization": f"Bearer {KEY}"})


class TestRequest:
    def test_ok(self, client, fake):
        answer = client.request("POST", "/say", json={"prompt": "hello"})
        assert answer.json() == {"words": "hello", "count": 1}
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize(
        ("fault", "kind", "retryable"),
        [
            ("429-seconds", ServiceBusy, True),
            ("429-date", ServiceBusy, True),
            ("500", ServiceBroken, True),
            ("502-html", ServiceBroken, True),
            ("redirect", ServiceRefused, False),
            ("lost", ServiceBroken, True),
            ("reset", ServiceBroken, True),
            ("truncated", ServiceBroken, True),
            ("drip", ServiceTimeout, True),
            ("slow", ServiceTimeout, True),
            ("huge", ServiceBroken, False),
            ("bomb", ServiceBroken, False),
            ("wrong-json", ServiceBroken, True),
            ("empty", ServiceBroken, True),
        ],
    )
    def test_every_fault_ends_in_its_error(self, client, fake, fault, kind, retryable):
        fake.fault(fault)
        deadline_seconds = 1.5 if kind is ServiceTimeout else 60.0
        with pytest.raises(kind) as caught:
            client.request("POST", "/say", json={"prompt": "hello"}, deadline_seconds=deadline_seconds).json()
        assert caught.value.retryable is retryable
        assert caught.value.details["service"] == "openai"
        assert KEY not in f"{caught.value} {caught.value.details} {client.connection!r}"
        assert client.request("POST", "/say", json={"prompt": "again"}).json()["words"] == "again"

    def test_no_fault_is_forgotten_here(self):
        told = {mark.args[1][index][0] for mark in self.test_every_fault_ends_in_its_error.pytestmark for index in range(14)}
        assert set(FAULTS) - told == {"200-error", "null-fields"}, "those two are whole answers: the adapters see to them"

    def test_a_busy_service_says_how_long(self, client, fake):
        fake.fault("429-seconds", "429-date")
        waits = []
        for _ in range(2):
            with pytest.raises(ServiceBusy) as caught:
                client.request("POST", "/say", json={"prompt": "x"})
            waits.append(caught.value.retry_after_seconds)
        assert waits[0] == 1.0
        assert waits[1] is not None and 0 <= waits[1] <= 3

    def test_nobody_there(self, fake):
        fake.close()
        with pytest.raises(ServiceUnreachable):
            Client(Connection("openai", fake.url)).request("GET", "/v1")

    def test_cancelled_while_waiting(self, client, fake):
        fake.fault("slow")
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(Cancelled):
            client.request("POST", "/say", json={"prompt": "x"}, cancelled=stop.is_set, deadline_seconds=120)

    def test_the_services_own_words_come_without_the_key(self, client, fake):
        body = {"error": {"message": f"Incorrect key {KEY} at https://x.org/a?key=secret", "code": "invalid_api_key"}}
        fake.route("POST", "/v1/say")(lambda asked: Told(body, 401))
        with pytest.raises(ServiceRefused) as caught:
            client.request("POST", "/say", json={})
        assert caught.value.reason == "invalid_api_key"
        assert "Incorrect key" in str(caught.value)
        assert KEY not in str(caught.value) and "secret" not in str(caught.value)

    def test_no_credit_is_no_reason_to_wait(self, client, fake):
        fake.route("POST", "/v1/say")(lambda asked: Told({"error": {"code": "insufficient_quota", "message": "Pay."}}, 429))
        with pytest.raises(ServiceRefused) as caught:
            client.request("POST", "/say", json={})
        assert not caught.value.retryable

    def test_a_packed_answer_is_unpacked(self, client, fake):
        body = gzip.compress(b'{"words": "packed"}')
        fake.route("POST", "/v1/say")(
            lambda asked: Told(body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        )
        assert client.request("POST", "/say", json={}).json() == {"words": "packed"}


class TestDownload:
    def test_ok(self, fake, tmp_path):
        client = Client(
            Connection("pexels", "https://api.pexels.com", key=KEY, allowed_hosts=frozenset({fake.host})), {"Authorization": KEY}
        )
        done = client.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=10_000, deadline_seconds=240)
        assert (done.size_bytes, done.content_type, done.path.stat().st_size) == (5120, "image/png", 5120)
        assert "authorization" not in fake.requests[0].headers

    def test_an_address_of_this_machine_is_refused(self, fake, tmp_path):
        client = Client(Connection("pexels", "https://api.pexels.com"))
        with pytest.raises(ServiceUnreachable) as caught:
            client.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=10_000, deadline_seconds=240)
        assert caught.value.reason == "address_refused"
        assert not fake.requests and not (tmp_path / "file").exists()

    def test_a_redirect_is_checked_anew(self, fake, tmp_path):
        client = Client(Connection("pexels", "https://api.pexels.com", allowed_hosts=frozenset({fake.host})))
        fake.fault("redirect")
        with pytest.raises(ServiceUnreachable) as caught:
            client.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=10_000, deadline_seconds=240)
        assert caught.value.reason == "address_refused"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "1500"}, 1.5), ({}, None), ({"retry-after": "soon"}, None)],
)
def test_retry_after(headers, seconds):
    assert retry_after_read(headers) == seconds


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [
        (ServiceUnreachable("x", service="a"), True),
        (ServiceRefused("x", service="a"), True),
        (ServiceBusy("x", service="a", retry_after_seconds=1), True),
        (ServiceTimeout("x", service="a"), False),
        (ServiceBroken("x", service="a"), False),
    ],
)
def test_what_is_certainly_not_charged(error, is_refused):
    def send(_: str) -> Reply:
        raise error

    with pytest.raises(CallRefused if is_refused else ServiceError) as caught:
        as_paid(send)("key")
    assert caught.value.retryable == error.retryable
