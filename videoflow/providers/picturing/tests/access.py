"""A provider of pictures at work against a fake service, with a book of calls that keeps nothing."""

from typing import Any

from videoflow.providers.net import Client, Connection
from videoflow.providers.paid import PaidCall, Reply
from videoflow.providers.picturing.found import Query, Shape, Wish
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.registry import Access, provider_make
from videoflow.providers.services import service_get
from videoflow.providers.tests.fake_service import FakeService

PATHS = {
    "pexels": "",
    "pixabay": "/api",
    "openverse": "/v1",
    "commons": "/w",
    "openai": "/v1",
    "gemini": "/v1beta",
    "veo": "/v1beta",
    "comfyui": "",
    "automatic1111": "",
}
SEARCHES = ("pexels", "pixabay", "openverse", "commons")
MAKERS = ("openai", "gemini", "veo", "comfyui", "automatic1111")


class Paid:
    """Makes calls as the book does, and counts them."""

    def __init__(self) -> None:
        self.calls: list[PaidCall] = []

    def __call__(self, call: PaidCall) -> bytes:
        self.calls.append(call)
        answer = call.send(f"key-{len(self.calls)}")
        while not isinstance(answer, Reply):
            assert call.poll is not None
            answer = call.poll(answer.remote_id) or answer
        return answer.body


class Facts:
    def get(self, name: str) -> Any:
        return None

    def set(self, name: str, value: Any) -> None:
        """Nothing is remembered."""


def opened(fake: FakeService, name: str, *, serve: bool = True, paid: Paid | None = None, **options: Any) -> Any:
    """Return the provider of that name, aimed at the fake service, whose routes are laid."""
    if serve:
        getattr(fake_pictures, name)(fake)
    service = service_get(name)
    key = fake_pictures.KEY if service.needs_key else ""
    model = "model-1" if "images" in service.models else ""
    connection = Connection(name, f"{fake.url}{PATHS[name]}", key, model, options, frozenset([fake.host]))
    client = Client(connection, headers=service.headers(key))
    return provider_make("images", name, Access(connection, client, paid or Paid(), lambda: False, Facts()))


def wish(*words: str, shape: Shape = "16:9", seconds: float = 4.0, prompt: str = "A harbour at night") -> Wish:
    """Return a wish for these words."""
    width, height = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080)}[shape]
    return Wish(
        said=" ".join(words) or "Cranes at the quay",
        queries=(Query(" ".join(words) or "cranes quay"), Query("harbour", is_broad=True)),
        words=tuple((word, 1.0) for word in words or ("cranes", "quay")),
        prompt=prompt,
        shape=shape,
        width_px=width,
        height_px=height,
        seconds=seconds,
        kinds=("image", "clip"),
    )
