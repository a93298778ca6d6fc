import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.connections import Choice
from videoflow.pipeline.picture_files import PictureFile, Wanted, pictures_bring
from videoflow.pipeline.picture_searches import KEPT_SECONDS, searched
from videoflow.pipeline.service_pictures import NothingFound, motion_of
from videoflow.pipeline.service_scenes import ServiceScenes
from videoflow.pipeline.tests.picture_service import PAGE, SVG, asks, at_work, colour, giant
from videoflow.providers.base import Shot
from videoflow.providers.picturing.found import NoPicture, PictureUnusable
from videoflow.providers.picturing.likeness import is_same
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.picturing.tests.fake_pictures import photo
from videoflow.providers.tests.fake_service import Asked, FakeService, Told


@pytest.fixture
def fake():
    with FakeService() as service:
        yield service


@pytest.fixture
def topic() -> str:
    """A query that no other test has asked: answers are kept for a day."""
    return f"quay {uuid4().hex}"


def files_of(fake: FakeService, *contents: bytes) -> None:
    """Let the first files that are loaded be these; each later one is a photograph."""
    waiting = list(contents)
    by_number: dict[str, bytes] = {}

    def file(asked: Asked) -> Told:
        number = asked.groups[0]
        if number not in by_number:
            by_number[number] = waiting.pop(0) if waiting else photo(int(number))
        return Told(by_number[number], headers={"Content-Type": "image/jpeg"})

    fake.route("GET", r"/files/(\d+)\.jpg")(file)


def shot(index: int = 0, layout: str = "statement", **facts: Any) -> Shot:
    given: dict[str, Any] = {"kind": "image", "spec": {}, "motion": "push_in", "transition": "cut"}
    return Shot(index, (0,), 0.0, 4.0, layout=layout, **(given | facts))


class TestFound:
    def test_ok(self, fake, topic):
        service = at_work(fake, "pexels", serve=True)
        chosen = service.picture(asks(topic))
        facts = chosen.picture.facts
        assert (chosen.picture.file.kind, chosen.picture.file.width_px) == ("image", 1280)
        assert facts["credit"] == "Photo by Ann 0 on Pexels"
        assert (facts["licence"], facts["licence_refused"]) == ("Pexels License", "")
        assert facts["page_url"].startswith("https://www.pexels.com/photo/")
        assert facts["relevance"] > 0.8
        assert "“quay”" in facts["relevance_why"]
        assert len(chosen.others) == 2

    def test_no_picture_comes_twice(self, fake, topic):
        service = at_work(fake, "pexels", serve=True)
        pictures = [service.picture(asks(topic)).picture for _ in range(3)]
        assert len({picture.facts["source_key"] for picture in pictures}) == 3
        prints = [picture.file.fingerprint for picture in pictures]
        assert not any(is_same(one, other) for at, one in enumerate(prints) for other in prints[at + 1 :])

    def test_the_same_picture_under_another_number_is_passed_over(self, fake, topic):
        fake_pictures.pexels(fake)
        files_of(fake, photo(7), photo(8), photo(9), photo(7, 640, 427), photo(10), photo(11))
        service = at_work(fake, "pexels")
        service.picture(asks(topic))
        second = service.picture(asks(f"{topic} at night"))
        assert "the video shows it already" in second.picture.facts["note"]

    def test_what_cannot_be_shown_is_passed_over_and_said(self, fake, topic):
        fake_pictures.pexels(fake)
        files_of(fake, colour("#000000"))
        chosen = at_work(fake, "pexels").picture(asks(topic))
        assert chosen.picture.facts["source_key"].endswith("1")
        assert "Passed over before it: " in chosen.picture.facts["note"]
        assert "it is black" in chosen.picture.facts["note"]

    def test_nothing_usable_is_an_error_with_the_queries_and_the_cause(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.route("GET", r"/files/(\d+)\.jpg")(lambda asked: colour("#000000"))
        with pytest.raises(NothingFound, match="black") as caught:
            at_work(fake, "pexels").picture(asks(topic))
        assert caught.value.details["queries"] == [topic]
        assert f"“{topic}”" in str(caught.value)

    def test_the_topic_is_asked_for_when_the_line_finds_nothing(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.route("GET", "/v1/search")(
            lambda asked: {"photos": [fake_pictures._pexels_photo(fake, topic, 1)] if "broad" in asked.query["query"] else []}
        )
        chosen = at_work(fake, "pexels").picture(asks(topic, broad=f"broad {topic}"))
        assert "the video's topic" in chosen.picture.facts["relevance_why"]

    def test_a_licence_that_stands_against_it_is_offered_but_not_shown(self, fake, topic):
        fake_pictures.commons(fake, licence="CC BY-NC 4.0")
        with pytest.raises(NothingFound, match="commercial") as caught:
            at_work(fake, "commons").picture(asks(topic))
        [refused] = caught.value.refused
        assert "commercial" in refused.facts["licence_refused"]

    def test_the_same_work_again_asks_and_loads_nothing(self, fake, topic):
        service = at_work(fake, "pexels", serve=True)
        first = service.picture(asks(topic)).picture
        count = len(fake.requests)
        again = at_work(fake, "pexels").picture(asks(topic)).picture
        assert again.file == first.file
        assert len(fake.requests) == count

    def test_answers_are_kept_for_a_day(self, fake, topic):
        service = at_work(fake, "pixabay", serve=True)
        now = time.time()
        for at in (now, now + KEPT_SECONDS - 60, now + KEPT_SECONDS + 60):
            searched(service.provider, topic, "image", asks(topic), now=iter([at] * 3).__next__)
        assert len(fake.requests) == 2

    def test_no_key_is_kept_with_them(self, fake, topic, settings):
        at_work(fake, "pixabay", serve=True).picture(asks(topic))
        kept = [path for path in (settings.VIDEOFLOW_DATA / "cache").rglob("*.json") if path.is_file()]
        assert kept
        assert not any(fake_pictures.KEY in path.read_text(encoding="utf-8") for path in kept)


class TestFiles:
    def test_what_is_no_picture_becomes_none_and_harms_no_other(self, topic):
        contents = {
            "it is black": colour("#000000"),
            "of one colour": colour("#88aa88"),
            "300 × 200": photo(1, 300, 200),
            "SVG": SVG,
            "it is neither a picture": PAGE,
            "50 megapixels": giant(),
            "end is missing": photo(2)[:9000],
        }
        wanted = [Wanted(f"{topic}:{told}", _writer(content), 4.0) for told, content in contents.items()]
        *bad, good = pictures_bring([*wanted, Wanted(topic, _writer(photo(3)), 4.0)], cancelled=lambda: False)
        assert isinstance(good, PictureFile)
        for told, error in zip(contents, bad, strict=True):
            assert isinstance(error, PictureUnusable), told
            assert told in str(error)


def _writer(content: bytes) -> Callable[[Path], None]:
    def write(out: Path) -> None:
        out.write_bytes(content)

    return write


class TestMade:
    @pytest.mark.parametrize("name", ["openai", "veo"])
    def test_ok(self, fake, topic, name):
        chosen = at_work(fake, name, serve=True).picture(asks(topic))
        assert chosen.picture.facts["origin"] == name
        assert chosen.picture.facts["source_key"] == ""
        assert topic in chosen.picture.facts["relevance_why"]
        assert chosen.picture.file.kind == ("clip" if name == "veo" else "image")

    def test_the_same_words_twice_are_two_pictures(self, fake, topic):
        service = at_work(fake, "automatic1111", serve=True)
        first, second = (service.picture(asks(topic)).picture.file.fingerprint for _ in range(2))
        assert not is_same(first, second)

    def test_a_black_one_is_an_error(self, fake, topic):
        fake_pictures.automatic1111(fake)
        black = fake_pictures._text(colour("#000000"))
        fake.route("POST", "/sdapi/v1/txt2img")(lambda asked: {"images": [black]})
        with pytest.raises(NoPicture, match="black"):
            at_work(fake, "automatic1111").picture(asks(topic))


class TestScenes:
    def scenes(self, fake: FakeService, topic: str, *, fallback: bool, count: int = 2) -> ServiceScenes:
        wishes = {index: asks(f"{topic} {index}") for index in range(count)}
        return ServiceScenes(Choice("pexels", fallback=fallback), wishes, at_work(fake, "pexels"))

    def test_a_scene_without_a_picture_does_not_stop_the_others(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.route("GET", "/v1/search")(
            lambda asked: {"photos": [fake_pictures._pexels_photo(fake, topic, 1)] if asked.query["query"].endswith("1") else []}
        )
        scenes = self.scenes(fake, topic, fallback=False)
        assert [picture is None for _, picture, _ in scenes.pictured([shot(0), shot(1)])] == [True, False]
        with pytest.raises(NoPicture, match=r"1 of 2 scenes have no picture\. Scene 1: Pexels has nothing for") as caught:
            scenes.check()
        assert caught.value.details["scenes"] == [1]

    def test_it_is_drawn_here_only_where_that_is_switched_on_and_then_it_is_said(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.route("GET", "/v1/search")(lambda asked: {"photos": []})
        scenes = self.scenes(fake, topic, fallback=True)
        assert [picture for _, picture, _ in scenes.pictured([shot(0)])] == [None]
        assert scenes.notes[0].startswith("Drawn here instead: Pexels has nothing for")
        scenes.check()

    def test_a_service_that_is_down_stops_the_work(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.fault("500")
        with pytest.raises(VideoflowError) as caught:
            list(self.scenes(fake, topic, fallback=False).pictured([shot(0)]))
        assert caught.value.retryable

    def test_with_a_stand_in_it_is_asked_once(self, fake, topic):
        fake_pictures.pexels(fake)
        fake.fault("500")
        scenes = self.scenes(fake, topic, fallback=True)
        assert [picture for _, picture, _ in scenes.pictured([shot(0), shot(1)])] == [None, None]
        assert len(fake.requests) == 1
        assert json.dumps(scenes.notes).count("fault of its own") == 2

    def test_nothing_steps_in_for_what_a_person_has_to_mend(self, fake, topic):
        fake_pictures.openai(fake)
        service = at_work(fake, "openai", size="huge")
        scenes = ServiceScenes(Choice("openai", fallback=True), {0: asks(topic)}, service)
        with pytest.raises(BadInput, match="size"):
            list(scenes.pictured([shot(0)]))
        assert not scenes.notes

    def test_pictures_move_where_a_moving_drawing_stood(self):
        assert motion_of(shot(motion="pan_left"), "image") == "pan_left"
        assert motion_of(shot(motion="still"), "image") != "still"
        assert motion_of(shot(motion="pan_left"), "clip") == "still"
