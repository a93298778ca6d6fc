#!/usr/bin/env python3
"""A reference autoscaler: read two figures of a studio, start a worker host or stop the last one. Needs Python 3.11 alone.

    autoscale.py http://studio:8000/metrics --queue cpu --slots 8 --least 1 --most 4 \
        --start 'ssh worker{number} systemctl start videoflow-worker@cpu' \
        --stop 'ssh worker{number} systemctl stop videoflow-worker@cpu'

Hosts have the numbers 1 to ``--most``. The backlog, in seconds of one slot, divided by the seconds that people may wait, is how
many slots are wanted; what has waited longer than that already asks for one host more. Nothing is started twice within
``--every`` seconds, and a host is stopped only after nothing has waited for ``--idle-seconds``: a host that was asked for too
much costs less than a film that starts over. A stopped worker finishes what it is at where VIDEOFLOW_DRAIN_SECONDS allows it.
"""

import argparse
import math
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 10
COMMAND_SECONDS = 300
_FIGURE = re.compile(r'^videoflow_queue_(backlog|oldest)_seconds\{queue="([^"]+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Demand:
    """Of one queue, in seconds: the work that could start now, for one slot, and how long its oldest has waited."""

    backlog: float
    oldest: float


@dataclass(frozen=True, slots=True)
class Policy:
    """``slots``: of one host."""

    least: int
    most: int
    slots: int
    wait_seconds: float
    idle_seconds: float


def demand_read(text: str, queue: str) -> Demand:
    """Return the demand that the metrics tell of.

    Raises:
        ValueError: they tell nothing of this queue.
    """
    found = {name: float(value) for name, named, value in _FIGURE.findall(text) if named == queue}
    if found.keys() != {"backlog", "oldest"}:
        raise ValueError(f"the metrics tell nothing of a queue {queue}")
    return Demand(found["backlog"], found["oldest"])


def hosts_wanted(demand: Demand, *, hosts: int, idle_seconds: float, policy: Policy) -> int:
    """Return how many hosts should run, when ``hosts`` do and nothing has waited for ``idle_seconds``."""
    wanted = math.ceil(demand.backlog / policy.wait_seconds / policy.slots)
    if demand.oldest > policy.wait_seconds:
        wanted = max(wanted, hosts + 1)
    if wanted <= hosts:
        wanted = hosts - 1 if idle_seconds >= policy.idle_seconds else hosts
    return min(max(wanted, policy.least), policy.most)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metrics", help="address of a studio's metrics (VIDEOFLOW_METRICS=1)")
    parser.add_argument("--queue", default="cpu")
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--most", type=int, default=3)
    parser.add_argument("--slots", type=int, default=1, help="of the queue on one host")
    parser.add_argument("--wait-seconds", type=float, default=300, help="that people may wait")
    parser.add_argument("--idle-seconds", type=float, default=1800, help="without anything waiting, before a host is stopped")
    parser.add_argument("--every", type=float, default=30, help="seconds between two looks")
    parser.add_argument("--start", required=True, help="command that starts host {number}")
    parser.add_argument("--stop", required=True, help="command that stops host {number}, by SIGTERM to its worker")
    asked = parser.parse_args()
    if not 0 <= asked.least <= asked.most or asked.slots < 1 or asked.wait_seconds <= 0:
        parser.error("0 <= least <= most, and slots and seconds above 0")
    policy = Policy(asked.least, asked.most, asked.slots, asked.wait_seconds, asked.idle_seconds)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    hosts, waited_at = 0, time.monotonic()
    while not end.is_set():
        try:
            with urllib.request.urlopen(asked.metrics, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the operator's own
                demand = demand_read(answer.read().decode(), asked.queue)
        except (OSError, ValueError, urllib.error.URLError) as error:  # unknown is no reason to start or to stop anything
            say(f"cannot look: {error}")
            end.wait(asked.every)
            continue
        now = time.monotonic()
        if demand.backlog:
            waited_at = now
        wanted = hosts_wanted(demand, hosts=hosts, idle_seconds=now - waited_at, policy=policy)
        if wanted < hosts:
            waited_at = now  # one at a time: the next after as long again
        while hosts != wanted:
            is_start = hosts < wanted
            host = hosts + 1 if is_start else hosts
            command = (asked.start if is_start else asked.stop).replace("{number}", str(host))
            ran = subprocess.run(shlex.split(command), timeout=COMMAND_SECONDS, check=False)
            say(
                f"backlog {demand.backlog:.0f} s, oldest {demand.oldest:.0f} s: {command}" + (" failed" if ran.returncode else "")
            )
            if ran.returncode:
                break
            hosts += 1 if is_start else -1
        end.wait(asked.every)
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
