"""Which addresses may be connected to: public ones, and what the operator listed by host and port."""

import ipaddress
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS = {"http": 80, "https": 443}
_METADATA = frozenset({"169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"})
"""Where clouds hand out credentials to whatever runs on them."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The host may not be connected to; the text says why and names no credentials."""


class NameUnknown(Exception):
    """The name has no address, or its lookup took too long."""


@dataclass(frozen=True, slots=True)
class Place:
    scheme: str
    host: str
    port: int

    @property
    def listed_as(self) -> str:
        return f"{self.host}:{self.port}"


def place_read(url: str) -> Place:
    """Return where an address leads.

    Raises:
        AddressRefused: not http or https, with a user in it, or not an address at all.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is no web address.") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("Only http and https addresses can be opened.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name in it is not opened.")
    return Place(parts.scheme, parts.hostname.lower().rstrip("."), port or _PORTS[parts.scheme])


def host_listed(url: str) -> str:
    """Return ``host:port`` of an operator's address, as it stands in ``Connection.allowed_hosts``."""
    return place_read(url).listed_as


def address_meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one carries (mapped, 6to4, NAT64, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Tell whether an address is one that anybody on the internet means by it."""
    meant = address_meant(address)
    return meant.is_global and not meant.is_multicast and not meant.is_reserved and str(meant) not in _METADATA


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None


def addresses_of(host: str, port: int, *, is_listed: bool, wait_seconds: float) -> list[str]:
    """Return the addresses to connect to, checked; a name is resolved once and never again for this connection.

    One address that is not allowed refuses the name as a whole: a name that points both ways has no honest use.

    Raises:
        AddressRefused: it leads to this machine, a private network or a cloud's metadata and the operator did not list it.
        NameUnknown: it cannot be resolved.
    """
    literal = _literal(host)
    found = [str(literal)] if literal else _resolve(host, port, wait_seconds)
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        if is_listed:
            if literal is None and str(address_meant(address)) in _METADATA:
                raise AddressRefused("This name leads to the machine's own cloud credentials.")
        elif not is_public(address):
            raise AddressRefused("This address is not on the public internet, and the operator has not listed it.")
    return found


def _resolve(host: str, port: int, wait_seconds: float) -> list[str]:
    """Look a name up in a thread of its own: the system's resolver knows no deadline and no cancelling."""
    found: list[str] = []

    def look() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(entry[4][0]) for entry in entries))

    thread = threading.Thread(target=look, name="lookup", daemon=True)
    thread.start()
    thread.join(wait_seconds)
    if not found:
        raise NameUnknown
    return found
