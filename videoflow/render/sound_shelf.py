"""Measures and coded stretches of sound on disk, each under a key of the content that shapes it."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.render.artefacts import part_aside

Arrays = Mapping[str, NDArray[Any]]
_HASH_BYTES = 32


class SoundShelf:
    """Named arrays by key, one file each, behind the hash of its content: a damaged one counts as missing."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder, self._owner = folder, owner

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.sound"

    def get(self, key: str) -> Arrays | None:
        """Return what was put under a key; None when there is nothing whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(content[_HASH_BYTES:]).digest() != content[:_HASH_BYTES]:
            path.unlink(missing_ok=True)
            return None
        path.touch()  # what was used lately is removed last
        with np.load(io.BytesIO(content[_HASH_BYTES:])) as arrays:
            found = dict(arrays.items())
        return found

    def put(self, key: str, **arrays: NDArray[Any]) -> None:
        """Write arrays under a key; they stand there whole or not at all."""
        path = self._path(key)
        aside = part_aside(path, self._owner)
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]  # its stub takes every keyword for allow_pickle
        aside.write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
        aside.replace(path)
