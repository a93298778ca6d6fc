"""Each service's test of the connection against a strict fake of it: what is asked, what is read, and every fault."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from videoflow.providers.base import ProviderError
from videoflow.providers.net import Client, Connection, ServiceError, ServiceRefused
from videoflow.providers.service_check import Checked, is_checkable, service_check
from videoflow.providers.services import EMBEDDED, SERVICES
from videoflow.providers.tests.fake_service import Asked, FakeService, Fault, Told

KEY = "sk-canary-0123456789"
TODAY = date(2026, 11, 22)
MODELS = {"object": "list", "data": [{"id": "small-2", "object": "model"}, {"id": "large-1", "object": "model"}]}
QUICK_FAULTS: tuple[Fault, ...] = (
    "429-seconds",
    "429-date",
    "500",
    "502-html",
    "lost",
    "reset",
    "truncated",
    "wrong-json",
    "200-error",
    "null-fields",
    "empty",
    "redirect",
)
"""The slow ones are the client's own and tested there."""

# service -> [(path, what comes back)], in the order in which they are asked
ROUTES: dict[str, list[tuple[str, Any]]] = {
    **{name: [("/models", MODELS)] for name in ("openai", "groq", "ollama", "vllm", "llamacpp", "lmstudio", "kokoro")},
    "openrouter": [
        ("/key", {"data": {"label": "sk-or-v1-…", "usage": 1.5, "limit": 10, "limit_remaining": 8.5}}),
        ("/models", MODELS),
    ],
    "deepseek": [
        ("/user/balance", {"is_available": True, "balance_infos": [{"currency": "USD", "total_balance": "110.00"}]}),
        ("/models", MODELS),
    ],
    "anthropic": [("/models", {"data": [{"type": "model", "id": "model-a", "display_name": "A"}], "has_more": False})],
    "gemini": [("/models", {"models": [{"name": "models/flash-9", "displayName": "Flash 9"}]})],
    "veo": [("/models", {"models": [{"name": "models/veo-9"}]})],
    "elevenlabs": [
        (
            "/v1/user/subscription",
            {
                "tier": "creator",
                "character_count": 1500,
                "character_limit": 100000,
                "next_character_count_reset_unix": 1767225600,
            },
        )
    ],
    "azure": [("/cognitiveservices/voices/list", [{"ShortName": "en-US-AvaNeural", "Locale": "en-US"}])],
    "pexels": [
        (
            "/v1/curated",
            Told(
                {"page": 1, "per_page": 1, "photos": [{}]},
                headers={"X-Ratelimit-Limit": "20000", "X-Ratelimit-Remaining": "19684"},
            ),
        )
    ],
    "pixabay": [
        ("/", Told({"total": 9, "totalHits": 9, "hits": []}, headers={"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99"}))
    ],
    "openverse": [("/images/", {"result_count": 240, "page_count": 20, "results": [{}]})],
    "commons": [("/api.php", {"batchcomplete": True, "query": {"general": {"sitename": "Wikimedia Commons"}}})],
    "comfyui": [("/system_stats", {"system": {"comfyui_version": "0.3.60"}, "devices": [{"name": "cuda:0"}]})],
    "automatic1111": [("/sdapi/v1/sd-models", [{"title": "dream.safetensors [1234]", "model_name": "dream"}])],
    "youtube": [("/youtube/v3/i18nRegions", {"kind": "youtube#i18nRegionListResponse", "items": [{"id": "US"}, {"id": "DE"}]})],
    "google_trends": [
        (
            "/trending/rss",
            Told(b"<?xml version='1.0'?><rss><item></item><item></item></rss>", headers={"Content-Type": "text/xml"}),
        )
    ],
    "wikimedia": [
        ("/metrics/pageviews/top/en.wikipedia/all-access/2026/11/20", {"items": [{"project": "en.wikipedia", "articles": []}]})
    ],
    "hackernews": [("/search", {"nbHits": 30, "hits": [{}]})],
}
HEADERS = {"anthropic": {"anthropic-version": "2023-06-01"}}
QUERIES: dict[str, dict[str, str]] = {
    "pixabay": {"key": KEY},
    "youtube": {"part": "snippet"},
    "google_trends": {"geo": "US"},
    "commons": {"action": "query", "format": "json"},
}
EXPECTED: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "openai": ({}, ("large-1", "small-2")),
    "openrouter": ({"Used": "1.50 USD", "Left": "8.50 USD"}, ("large-1", "small-2")),
    "deepseek": ({"Balance": "110.00 USD"}, ("large-1", "small-2")),
    "anthropic": ({}, ("model-a",)),
    "gemini": ({}, ("flash-9",)),
    "elevenlabs": ({"Plan": "creator", "Characters left": "98,500 of 100,000", "Renewed": "2026-01-01"}, ()),
    "azure": ({"Voices": "1"}, ()),
    "pexels": ({"Requests left this month": "19,684 of 20,000"}, ()),
    "pixabay": ({"Requests left this minute": "99 of 100"}, ()),
    "commons": ({"Site": "Wikimedia Commons"}, ()),
    "comfyui": ({"Version": "0.3.60", "Runs on": "cuda:0"}, ()),
    "automatic1111": ({}, ("dream.safetensors [1234]",)),
    "youtube": ({"Countries": "2", "Cost of this test": "1 of 10,000 units a day"}, ()),
    "google_trends": ({"Searches listed": "2"}, ()),
    "wikimedia": ({"Newest whole day": "2026-11-20"}, ()),
}


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with FakeService() as service:
        yield service


def served(fake: FakeService, name: str) -> Client:
    """A client of the fake, which plays one service and refuses what that service would refuse."""
    service = SERVICES[name]

    def strict(told: Any) -> Any:
        def answer(asked: Asked) -> Any:
            if service.needs_key and service.key_header:
                assert asked.headers[service.key_header.lower()] == service.key_format.format(key=KEY)
            for header, value in HEADERS.get(name, {}).items():
                assert asked.headers[header] == value
            for field, value in QUERIES.get(name, {}).items():
                assert asked.query[field] == value
            assert KEY not in asked.path
            assert name == "pixabay" or KEY not in str(asked.query)
            return told

        return answer

    for path, told in ROUTES[name]:
        fake.route("GET", path.replace(".", r"\."))(strict(told))
    return Client(Connection(name, fake.url, key=KEY), headers=service.headers(KEY))


def test_every_service_but_the_feeds_can_be_tested() -> None:
    assert {name for name in SERVICES if not is_checkable(name)} == {EMBEDDED, "rss"}
    assert {name for name in SERVICES if is_checkable(name)} == {*ROUTES, "piper"}


@pytest.mark.parametrize("name", ROUTES)
def test_ok(fake: FakeService, name: str) -> None:
    checked = service_check(served(fake, name), today=TODAY)
    assert [asked.path for asked in fake.requests] == [path for path, _ in ROUTES[name]]
    facts, models = EXPECTED.get(name, (dict(checked.facts), checked.models))
    assert (dict(checked.facts), checked.models) == (facts, models)
    assert KEY not in str(checked)


@pytest.mark.parametrize("name", ROUTES)
def test_no_fault_counts_as_an_answer(fake: FakeService, name: str) -> None:
    client = served(fake, name)
    for fault in QUICK_FAULTS:
        fake.fault(fault)
        with pytest.raises(ServiceError) as failure:
            service_check(client, today=TODAY)
        assert KEY not in f"{failure.value} {failure.value.details}", fault
        assert SERVICES[name].label in str(failure.value), fault
    assert isinstance(service_check(client, today=TODAY), Checked)


def test_refused_key_says_so(fake: FakeService) -> None:
    body = {
        "error": {"message": f"Incorrect API key provided: {KEY}.", "type": "invalid_request_error", "code": "invalid_api_key"}
    }
    fake.route("GET", "/models")(lambda asked: Told(body, 401))
    with pytest.raises(ServiceRefused, match="key") as refusal:
        service_check(Client(Connection("openai", fake.url, key=KEY)), today=TODAY)
    assert (refusal.value.status, refusal.value.reason) == (401, "invalid_api_key")
    assert KEY not in str(refusal.value)


def test_elevenlabs_key_without_the_right_to_read_the_account(fake: FakeService) -> None:
    refusal = {"detail": {"status": "missing_permissions", "message": "The API key is missing the permission user_read."}}
    fake.route("GET", "/v1/user/subscription")(lambda asked: Told(refusal, 401))
    fake.route("GET", "/v1/voices")(lambda asked: {"voices": [{"voice_id": "a"}, {"voice_id": "b"}]})
    checked = service_check(Client(Connection("elevenlabs", fake.url, key=KEY)), today=TODAY)
    assert dict(checked.facts) == {"Voices": "2", "Account": "this key may not read it"}


def test_piper_is_a_program_with_voices(tmp_path: Path) -> None:
    program = tmp_path / "piper"

    def check() -> Checked:
        options = {"command": str(program), "voices": str(tmp_path)}
        return service_check(Client(Connection("piper", "", options=options)), today=TODAY)

    with pytest.raises(ProviderError, match="VIDEOFLOW_PIPER_COMMAND"):
        check()
    program.touch()
    with pytest.raises(ProviderError, match="VIDEOFLOW_PIPER_VOICES"):
        check()
    (tmp_path / "joe.onnx").touch()
    assert check().facts == (("Voices", "joe"),)


def test_nothing_to_test() -> None:
    with pytest.raises(ProviderError, match="nothing that could be tested"):
        service_check(Client(Connection("rss", "")), today=TODAY)
