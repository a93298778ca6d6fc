"""Which provider does what: a class announces itself with ``@provider``; importing its file is all it takes."""

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import videoflow.providers
from videoflow.providers.base import CancelCheck, Capability, ProviderError
from videoflow.providers.crew import Room
from videoflow.providers.net import Client, Connection
from videoflow.providers.paid import PaidCall
from videoflow.providers.services import EMBEDDED
from videoflow.sentences import Sentence

Made = TypeVar("Made")
_makers: dict[tuple[Capability, str], Callable[..., Any]] = {}


class Remembered(Protocol):
    """Small facts about a service that outlive the process: JSON values by name, for everybody who uses it."""

    def get(self, name: str) -> Any:
        """Return the value; None when there is none."""
        ...

    def set(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Access:
    """All that a provider of an outside service gets to do its work with."""

    connection: Connection
    client: Client
    """Sends the key in the header that the catalogue names."""
    pay: Callable[[PaidCall], bytes]
    """Makes a call that costs money, or gives the kept reply again."""
    cancelled: CancelCheck
    remember: Remembered
    room: Room = nullcontext
    """What a thread of the provider's works in: it clears away what the others above leave to a thread."""


def provider(capability: Capability, name: str) -> Callable[[type[Made]], type[Made]]:
    """Register the class as ``name`` for a capability: ``embedded`` is made without arguments, a service's with its Access."""

    def register(maker: type[Made]) -> type[Made]:
        _makers[capability, name] = maker
        return maker

    return register


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(videoflow.providers.__path__):
        if module.name not in {"base", "registry", "tests", "conftest"}:
            importlib.import_module(f"videoflow.providers.{module.name}")


def _maker(capability: Capability, name: str) -> Callable[..., Any]:
    _discover()
    try:
        return _makers[capability, name]
    except KeyError:
        names = ", ".join(provider_names(capability)) or "none"
        raise ProviderError(
            Sentence(
                "There is no provider “%(name)s” for %(capability)s. Installed: %(names)s.",
                name=name,
                capability=capability,
                names=names,
            ),
            code="PROVIDER_UNKNOWN",
        ) from None


@cache
def provider_get(capability: Capability, name: str) -> Any:
    """Return the provider of that name that needs no access; the caller knows the capability's Protocol.

    Raises:
        ProviderError: there is none of that name.
    """
    return _maker(capability, name)()


def provider_make(capability: Capability, name: str, access: Access) -> Any:
    """Return a service's provider for one owner's work; the caller knows the capability's Protocol.

    Raises:
        ProviderError: there is none of that name.
    """
    return provider_get(capability, name) if name == EMBEDDED else _maker(capability, name)(access)


def provider_names(capability: Capability) -> tuple[str, ...]:
    """Return the names of a capability's providers."""
    _discover()
    return tuple(sorted(name for known, name in _makers if known == capability))
