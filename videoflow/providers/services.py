"""The catalogue of services: what each can do, what it needs, and where it is unless the operator says otherwise.

Names of models, addresses and prices change every few months: here are only defaults, and each has its setting.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from videoflow.providers.base import ProviderError
from videoflow.providers.service import FREE, Price, Service
from videoflow.sentences import Sentence

EMBEDDED = "embedded"

_TOKENS = Price(Sentence("1,000 tokens"))
_LETTERS = Price(Sentence("1,000 characters"))
_PICTURE = Price(Sentence("picture"))
_CHAT: Mapping[str, Any] = MappingProxyType({"max_tokens_field": "max_tokens"})
_KEYLESS: dict[str, Any] = {"needs_key": False, "key_header": ""}

_ALL = (
    Service(
        EMBEDDED,
        Sentence("Embedded"),
        ("trends", "writer", "speech", "images", "music", "publisher"),
        price=dict.fromkeys(("trends", "writer", "speech", "images", "music", "publisher"), FREE),
        limits=Sentence("Runs on this machine without a key and without the network."),
        **_KEYLESS,
    ),
    Service(
        "openai",
        "OpenAI",
        ("writer", "speech", "images"),
        base_url="https://api.openai.com/v1",
        models={"writer": "gpt-6-luna", "speech": "gpt-4o-mini-tts", "images": "gpt-image-2.5-flare"},
        price={"writer": _TOKENS, "speech": _LETTERS, "images": _PICTURE},
        keys_page="https://platform.openai.com/api-keys",
        options={"max_tokens_field": "max_completion_tokens"},
        at_once=4,
        verified="openai 3.54.0: chat, speech and images",
    ),
    Service(
        "openrouter",
        "OpenRouter",
        ("writer",),
        base_url="https://openrouter.ai/api/v1",
        models={"writer": ""},
        price={"writer": _TOKENS},
        keys_page="https://openrouter.ai/keys",
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0); what it adds, from documentation",
    ),
    Service(
        "groq",
        "Groq",
        ("writer",),
        base_url="https://api.groq.com/openai/v1",
        models={"writer": ""},
        price={"writer": _TOKENS},
        keys_page="https://console.groq.com/keys",
        options={"max_tokens_field": "max_completion_tokens"},
        verified="OpenAI's chat (openai 3.54.0)",
    ),
    Service(
        "deepseek",
        "DeepSeek",
        ("writer",),
        base_url="https://api.deepseek.com",
        models={"writer": "deepseek-chat"},
        price={"writer": _TOKENS},
        limits=Sentence("Answers in JSON without a schema, which the studio then checks itself."),
        keys_page="https://platform.deepseek.com/api_keys",
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0); JSON without a schema, from documentation",
    ),
    Service(
        "ollama",
        "Ollama",
        ("writer",),
        needs_key=False,
        base_url="http://127.0.0.1:11434/v1",
        models={"writer": ""},
        price={"writer": FREE},
        limits=Sentence("A server of your own; pull a model before you choose it."),
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0)",
    ),
    Service(
        "vllm",
        "vLLM",
        ("writer",),
        needs_key=False,
        base_url="http://127.0.0.1:8000/v1",
        models={"writer": ""},
        price={"writer": FREE},
        limits=Sentence("A server of your own."),
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0)",
    ),
    Service(
        "llamacpp",
        "llama.cpp",
        ("writer",),
        needs_key=False,
        base_url="http://127.0.0.1:8080/v1",
        models={"writer": ""},
        price={"writer": FREE},
        limits=Sentence("A server of your own."),
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0)",
    ),
    Service(
        "lmstudio",
        "LM Studio",
        ("writer",),
        needs_key=False,
        base_url="http://127.0.0.1:1234/v1",
        models={"writer": ""},
        price={"writer": FREE},
        limits=Sentence("A server of your own."),
        options=_CHAT,
        verified="OpenAI's chat (openai 3.54.0)",
    ),
    Service(
        "anthropic",
        "Anthropic",
        ("writer",),
        base_url="https://api.anthropic.com/v1",
        models={"writer": "claude-sonnet-5-5"},
        price={"writer": _TOKENS},
        keys_page="https://console.anthropic.com/settings/keys",
        key_header="x-api-key",
        key_format="{key}",
        verified="anthropic 2.12.0: messages",
    ),
    Service(
        "gemini",
        "Google Gemini",
        ("writer", "speech", "images"),
        base_url="https://generativelanguage.googleapis.com/v1beta",
        models={"writer": "gemini-flash-latest", "speech": "gemini-3.8-flash-tts", "images": "gemini-3.1-flash-image"},
        price={"writer": _TOKENS, "speech": _TOKENS, "images": _PICTURE},
        keys_page="https://aistudio.google.com/apikey",
        key_header="x-goog-api-key",
        key_format="{key}",
        at_once=3,
        verified="google-genai 3.4.0: text, speech and images",
    ),
    Service(
        "kokoro",
        "Kokoro server",
        ("speech",),
        needs_key=False,
        base_url="http://127.0.0.1:8880/v1",
        models={"speech": "kokoro"},
        price={"speech": FREE},
        limits=Sentence("A server of your own that speaks OpenAI's dialect."),
        at_once=2,
        verified="documentation",
    ),
    Service(
        "elevenlabs",
        "ElevenLabs",
        ("speech",),
        base_url="https://api.elevenlabs.io",
        models={"speech": "eleven_multilingual_v2"},
        price={"speech": _LETTERS},
        keys_page="https://elevenlabs.io/app/settings/api-keys",
        key_header="xi-api-key",
        key_format="{key}",
        at_once=3,
        verified="elevenlabs 2.78.0: speech with timestamps",
    ),
    Service(
        "azure",
        "Azure Speech",
        ("speech",),
        base_url="https://westeurope.tts.speech.microsoft.com",
        price={"speech": _LETTERS},
        limits=Sentence("The address names the region of the key."),
        keys_page="https://portal.azure.com",
        key_header="Ocp-Apim-Subscription-Key",
        key_format="{key}",
        at_once=4,
        verified="documentation",
    ),
    Service(
        "piper",
        "Piper",
        ("speech",),
        price={"speech": FREE},
        limits=Sentence("A program of your own on this machine, with its voices in one folder."),
        operator_options={"command": "VIDEOFLOW_PIPER_COMMAND", "voices": "VIDEOFLOW_PIPER_VOICES"},
        at_once=1,
        verified="its own help text and the program, where it is installed",
        **_KEYLESS,
    ),
    Service(
        "pexels",
        "Pexels",
        ("images",),
        base_url="https://api.pexels.com",
        price={"images": FREE},
        limits=Sentence("200 requests an hour, 20,000 a month; authors are credited."),
        keys_page="https://www.pexels.com/api/",
        key_format="{key}",
        verified="documentation",
    ),
    Service(
        "pixabay",
        "Pixabay",
        ("images",),
        base_url="https://pixabay.com/api",
        price={"images": FREE},
        limits=Sentence("100 requests a minute; answers are kept for 24 hours."),
        keys_page="https://pixabay.com/api/docs/",
        key_header="",
        verified="documentation",
    ),
    Service(
        "openverse",
        "Openverse",
        ("images",),
        base_url="https://api.openverse.org/v1",
        price={"images": FREE},
        limits=Sentence("About 20 requests a minute and 200 a day without a key."),
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "commons",
        "Wikimedia Commons",
        ("images",),
        base_url="https://commons.wikimedia.org/w",
        price={"images": FREE},
        limits=Sentence("One request at a time."),
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "comfyui",
        "ComfyUI",
        ("images",),
        base_url="http://127.0.0.1:8188",
        price={"images": FREE},
        limits=Sentence("A server of your own, with your workflow in its API format."),
        at_once=2,
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "automatic1111",
        "AUTOMATIC1111",
        ("images",),
        base_url="http://127.0.0.1:7860",
        price={"images": FREE},
        limits=Sentence("A server of your own, started with --api."),
        at_once=1,
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "veo",
        "Google Veo",
        ("images",),
        base_url="https://generativelanguage.googleapis.com/v1beta",
        models={"images": "veo-3.1-generate-preview"},
        price={"images": Price(Sentence("second of video"))},
        keys_page="https://aistudio.google.com/apikey",
        key_header="x-goog-api-key",
        key_format="{key}",
        key_of="gemini",
        at_once=3,
        verified="documentation",
    ),
    Service(
        "youtube",
        "YouTube",
        ("trends", "publisher"),
        base_url="https://www.googleapis.com",
        price={"trends": FREE, "publisher": FREE},
        limits=Sentence("10,000 units, 100 searches and 100 uploads a day, counted anew at midnight Pacific time."),
        keys_page="https://console.cloud.google.com/apis/credentials",
        key_header="X-Goog-Api-Key",
        key_format="{key}",
        verified="YouTube's discovery document (google-api-python-client 2.202.0)",
    ),
    Service(
        "google_trends",
        "Google Trends",
        ("trends",),
        base_url="https://trends.google.com",
        price={"trends": FREE},
        limits=Sentence("Asked once an hour and country."),
        verified="feeds as they come; there is no description",
        **_KEYLESS,
    ),
    Service(
        "wikimedia",
        "Wikipedia page views",
        ("trends",),
        base_url="https://wikimedia.org/api/rest_v1",
        price={"trends": FREE},
        limits=Sentence("A day is complete about 24 hours after its end."),
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "hackernews",
        "Hacker News",
        ("trends",),
        base_url="https://hn.algolia.com/api/v1",
        price={"trends": FREE},
        limits=Sentence("10,000 requests an hour."),
        verified="documentation",
        **_KEYLESS,
    ),
    Service(
        "rss",
        "News feeds",
        ("trends",),
        price={"trends": FREE},
        limits=Sentence("The addresses are yours to give."),
        verified="the RSS and Atom formats",
        **_KEYLESS,
    ),
)  # fmt: skip

SERVICES: Mapping[str, Service] = MappingProxyType({service.key: service for service in _ALL})


def service_get(key: str) -> Service:
    """Return the service of that key.

    Raises:
        ProviderError: there is none.
    """
    try:
        return SERVICES[key]
    except KeyError:
        raise ProviderError(Sentence("There is no service “%(key)s”.", key=key), code="PROVIDER_UNKNOWN") from None


def service_label(key: str) -> str:
    """Return how a service is called on pages; its key where the catalogue does not know it."""
    return SERVICES[key].label if key in SERVICES else key


def services_for(capability: str) -> tuple[Service, ...]:
    """Return the services that can do something, the embedded ones first."""
    return tuple(service for service in _ALL if capability in service.capabilities)
