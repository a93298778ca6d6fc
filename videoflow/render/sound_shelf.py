"""Measures and coded stretches of sound on disk, each under a key of the content that shapes it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.render.artefacts import part_aside

Arrays = Mapping[str, NDArray[Any]]


class SoundShelf:
    """Named arrays by key, one file each; zip's checksums tell a damaged file, which then counts as missing."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder, self._owner = folder, owner

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def get(self, key: str) -> Arrays | None:
        """Return what was put under a key; None when there is nothing whole."""
        path = self._path(key)
        try:
            with np.load(path) as arrays:
                found = dict(arrays.items())
            path.touch()  # what was used lately is removed last
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)
            return None
        return found

    def put(self, key: str, **arrays: NDArray[Any]) -> None:
        """Write arrays under a key; they stand there whole or not at all."""
        path = self._path(key)
        aside = part_aside(path, self._owner)
        with aside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes every keyword for allow_pickle
        aside.replace(path)
