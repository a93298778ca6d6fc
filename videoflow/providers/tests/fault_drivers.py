"""How each provider of an outside service is made to work against its strict fake, for what all of them must survive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from videoflow.errors import VideoflowError
from videoflow.providers.base import Capability, Host, Line, TopicBrief
from videoflow.providers.live_trends import LiveWish
from videoflow.providers.live_trends.tests import fake_sources
from videoflow.providers.picturing.found import Query, Wish
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.services import SERVICES
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.tests.fake_service import FakeService
from videoflow.providers.writing.tests import fake_models
from videoflow.render.intake import looks_like_picture

WRITERS = ("openai", "openrouter", "groq", "deepseek", "ollama", "vllm", "llamacpp", "lmstudio", "anthropic", "gemini")
HOSTS = (Host("A", "Maya", "curious"), Host("B", "Theo", "figures"))
NOTES = "Tiny forests are planted densely. They grow ten times faster, said Miyawaki in 1987. Japan has 3,000 of them."
LEAST_PICTURE_BYTES = 1000
Act = Callable[[Any, int, Path], None]


@dataclass(frozen=True)
class Driver:
    """``call(provider, number, folder)`` asks for something that was never asked before and checks what comes."""

    capability: Capability
    service: str
    routes: Callable[[FakeService], Any]
    call: Act
    path: str = ""
    key: str = ""
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.capability} {self.service}"

    @property
    def makes_things(self) -> bool:
        """Whether its calls stand in the book, because a service may charge for them."""
        return self.capability in ("writer", "speech") or self.call is make


def write(provider: Any, number: int, folder: Path) -> None:
    conversation = provider.write_topic(TopicBrief(f"Tiny forests {number}", NOTES, hosts=HOSTS, seed=number))
    assert conversation.exchanges, "an empty conversation"


def speak(voice: str, provider: Any, number: int, folder: Path) -> None:
    line = Line(f"Number {number} is what nobody expected to hear.", voice)
    (spoken,) = provider.speak([line], folder, report=lambda share, message: None, cancelled=lambda: False)
    assert spoken.seconds > 1, "no speech"
    spoken.path.unlink()


def wish_of(number: int) -> Wish:
    said = f"The harbour crane number {number} lifts a red container."
    words = (("harbour", 1.0), ("crane", 0.8))
    return Wish(said, (Query(f"harbour crane {number}"),), words, said, "16:9", 1920, 1080, 4.0)


def search(provider: Any, number: int, folder: Path) -> None:
    found = provider.search(f"harbour crane {number}", kind="image", wish=wish_of(number))
    if not found:
        return
    file = folder / f"{number}.jpg"
    provider.load(found[0], file, cancelled=lambda: False)
    content = file.read_bytes()
    file.unlink()
    if not looks_like_picture(content[:64]):
        raise VideoflowError("What was loaded is no picture.")
    assert len(content) > 1000, "half a picture"


def make(provider: Any, number: int, folder: Path) -> None:
    made = provider.make(replace(wish_of(number), kinds=provider.kinds), run=1)
    if len(made.content) <= LEAST_PICTURE_BYTES:  # as whoever looks at it before it is shown would say
        raise VideoflowError("What was made is no picture.")


def look(service: str, provider: Any, number: int, folder: Path) -> None:
    feeds = [f"{provider._client.connection.base_url}/news.rss"] if service == "rss" else []
    table = provider.table(LiveWish(**fake_sources.wish_facts(folder), feeds=feeds))
    assert len(table.rows) >= 3, "hardly any rows"


def _models(service: str, fake: FakeService) -> None:
    fake_models.FakeModels(fake, service)


def drivers() -> list[Driver]:
    """Return one for each provider of a service that is asked over the net."""
    return [*_writers(), *_speakers(), *_pictures(), *_trends()]


def _writers() -> list[Driver]:
    return [
        Driver(
            capability="writer",
            service=service,
            routes=partial(_models, service),
            call=write,
            path="/v1beta" if service == "gemini" else "/v1",
            key=fake_models.KEY,
            model=fake_models.MODEL,
        )
        for service in WRITERS
    ]


def _speakers() -> list[Driver]:
    voices = {
        "openai": ("/v1", fake_voices.KEY, "alloy"),
        "kokoro": ("/v1", "", "af_heart"),
        "elevenlabs": ("", fake_voices.KEY, "a1"),
        "azure": ("", fake_voices.KEY, "en-US-AvaNeural"),
        "gemini": ("/v1beta", fake_voices.KEY, "Kore"),
    }
    return [
        Driver(
            capability="speech",
            service=service,
            routes=getattr(fake_voices, f"{service}_routes"),
            call=partial(speak, voice),
            path=path,
            key=key,
            model=SERVICES[service].models.get("speech", ""),
            options={"turns_per_call": 1},
        )
        for service, (path, key, voice) in voices.items()
    ]


def _pictures() -> list[Driver]:
    stock = {"pexels": "", "pixabay": "/api", "openverse": "/v1", "commons": "/w"}
    makers = {"openai": "/v1", "gemini": "/v1beta", "automatic1111": "", "comfyui": "", "veo": "/v1beta"}
    models = {"comfyui": fake_pictures.CHECKPOINT, "automatic1111": ""}
    return [
        Driver(
            capability="images",
            service=service,
            routes=getattr(fake_pictures, service),
            call=act,
            path=path,
            key=fake_pictures.KEY if SERVICES[service].needs_key else "",
            model=models.get(service, "model-of-the-day"),
        )
        for act, group in ((search, stock), (make, makers))
        for service, path in group.items()
    ]


def _trends() -> list[Driver]:
    sources = {
        "youtube": fake_sources.youtube,
        "google_trends": fake_sources.google_trends,
        "wikimedia": fake_sources.wikimedia,
        "hackernews": fake_sources.hackernews,
        "rss": fake_sources.feed,
    }
    return [
        Driver(
            capability="trends",
            service=service,
            routes=routes,
            call=partial(look, service),
            key=fake_sources.KEY if SERVICES[service].needs_key else "",
        )
        for service, routes in sources.items()
    ]
