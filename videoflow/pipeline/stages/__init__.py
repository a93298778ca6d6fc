"""The stages of a video, found by their files: each module here that has a ``STAGE`` is one."""

import importlib
import pkgutil
from functools import cache

from videoflow.errors import BadInput
from videoflow.pipeline.stages.base import Stage
from videoflow.sentences import Sentence


@cache
def load() -> tuple[Stage, ...]:
    """Return all stages in their order."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = [module.STAGE for module in modules if hasattr(module, "STAGE")]
    return tuple(sorted(found, key=lambda stage: stage.order))


def get(name: str) -> Stage:
    """Return the stage of that name.

    Raises:
        BadInput: there is none.
    """
    for stage in load():
        if stage.name == name:
            return stage
    raise BadInput(Sentence("There is no step called “%(name)s”.", name=name), code="UNKNOWN_STAGE")


def following(stage: Stage) -> Stage | None:
    """Return the stage that ``continue`` starts after this one; None at the end of the chain."""
    later = [candidate for candidate in load() if candidate.order > stage.order and candidate.follows_by_itself]
    return later[0] if later else None
