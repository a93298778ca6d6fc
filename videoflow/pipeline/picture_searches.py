"""Answers of picture services, kept for a day: services ask for that, and an attempt that is repeated asks nothing again."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from videoflow.pipeline.store import cache_dir
from videoflow.providers.picturing.found import Found, PictureKind, PictureSearch, Wish
from videoflow.providers.picturing.licences import Licence

KEPT_SECONDS = 86_400.0
_VERSION = 1


def searched(
    service: PictureSearch, query: str, kind: PictureKind, wish: Wish, *, now: Callable[[], float] = time.time
) -> tuple[Found, ...]:
    """Return what the service finds, as it said it within the last 24 hours or as it says it now."""
    size = [wish.width_px, wish.height_px]
    facts = [_VERSION, service.name, query.lower(), kind, wish.shape, size, wish.language]
    path = cache_dir("searches") / f"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}.json"
    kept = _read(path, now() - KEPT_SECONDS)
    if kept is not None:
        return kept
    found = service.search(query, kind=kind, wish=wish)
    draft = path.with_name(f".{uuid4().hex}.part")
    draft.write_text(json.dumps({"at": now(), "found": [asdict(each) for each in found]}), encoding="utf-8")
    draft.replace(path)
    return found


def _read(path: Path, oldest: float) -> tuple[Found, ...] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if float(kept["at"]) < oldest:
            return None
        return tuple(_found(each) for each in kept["found"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _found(stored: dict[str, Any]) -> Found:
    return Found(**{**stored, "licence": Licence(**stored["licence"])})
