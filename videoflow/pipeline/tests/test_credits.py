import pytest

from videoflow.pipeline.metadata import DESCRIPTION_LIMIT_BYTES, description_make
from videoflow.pipeline.models import Asset, Video
from videoflow.pipeline.tests.factories import ProjectFactory, with_media, with_script, with_video

pytestmark = pytest.mark.django_db


def video_with(pictures: list[dict[str, str]]) -> Video:
    """A finished video whose scenes show these pictures, as far as they reach."""
    project = ProjectFactory.create()
    script = with_script(project)
    with_media(project, script, count=len(pictures))
    video = with_video(project, script)
    for scene, facts in zip(script.scenes.all(), pictures, strict=True):
        Asset.objects.filter(pk=scene.asset_id).update(**facts)
    return video


def pexels(author: str, kind: str = "image") -> dict[str, str]:
    return {
        "kind": kind,
        "origin": "pexels",
        "source_key": f"pexels:{kind}:{author}",
        "author": author,
        "credit": f"Photo by {author} on Pexels",
        "licence": "Pexels License",
        "licence_url": "https://www.pexels.com/license/",
        "page_url": f"https://www.pexels.com/photo/{author}/",
    }


def commons(name: str, author: str = "Eve & Co") -> dict[str, str]:
    return {
        "origin": "commons",
        "source_key": f"commons:image:{name}",
        "author": author,
        "credit": f"“{name}” by {author} on Wikimedia Commons",
        "licence": "CC BY-SA 4.0",
        "licence_url": "https://creativecommons.org/licenses/by-sa/4.0",
        "page_url": f"https://commons.wikimedia.org/wiki/File:{name}",
    }


class TestCredits:
    def test_ok(self):
        text = description_make(video_with([pexels("Bob"), pexels("Ann", "clip"), commons("Quay"), {"origin": "embedded"}]))
        assert "– Photos and clips by Ann, Bob, provided by Pexels (Pexels License, https://www.pexels.com/license/)" in text
        assert (
            "– “Quay” by Eve & Co on Wikimedia Commons (CC BY-SA 4.0 https://creativecommons.org/licenses/by-sa/4.0) "
            "https://commons.wikimedia.org/wiki/File:Quay"
        ) in text
        assert "Pictures (cropped and set in motion):" in text
        assert "some pictures" in text

    def test_who_made_what_is_named(self):
        text = description_make(video_with([{"origin": "openai", "model": "gpt-image-2"}, pexels("Ann")]))
        assert "made by a machine (videoflow with OpenAI)." in text

    def test_found_pictures_were_not_made_by_a_machine(self):
        text = description_make(video_with([pexels("Ann"), commons("Quay")]))
        assert "pictures were" not in text.replace("Pictures", "")
        assert "made by a machine" in text

    def test_forty_credits_stay_within_the_limit_and_name_everybody(self):
        video = video_with([commons(f"Harbour at night number {number}", f"Author {number}") for number in range(40)])
        text = description_make(video)
        assert len(text.encode()) <= DESCRIPTION_LIMIT_BYTES
        assert all(f"by Author {number} on" in text for number in range(40))
        assert text.count("CC BY-SA 4.0") == 40
