"""Every panel in every state: what it says, and the one thing that can be done about it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from videoflow.pipeline.models import Project
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.panel_states import BEFORE, projects_in_every_state

pytestmark = pytest.mark.django_db
STAGES = list(BEFORE)
EMPTY = {
    "trending_analysis": "Ready when you are",
    "script_generation": "The conversation comes here",
    "media_generation": "Comes after script",
    "video_composition": "Comes after media",
    "youtube_upload": "Take it with you",
}
DONE = {
    "trending_analysis": "Tiny forests in cities",
    "script_generation": "Twelve million views",
    "media_generation": "The hook, drawn",
    "video_composition": "Loudness −14.1 LUFS",
    "youtube_upload": "exports/tiny-forests-",
}


@pytest.fixture
def panel(client: Client) -> Any:
    """Give the words of a stage's panel in the project of a name."""
    session = factories.session_of(client)
    projects: dict[str, Project] = {}

    def of(name: str, stage: str) -> str:
        if name not in projects:
            projects.update(projects_in_every_state(session, name.rpartition(" ")[2]))
        return client.get(reverse("pipeline:panel", args=[projects[name].pk, stage])).content.decode()

    return of


def test_empty(panel):
    for stage, words in EMPTY.items():
        assert words in panel("empty", stage), stage


def test_running_shows_how_far_it_is_and_can_be_cancelled(panel):
    for stage in STAGES:
        page = panel(f"{stage} running", stage)
        for words in ('class="badge badge-in_progress"', "Picture 3 of 8", 'value="37"', "about 3 min left", "</svg>Cancel<"):
            assert words in page, (stage, words)
        assert " open" in page.split(">")[0], stage


def test_failed_says_why_what_was_kept_and_offers_the_retry(panel):
    for stage in STAGES:
        page = panel(f"{stage} failed", stage)
        assert "The disk is nearly full: 200 MB are left" in page, stage
        assert "Stopped at 43 %" in page and 'class="badge badge-failed"' in page, stage
        assert "/retry/" in page and "notice-bad failure" in page, stage
        assert " open" in page.split(">")[0], stage


def test_cancelled_can_be_taken_up_again(panel):
    for stage in STAGES:
        page = panel(f"{stage} cancelled", stage)
        assert "You stopped it at 43 %" in page and "/retry/" in page, stage


def test_done_shows_what_was_made(panel):
    for stage, words in DONE.items():
        page = panel("done", stage)
        assert words in page and 'class="badge badge-completed"' in page, stage
        assert "notice-bad" not in page, stage
