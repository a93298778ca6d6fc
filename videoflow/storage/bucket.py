"""Finished files in a bucket that speaks the S3 protocol; this host keeps copies of what it uses."""

import hashlib
import logging
import mimetypes
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.conf import settings
from django.utils import timezone
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from videoflow.errors import Cancelled, DiskFull, disk_full_read
from videoflow.sentences import Sentence
from videoflow.storage.base import Entry, FileLost, StorageFault, local_path
from videoflow.storage.faults import bucket_missing, faults_told
from videoflow.storage.local import link_or_copy
from videoflow.storage.room import room_check
from videoflow.storage.shelf import Shelf, held_bytes
from videoflow.storage.url import BucketAddress

PART_BYTES = 16 * 1024 * 1024
"""Of an upload in parts; four are on their way at once, read from the disk as they are sent. 10,000 are the protocol's most."""
BLOCK_BYTES = 1024 * 1024
FETCHES_AT_ONCE = 8
FETCH_TRIES = 3
ATTEMPTS = 4
"""Of one request, with growing pauses of seconds."""
SLOWEST_BYTES_PER_SECOND = 32 * 1024
"""A download that is slower after half a minute is given up and asked for anew."""
SLOW_AFTER_SECONDS = 30.0
SAME_SECONDS = 1800.0
"""A file that the bucket has from longer ago is stored anew instead of being counted on ..."""
YOUNG_SECONDS = 3600.0
"""... and one that was written less long ago is not deleted: its row may be about to be written."""
PICTURE_SECONDS, PLAYED_SECONDS = 300, 3600
"""How long a signed address is valid. A player goes on asking at the address it was sent to, also after a pause."""
_CONNECT_SECONDS, _READ_SECONDS = 5, 30
_SIGNED_MOST = 4096

logger = logging.getLogger(__name__)


class _Quota:
    """What one task may still bring to this host."""

    def __init__(self, left_bytes: int) -> None:
        self._left_bytes = left_bytes
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, name: str, size_bytes: int) -> None:
        """Count a file, once however often it is tried.

        Raises:
            DiskFull: it is more than the task may have.
        """
        with self._lock:
            self._taken[name] = size_bytes
            if sum(self._taken.values()) > self._left_bytes:
                raise DiskFull(
                    Sentence(
                        "This step needs more files at once than the %(limit)s MB that one may bring to a host. Whoever runs "
                        "the studio can raise VIDEOFLOW_TASK_BYTES.",
                        limit=settings.VIDEOFLOW_TASK_BYTES // 1_000_000,
                    ),
                    retryable=False,
                )


class BucketStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Names become keys below the prefix. Django's own interface works on it too."""

    is_remote = True

    def __init__(self, *, address: BucketAddress, **options: Any) -> None:
        self.address = address
        self._quick = self._config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
        super().__init__(
            bucket_name=address.bucket,
            location=address.prefix,
            endpoint_url=address.endpoint or None,
            region_name=address.region,
            client_config=self._config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=4 * FETCHES_AT_ONCE,
            ),
            transfer_config=TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4),
            **options,
        )
        self._shelf = Shelf(is_stored=self._has)
        self._clients: dict[tuple[int, str], Any] = {}
        self._lock = threading.Lock()
        self._stored_at: OrderedDict[str, float] = OrderedDict()
        self._signed: OrderedDict[tuple[object, ...], str] = OrderedDict()

    def _config(self, **more: Any) -> Config:
        checksums = self.address.checksums
        return Config(
            signature_version="s3v4",
            s3={"addressing_style": self.address.style},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            **more,
        )

    def _client(self, purpose: str = "work") -> Any:
        """Return this process's client; threads share it, a forked process makes its own."""
        with self._lock:
            key = (os.getpid(), purpose)
            if key not in self._clients:
                self._clients[key] = boto3.Session().client(
                    "s3",
                    aws_access_key_id=self.access_key,
                    aws_secret_access_key=self.secret_key,
                    region_name=self.address.region,
                    endpoint_url=(purpose == "sign" and self.address.public) or self.address.endpoint or None,
                    config=self._quick if purpose == "probe" else self.client_config,
                )
            return self._clients[key]

    def _key(self, name: str) -> str:
        return str(self._normalize_name(name))

    def _head(self, name: str) -> tuple[int, datetime] | None:
        """Return a file's size and when it was written; None when the bucket does not have it."""
        try:
            with faults_told(self.address.bucket):
                facts = self._client().head_object(Bucket=self.address.bucket, Key=self._key(name))
        except FileLost:
            return None
        return int(facts["ContentLength"]), facts["LastModified"]

    def _has(self, name: str, size_bytes: int) -> bool:
        try:
            found = self._head(name)
        except StorageFault:
            return False
        return found is not None and found[0] == size_bytes

    def keep(self, source: Path, name: str) -> None:
        """Store a file here and in the bucket; a checksum goes with each part, and the server refuses what differs."""
        if not _is_named_by_content(name):
            local_path(name).unlink(missing_ok=True)
            link_or_copy(source, local_path(name))
            self._send(source, name)
            return
        link_or_copy(source, local_path(name))
        if self._was_stored(name):
            return
        size_bytes = source.stat().st_size
        found = self._head(name)
        if found is None or found[0] != size_bytes or (timezone.now() - found[1]).total_seconds() > SAME_SECONDS:
            self._send(source, name)
        with self._lock:
            self._stored_at[name] = time.monotonic()
            while len(self._stored_at) > _SIGNED_MOST:
                self._stored_at.popitem(last=False)
        self._shelf.tidy_when_due()

    def _was_stored(self, name: str) -> bool:
        with self._lock:
            return time.monotonic() - self._stored_at.get(name, -SAME_SECONDS) < SAME_SECONDS / 2

    def _send(self, source: Path, name: str) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with faults_told(self.address.bucket):
            self._client().upload_file(
                str(source), self.address.bucket, self._key(name), ExtraArgs={"ContentType": kind}, Config=self.transfer_config
            )
        found = self._head(name)
        if found is None or found[0] != source.stat().st_size:
            raise StorageFault("The storage took a file and does not have it whole. It is sent again.", retryable=True)

    def _save(self, name: str, content: Any) -> str:
        with faults_told(self.address.bucket):
            return str(super()._save(name, content))

    def fetch(self, names: Iterable[str], *, holder: Path | None, cancelled: Callable[[], bool]) -> None:
        missing = self._shelf.missing(names, holder=holder)
        if not missing:
            return
        quota = _Quota(settings.VIDEOFLOW_TASK_BYTES - (held_bytes(holder) if holder else 0))
        with ThreadPoolExecutor(min(FETCHES_AT_ONCE, len(missing)), thread_name_prefix="fetch") as pool:
            stop = threading.Event()
            asked = [pool.submit(self._bring, name, quota, lambda: stop.is_set() or cancelled()) for name in missing]
            try:
                for done in asked:
                    done.result()
            finally:
                stop.set()  # after a failure the others need not go on
        self._shelf.tidy_when_due()

    def _bring(self, name: str, quota: "_Quota", cancelled: Callable[[], bool]) -> None:
        target = local_path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        for tries_left in reversed(range(FETCH_TRIES)):
            draft = target.with_name(f".{uuid4().hex}.part")
            try:
                self._download(name, draft, quota, cancelled)
                self._shelf.put(draft, name)
                return
            except StorageFault as fault:
                if not tries_left or not fault.retryable:
                    raise
                logger.warning("fetching %s again: %s", name, fault)
            except OSError as error:
                raise disk_full_read(error) or error from error
            finally:
                draft.unlink(missing_ok=True)

    def _download(self, name: str, draft: Path, quota: "_Quota", cancelled: Callable[[], bool]) -> None:
        digest, size_bytes, began = hashlib.sha256(), 0, time.monotonic()
        with faults_told(self.address.bucket):
            answer = self._client().get_object(Bucket=self.address.bucket, Key=self._key(name))
        quota.take(name, int(answer["ContentLength"]))
        room_check(int(answer["ContentLength"]))
        with answer["Body"] as body, draft.open("wb") as writer:
            while True:
                with faults_told(self.address.bucket):
                    block = body.read(BLOCK_BYTES)
                if not block:
                    break
                if cancelled():
                    raise Cancelled("The work was cancelled.")
                digest.update(block)
                writer.write(block)
                size_bytes += len(block)
                seconds = time.monotonic() - began
                if seconds > SLOW_AFTER_SECONDS and size_bytes < seconds * SLOWEST_BYTES_PER_SECOND:
                    raise StorageFault("The storage sends files too slowly to go on. It is tried again.", retryable=True)
        if size_bytes != answer["ContentLength"] or (_is_named_by_content(name) and digest.hexdigest() != Path(name).stem):
            raise StorageFault(
                Sentence(
                    "A file came damaged from the storage %(tries)s times. Try again later, or make this step's material anew.",
                    tries=FETCH_TRIES,
                ),
                code="FILE_DAMAGED",
                retryable=True,
            )

    def delete(self, name: str) -> None:
        with faults_told(self.address.bucket):
            super().delete(name)

    def read(self, name: str) -> bytes:
        with faults_told(self.address.bucket):
            return bytes(self._client().get_object(Bucket=self.address.bucket, Key=self._key(name))["Body"].read())

    def remove(self, names: Iterable[str]) -> None:
        before = timezone.now() - timedelta(seconds=YOUNG_SECONDS)
        gone = list(names)
        for name in gone:
            local_path(name).unlink(missing_ok=True)
        if not gone:
            return
        with ThreadPoolExecutor(min(FETCHES_AT_ONCE, len(gone)), thread_name_prefix="remove") as pool:
            for asked in [pool.submit(self.remove_old, name, changed_before=before) for name in gone]:
                try:
                    asked.result()
                except StorageFault as fault:
                    logger.warning("left to the sweep: %s", fault)

    def remove_old(self, name: str, *, changed_before: datetime) -> bool:
        found = self._head(name)
        if found is None:
            return True
        if found[1] >= changed_before:
            return False
        with faults_told(self.address.bucket):
            self._client().delete_object(Bucket=self.address.bucket, Key=self._key(name))
        return True

    def signed_address(self, name: str, *, method: str, file_name: str, kind: str, saved: bool) -> tuple[str, int]:
        """Return the same address for a third of its life, so that browsers find in their cache what they have read there."""
        if self.address.reads == "studio":
            return "", 0
        seconds = PICTURE_SECONDS if kind.startswith("image/") else PLAYED_SECONDS
        known = (name, method, file_name, kind, saved, int(time.time() // (seconds // 3)))
        with self._lock:
            if known in self._signed:
                return self._signed[known], seconds // 3
        wanted = {
            "Bucket": self.address.bucket,
            "Key": self._key(name),
            "ResponseContentType": kind,
            "ResponseCacheControl": f"private, max-age={seconds}",
            "ResponseContentDisposition": content_disposition_header(saved, file_name) or "inline",
        }
        call = "head_object" if method == "HEAD" else "get_object"
        address = str(self._client("sign").generate_presigned_url(call, Params=wanted, ExpiresIn=seconds))
        with self._lock:
            self._signed[known] = address
            while len(self._signed) > _SIGNED_MOST:
                self._signed.popitem(last=False)
        return address, seconds // 3

    def stored_bytes(self, name: str) -> int | None:
        found = self._head(name)
        return None if found is None else found[0]

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with (
            faults_told(self.address.bucket),
            self._client().get_object(Bucket=self.address.bucket, Key=self._key(name))["Body"] as body,
        ):
            while block := body.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        start = f"{self.address.prefix}/" if self.address.prefix else ""
        pages = iter(
            self._client().get_paginator("list_objects_v2").paginate(Bucket=self.address.bucket, Prefix=f"{start}{prefix}")
        )
        while True:
            with faults_told(self.address.bucket):
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                yield Entry(found["Key"].removeprefix(start), int(found["Size"]), found["LastModified"])

    def parts_abort(self, *, begun_before: datetime, dry_run: bool) -> int:
        """End uploads in parts that a lost process left unfinished; return how many there were."""
        start = f"{self.address.prefix}/" if self.address.prefix else ""
        with faults_told(self.address.bucket):
            found = self._client().list_multipart_uploads(Bucket=self.address.bucket, Prefix=start).get("Uploads", ())
            old = [one for one in found if one["Initiated"] < begun_before]
            for one in () if dry_run else old:
                self._client().abort_multipart_upload(Bucket=self.address.bucket, Key=one["Key"], UploadId=one["UploadId"])
        return len(old)

    def probe(self, *, write: bool = False) -> None:
        client, bucket = self._client("probe"), self.address.bucket
        try:
            with faults_told(bucket):
                client.head_bucket(Bucket=bucket)
        except FileLost:
            raise bucket_missing(bucket) from None
        if write:
            trial = self._key(f"probes/{uuid4().hex}")
            with faults_told(bucket):
                client.put_object(Bucket=bucket, Key=trial, Body=b"videoflow")
                client.delete_object(Bucket=bucket, Key=trial)


def _is_named_by_content(name: str) -> bool:
    return not name.startswith(("exports/", "pieces/"))
