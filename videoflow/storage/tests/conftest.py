"""A bucket of its own for each test, and a host's folder that has none of its files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from videoflow.storage.base import media_storage
from videoflow.storage.bucket import BucketStorage
from videoflow.storage.tests.bucket_server import BUCKET, KEY_ID, SECRET, BucketServer, FaultyWay
from videoflow.storage.url import bucket_address, storage_settings


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    server = BucketServer(tmp_path_factory.mktemp("weed"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def way(bucket_server: BucketServer) -> Iterator[FaultyWay]:
    """The studio's way to the bucket."""
    way = FaultyWay(bucket_server.url)
    yield way
    way.close()


@pytest.fixture
def prefix() -> str:
    return f"p{uuid4().hex[:12]}"


@pytest.fixture
def use_bucket(settings: Any, way: FaultyWay, prefix: str) -> Callable[..., BucketStorage]:
    """Point the studio at the bucket; the arguments are parts of the address, or another key."""

    def use(*, bucket: str = BUCKET, key_id: str = KEY_ID, secret: str = SECRET, more: str = "") -> BucketStorage:
        address = bucket_address(f"s3://{bucket}/{prefix}?endpoint={way.url}{more}")
        settings.STORAGES = {**settings.STORAGES, "default": storage_settings(address, key_id=key_id, secret=secret)}
        storage: Any = media_storage()
        assert isinstance(storage, BucketStorage)
        return storage

    return use


@pytest.fixture
def new_host(settings: Any, tmp_path: Path) -> Callable[[], Path]:
    """Let what follows run on a host that has none of the studio's files."""

    def make() -> Path:
        data = tmp_path / f"host-{uuid4().hex[:8]}"
        (data / "tmp").mkdir(parents=True)
        settings.VIDEOFLOW_DATA, settings.MEDIA_ROOT = data, data / "media"
        settings.FILE_UPLOAD_TEMP_DIR = data / "tmp"
        return data

    return make


@pytest.fixture
def storage(use_bucket: Callable[..., BucketStorage], new_host: Callable[[], Path]) -> BucketStorage:
    new_host()
    return use_bucket()
