"""A project whose pictures come from a fake service on this machine, and scenes to be pictured."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from PIL import Image

from videoflow.pipeline.models import Project
from videoflow.pipeline.service_pictures import ServicePictures, Shown
from videoflow.providers.picturing.found import Query, Wish
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.picturing.tests.access import PATHS, opened, wish
from videoflow.providers.services import service_get
from videoflow.providers.tests.fake_service import FakeService

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><script>alert(1)</script></svg>'
PAGE = b"<!doctype html><html><body>Please log in</body></html>"


def colour(name: str) -> bytes:
    """Return a picture of nothing but a colour."""
    out = BytesIO()
    Image.new("RGB", (1280, 720), name).save(out, "JPEG")
    return out.getvalue()


def giant() -> bytes:
    """Return a PNG of a few bytes that says of itself that it has 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@contextmanager
def serving(name: str, settings: Any, **facts: Any) -> Iterator[FakeService]:
    """Serve a service's routes, and aim the studio at them with the installation's key."""
    with FakeService() as fake:
        getattr(fake_pictures, name)(fake, **facts)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, name: f"{fake.url}{PATHS[name]}"}
        key_service = service_get(name).key_service
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, key_service: fake_pictures.KEY}
        yield fake


def chosen(project: Project, service: str, *, fallback: bool = False, **options: Any) -> Project:
    """Let a project take its pictures from a service."""
    project.providers = {"images": {"service": service, "options": options, "fallback": fallback}}
    project.save(update_fields=["providers"])
    return project


def at_work(fake: FakeService, name: str, *, serve: bool = False, shown: Shown | None = None, **options: Any) -> ServicePictures:
    """Return a service at work for a video."""
    return ServicePictures(opened(fake, name, serve=serve, **options), shown or Shown(), cancelled=lambda: False)


def asks(text: str, *, broad: str = "") -> Wish:
    """Return a wish with one query, and one of the topic."""
    words = text.split()
    made = wish(*words, prompt=f"A picture of {text}")
    queries = (Query(text), *([Query(broad, is_broad=True)] if broad else []))
    facts = {name: getattr(made, name) for name in made.__slots__}
    return Wish(**{**facts, "queries": queries, "kinds": ("image",)})
