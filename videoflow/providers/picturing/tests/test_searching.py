from pathlib import Path
from typing import Any

import pytest

from videoflow.providers.base import ProviderError
from videoflow.providers.picturing.stock import PAGES_MOST
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.picturing.tests.access import SEARCHES, opened, wish
from videoflow.providers.tests.fake_service import FakeService, Told

ENDS = {
    "429-seconds": "SERVICE_BUSY",
    "429-date": "SERVICE_BUSY",
    "500": "SERVICE_FAILED",
    "502-html": "SERVICE_BROKEN",
    "reset": "SERVICE_BROKEN",
    "lost": "SERVICE_BROKEN",
    "truncated": "SERVICE_BROKEN",
    "wrong-json": "SERVICE_BROKEN",
    "200-error": "SERVICE_BROKEN",
    "huge": "SERVICE_BROKEN",
    "bomb": "SERVICE_BROKEN",
    "empty": "SERVICE_BROKEN",
    "redirect": "SERVICE_REFUSED",
}


@pytest.fixture
def fake():
    with FakeService() as service:
        yield service


class TestSearch:
    @pytest.mark.parametrize("name", SEARCHES)
    def test_ok(self, fake, name, tmp_path):
        provider = opened(fake, name)
        found = provider.search("rusty cranes", kind="image", wish=wish("rusty", "cranes"))
        assert len(found) >= 8
        assert len({each.key for each in found}) == len(found)
        assert [each.place for each in found] == sorted({each.place for each in found}), "each at a place of its own"
        first = found[0]
        assert "cranes" in first.title
        assert first.author and first.page_url.startswith("https://") and not first.licence.refused
        assert first.width_px >= 2000
        provider.load(first, tmp_path / "file", cancelled=lambda: False)
        assert (tmp_path / "file").read_bytes()[:3] == b"\xff\xd8\xff"

    @pytest.mark.parametrize("name", ["pexels", "pixabay", "commons"])
    def test_clips(self, fake, name, tmp_path):
        provider = opened(fake, name)
        found = provider.search("rusty cranes", kind="clip", wish=wish())
        assert found[0].kind == "clip"
        assert found[0].seconds and found[0].seconds >= 6
        provider.load(found[0], tmp_path / "file", cancelled=lambda: False)
        assert (tmp_path / "file").read_bytes()[4:8] == b"ftyp"

    @pytest.mark.parametrize("name", SEARCHES)
    @pytest.mark.parametrize("shape", ["16:9", "9:16", "1:1"])
    def test_each_shape_is_asked_for_as_the_service_takes_it(self, fake, name, shape):
        assert opened(fake, name).search("cranes", kind="image", wish=wish(shape=shape))

    @pytest.mark.parametrize("name", SEARCHES)
    @pytest.mark.parametrize("fault", [*ENDS])
    def test_every_fault_is_an_error_with_a_sentence(self, fake, name, fault):
        provider = opened(fake, name)
        fake.fault(fault)
        with pytest.raises(ProviderError) as caught:
            provider.search("cranes", kind="image", wish=wish())
        assert caught.value.code in (ENDS[fault], "SERVICE_BROKEN")
        assert str(caught.value).endswith((".", "”."))
        assert fake_pictures.KEY not in repr(caught.value) + str(caught.value.details)

    @pytest.mark.parametrize("name", SEARCHES)
    @pytest.mark.parametrize("kind", ["image", "clip"])
    def test_null_fields_are_no_pictures(self, fake, name, kind):
        provider = opened(fake, name)
        fake.fault("null-fields", "null-fields")
        if kind in provider.kinds:
            assert provider.search("cranes", kind=kind, wish=wish()) == ()

    def test_pages_that_never_end_are_asked_for_a_few_times(self, fake):
        opened(fake, "pexels", serve=False)
        asked: list[int] = []

        def page(request: Any) -> dict[str, Any]:
            asked.append(int(request.query["page"]))
            row = fake_pictures._pexels_photo(fake, "cranes", asked[-1])
            return {"photos": [row], "next_page": f"{fake.url}/v1/search"}

        fake.route("GET", "/v1/search")(page)
        assert len(opened(fake, "pexels", serve=False).search("cranes", kind="image", wish=wish())) == PAGES_MOST
        assert asked == [1, 2, 3]

    def test_a_page_that_comes_again_ends_the_search(self, fake):
        fake_pictures.pexels(fake, count=4)
        provider = opened(fake, "pexels", serve=False)
        fake.route("GET", "/v1/search")(
            lambda asked: {"photos": [fake_pictures._pexels_photo(fake, "a", 1)], "next_page": f"{fake.url}/v1/search"}
        )
        assert len(provider.search("cranes", kind="image", wish=wish())) == 1
        assert len(fake.requests) == 2

    def test_clips_of_pexels_at_the_address_of_before(self, fake):
        provider = opened(fake, "pexels")
        newest = next(route for route in fake._routes if route[1].pattern == "/v1/videos/search")
        fake._routes.remove(newest)
        fake.route("GET", "/v1/videos/search")(lambda asked: Told({"error": "gone"}, 404))
        fake.route("GET", "/videos/search")(newest[2])
        assert provider.search("cranes", kind="clip", wish=wish())

    def test_openverse_gives_what_is_not_free_only_where_nothing_else_is_there(self, fake):
        fake_pictures.openverse(fake, licences=("by-nc", "by-nd"))
        found = opened(fake, "openverse", serve=False).search("cranes", kind="image", wish=wish())
        assert found and all(each.licence.refused for each in found)
        assert [("license_type" in asked.query) for asked in fake.requests] == [True, False]

    def test_commons_tells_each_files_licence_and_passes_over_drawings_with_programs(self, fake):
        fake_pictures.commons(fake, licence="GFDL", count=5)
        found = opened(fake, "commons", serve=False).search("cranes", kind="image", wish=wish())
        assert len(found) == 4
        assert found[0].author == "Eve & Co"
        assert "GFDL" in found[0].licence.refused


class TestLoad:
    @pytest.mark.parametrize("fault", ["500", "502-html", "reset", "truncated", "empty", "redirect", "huge", "lost", "429-date"])
    def test_a_file_that_does_not_come_whole_is_an_error_and_leaves_nothing(self, fake, fault, tmp_path):
        provider = opened(fake, "pexels")
        [first, *_] = provider.search("cranes", kind="image", wish=wish())
        fake.fault(fault)
        with pytest.raises(ProviderError):
            provider.load(first, tmp_path / "file", cancelled=lambda: False)
        assert list(Path(tmp_path).iterdir()) == []
