"""The one family of errors whose text is fit to show to a creator."""

import errno
from collections.abc import Mapping
from datetime import datetime


class VideoflowError(Exception):
    """Refuse or fail with a sentence a creator can act on.

    ``str(error)`` is safe to show: no path, secret, SQL or traceback in it; a ``Sentence`` comes out as one. ``code`` is the
    ``error_code`` of the contract; ``retryable`` says whether the same request can succeed later;
    ``details`` names fields or figures.
    """

    code = "UNEXPECTED"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        self.details: dict[str, object] = dict(details or {})

    def __str__(self) -> str:
        return self.args[0] if self.args and isinstance(self.args[0], str) else super().__str__()


class BadInput(VideoflowError):
    """What the creator gave cannot be used as it is; the sentence says what to change."""

    code = "BAD_INPUT"


class Cancelled(VideoflowError):
    """The work was asked to stop, or somebody else owns it now."""

    code = "CANCELLED"


class WaitUntil(VideoflowError):
    """Nothing is wrong, it only goes on later; the task waits until then and this counts as no failure."""

    code = "WAITING"
    retryable = True

    def __init__(
        self, message: str, *, until: datetime, code: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.until = until


class DiskFull(VideoflowError):
    """There is not enough room to finish; ``details`` has ``needed_bytes`` and ``free_bytes``."""

    code = "DISK_FULL"
    retryable = True


def disk_full_read(error: BaseException) -> DiskFull | None:
    """Return what a creator is told when an error, or what it came from, says that a disk, quota or limit is full; else None."""
    seen: BaseException | None = error
    while seen is not None:
        is_full = getattr(seen, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if is_full or "disk is full" in str(seen):  # the latter is SQLite's
            return DiskFull("The disk is full. Make room, then retry; everything made so far is kept.")
        seen = seen.__cause__ or seen.__context__
    return None
