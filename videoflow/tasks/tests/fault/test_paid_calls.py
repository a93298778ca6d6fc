"""Answers of a service that charges are lost, by a cut line and by processes that die before they wrote the answer down."""

from collections.abc import Iterator

import pytest

from videoflow.crash_points import EXIT_CODE
from videoflow.pipeline.tests.paid_provider import PaidProvider
from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.fault.driving import drain, flood
from videoflow.tasks.tests.noop.machine import Machine

pytestmark = [pytest.mark.fault, pytest.mark.rows]

CALLS = 40  # of each kind


@pytest.fixture
def service() -> Iterator[PaidProvider]:
    service = PaidProvider()
    yield service
    service.close()


def test_answers_are_lost_after_the_charge(plan, service):
    faults = plan("answers lost after the charge", line_cut=10, died_before_noting=8, call_unknown=5, repeated_with_its_key=5)
    service.faults = ["", "", "", "lost"] * 10
    # Every process dies after each fourth answer, before it has written it down.
    with Machine(workers=2, processes=2, lease_seconds=3.0, slots=50, crash_at="paid_call:answered:4") as machine:
        inputs = [{"pays": kind, "pays_at": service.url} for kind in ("keyed", "plain")]
        submitted = flood(machine, 2 * CALLS, inputs)
        drain(machine)
        faults.saw("line_cut", 10 - service.faults.count("lost"))
        logs = "".join(machine.log(name) for name in ("worker0", "worker1"))
        faults.saw("died_before_noting", logs.count(f"exited with 'exitcode {EXIT_CODE}'"))
        states = machine.hand.ask("calls")["states"]
        unknown = states.get("plain unknown", 0)
        faults.saw("call_unknown", unknown)
        faults.saw("repeated_with_its_key", service.requests["keyed"] - CALLS)

        assert states == {"keyed done": CALLS, "plain done": CALLS - unknown, "plain unknown": unknown}
        # Nothing is charged twice: with a key the service knows the repetition, without one nobody repeats.
        assert set(service.charges.values()) == {1}
        assert len(service.charges) == 2 * CALLS
        assert service.requests["plain"] == CALLS
        failed = [task["error_code"] for task in machine.hand.ask("facts")["tasks"] if task["status"] == "failed"]
        assert failed == ["CALL_UNKNOWN"] * unknown
        assert violations(machine, submitted=submitted, failing=unknown) == []
