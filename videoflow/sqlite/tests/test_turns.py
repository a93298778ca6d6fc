import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from videoflow.health.management.commands import serve
from videoflow.sqlite import turns
from videoflow.sqlite.turns import Turns

FORKS = """
import os, sys
from pathlib import Path
from videoflow.sqlite.turns import Turns, turns_of
Turns.answers_requests = True
ours = turns_of(sys.argv[1])
with ours.asking():
    child = os.fork()
    if child == 0:
        os._exit(turns_of(sys.argv[1]) is ours)
    status = os.waitpid(child, 0)[1]
    Turns.answers_requests = False
    assert not Turns(Path(sys.argv[1]).parent)._flock(5), "the child has given back what the parent holds"
sys.exit(status != 0)
"""


@pytest.fixture
def request_turns(tmp_path: Path) -> Turns:
    made = Turns(tmp_path)
    made.answers_requests = True
    return made


@pytest.fixture
def task_turns(tmp_path: Path) -> Turns:
    return Turns(tmp_path)


def test_a_task_gives_way_while_a_request_asks(request_turns, task_turns, monkeypatch):
    monkeypatch.setattr(turns, "GIVE_WAY_SECONDS", 240.0)
    order: list[str] = []

    def task() -> None:
        with task_turns.asking():
            order.append("task")

    thread = threading.Thread(target=task)
    with request_turns.asking():
        with request_turns.asking():  # another thread's, which ends first
            thread.start()
        thread.join(0.2)
        order.append("request")
    thread.join(240)
    assert order == ["request", "task"]


def test_a_task_comes_to_its_turn_however_many_ask(request_turns, task_turns, monkeypatch):
    monkeypatch.setattr(turns, "GIVE_WAY_SECONDS", 0.01)
    with request_turns.asking(), task_turns.asking():
        pass


def test_tasks_do_not_give_way_to_each_other(tmp_path, task_turns, monkeypatch):
    monkeypatch.setattr(turns, "_LOOK_SECONDS", None)  # whoever sleeps fails
    with task_turns.asking(), Turns(tmp_path).asking():
        pass


def test_without_a_folder_nobody_waits(tmp_path):
    with Turns(tmp_path / "none").asking():
        pass


def test_a_forked_child_begins_anew(tmp_path):
    command = [sys.executable, "-c", FORKS, str(tmp_path / "one.sqlite3")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_server_goes_before_tasks(monkeypatch):
    monkeypatch.setattr(Turns, "answers_requests", False)
    said: list[bool] = []

    class Server:
        def __init__(self, *_: Any, **__: Any) -> None:
            said.append(Turns.answers_requests)

        def run(self) -> None:
            """Nothing is served."""

    monkeypatch.setattr(serve, "StudioServer", Server)
    call_command("serve")
    assert said == [True]
