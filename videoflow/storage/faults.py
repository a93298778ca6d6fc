"""What went wrong at a storage, in sentences for whoever can do something about it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from urllib3.exceptions import HTTPError

from videoflow.sentences import Sentence
from videoflow.storage.base import FileLost, StorageFault

_KEY_CODES = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "InvalidToken", "Forbidden", "403"}
)
_GONE_CODES = frozenset({"NoSuchKey", "NotFound", "404"})

logger = logging.getLogger(__name__)


@contextmanager
def faults_told(bucket: str) -> Iterator[None]:
    """Turn what the client of the storage raises into a StorageFault; details, which may hold addresses, go nowhere."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, bucket) from None
    except S3UploadFailedError as error:
        inner = error.__context__
        raise (_of_answer(inner, bucket) if isinstance(inner, ClientError) else _away()) from None
    except (NoCredentialsError, PartialCredentialsError):
        raise StorageFault(
            "The storage needs a key and the studio has none. Whoever runs the studio sets VIDEOFLOW_STORAGE_KEY_ID and "
            "VIDEOFLOW_STORAGE_SECRET."
        ) from None
    except (BotoCoreError, HTTPError, TimeoutError, ConnectionError) as error:
        logger.warning("the storage failed: %s", type(error).__name__)
        raise _away() from None


def _of_answer(error: ClientError, bucket: str) -> StorageFault:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _GONE_CODES or (status == 404 and code != "NoSuchBucket"):
        return FileLost("A file that is needed is not in the storage any more. Make this step's material anew.")
    logger.warning("the storage refused %s: %s, status %s", error.operation_name, code, status)
    if code == "NoSuchBucket":
        return bucket_missing(bucket)
    if code in _KEY_CODES or status == 403:
        return StorageFault(
            "The storage refuses the studio's key. Whoever runs the studio checks VIDEOFLOW_STORAGE_KEY_ID and "
            "VIDEOFLOW_STORAGE_SECRET, and what that key may do with the bucket."
        )
    return _away()


def bucket_missing(bucket: str) -> StorageFault:
    return StorageFault(
        Sentence(
            "The storage has no bucket “%(bucket)s”. Whoever runs the studio makes it, or corrects VIDEOFLOW_STORAGE_URL.",
            bucket=bucket,
        )
    )


def _away() -> StorageFault:
    return StorageFault(
        "The storage does not answer as it should just now. Everything made so far is kept; it goes on when the storage is back.",
        retryable=True,
    )
