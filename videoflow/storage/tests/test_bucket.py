import hashlib
import logging
import os
import shutil
import threading
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from videoflow.errors import Cancelled, DiskFull
from videoflow.storage import bucket as bucket_module
from videoflow.storage.base import FileLost, StorageFault, local_path
from videoflow.storage.shelf import GRACE_SECONDS, HELD
from videoflow.storage.tests.bucket_server import BUCKET


def never() -> bool:
    return False


def kept(storage, tmp_path, content: bytes, suffix: str = ".png") -> str:
    """Keep a file as the studio does, and return its name."""
    digest = hashlib.sha256(content).hexdigest()
    source = tmp_path / f"source-{digest[:6]}{suffix}"
    source.write_bytes(content)
    name = f"{digest[:2]}/{digest}{suffix}"
    storage.keep(source, name)
    return name


def fetched(storage, *names: str, holder=None) -> list[bytes]:
    storage.fetch(names, holder=holder, cancelled=never)
    return [local_path(name).read_bytes() for name in names]


class TestKeepAndFetch:
    def test_ok(self, storage, new_host, tmp_path, prefix, bucket_server):
        name = kept(storage, tmp_path, b"picture")
        there = bucket_server.client().get_object(Bucket=BUCKET, Key=f"{prefix}/{name}")
        assert (there["Body"].read(), there["ContentType"]) == (b"picture", "image/png")
        new_host()
        assert not local_path(name).exists()
        assert fetched(storage, name) == [b"picture"]

    def test_a_large_file_goes_in_parts_and_comes_back_whole(self, storage, new_host, tmp_path, bucket_server, prefix, way):
        content = os.urandom(bucket_module.PART_BYTES + 3_000_000)
        name = kept(storage, tmp_path, content, ".mp4")
        facts = bucket_server.client().head_object(Bucket=BUCKET, Key=f"{prefix}/{name}")
        assert facts["ETag"].strip('"').endswith("-2")
        new_host()
        assert fetched(storage, name) == [content]
        before = len(way.asked)
        assert fetched(storage, name) == [content]  # it is here now
        assert len(way.asked) == before

    def test_the_same_content_is_sent_once(self, storage, tmp_path, way):
        kept(storage, tmp_path, b"the same twice")
        kept(storage, tmp_path, b"the same twice")
        assert [method for method, _ in way.asked].count("PUT") == 1

    def test_what_lies_there_for_long_is_sent_anew_before_it_is_counted_on(self, storage, tmp_path, way, monkeypatch):
        kept(storage, tmp_path, b"an old one")
        monkeypatch.setattr(bucket_module, "SAME_SECONDS", 0.0)
        kept(storage, tmp_path, b"an old one")
        assert [method for method, _ in way.asked].count("PUT") == 2

    def test_no_copy_is_written_twice_on_the_way_out(self, storage, tmp_path):
        name = kept(storage, tmp_path, b"linked")
        source = next(tmp_path.glob("source-*"))
        assert local_path(name).stat().st_ino == source.stat().st_ino

    def test_what_is_gone_is_said(self, storage):
        with pytest.raises(FileLost, match="not in the storage any more"):
            fetched(storage, f"ab/{'ab' * 32}.png")

    def test_many_readers_at_once_get_it_once_each_whole(self, storage, new_host, tmp_path):
        names = [kept(storage, tmp_path, f"file {number}".encode()) for number in range(6)]
        new_host()
        found, threads = [], []
        for _ in range(4):
            threads.append(threading.Thread(target=lambda: found.append(fetched(storage, *names))))
            threads[-1].start()
        for thread in threads:
            thread.join(60)
        assert found == [[f"file {number}".encode() for number in range(6)]] * 4
        assert not list(local_path("").rglob("*.part"))

    def test_djangos_own_interface_works(self, storage):
        there = storages["default"]
        name = there.save("pieces/x/000", ContentFile(b"piece"))
        assert (there.exists(name), there.size(name), there.open(name).read()) == (True, 5, b"piece")
        there.delete(name)
        assert not there.exists(name)


class TestFaults:
    def test_a_wrong_secret_is_said_and_never_printed(self, new_host, use_bucket, tmp_path, caplog):
        new_host()
        storage = use_bucket(secret="wrong-secret-canary")
        with (
            caplog.at_level(logging.DEBUG, logger="videoflow"),
            pytest.raises(StorageFault, match="refuses the studio's key") as told,
        ):
            kept(storage, tmp_path, b"picture")
        assert not told.value.retryable
        assert "canary" not in caplog.text + str(told.value)
        with pytest.raises(StorageFault, match="refuses the studio's key"):
            storage.probe()

    def test_a_missing_bucket_is_named(self, new_host, use_bucket, tmp_path):
        new_host()
        storage = use_bucket(bucket="no-such-bucket")
        for attempt in (storage.probe, lambda: kept(storage, tmp_path, b"picture"), lambda: list(storage.entries())):
            with pytest.raises(StorageFault, match="no bucket “no-such-bucket”"):
                attempt()

    def test_a_server_that_is_busy_is_asked_again(self, storage, new_host, tmp_path, way):
        way.fail("503", times=2)
        name = kept(storage, tmp_path, b"after a while")
        new_host()
        way.fail("503", times=2)
        assert fetched(storage, name) == [b"after a while"]

    @pytest.mark.parametrize("fault", ["503", "refuse"])
    def test_one_that_stays_away_is_said_as_passing(self, storage, tmp_path, way, fault):
        way.fail(fault)
        with pytest.raises(StorageFault, match="does not answer as it should") as told:
            storage.probe()
        assert told.value.retryable

    def test_one_that_never_answers_is_left_alone_after_a_second(self, storage, way):
        way.fail("silent")
        began = time.monotonic()
        with pytest.raises(StorageFault, match="does not answer"):
            storage.probe()
        assert time.monotonic() - began < 120  # and not the four minutes that the other side keeps silent

    @pytest.mark.parametrize("fault", ["cut", "damage"])
    def test_a_spoiled_download_is_asked_for_again(self, storage, new_host, tmp_path, way, fault):
        name = kept(storage, tmp_path, b"whole and sound" * 100)
        new_host()
        way.fail(fault, times=1, methods="GET")
        assert fetched(storage, name) == [b"whole and sound" * 100]

    def test_a_file_that_stays_damaged_is_never_used(self, storage, new_host, tmp_path, way):
        name = kept(storage, tmp_path, b"whole and sound" * 100)
        new_host()
        way.fail("damage", methods="GET")
        with pytest.raises(StorageFault) as told:
            fetched(storage, name)
        assert told.value.retryable
        assert not local_path(name).exists()
        assert not list(local_path("").rglob("*.part"))

    def test_a_drip_is_given_up(self, storage, new_host, tmp_path, way, monkeypatch):
        name = kept(storage, tmp_path, os.urandom(20_000))
        new_host()
        monkeypatch.setattr(bucket_module, "SLOW_AFTER_SECONDS", 0.1)
        monkeypatch.setattr(bucket_module, "BLOCK_BYTES", 16)
        monkeypatch.setattr(bucket_module, "FETCH_TRIES", 1)
        way.fail("drip", methods="GET")
        with pytest.raises(StorageFault, match="too slowly"):
            fetched(storage, name)

    def test_a_cancelled_task_stops_fetching(self, storage, new_host, tmp_path):
        name = kept(storage, tmp_path, b"not wanted any more")
        new_host()
        with pytest.raises(Cancelled):
            storage.fetch([name], holder=None, cancelled=lambda: True)
        assert not local_path(name).exists()

    def test_a_full_disk_is_said_before_a_byte_is_written(self, storage, new_host, tmp_path, monkeypatch):
        name = kept(storage, tmp_path, b"too large")
        new_host()
        monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
        with pytest.raises(DiskFull, match="nearly full"):
            fetched(storage, name)


class TestShelf:
    def test_the_least_used_go_and_what_a_task_holds_stays(self, storage, new_host, tmp_path):
        data = new_host()
        names = [kept(storage, tmp_path, bytes([number]) * 1000) for number in range(4)]
        holder = data / "work" / "task-1"
        holder.mkdir(parents=True)
        fetched(storage, names[0], holder=holder)
        assert (holder / HELD).read_text().split() == [names[0]]
        for age, name in enumerate(reversed(names), start=1):  # the first is the oldest
            old = time.time() - GRACE_SECONDS - age * 60
            os.utime(local_path(name), (old, old))
        assert storage._shelf.tidy(limit_bytes=1500) == 3
        assert [local_path(name).exists() for name in names] == [True, False, False, False]
        shutil.rmtree(holder)
        assert storage._shelf.tidy(limit_bytes=0) == 1

    def test_what_was_used_just_now_stays(self, storage, tmp_path):
        name = kept(storage, tmp_path, b"young")
        os.utime(local_path(name))
        assert storage._shelf.tidy(limit_bytes=0) == 0
        assert local_path(name).exists()

    def test_what_the_bucket_does_not_have_is_never_removed(self, storage, tmp_path):
        path = local_path(f"ab/{'ab' * 32}.png")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"the only one")
        old = time.time() - 30 * 86_400
        os.utime(path, (old, old))
        assert storage._shelf.tidy(limit_bytes=0) == 0
        assert path.exists()

    def test_a_task_may_only_bring_so_much(self, storage, new_host, tmp_path, settings):
        names = [kept(storage, tmp_path, bytes([number]) * 1000) for number in range(3)]
        holder = new_host() / "work" / "task-1"
        holder.mkdir(parents=True)
        settings.VIDEOFLOW_TASK_BYTES = 2500
        with pytest.raises(DiskFull, match="VIDEOFLOW_TASK_BYTES") as told:
            fetched(storage, *names, holder=holder)
        assert not told.value.retryable


class TestRemove:
    def test_young_files_are_left_to_the_sweep(self, storage, tmp_path, monkeypatch):
        name = kept(storage, tmp_path, b"young")
        storage.remove([name])
        assert storage.exists(name)
        monkeypatch.setattr(bucket_module, "YOUNG_SECONDS", -60.0)
        storage.remove([name])
        assert not storage.exists(name)

    def test_a_storage_that_is_away_stops_nothing(self, use_bucket, new_host, tmp_path, way, monkeypatch):
        monkeypatch.setattr(bucket_module, "ATTEMPTS", 1)
        new_host()
        storage = use_bucket()
        name = kept(storage, tmp_path, b"stays")
        way.fail("503")
        storage.remove([name])
        way.fail("")
        assert storage.exists(name)

    def test_unfinished_parts_are_ended(self, storage, bucket_server, prefix):
        client = bucket_server.client()
        client.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}/ab/lost.mp4")
        later = timezone.now() + timedelta(minutes=5)
        assert storage.parts_abort(begun_before=timezone.now() - timedelta(days=1), dry_run=False) == 0
        assert storage.parts_abort(begun_before=later, dry_run=True) == 1
        assert storage.parts_abort(begun_before=later, dry_run=False) == 1
        assert storage.parts_abort(begun_before=later, dry_run=True) == 0


class TestSignedAddress:
    def sign(self, storage, name, **more) -> str:
        facts = {"method": "GET", "file_name": "video.mp4", "kind": "video/mp4", "saved": False, **more}
        return storage.signed_address(name, **facts)[0]

    def test_ok(self, storage, tmp_path):
        name = kept(storage, tmp_path, bytes(range(200)), ".mp4")
        address = self.sign(storage, name)
        answer = httpx.get(address, headers={"Range": "bytes=10-19"}, timeout=60)
        assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (206, bytes(range(10, 20)), "video/mp4")
        assert answer.headers["Content-Disposition"] == 'inline; filename="video.mp4"'
        assert 0 < int(parse_qs(urlsplit(address).query)["X-Amz-Expires"][0]) <= 3600
        assert self.sign(storage, name) == address  # browsers find it in their cache
        assert httpx.head(self.sign(storage, name, method="HEAD"), timeout=60).status_code == 200

    def test_is_for_that_file_alone(self, storage, tmp_path):
        one, other = kept(storage, tmp_path, b"mine", ".mp4"), kept(storage, tmp_path, b"another's", ".mp4")
        forged = self.sign(storage, one).replace(one, other)
        assert httpx.get(forged, timeout=60).status_code == 403

    def test_goes_by_the_browsers_own_way(self, use_bucket, new_host):
        new_host()
        storage = use_bucket(more="&public=https://media.example")
        assert self.sign(storage, "ab/x.mp4").startswith("https://media.example/films/")

    def test_none_where_the_studio_answers_itself(self, use_bucket, new_host):
        new_host()
        assert self.sign(use_bucket(more="&reads=studio"), "ab/x.mp4") == ""
