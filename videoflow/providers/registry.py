"""Which provider does what: a class announces itself with ``@provider``; importing its file is all it takes."""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import videoflow.providers
from videoflow.providers.base import Capability, ProviderError

Made = TypeVar("Made")
_makers: dict[tuple[Capability, str], Callable[[], Any]] = {}


def provider(capability: Capability, name: str) -> Callable[[type[Made]], type[Made]]:
    """Register the class as ``name`` for a capability; it is made without arguments when first asked for."""

    def register(maker: type[Made]) -> type[Made]:
        _makers[capability, name] = maker
        return maker

    return register


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(videoflow.providers.__path__):
        if module.name not in {"base", "registry", "tests"}:
            importlib.import_module(f"videoflow.providers.{module.name}")


@cache
def provider_get(capability: Capability, name: str) -> Any:
    """Return the provider of that name; the caller knows the capability's Protocol.

    Raises:
        ProviderError: there is none of that name.
    """
    _discover()
    try:
        return _makers[capability, name]()
    except KeyError:
        names = ", ".join(provider_names(capability)) or "none"
        raise ProviderError(
            f"There is no provider “{name}” for {capability}. Installed: {names}.", code="PROVIDER_UNKNOWN"
        ) from None


def provider_names(capability: Capability) -> tuple[str, ...]:
    """Return the names of a capability's providers."""
    _discover()
    return tuple(sorted(name for known, name in _makers if known == capability))
