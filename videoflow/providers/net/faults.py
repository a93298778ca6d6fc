"""What went wrong with an exchange, in words that can be shown: before anything was sent, on the way, with what came."""

import zlib

import httpcore
import httpx

from videoflow.providers.net.addresses import AddressRefused, NameUnknown
from videoflow.providers.net.errors import ServiceBroken, ServiceError, ServiceRefused, ServiceTimeout, ServiceUnreachable
from videoflow.providers.net.sockets import CertificateWrong, DeadlineOver
from videoflow.sentences import Sentence


class TooLarge(Exception):
    """More bytes than allowed."""


class TooSlow(Exception):
    """Fewer bytes a second than the least."""


FAULTS = (
    *(AddressRefused, NameUnknown, CertificateWrong, DeadlineOver, TooSlow, TooLarge, UnicodeError, zlib.error),
    *(httpx.InvalidURL, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError),
)
"""What ``fault_error`` has words for."""


def fault_error(fault: Exception, *, service: str, label: str, is_sent: bool, deadline_seconds: float) -> ServiceError:
    """Return the error that a fault means; from ``is_sent`` on, the request may have been carried out."""
    match fault:
        case AddressRefused() | NameUnknown() | CertificateWrong() | httpx.InvalidURL() | UnicodeError():
            return _address_error(fault, service, label)
        case TooSlow() | TooLarge() | zlib.error():
            return _answer_error(fault, service, label)
        case DeadlineOver() | httpcore.TimeoutException():
            return _late_error(service, label, deadline_seconds) if is_sent else _silent_error(service, label)
    if is_sent:
        return ServiceBroken(Sentence("%(label)s broke off its answer.", label=label), service=service, reason="cut_off")
    return ServiceUnreachable(
        Sentence("%(label)s cannot be reached. Check that it runs and that its address is right.", label=label),
        service=service,
        reason="no_connection",
    )


def _address_error(fault: Exception, service: str, label: str) -> ServiceError:
    match fault:
        case AddressRefused():
            return ServiceUnreachable(
                Sentence("%(label)s names an address that may not be opened. %(error)s", label=label, error=fault),
                service=service,
                reason="address_refused",
                retryable=False,
            )
        case NameUnknown():
            return ServiceUnreachable(
                Sentence(
                    "%(label)s cannot be found: its name has no address here. Check the network and the address set for it.",
                    label=label,
                ),
                service=service,
                reason="name_unknown",
            )
        case CertificateWrong():
            return ServiceUnreachable(
                Sentence("%(label)s shows a certificate that is not to be trusted, so nothing was sent.", label=label),
                service=service,
                reason="certificate",
                retryable=False,
            )
    return ServiceRefused(
        Sentence("%(label)s names something that is no web address.", label=label), service=service, reason="address"
    )


def _answer_error(fault: Exception, service: str, label: str) -> ServiceError:
    match fault:
        case TooSlow():
            return ServiceTimeout(
                Sentence("%(label)s answers too slowly to wait for.", label=label), service=service, reason="too_slow"
            )
        case TooLarge():
            return ServiceBroken(
                Sentence("%(label)s sent more than is taken from it.", label=label),
                service=service,
                reason="too_large",
                retryable=False,
            )
    return ServiceBroken(
        Sentence("%(label)s sent an answer that cannot be unpacked.", label=label), service=service, reason="encoding"
    )


def _silent_error(service: str, label: str) -> ServiceError:
    return ServiceUnreachable(
        Sentence("%(label)s does not answer at its address. Check that it runs and that the address is right.", label=label),
        service=service,
        reason="connect_timeout",
    )


def _late_error(service: str, label: str, deadline_seconds: float) -> ServiceError:
    return ServiceTimeout(
        Sentence(
            "%(label)s did not answer within %(deadline_seconds)s s.", label=label, deadline_seconds=f"{deadline_seconds:g}"
        ),
        service=service,
        reason="deadline",
    )
