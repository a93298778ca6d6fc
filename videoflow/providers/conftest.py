"""What the tests of several kinds of services use."""

import pytest

from videoflow.providers.net import gate


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were asked for, none of them waited: a clock goes on by each."""
    asked: list[float] = []
    monkeypatch.setattr(gate, "_wait", lambda seconds, cancelled: asked.append(seconds))
    monkeypatch.setattr(gate, "_now", lambda: sum(asked))
    return asked
