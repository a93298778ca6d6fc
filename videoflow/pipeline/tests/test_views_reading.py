import re

import pytest
from django.urls import reverse

from videoflow.providers.embedded_writer.tests.test_topic_script import REEF
from videoflow.sessions.models import CreatorSession

pytestmark = pytest.mark.django_db


def said(client, **form):
    answer = client.post(reverse("pipeline:reading"), form)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


class TestScript:
    def test_ok(self, client):
        shown = said(client, way="script", script_text="Ana: [laughs] Hi there.\nBen: Hello.\nAna: Bye now.")
        assert "Ana : 2 lines · Ben : 1 line" in shown
        assert "“[laughs]” is taken for a stage direction" in shown

    def test_what_cannot_be_read_is_said(self, client):
        assert "Only one speaker was found: Ana" in said(client, way="script", script_text="Ana: Hi there.")

    def test_nothing_typed_yet(self, client):
        assert said(client, way="script", script_text=" \n") == ""


class TestNotes:
    def test_enough(self, client):
        assert said(client, way="topic", topic="Tiny forests", notes=REEF, minutes="1") == "These notes are enough for 1 minute."

    @pytest.mark.parametrize("minutes", ["", "0", "many", "²"])
    def test_too_few_and_a_length_that_is_none(self, client, minutes):
        shown = said(client, way="topic", topic="", notes="bees, rain", minutes=minutes)
        assert "your notes have 2 of the roughly 250 words that 3 minutes need" in shown

    def test_a_writing_service_needs_none(self, client):
        assert said(client, way="topic", notes="bees, rain", writer="openai") == ""


class TestRequest:
    def test_no_such_way(self, client):
        assert client.post(reverse("pipeline:reading"), {"way": "trends"}).status_code == 400

    def test_wrong_method(self, client):
        assert client.get(reverse("pipeline:reading")).status_code == 405

    def test_keeps_nothing(self, client):
        said(client, way="script", script_text="Ana: Hi there.\nBen: Hello.")
        assert not CreatorSession.objects.exists()

    @pytest.mark.parametrize(("way", "field"), [("script", "script_text"), ("topic", "notes")])
    def test_the_start_page_asks_while_it_is_typed(self, client, way, field):
        page = client.get(reverse("pipeline:start"), {"way": way}).content.decode()
        assert f'hx-post="{reverse("pipeline:reading")}" hx-trigger="input from:#id_{field} ' in page
        assert f'id="id_{field}"' in page
