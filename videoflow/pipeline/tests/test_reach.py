from types import SimpleNamespace

import pytest

from videoflow.errors import VideoflowError
from videoflow.pipeline import reach
from videoflow.pipeline.reach import StorageReach
from videoflow.storage.base import FileLost, StorageFault

AWAY = StorageFault("The storage does not answer.", retryable=True)
REFUSED = StorageFault("The storage refuses the studio's key.")


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A bucket whose next answer to a look is ``fault``; ``looks`` counts them."""

    def probe(*, write: bool) -> None:
        state.looks += write
        if state.fault:
            raise state.fault

    state = SimpleNamespace(is_remote=True, fault=None, looks=0, probe=probe)
    monkeypatch.setattr(reach, "media_storage", lambda: state)
    return state


def test_costs_nothing_while_all_is_well(storage: SimpleNamespace) -> None:
    assert StorageReach().is_good()
    assert storage.looks == 0


def test_after_a_fault_no_step_begins_until_the_storage_answers(storage: SimpleNamespace) -> None:
    way = StorageReach()
    way.hear(AWAY)
    storage.fault = AWAY
    assert [way.is_good(), way.is_good()] == [False, False]
    storage.fault = None
    assert [way.is_good(), way.is_good()] == [True, True]
    assert storage.looks == 3, "once it has answered, nothing is looked at any more"


@pytest.mark.parametrize("error", [REFUSED, FileLost("A file is gone."), VideoflowError("Something else.", retryable=True)])
def test_what_waiting_does_not_mend_holds_nothing_up(storage: SimpleNamespace, error: VideoflowError) -> None:
    way, storage.fault = StorageReach(), AWAY
    way.hear(error)
    assert way.is_good()


def test_a_refused_key_is_told_to_whoever_asks_for_a_step(storage: SimpleNamespace) -> None:
    way, storage.fault = StorageReach(), REFUSED
    way.hear(AWAY)
    assert way.is_good()


def test_a_folder_of_this_host_is_always_there(storage: SimpleNamespace) -> None:
    way, storage.is_remote, storage.fault = StorageReach(), False, AWAY
    way.doubt()
    assert way.is_good()
