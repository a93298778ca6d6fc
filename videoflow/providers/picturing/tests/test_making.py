import json
from typing import Any

import pytest

from videoflow.errors import BadInput, VideoflowError
from videoflow.providers.base import ProviderError
from videoflow.providers.paid import CallLost, CallRefused
from videoflow.providers.picturing.comfyui import workflow_filled, workflow_read
from videoflow.providers.picturing.found import NoPicture
from videoflow.providers.picturing.making import size_of
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.picturing.tests.access import MAKERS, Paid, opened, wish
from videoflow.providers.tests.fake_service import FakeService

STAYS_BUSY = 80  # refusals: more than there is patience for


@pytest.fixture
def fake():
    with FakeService() as service:
        yield service


def about_to_make(fake: FakeService, name: str) -> Any:
    """Return a provider whose next request is the one that makes the picture."""
    provider = opened(fake, name)
    if name == "comfyui":
        provider._plain_workflow()  # asks for the checkpoints
        fake.requests.clear()
        provider = opened(fake, name, serve=False, workflow=provider._plain_workflow())
    return provider


class TestMake:
    @pytest.mark.parametrize("name", MAKERS)
    @pytest.mark.parametrize("shape", ["16:9", "9:16", "1:1"])
    def test_ok(self, fake, name, shape):
        made = opened(fake, name).make(wish(shape=shape), run=1)
        marks = {"image": (b"\xff\xd8\xff", b"\x89PNG"), "clip": (b"\0\0\0",)}[made.kind]
        assert made.content.startswith(marks)

    @pytest.mark.parametrize("name", MAKERS)
    @pytest.mark.parametrize(
        "fault",
        ["500", "502-html", "reset", "truncated", "wrong-json", "200-error", "null-fields", "huge", "empty"],
    )
    def test_every_fault_is_an_error_and_says_whether_it_was_charged(self, fake, name, fault):
        provider = about_to_make(fake, name)
        fake.fault(fault)
        with pytest.raises(VideoflowError) as caught:
            provider.make(wish(), run=1)
        assert isinstance(caught.value, CallRefused) == (fault in _REFUSED_BY.get(name, ()))
        assert fake_pictures.KEY not in str(caught.value) + repr(caught.value.details)

    @pytest.mark.parametrize("name", MAKERS)
    @pytest.mark.parametrize("fault", ["429-seconds", "429-date"])
    def test_a_busy_service_is_asked_again_after_its_pause(self, fake, pauses, name, fault):
        provider = about_to_make(fake, name)
        fake.fault(fault)
        assert provider.make(wish(), run=1).content
        assert len(pauses) == 1 and 0 < pauses[0] <= 2

    @pytest.mark.parametrize("name", MAKERS)
    def test_one_that_stays_busy_is_left_to_the_next_attempt_and_has_charged_nothing(self, fake, pauses, name):
        provider = about_to_make(fake, name)
        fake.fault(*["429-seconds"] * STAYS_BUSY)
        with pytest.raises(CallRefused) as caught:
            provider.make(wish(), run=1)
        assert caught.value.retryable and sum(pauses) <= 60

    @pytest.mark.parametrize("name", MAKERS)
    def test_the_same_wish_is_the_same_call_and_another_run_is_another(self, fake, name):
        paid = Paid()
        provider = opened(fake, name, paid=paid)
        for run in (1, 1, 2):
            provider.make(wish(), run=run)
        first, again, other = paid.calls
        assert (first.request_hash, first.purpose, first.run) == (again.request_hash, again.purpose, again.run)
        assert (other.run, other.request_hash) != (first.run, first.request_hash)
        assert fake_pictures.KEY not in repr(first)


_REFUSED_BY = {"comfyui": ("200-error", "null-fields")}
"""A server of one's own that gives no number to a job has taken none on."""


class TestOpenAi:
    def test_a_picture_by_address_is_loaded_without_the_key(self, fake):
        fake_pictures.openai(fake, by_address=True)
        assert opened(fake, "openai", serve=False).make(wish(), run=1).content[:3] == b"\xff\xd8\xff"

    def test_refused_words_are_made_milder_once(self, fake):
        fake_pictures.openai(fake, refuses="night")
        made = opened(fake, "openai", serve=False).make(wish("cranes", prompt="A fight at night"), run=1)
        assert made.content[:3] == b"\xff\xd8\xff"
        assert [("night" in asked.json()["prompt"]) for asked in fake.requests] == [True, False]

    def test_words_that_are_refused_twice_are_an_error(self, fake):
        fake_pictures.openai(fake, refuses="A")
        with pytest.raises(NoPicture, match="rejected"):
            opened(fake, "openai", serve=False).make(wish(), run=1)
        assert len(fake.requests) == 2


class TestGemini:
    @pytest.mark.parametrize(("finish", "asked"), [("IMAGE_SAFETY", 2), ("NO_IMAGE", 1), ("MAX_TOKENS", 1)])
    def test_no_picture_is_an_error_that_names_the_reason(self, fake, finish, asked):
        fake_pictures.gemini(fake, finish=finish)
        with pytest.raises(NoPicture, match=finish):
            opened(fake, "gemini", serve=False).make(wish(), run=1)
        assert len(fake.requests) == asked


class TestVeo:
    def test_a_failed_order_is_not_charged(self, fake):
        fake_pictures.veo(fake, error="The model is overloaded.")
        with pytest.raises(CallRefused, match="overloaded"):
            opened(fake, "veo", serve=False).make(wish(), run=1)

    def test_a_filtered_clip_is_asked_for_in_milder_words_once(self, fake):
        fake_pictures.veo(fake, filtered=True)
        with pytest.raises(NoPicture, match="rules"):
            opened(fake, "veo", serve=False).make(wish(), run=1)
        assert sum(asked.method == "POST" for asked in fake.requests) == 2

    def test_an_order_that_is_not_known_any_more_is_lost(self, fake):
        provider = opened(fake, "veo")
        with pytest.raises(CallLost):
            provider._poll("models/model-1/operations/9")

    def test_seconds_are_what_is_paid_for(self, fake):
        paid = Paid()
        opened(fake, "veo", paid=paid).make(wish(seconds=5.2), run=1)
        assert paid.calls[0].units == 6


class TestComfyUi:
    def test_the_users_workflow_is_filled(self, fake):
        graph = {"9": {"class_type": "Text", "inputs": {"text": "photo of {prompt}", "seed": "{seed}", "clip": ["4", 1]}}}
        opened(fake, "comfyui", workflow=json.dumps(graph)).make(wish(prompt="a lighthouse"), run=1)
        sent = next(asked for asked in fake.requests if asked.path == "/prompt").json()["prompt"]
        assert sent["9"]["inputs"]["text"] == "photo of a lighthouse"
        assert isinstance(sent["9"]["inputs"]["seed"], int)
        assert sent["9"]["inputs"]["clip"] == ["4", 1]

    @pytest.mark.parametrize(
        ("text", "told"),
        [("{half", "not JSON"), ('{"nodes": []}', "API format"), ('{"1": {"class_type": "A", "inputs": {}}}', "{prompt}")],
    )
    def test_what_is_no_workflow_is_refused(self, text, told):
        with pytest.raises(BadInput, match=told):
            workflow_read(text)

    def test_a_value_cannot_bring_another_placeholder(self):
        filled = workflow_filled({"1": {"inputs": {"text": "{prompt}"}}}, {"prompt": "{seed}", "seed": 5})
        assert filled == {"1": {"inputs": {"text": "{seed}"}}}

    @pytest.mark.parametrize(("facts", "error"), [({"fails": True}, CallRefused), ({"writes": False}, ProviderError)])
    def test_a_job_without_a_picture_is_an_error(self, fake, facts: dict[str, Any], error):
        fake_pictures.comfyui(fake, **facts)
        with pytest.raises(error):
            opened(fake, "comfyui", serve=False).make(wish(), run=1)


class TestSize:
    def test_ok(self):
        assert size_of("16:9", {"size": "1536x1024"}) == (1536, 1024)
        assert size_of("9:16", {"size": "1536x1024"}) == (1024, 1536)

    @pytest.mark.parametrize("text", ["large", "10x10", "99999x2", "axb"])
    def test_what_is_no_size_is_refused(self, text):
        with pytest.raises(BadInput, match="size"):
            size_of("16:9", {"size": text})
