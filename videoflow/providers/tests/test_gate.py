import threading
from dataclasses import replace

import pytest

from videoflow.errors import Cancelled
from videoflow.providers.net import Connection, Patience, gate_of
from videoflow.providers.net.gate import PATIENCE_SECONDS, Gate
from videoflow.providers.paid import CallRefused

WAIT_SECONDS = 240
CONNECTION = Connection("openai", "http://127.0.0.1:9/v1", key="sk-1", at_once=4)


def going_on() -> bool:
    return False


def busy(seconds: float | None) -> CallRefused:
    return CallRefused("It is busy.", retryable=True, details={"retry_after_seconds": seconds})


class TestGate:
    def test_so_many_at_once_and_no_more(self):
        made = Gate(2)
        inside, most = [0], [0]
        guard = threading.Lock()

        def work() -> None:
            with made.turn(going_on):
                with guard:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with guard:
                    inside[0] -= 1

        threads = [threading.Thread(target=work) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        assert (inside[0], 1 <= most[0] <= 2) == (0, True)

    def test_one_that_hears_to_wait_makes_all_wait(self, pauses):
        shared = Gate(4)
        answers = [busy(7.0), "done"]

        def act() -> str:
            answer = answers.pop(0)
            if isinstance(answer, CallRefused):
                raise answer
            return str(answer)

        assert Patience(shared).ask(act, going_on) == "done"
        assert pauses == [7.0]
        shared.close(5.0)
        assert Patience(shared).ask(lambda: "another step's", going_on) == "another step's"
        assert pauses == [7.0, 5.0]

    def test_half_as_many_after_a_pause_and_slowly_more_again(self, pauses):
        made = Gate(4)
        assert made.close(1.0) == 1.0
        assert made.close(1.0) == 0.0, "the second one heard of the same pause"
        assert made.width == 2
        patience = Patience(made)
        widths = []
        for _ in range(24):
            patience.ask(lambda: None, going_on)
            widths.append(made.width)
        assert widths[3:5] == [3, 3] and widths[11] == widths[-1] == 4

    def test_a_cancel_ends_the_wait(self):
        made = Gate(1)
        made.close(30.0)
        with pytest.raises(Cancelled), made.turn(lambda: True):
            pass

    def test_one_for_an_address_and_a_key(self):
        mine = gate_of(CONNECTION)
        assert gate_of(replace(CONNECTION, model="another")) is mine
        assert gate_of(replace(CONNECTION, key="sk-2")) is not mine
        assert gate_of(replace(CONNECTION, base_url="http://127.0.0.1:8/v1")) is not mine
        assert mine.most == 4


class TestPatience:
    def test_ends_when_nothing_but_refusals_come(self, pauses):
        def act() -> None:
            raise busy(1.0)

        with pytest.raises(CallRefused):
            Patience(Gate(2)).ask(act, going_on)
        assert 50 <= sum(pauses) <= PATIENCE_SECONDS

    def test_ends_when_refusals_ask_for_no_pause(self, pauses):
        asked = []

        def act() -> None:
            asked.append(1)
            assert len(asked) < 10_000, "it is asked without end"
            raise busy(0.0)

        with pytest.raises(CallRefused):
            Patience(Gate(2)).ask(act, going_on)
        assert (pauses, 100 < len(asked) < 1000) == ([], True)

    def test_without_a_word_on_how_long_pauses_double(self, pauses):
        answers = [busy(None)] * 3

        def act() -> str:
            if answers:
                raise answers.pop()
            return "done"

        assert Patience(Gate(2)).ask(act, going_on) == "done"
        assert pauses == [1.0, 2.0, 4.0]

    def test_is_renewed_by_an_answer(self, pauses):
        patience = Patience(Gate(1))
        for _ in range(4):
            answers = [busy(25.0), busy(25.0)]

            def act(answers: list[CallRefused] = answers) -> None:
                if answers:
                    raise answers.pop()

            patience.ask(act, going_on)
        assert sum(pauses) == 200.0

    def test_too_long_a_pause_is_left_to_the_next_attempt(self, pauses):
        shared = Gate(4)

        def act() -> None:
            raise busy(300.0)

        with pytest.raises(CallRefused):
            Patience(shared).ask(act, going_on)
        assert pauses == []
        Patience(shared).ask(lambda: None, going_on)
        assert pauses == [30.0], "others hold back for a while"

    def test_any_other_error_is_not_repeated(self, pauses):
        asked = []

        def act() -> None:
            asked.append(1)
            raise CallRefused("The key is wrong.")

        with pytest.raises(CallRefused):
            Patience(Gate(4)).ask(act, going_on)
        assert (len(asked), pauses) == (1, [])
