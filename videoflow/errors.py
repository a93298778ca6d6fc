"""The one family of errors whose text is fit to show to a creator."""

from collections.abc import Mapping


class VideoflowError(Exception):
    """Refuse or fail with a sentence a creator can act on.

    ``str(error)`` is safe to show: no path, secret, SQL or traceback in it. ``code`` is the
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


class BadInput(VideoflowError):
    """What the creator gave cannot be used as it is; the sentence says what to change."""

    code = "BAD_INPUT"


class Cancelled(VideoflowError):
    """The work was asked to stop, or somebody else owns it now."""

    code = "CANCELLED"


class DiskFull(VideoflowError):
    """There is not enough room to finish; ``details`` has ``needed_bytes`` and ``free_bytes``."""

    code = "DISK_FULL"
    retryable = True
