#!/usr/bin/env python3
"""What do 100, 10,000 or 1,000,000 videos a day need of workers, connections, storage and money, and what breaks first?

Arithmetic on what one video costs (measured by ``scripts/video_cost.py`` and the other scripts, each figure with its source)
and a simulation of the queue over a day with a peak. ``--set name=value`` changes any input, ``--inputs`` lists them.
docs/capacity.md says what to make of it. Nothing but Python's own library.
"""

import argparse
import dataclasses
import heapq
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

DAY_SECONDS = 86_400
SCALES = (100, 10_000, 1_000_000)
SIMULATED_AT_MOST = 60_000  # videos a day; beyond, chance evens out and the queue is reckoned by the minute
SEED = 8


def _input(default: float, unit: str, source: str) -> Any:
    return field(default=default, metadata={"unit": unit, "source": source})


_COST = "measured: scripts/video_cost.py"
_QUEUE = "measured: scripts/scale_benchmark.py"
_ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one video costs, what one machine can do, and what things cost; every figure with its unit and where it is from."""

    # One video of the sample's length
    slot_seconds: float = _input(150.0, "s a video on a slot", "measured: README, two otherwise idle cores")
    slot_spread: float = _input(0.35, "standard deviation of the logarithm", _ASSUMED)
    slot_cores: float = _input(2.0, "cores", "the design: a heavy step keeps two cores busy")
    slot_memory_mb: float = _input(1500.0, "MB", _COST)
    worker_files_mb: float = _input(390.0, "MB a video between storage and workers", _COST + ": written, read again, film")
    kept_mb: float = _input(220.0, "MB a video", _COST)
    film_mb: float = _input(51.0, "MB a video", "measured: the finished sample")
    events: float = _input(300.0, "events a video", "the design: two a second at most; 390 were measured on a busy machine")
    database_kb: float = _input(400.0, "KB a video in the database", _COST)
    wakeups: float = _input(4.0, "messages a video", "the design: one for each step")
    heartbeat_seconds: float = _input(10.0, "s", "the design: a running step renews its lease")
    # How it is used
    peak_factor: float = _input(2.5, "busiest hour beside the mean", _ASSUMED)
    patience_seconds: float = _input(300.0, "s that 95 of 100 videos may wait at most", _ASSUMED)
    days_kept: float = _input(90.0, "days", _ASSUMED)
    plays: float = _input(3.0, "times a film is sent to its makers", _ASSUMED)
    requests: float = _input(250.0, "requests a video", _ASSUMED)
    request_cpu_ms: float = _input(40.0, "CPU-ms a request", _QUEUE + ": pages 30 to 200, calls 3")
    watched_seconds: float = _input(600.0, "s that a page stands open for a video", _ASSUMED)
    published_share: float = _input(0.5, "share of videos sent to YouTube", _ASSUMED)
    # What one part can do
    writes_per_second: float = _input(770.0, "transactions/s, one PostgreSQL of 2 cores", "measured: 3 writes in 3.9 ms")
    claim_ms_per_thousand: float = _input(2.4, "ms for each 1,000 sessions that wait", "measured: 0.96 ms of CPU at 400")
    bells_per_second: float = _input(4600.0, "messages/s that one server process hears", "measured: publish and layer, flood")
    sockets: float = _input(2000.0, "sockets a server process", "measured: scripts/websocket_load_test.py")
    connections_per_slot: float = _input(2.5, "connections", "docs/postgresql.md: two or three a worker process")
    connections_per_server: float = _input(10.0, "connections", "docs/postgresql.md: about ten")
    connections_at_most: float = _input(500.0, "connections of one PostgreSQL without a pooler", _ASSUMED)
    storage_gbit_per_second: float = _input(10.0, "Gbit/s of one storage endpoint", _ASSUMED)
    uploads_per_project: float = _input(100.0, "uploads a day for one Google project", "YouTube's published quota")
    sweep_us_per_file: float = _input(25.0, "CPU-us for each file, in the hourly sweep", "measured: 20,000 files, SQLite")
    files: float = _input(80.0, "files a video", _COST)
    sweep_seconds: float = _input(3600.0, "s that the sweep may take", "the design: it comes once an hour")
    host_cores: float = _input(16.0, "cores of a worker host", _ASSUMED)
    use_of_hosts: float = _input(0.8, "share of a host's cores that is planned for", _ASSUMED)
    # Money, in US dollars: list prices differ by a factor of five, so put in your own
    core_hour: float = _input(0.04, "$ a core and hour", _ASSUMED)
    gigabyte_month: float = _input(0.023, "$ a GB and month", _ASSUMED)
    gigabyte_sent: float = _input(0.05, "$ a GB out of the house", _ASSUMED)
    database_month: float = _input(150.0, "$ a month for one database of 770 transactions/s", _ASSUMED)

    @property
    def service(self) -> "Service":
        return Service(self.slot_seconds, self.slot_spread, self.peak_factor, self.patience_seconds)


@dataclass(frozen=True, slots=True)
class Service:
    """How long a slot is taken by a video (mean, spread of the logarithm), how uneven the day is, how long one may wait."""

    seconds: float
    spread: float
    peak_factor: float
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class Limit:
    """One part of today's design under the busiest hour: what it has to do, what one of it can, and the ratio."""

    name: str
    demand: float
    capacity: float
    unit: str
    is_ours: bool = True
    """Whether another design could change it."""

    @property
    def load(self) -> float:
        return self.demand / self.capacity

    @property
    def shown(self) -> str:
        return f"{self.load:.1%}" if self.load < 1 else f"{self.load:,.1f} x"


@dataclass(frozen=True, slots=True)
class Plan:
    """What so many videos a day need."""

    videos_per_day: int
    slots: int
    wait_p95_seconds: float
    hosts: int
    cores: float
    memory_gb: float
    server_processes: int
    connections: int
    storage_gb: float
    storage_mbit_per_second: float
    writes_per_second: float
    messages_per_second: float
    database_gb: float
    dollars_per_month: dict[str, float]
    limits: tuple[Limit, ...]

    @property
    def first_limit(self) -> Limit:
        return max((limit for limit in self.limits if limit.is_ours), key=lambda limit: limit.load)

    @property
    def dollars_per_video(self) -> float:
        return sum(self.dollars_per_month.values()) / (self.videos_per_day * 30)


def rate_at(second: float, videos_per_day: float, peak_factor: float) -> float:
    """Return the arrivals per second at a time of the day: a wave around the mean with its peak in the afternoon.

    The night's rate is not below zero, so beyond a factor of two the day is shorter and the wave is raised to a power that keeps
    the mean and the peak.
    """
    power = _power(peak_factor)
    wave = (1 + math.cos((second - 15 * 3600) * math.tau / DAY_SECONDS)) / 2
    return videos_per_day / DAY_SECONDS * peak_factor * math.pow(wave, power)


def _power(peak_factor: float) -> float:
    """Return the power of the wave whose mean is 1/peak: ``mean(((1+cos)/2)^p) = Γ(p+½) / (√π Γ(p+1))``, found by halving."""
    low, high = 0.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = math.exp(math.lgamma(middle + 0.5) - math.lgamma(middle + 1)) / math.sqrt(math.pi)
        low, high = (middle, high) if mean > 1 / peak_factor else (low, middle)
    return low


def waits_simulated(videos_per_day: int, slots: int, service: Service, *, seed: int = SEED) -> list[float]:
    """Return the sorted waits in seconds of a day's videos: arrivals by chance, first come first served on so many slots."""
    dice = Random(seed)
    peak = rate_at(15 * 3600, videos_per_day, service.peak_factor)
    middle = math.log(service.seconds) - service.spread**2 / 2  # so that the mean is what was measured
    free = [0.0] * slots
    waits: list[float] = []
    now = 0.0
    while True:
        now += dice.expovariate(peak)
        if now >= DAY_SECONDS:
            return sorted(waits)
        if dice.random() * peak > rate_at(now, videos_per_day, service.peak_factor):
            continue
        start = max(now, free[0])
        heapq.heapreplace(free, start + dice.lognormvariate(middle, service.spread))
        waits.append(start - now)


def wait_p95_reckoned(videos_per_day: int, slots: int, service: Service) -> float:
    """Return the wait in seconds that 95 of 100 videos do not exceed, minute by minute, without chance: for large numbers."""
    done_per_minute = slots * 60 / service.seconds
    backlog = 0.0
    waits = []
    for minute in range(DAY_SECONDS // 60):
        came = 60 * rate_at(minute * 60, videos_per_day, service.peak_factor)
        waits.append((backlog / done_per_minute * 60, came))
        backlog = max(0.0, backlog + came - done_per_minute)
    return share_below(waits, 0.95)


def share_below(weighted: Sequence[tuple[float, float]], share: float) -> float:
    """Return the smallest value that at least ``share`` of the weight does not exceed; items are (value, weight)."""
    whole, seen = sum(weight for _, weight in weighted), 0.0
    for value, weight in sorted(weighted):
        seen += weight
        if seen >= share * whole:
            return value
    return 0.0


@cache
def wait_p95(videos_per_day: int, slots: int, service: Service) -> float:
    if videos_per_day > SIMULATED_AT_MOST:
        return wait_p95_reckoned(videos_per_day, slots, service)
    waits = waits_simulated(videos_per_day, slots, service)
    return waits[int(0.95 * len(waits))] if waits else 0.0


@cache
def slots_needed(videos_per_day: int, service: Service) -> int:
    """Return the fewest slots with which 95 of 100 videos wait no longer than somebody's patience."""
    busy = videos_per_day * service.seconds / DAY_SECONDS
    low, high = max(1, math.ceil(busy)), max(2, math.ceil(busy * service.peak_factor * 1.5) + 4)
    while low < high:
        middle = (low + high) // 2
        if wait_p95(videos_per_day, middle, service) <= service.patience_seconds:
            high = middle
        else:
            low = middle + 1
    return low


def plan(videos_per_day: int, inputs: Inputs) -> Plan:
    """Return what so many videos a day need, and how near each part of today's design is to its limit in the busiest hour."""
    slots = slots_needed(videos_per_day, inputs.service)
    wait = wait_p95(videos_per_day, slots, inputs.service)
    peak = min(videos_per_day * inputs.peak_factor / DAY_SECONDS, slots / inputs.slot_seconds)  # videos/s that are worked on
    arriving = videos_per_day * inputs.peak_factor / DAY_SECONDS
    waiting = max(1.0, arriving * wait)
    hosts = math.ceil(slots * inputs.slot_cores / (inputs.host_cores * inputs.use_of_hosts))
    watching = arriving * inputs.watched_seconds
    servers = max(
        1, math.ceil(watching / inputs.sockets), math.ceil(arriving * inputs.requests * inputs.request_cpu_ms / 1000 / 0.5)
    )
    connections = math.ceil(slots * inputs.connections_per_slot + servers * inputs.connections_per_server)
    writes = peak * (inputs.events + inputs.slot_seconds / inputs.heartbeat_seconds) + arriving * inputs.requests * 0.2
    messages = peak * (inputs.events + inputs.wakeups)
    sent_mb = inputs.film_mb * (inputs.plays + inputs.published_share)
    storage_mbit = arriving * (inputs.worker_files_mb + sent_mb) * 8
    storage_gb = videos_per_day * inputs.days_kept * inputs.kept_mb / 1000
    database_gb = videos_per_day * inputs.days_kept * inputs.database_kb / 1e6
    kept_files = videos_per_day * inputs.days_kept * inputs.files
    uploads = videos_per_day * inputs.published_share
    limits = (
        Limit("database writes", writes, inputs.writes_per_second, "transactions/s of one PostgreSQL"),
        Limit("claims", slots / inputs.slot_seconds * inputs.wakeups, 1000 / _claim_ms(waiting, inputs), "claims/s"),
        Limit("database connections", connections, inputs.connections_at_most, "connections without a pooler"),
        Limit("live progress", messages, inputs.bells_per_second, "messages/s that each server hears"),
        Limit("storage bandwidth", storage_mbit, inputs.storage_gbit_per_second * 1000, "Mbit/s of one endpoint"),
        Limit("the hourly sweep", kept_files * inputs.sweep_us_per_file / 1e6, inputs.sweep_seconds, "s of one core"),
        Limit("YouTube's quota", uploads, inputs.uploads_per_project, "uploads a day of a Google project", is_ours=False),
    )
    cores = slots * inputs.slot_cores / inputs.use_of_hosts + servers
    money = {
        "computing": cores * inputs.core_hour * 24 * 30,
        "storage": storage_gb * inputs.gigabyte_month,
        "traffic": videos_per_day * 30 * sent_mb / 1000 * inputs.gigabyte_sent,
        "databases": math.ceil(writes / inputs.writes_per_second) * inputs.database_month,
    }
    return Plan(
        videos_per_day=videos_per_day,
        slots=slots,
        wait_p95_seconds=wait,
        hosts=hosts,
        cores=cores,
        memory_gb=slots * inputs.slot_memory_mb / 1000,
        server_processes=servers,
        connections=connections,
        storage_gb=storage_gb,
        storage_mbit_per_second=storage_mbit,
        writes_per_second=writes,
        messages_per_second=messages,
        database_gb=database_gb,
        dollars_per_month=money,
        limits=limits,
    )


def _claim_ms(waiting_sessions: float, inputs: Inputs) -> float:
    """Return what one claim takes: it looks at every session that waits, and no less than a millisecond."""
    return max(1.0, inputs.claim_ms_per_thousand * waiting_sessions / 1000)


def sensitivity(videos_per_day: int, inputs: Inputs, *, change: float = 0.5) -> list[tuple[str, float, float]]:
    """Return (input, per cent more money, per cent more of the highest load) when an input grows, greatest first."""
    base = plan(videos_per_day, inputs)
    found = []
    for one in dataclasses.fields(inputs):
        changed = plan(videos_per_day, dataclasses.replace(inputs, **{one.name: getattr(inputs, one.name) * (1 + change)}))
        money = changed.dollars_per_video / base.dollars_per_video - 1
        load = changed.first_limit.load / base.first_limit.load - 1
        found.append((one.name, money * 100, load * 100))
    return sorted(found, key=lambda item: -max(abs(item[1]), abs(item[2])))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def plans_shown(plans: Sequence[Plan]) -> str:
    """Return the sizing table and what comes first, in Markdown."""
    rows: list[tuple[str, list[str]]] = [
        ("slots of two cores", [f"{one.slots:,}" for one in plans]),
        ("memory for the slots", [f"{one.memory_gb:,.0f} GB" for one in plans]),
        ("hosts of 16 cores", [f"{one.hosts:,}" for one in plans]),
        ("wait for a slot, p95", [f"{one.wait_p95_seconds:.0f} s" for one in plans]),
        ("server processes", [f"{one.server_processes:,}" for one in plans]),
        ("database connections", [f"{one.connections:,}" for one in plans]),
        ("database writes/s", [f"{one.writes_per_second:,.1f}" for one in plans]),
        ("database", [f"{one.database_gb:,.0f} GB" for one in plans]),
        ("messages/s through Redis", [f"{one.messages_per_second:,.1f}" for one in plans]),
        ("storage", [f"{one.storage_gb / 1000:,.1f} TB" for one in plans]),
        ("storage traffic, busiest hour", [f"{one.storage_mbit_per_second:,.0f} Mbit/s" for one in plans]),
        *(
            (f"{name}, $ a month", [f"{one.dollars_per_month[name]:,.0f}" for one in plans])
            for name in plans[0].dollars_per_month
        ),
        ("$ a video", [f"{one.dollars_per_video:.3f}" for one in plans]),
    ]
    heads = ["", *(f"{one.videos_per_day:,} a day" for one in plans)]
    sizes = table(heads, [[name, *values] for name, values in rows])
    loads = [[limit.name, *(one.limits[index].shown for one in plans)] for index, limit in enumerate(plans[0].limits)]
    return f"{sizes}\n\n{table(['use of one', *heads[1:]], loads)}"


def inputs_shown(inputs: Inputs) -> str:
    rows = [
        [one.name, f"{getattr(inputs, one.name):g}", str(one.metadata["unit"]), str(one.metadata["source"])]
        for one in dataclasses.fields(inputs)
    ]
    return table(["input", "value", "unit", "source"], rows)


def inputs_of(changes: Sequence[str]) -> Inputs:
    """Return the inputs with ``name=value`` put in.

    Raises:
        ValueError: there is no such input, or the value is no positive number.
    """
    names = {one.name for one in dataclasses.fields(Inputs)}
    values = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in names:
            raise ValueError(f"There is no input {name!r}. --inputs lists them.")
        values[name] = float(text)
        if not 0 < values[name] < math.inf:
            raise ValueError(f"{name} must be a positive number.")
    return Inputs(**values)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, nargs="+", default=list(SCALES), metavar="N", help="videos a day")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value for an input")
    parser.add_argument("--inputs", action="store_true", help="list the inputs with their sources")
    parser.add_argument("--sensitivity", action="store_true", help="what half as much again of each input changes, at 10,000")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args(arguments)
    try:
        inputs = inputs_of(asked.set)
    except ValueError as error:
        parser.error(str(error))
    if not all(1 <= videos <= 10_000_000 for videos in asked.videos):
        parser.error("--videos takes 1 to 10,000,000 videos a day")
    if asked.inputs:
        print(inputs_shown(inputs))
        return 0
    if asked.sensitivity:
        rows = [[name, f"{money:+.1f} %", f"{load:+.1f} %"] for name, money, load in sensitivity(10_000, inputs)]
        print(table(["half as much again of", "$ a video", "highest load"], rows[:12]))
        return 0
    plans = [plan(videos, inputs) for videos in asked.videos]
    print(plans_shown(plans))
    for one in plans:
        first = one.first_limit
        print(
            f"\n{one.videos_per_day:,} a day: nearest to its limit is {first.name}: {first.demand:,.1f} of {first.capacity:,.1f}"
            f" {first.unit}"
        )
    if asked.json:
        print(json.dumps([dataclasses.asdict(one) for one in plans]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
