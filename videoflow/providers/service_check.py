"""One small free request to a service: does it answer, does it take the key, and what does it say about the account."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from videoflow.providers.base import CancelCheck, ProviderError
from videoflow.providers.net import Answer, Client, ServiceBroken, ServiceRefused
from videoflow.providers.services import service_label
from videoflow.sentences import Sentence

DEADLINE_SECONDS = 15.0
_LIMIT_BYTES = 4_000_000
_MODELS_KEPT = 200
_LONGEST_NAME = 120
_OPENAI_DIALECT = ("openai", "groq", "ollama", "vllm", "llamacpp", "lmstudio", "kokoro")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the service said. ``facts`` are (what, value) in the service's own words, ``models`` ids that can be chosen."""

    seconds: float
    facts: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asker:
    client: Client
    today: date
    cancelled: CancelCheck | None

    @property
    def service(self) -> str:
        return self.client.connection.service

    def get(self, path: str, **options: Any) -> Answer:
        limits = {"deadline_seconds": DEADLINE_SECONDS, "limit_bytes": _LIMIT_BYTES, "cancelled": self.cancelled}
        return self.client.request("GET", path, **{**limits, **options})

    def table(self, path: str, **options: Any) -> tuple[Mapping[str, Any], Answer]:
        """Return the answer's object.

        Raises:
            ServiceBroken: it is none.
        """
        answer = self.get(path, **options)
        value = answer.json()
        if not isinstance(value, dict):
            raise self.broken()
        return value, answer

    def rows(self, path: str, name: str, **options: Any) -> list[Mapping[str, Any]]:
        """Return the objects of the list under ``name``; of the answer itself where the name is empty."""
        answer = self.get(path, **options).json()
        found = answer.get(name) if name and isinstance(answer, dict) else answer
        if not isinstance(found, list):
            raise self.broken()
        return [row for row in found if isinstance(row, dict)]

    def names(self, rows: list[Mapping[str, Any]], name: str) -> list[str]:
        """Return what the rows are called; nameless rows are not this service's."""
        found = [str(row[name])[:_LONGEST_NAME] for row in rows if isinstance(row.get(name), str)]
        if rows and not found:
            raise self.broken()
        return found

    def broken(self) -> ServiceBroken:
        label = service_label(self.service)
        return ServiceBroken(
            Sentence("%(label)s answered, but not as %(label)s does. Check its address.", label=label),
            service=self.service,
            reason="other_shape",
        )


_Found = tuple[list[tuple[str, str]], list[str]]


def _openai(ask: _Asker) -> _Found:
    return [], ask.names(ask.rows("models", "data"), "id")


def _openrouter(ask: _Asker) -> _Found:
    """Its list of models is open to everybody, so the key is asked about itself."""
    told, _ = ask.table("key")
    account = told.get("data")
    if not isinstance(account, dict) or not isinstance(account.get("usage"), int | float):
        raise ask.broken()
    left = account.get("limit_remaining")
    facts = [("Used", _dollars(account["usage"])), ("Left", "no limit" if left is None else _dollars(left))]
    return facts, ask.names(ask.rows("models", "data"), "id")


def _deepseek(ask: _Asker) -> _Found:
    told, _ = ask.table("user/balance")
    balances = told.get("balance_infos")
    entries = [entry for entry in balances if isinstance(entry, dict)] if isinstance(balances, list) else []
    if not entries or not all(isinstance(entry.get("total_balance"), str) for entry in entries):
        raise ask.broken()
    facts = [("Balance", f"{entry['total_balance']} {entry.get('currency') or ''}".strip()) for entry in entries]
    if told.get("is_available") is False:
        facts.append(("Account", "the balance does not suffice"))
    return facts, ask.names(ask.rows("models", "data"), "id")


def _anthropic(ask: _Asker) -> _Found:
    rows = ask.rows("models", "data", params={"limit": 100}, headers={"anthropic-version": "2023-06-01"})
    return [], ask.names(rows, "id")


def _gemini(ask: _Asker) -> _Found:
    return [], [
        name.removeprefix("models/") for name in ask.names(ask.rows("models", "models", params={"pageSize": 200}), "name")
    ]


def _elevenlabs(ask: _Asker) -> _Found:
    """A key may be made without the right to read the account; it speaks all the same."""
    try:
        account, _ = ask.table("v1/user/subscription")
    except ServiceRefused as error:
        if error.reason != "missing_permissions":
            raise
        voices = ask.names(ask.rows("v1/voices", "voices"), "voice_id")
        return [("Voices", str(len(voices))), ("Account", "this key may not read it")], []
    if not isinstance(account.get("tier"), str):
        raise ask.broken()
    facts = [("Plan", str(account["tier"]))]
    used, most = account.get("character_count"), account.get("character_limit")
    if isinstance(used, int) and isinstance(most, int):
        facts.append(("Characters left", f"{most - used:,} of {most:,}"))
    renewed = account.get("next_character_count_reset_unix")
    if isinstance(renewed, int) and 0 < renewed < 10**11:
        facts.append(("Renewed", datetime.fromtimestamp(renewed, UTC).date().isoformat()))
    return facts, []


def _azure(ask: _Asker) -> _Found:
    return [("Voices", str(len(ask.names(ask.rows("cognitiveservices/voices/list", ""), "ShortName"))))], []


def _pexels(ask: _Asker) -> _Found:
    told, answer = ask.table("v1/curated", params={"per_page": 1})
    if not isinstance(told.get("photos"), list) or not isinstance(told.get("per_page"), int):
        raise ask.broken()
    return _quota(answer, "Requests left this month"), []


def _pixabay(ask: _Asker) -> _Found:
    """Pixabay takes its key in the address alone, which is never logged or shown."""
    told, answer = ask.table("/", params={"key": ask.client.connection.key, "q": "sky", "per_page": 3})
    if not isinstance(told.get("totalHits"), int):
        raise ask.broken()
    return _quota(answer, "Requests left this minute"), []


def _openverse(ask: _Asker) -> _Found:
    told, answer = ask.table("images/", params={"q": "sky", "page_size": 1})
    if not isinstance(told.get("result_count"), int):
        raise ask.broken()
    return [("Pictures of sky", _count(told["result_count"])), *_quota(answer, "Requests left")], []


def _commons(ask: _Asker) -> _Found:
    told, _ = ask.table("api.php", params={"action": "query", "meta": "siteinfo", "format": "json", "formatversion": 2})
    query = told.get("query")
    general = query.get("general") if isinstance(query, dict) else None
    if not isinstance(general, dict) or not isinstance(general.get("sitename"), str):
        raise ask.broken()
    return [("Site", str(general["sitename"]))], []


def _comfyui(ask: _Asker) -> _Found:
    told, _ = ask.table("system_stats")
    system, devices = told.get("system"), told.get("devices")
    if not isinstance(system, dict) or not isinstance(system.get("comfyui_version"), str):
        raise ask.broken()
    rows = [device for device in devices if isinstance(device, dict)] if isinstance(devices, list) else []
    return [("Version", system["comfyui_version"]), *(("Runs on", str(device.get("name") or "")) for device in rows[:2])], []


def _automatic1111(ask: _Asker) -> _Found:
    return [], ask.names(ask.rows("sdapi/v1/sd-models", ""), "title")


def _youtube(ask: _Asker) -> _Found:
    """The cheapest question that a key alone may ask: 1 of 10,000 units."""
    countries = ask.names(ask.rows("youtube/v3/i18nRegions", "items", params={"part": "snippet"}), "id")
    return [("Countries", str(len(countries))), ("Cost of this test", "1 of 10,000 units a day")], []


def _google_trends(ask: _Asker) -> _Found:
    body = ask.get("trending/rss", params={"geo": "US"}).body
    if b"<rss" not in body[:500]:
        raise ask.broken()
    return [("Searches listed", str(body.count(b"<item>")))], []


def _wikimedia(ask: _Asker) -> _Found:
    day = ask.today - timedelta(days=2)  # the day before may not be counted yet
    told, _ = ask.table(f"metrics/pageviews/top/en.wikipedia/all-access/{day:%Y/%m/%d}")
    items = told.get("items")
    newest = items[0] if isinstance(items, list) and items else None
    if not isinstance(newest, dict) or not isinstance(newest.get("project"), str):
        raise ask.broken()
    return [("Newest whole day", day.isoformat())], []


def _hackernews(ask: _Asker) -> _Found:
    told, _ = ask.table("search", params={"tags": "front_page", "hitsPerPage": 1})
    if not isinstance(told.get("nbHits"), int):
        raise ask.broken()
    return [("Stories on the front page", _count(told["nbHits"]))], []


_CHECKS: Mapping[str, Callable[[_Asker], _Found]] = {
    **dict.fromkeys(_OPENAI_DIALECT, _openai),
    "openrouter": _openrouter,
    "deepseek": _deepseek,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "veo": _gemini,
    "elevenlabs": _elevenlabs,
    "azure": _azure,
    "pexels": _pexels,
    "pixabay": _pixabay,
    "openverse": _openverse,
    "commons": _commons,
    "comfyui": _comfyui,
    "automatic1111": _automatic1111,
    "youtube": _youtube,
    "google_trends": _google_trends,
    "wikimedia": _wikimedia,
    "hackernews": _hackernews,
}


LISTS_MODELS = frozenset({*_OPENAI_DIALECT, "openrouter", "deepseek", "anthropic", "gemini", "veo", "automatic1111"})
"""Services whose answer names the models that can be chosen."""


def is_checkable(service: str) -> bool:
    """Say whether there is something to ask."""
    return service in _CHECKS or service == "piper"


def service_check(client: Client, *, today: date, cancelled: CancelCheck | None = None) -> Checked:
    """Ask the service one question that costs nothing and return what it said; ``today`` is UTC's.

    Raises:
        ServiceError: it cannot be reached, refuses the key, or answers as something else does.
        ProviderError: there is nothing to ask, or the local program is not there.
    """
    service = client.connection.service
    began = time.monotonic()
    if service == "piper":
        return Checked(0.0, _piper(client.connection.options))
    if service not in _CHECKS:
        raise ProviderError(
            Sentence("%(label)s has nothing that could be tested.", label=service_label(service)),
            code="NOTHING_TO_TEST",
        )
    facts, models = _CHECKS[service](_Asker(client, today, cancelled))
    known = tuple((what, value) for what, value in facts if value)
    return Checked(time.monotonic() - began, known, tuple(sorted(models)[:_MODELS_KEPT]))


def _piper(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    command, voices = str(options.get("command") or ""), str(options.get("voices") or "")
    if not command or not Path(command).is_file():
        raise ProviderError("There is no Piper program. The operator names it in VIDEOFLOW_PIPER_COMMAND.", code="NO_PROGRAM")
    found = sorted(path.stem for path in Path(voices).glob("*.onnx")) if voices else []
    if not found:
        raise ProviderError("Piper has no voice. The operator names their folder in VIDEOFLOW_PIPER_VOICES.", code="NO_VOICE")
    return (("Voices", ", ".join(found[:12])),)


def _quota(answer: Answer, label: str) -> list[tuple[str, str]]:
    left, most = answer.headers.get("x-ratelimit-remaining", ""), answer.headers.get("x-ratelimit-limit", "")
    if not left.isdigit():
        return []
    return [(label, f"{_count(int(left))} of {_count(int(most))}" if most.isdigit() else _count(int(left)))]


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _dollars(value: Any) -> str:
    return f"{value:.2f} USD" if isinstance(value, int | float) else ""
