"""Whether files can be kept from here. A host that cannot reach the storage must not take the steps that others could finish.

Without this it would take most of them, for it is rid of each so soon, and use up their tries.
"""

import logging
import threading

from videoflow.errors import VideoflowError
from videoflow.storage.base import StorageFault, media_storage

logger = logging.getLogger(__name__)


class StorageReach:
    """What this process knows of its way to the storage: good until a step could not keep its files, then looked at anew."""

    def __init__(self) -> None:
        self._is_doubted = threading.Event()

    def doubt(self) -> None:
        """Look before the next step is begun."""
        self._is_doubted.set()

    def hear(self, error: VideoflowError) -> None:
        """Doubt the way when this is what ended a step; a wrong key or bucket is told to whoever asked for the step instead."""
        if isinstance(error, StorageFault) and error.retryable:
            self.doubt()

    def is_good(self) -> bool:
        """Say whether a step may begin; while in doubt, write and delete a small file first, two seconds at most."""
        if not self._is_doubted.is_set() or not media_storage().is_remote:
            return True
        try:
            media_storage().probe(write=True)
        except StorageFault as fault:
            if fault.retryable:
                logger.warning("no step is begun here: the storage does not answer")
                return False
        self._is_doubted.clear()
        return True


storage_reach = StorageReach()
"""Of this process."""
