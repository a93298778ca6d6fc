"""Behind a proxy that sends the files: the studio says whose they are and where, and sends no byte itself."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from videoflow.env import env_address_prefix
from videoflow.pipeline.media_files import file_response
from videoflow.pipeline.models import Asset
from videoflow.pipeline.tests import factories

HEADER = "X-Accel-Redirect"


@pytest.fixture
def film(client: Client, settings: Any) -> Asset:
    settings.VIDEOFLOW_ACCEL_PREFIX = "/protected/"
    project = factories.ProjectFactory.create(session=factories.session_of(client))
    return factories.asset_make(project, kind="video", name="film.mp4", content=b"0123456789" * 1000)


def address(film: Asset) -> str:
    return f"/media/{film.pk}/film.mp4"


@pytest.mark.django_db
class TestFilesByProxy:
    def test_the_owner_is_sent_to_the_file(self, client: Client, film: Asset) -> None:
        answer = client.get(f"{address(film)}?download=1", headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers[HEADER] == f"/protected/media/{film.path}"
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Content-Disposition"].startswith("attachment")

    def test_nobody_else_is(self, film: Asset) -> None:
        answer = Client().get(address(film))
        assert answer.status_code == 404
        assert HEADER not in answer.headers

    def test_without_a_proxy_the_studio_sends_it(self, client: Client, film: Asset, settings: Any) -> None:
        settings.VIDEOFLOW_ACCEL_PREFIX = ""
        answer = client.get(address(film), headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (206, b"0123456789")
        assert HEADER not in answer.headers

    def test_only_of_its_folders(self, rf: Any, film: Asset, settings: Any) -> None:
        """A file beside them, as the keys are, goes the long way: no address of the proxy leads to it."""
        path = settings.VIDEOFLOW_DATA / "tmp" / "beside.txt"
        path.write_bytes(b"beside")
        assert HEADER not in file_response(rf.get("/"), path, name="beside.txt", etag="x").headers


@pytest.mark.parametrize("value", ["protected", "/protected", "/a b/", "/../", "/protected//"])
def test_a_wrong_prefix_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOFLOW_ACCEL_PREFIX", value)
    with pytest.raises(ImproperlyConfigured, match="must look like /protected/"):
        env_address_prefix("VIDEOFLOW_ACCEL_PREFIX")
