"""The way out to other services: one client with a deadline, a cap, a guard over addresses, and errors that can be shown."""

from videoflow.providers.net.client import Answer, Client, Downloaded, Observed
from videoflow.providers.net.connection import Connection
from videoflow.providers.net.errors import (
    ServiceBroken,
    ServiceBusy,
    ServiceError,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    retry_after_read,
)
from videoflow.providers.net.gate import Patience, gate_of
from videoflow.providers.net.paying import as_paid

__all__ = [
    "Answer",
    "Client",
    "Connection",
    "Downloaded",
    "Observed",
    "Patience",
    "ServiceBroken",
    "ServiceBusy",
    "ServiceError",
    "ServiceRefused",
    "ServiceTimeout",
    "ServiceUnreachable",
    "as_paid",
    "gate_of",
    "retry_after_read",
]
