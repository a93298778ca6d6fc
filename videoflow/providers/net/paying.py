"""The line between what is certainly not charged and what may be."""

from collections.abc import Callable
from functools import wraps

from videoflow.providers.net.errors import ServiceBusy, ServiceRefused, ServiceUnreachable
from videoflow.providers.paid import CallRefused, Reply, Submitted


def as_paid(send: Callable[[str], Reply | Submitted]) -> Callable[[str], Reply | Submitted]:
    """Return ``send`` for a ``PaidCall``: where nothing was carried out it raises CallRefused, all else may have been charged."""

    @wraps(send)
    def sent(key: str) -> Reply | Submitted:
        try:
            return send(key)
        except (ServiceUnreachable, ServiceRefused, ServiceBusy) as error:
            raise CallRefused(str(error), code=error.code, retryable=error.retryable, details=error.details) from error

    return sent
