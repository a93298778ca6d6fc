"""A stage that is one function, and a provider that charges and can lose its replies."""

import json
from collections.abc import Callable, Iterator

import pytest

from videoflow.pipeline import ledger, stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.services import project_create
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput, always_ready
from videoflow.pipeline.tests.ledger.stage_runs import Killed
from videoflow.pipeline.tests.paid_provider import PaidProvider
from videoflow.sessions.services import session_create


@pytest.fixture
def provider() -> Iterator[PaidProvider]:
    server = PaidProvider()
    yield server
    server.close()


@pytest.fixture
def project() -> Project:
    return project_create(session=session_create(), seed=1)


@pytest.fixture
def stage(monkeypatch) -> Callable[[Callable[[StageContext], bytes]], None]:
    """Let the one stage be the given function, which makes the calls."""

    def put(act: Callable[[StageContext], bytes]) -> None:
        def run(context: StageContext) -> StageOutput:
            words = json.loads(act(context))["words"]
            return StageOutput("done", lambda: {"words": words})

        made = (Stage("first", "First", 1, "io", "first", StageInput, always_ready, run),)
        monkeypatch.setattr(stages, "load", lambda: made)

    return put


@pytest.fixture
def die_at(monkeypatch) -> Callable[[str], None]:
    """End the process at a named point of the ledger, once."""

    def arm(where: str) -> None:
        left = [where]

        def point(_: str, name: str) -> None:
            if name in left:
                left.remove(name)
                raise Killed

        monkeypatch.setattr(ledger, "crash_point", point)

    return arm
