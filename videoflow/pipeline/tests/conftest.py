from collections.abc import Iterator

import pytest

from videoflow.pipeline.channels import publishing
from videoflow.pipeline.editing import music, previews, pronunciations, scenes_media, scenes_service, uploads
from videoflow.pipeline.tests.youtube_hand import PACE, aimed_at
from videoflow.providers.tests.fake_youtube import youtube
from videoflow.providers.tests.fake_youtube_world import World

PATIENCE_SECONDS = 240.0
"""A test that hangs is named and ended after 420 s."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer than a page would for what it draws or speaks: the suite shares its machine with browsers and encoders."""
    monkeypatch.setattr(music, "MUSIC_SECONDS_MOST", PATIENCE_SECONDS)
    monkeypatch.setattr(previews, "PREVIEW_SECONDS_MOST", PATIENCE_SECONDS)
    monkeypatch.setattr(pronunciations, "LISTEN_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(scenes_media, "DRAW_SECONDS_MOST", PATIENCE_SECONDS)
    monkeypatch.setattr(scenes_service, "ASK_SECONDS_MOST", PATIENCE_SECONDS)
    monkeypatch.setattr(uploads, "LOOK_SECONDS_MOST", PATIENCE_SECONDS)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A YouTube of this machine, which the studio is aimed at; it must have nothing to complain of."""
    monkeypatch.setattr(publishing, "pace", lambda: PACE)
    with youtube(World()) as (known, address), aimed_at(address):
        yield known
        assert known.complaints == []
