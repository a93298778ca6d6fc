"""What a page costs the server and the line, with a history of 200 projects and a finished video of 40 scenes."""

import gzip
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import Project
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.large_studio import SCENES, history_make, project_large

pytestmark = pytest.mark.django_db
PANELS = {
    "trending_analysis": 15,
    "script_generation": 20,
    "media_generation": 20,
    "video_composition": 28,
    "youtube_upload": 28,
}
"""At most so many queries for the panel alone."""


@pytest.fixture
def project(client: Client) -> Project:
    session = factories.session_of(client)
    history_make(session)
    return project_large(session)


def test_queries_are_bounded_whatever_the_history_holds(client, project, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        page = client.get(reverse("pipeline:project_detail", args=[project.pk]))
    assert page.status_code == 200
    for name, most in PANELS.items():
        with django_assert_max_num_queries(most):
            panel = client.get(reverse("pipeline:panel", args=[project.pk, name]))
        assert panel.status_code == 200
    assert panel.content.count(b"<form") > 1
    with django_assert_max_num_queries(14):
        client.get(reverse("pipeline:project_list"))
    with django_assert_max_num_queries(14):
        client.get(reverse("pipeline:start"))


def test_the_page_and_what_it_is_drawn_with_are_small_on_the_line(client, project):
    page = client.get(reverse("pipeline:project_detail", args=[project.pk]), headers={"accept-encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(page.content).count(b"data-cell") >= SCENES
    root = Path(settings.BASE_DIR) / "static"
    files = [root / "css/videoflow.css", root / "icons/sprite.svg", *(root / "js").glob("*.js")]
    sent = len(page.content) + (root / "fonts/inter-latin-wght-normal.woff2").stat().st_size
    for file in files:
        answer = client.get(f"{settings.STATIC_URL}{file.relative_to(root)}", headers={"accept-encoding": "gzip"})
        body = b"".join(answer.streaming_content)
        assert gzip.decompress(body) == file.read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        sent += len(body)
    assert sent < 120_000  # 125 KB with the library for fragments, and without the modules that closed panels bring later


def test_only_pages_and_their_parts_are_compressed(client, project):
    film = project.videos.get().file
    asked = {"accept-encoding": "gzip", "range": "bytes=0-999"}
    part = client.get(reverse("pipeline:asset_file", args=[film.pk, film.name]), headers=asked)
    assert part.status_code == 206 and "Content-Encoding" not in part.headers
    reply = client.get("/api/tasks", {"session_id": project.session_id}, headers={"accept-encoding": "gzip"})
    assert reply.status_code == 200 and len(reply.content) > 200
    assert "Content-Encoding" not in reply.headers
