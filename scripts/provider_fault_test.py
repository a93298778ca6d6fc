#!/usr/bin/env python3
"""Does every call to a service end in the right state when the service misbehaves, in time, in little memory, and paid once?

Each provider makes its calls through the real client and the real book of paid calls against a strict fake of its service on this
machine, whose answers are spoiled by a queue of faults: limits, errors, cut lines, a byte a second, halves, nonsense, 1 GB. The
deadlines are shortened so that the run takes minutes. Loopback only.
"""

import argparse
import contextlib
import json
import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

from videoflow.tests.own_django import own_django  # noqa: E402 - the path first

DJANGO = own_django("videoflow-faults-")

import psutil  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.errors import VideoflowError  # noqa: E402
from videoflow.pipeline.connections import thread_room  # noqa: E402
from videoflow.pipeline.ledger import Payer, paid_reply  # noqa: E402
from videoflow.pipeline.models import ProviderCall  # noqa: E402
from videoflow.pipeline.services import project_create  # noqa: E402
from videoflow.providers.crew import abreast  # noqa: E402
from videoflow.providers.net import Answer, Client, Connection, Downloaded  # noqa: E402
from videoflow.providers.paid import PaidCall  # noqa: E402
from videoflow.providers.picturing.tests import fake_pictures  # noqa: E402
from videoflow.providers.registry import Access, provider_make  # noqa: E402
from videoflow.providers.services import SERVICES  # noqa: E402
from videoflow.providers.tests.fake_service import FAULTS, FakeService, Fault  # noqa: E402
from videoflow.providers.tests.fault_drivers import Driver, drivers  # noqa: E402
from videoflow.providers.writing.tests.fake_models import Notes  # noqa: E402
from videoflow.sessions.services import session_create  # noqa: E402

GRACE_SECONDS = 1.0
WARM_SECONDS = 30.0
MEMORY_LIMIT_BYTES = 100_000_000
MEMORY_PER_THREAD_BYTES = 40_000_000
"""For each further call under way: an answer of the largest size that is taken, and what is made of it."""
MOST_CALLS = 5000
FAULT_SHARE = 0.7
HEAVY: set[Fault] = {"slow", "drip", "huge", "bomb"}
HEAVY_SHARE = 0.25
"""Of the faults of that kind: they take their whole deadline, or hundreds of megabytes."""
LATER_SHARE = 0.3
"""Of the faults: they come at a call's second request, where it makes one."""
REQUESTS_PER_CALL = 12
"""At most, whatever happens: steps down, one repair, one repetition, pages, polls, the days of a week."""
PICTURES = 8
"""Different pictures of a fake; they are kept, and would count as memory of the studio."""


class HastyClient(Client):
    """The real client with a short deadline; it notes how long each request took."""

    def __init__(self, made: Connection, headers: Mapping[str, str]) -> None:
        super().__init__(made, headers)
        self.deadline_seconds = WARM_SECONDS
        self.spans: list[float] = []

    def request(self, *arguments: Any, **keywords: Any) -> Answer:
        began = time.monotonic()
        try:
            return super().request(*arguments, **{**keywords, "deadline_seconds": self.deadline_seconds})
        finally:
            self.spans.append(time.monotonic() - began)

    def download(self, *arguments: Any, **keywords: Any) -> Downloaded:
        began = time.monotonic()
        try:
            return super().download(*arguments, **{**keywords, "deadline_seconds": self.deadline_seconds})
        finally:
            self.spans.append(time.monotonic() - began)


@dataclass
class Found:
    """What the calls of one provider came to."""

    name: str
    calls: int = 0
    ok: int = 0
    again: int = 0
    """Done when the same was asked for a second time, as a task's next attempt does."""
    refused: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    """What may not be: an unexpected exception, a failure without a fault, a row in the wrong state."""
    requests: int = 0
    faults: int = 0
    most_requests: int = 0
    late: int = 0
    longest_seconds: float = 0.0
    doubled: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)
    counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def told(self) -> dict[str, Any]:
        """Return the figures as JSON takes them."""
        figures = {name: value for name, value in vars(self).items() if name != "counting"}
        return {**figures, "wrong": dict(self.wrong), "right": is_right(self)}

    def count(self, what: Literal["ok", "refused"]) -> None:
        with self.counting:
            setattr(self, what, getattr(self, what) + 1)


def pay_for(session: Any, project: Any) -> Callable[[PaidCall], bytes]:
    """Pay through the book; what is polled is polled at once."""
    payer = Payer(session, "media_generation", project)

    def pay(call: PaidCall) -> bytes:
        return paid_reply(replace(call, poll_every_seconds=0.0), payer=payer, fenced=transaction.atomic, cancelled=lambda: False)

    return pay


@dataclass
class Bench:
    """One provider at work against its fake."""

    fake: FakeService
    client: HastyClient
    provider: Any
    project: Any
    folder: Path


@contextlib.contextmanager
def bench(driver: Driver, deadline_seconds: float, *, threads: int = 1) -> Iterator[Bench]:
    """Lay a provider's routes, make its first call, and shorten the deadline."""
    session = session_create()
    project = project_create(session=session, seed=1)
    with tempfile.TemporaryDirectory(dir=DJANGO.data.name) as folder, FakeService(drip_seconds=0.1) as fake:
        driver.routes(fake)
        known = SERVICES[driver.service]
        made = Connection(
            driver.service,
            fake.url + driver.path,
            driver.key,
            driver.model,
            {**known.options, **driver.options},
            frozenset({fake.host}),
            at_once=threads,
        )
        client = HastyClient(made, known.headers(driver.key))
        access = Access(made, client, pay_for(session, project), lambda: False, Notes())
        provider = provider_make(driver.capability, driver.service, access)
        driver.call(provider, 0, Path(folder))  # what is loaded once is loaded
        client.deadline_seconds = deadline_seconds
        client.spans.clear()
        yield Bench(fake, client, provider, project, Path(folder))


def run(
    driver: Driver, calls: int, seed: int, deadline_seconds: float, *, only: Fault | None = None, at_request: int = 1
) -> Found:
    """Make the calls and judge them; ``only`` spoils the answer to that request of each call, else a random one or none."""
    found = Found(driver.name)
    chance = random.Random(f"{seed} {driver.name}")
    with bench(driver, deadline_seconds) as made:
        fake = made.fake
        for number in range(1, calls + 1):
            fault = only or _fault(chance)
            if fault:
                spoiled = at_request if only else 2 if chance.random() < LATER_SHARE else 1
                fake.fault(*[""] * (spoiled - 1), fault)
            before = len(fake.requests)
            _one(driver, made.provider, number, made.folder, found, fault)
            if only:  # the task's next attempt, which must not pay again
                with contextlib.suppress(VideoflowError):
                    driver.call(made.provider, number, made.folder)
                    found.again += 1
            found.most_requests = max(found.most_requests, len(fake.requests) - before)
            _rows_judge(made.project, found, fault)
            fake.faults_clear()
        _requests_judge(made, found, calls, deadline_seconds)
    _book_judge(made.project, fake, found)
    connection.close()
    return found


def run_abreast(driver: Driver, calls: int, seed: int, deadline_seconds: float, *, threads: int) -> Found:
    """Make the calls in threads, as a step does, with faults at random requests, and judge them."""
    found = Found(driver.name)
    chance = random.Random(f"{seed} {driver.name}")
    with bench(driver, deadline_seconds, threads=threads) as made:
        # Half as many as of calls, for a call of several requests meets several.
        made.fake.fault(*[_fault(chance) if chance.random() < 0.5 else "" for _ in range(REQUESTS_PER_CALL * calls)])

        def act(number: int) -> None:
            _one(driver, made.provider, number, made.folder, found)

        for _ in abreast(range(1, calls + 1), act, most=threads, cancelled=lambda: False, room=thread_room):
            pass
        made.fake.faults_clear()
        _rows_judge(made.project, found, "abreast")
        _requests_judge(made, found, calls, deadline_seconds)
    if found.refused > found.faults:
        found.wrong["failed without a fault"] += found.refused - found.faults
    _book_judge(made.project, made.fake, found)
    connection.close()
    return found


def _requests_judge(made: Bench, found: Found, calls: int, deadline_seconds: float) -> None:
    found.calls, found.requests, found.faults = calls, len(made.fake.requests), sum(made.fake.faulted.values())
    found.late = sum(1 for span in made.client.spans if span > deadline_seconds + GRACE_SECONDS)
    found.longest_seconds = max(made.client.spans)
    found.problems = made.fake.problems[:3]
    made.fake.problems.clear()


def _fault(chance: random.Random) -> Fault | Literal[""]:
    if chance.random() >= FAULT_SHARE:
        return ""
    if chance.random() < HEAVY_SHARE * len(HEAVY) / len(FAULTS):
        return chance.choice(sorted(HEAVY))
    return chance.choice([fault for fault in FAULTS if fault not in HEAVY])


def _one(driver: Driver, provider: Any, number: int, folder: Path, found: Found, fault: str | None = None) -> None:
    """Make one call; ``fault`` is what meets it, empty where nothing does, None where nobody knows."""
    try:
        driver.call(provider, number, folder)
        found.count("ok")
    except VideoflowError as error:
        found.count("refused")
        text = f"{error} {error.details}"
        if driver.key and driver.key in text:
            found.wrong["the key stands in an error"] += 1
        if fault == "":
            found.wrong[f"failed without a fault: {error}"[:120]] += 1
    except Exception as error:  # whatever it is, it is what this test looks for
        found.wrong[f"{fault}: {type(error).__name__}: {error}"[:120]] += 1


def _rows_judge(project: Any, found: Found, fault: str) -> None:
    """No call that costs money may be left open: whoever comes later would not know what became of it."""
    left = project.provider_calls.filter(state__in=ProviderCall.OPEN).exclude(reserved_micros=0).exclude(remote_id__gt="")
    if left.exists():
        found.wrong[f"{fault}: a call was left without an end"] += left.count()
        left.update(state=ProviderCall.State.FAILED)


def _book_judge(project: Any, fake: FakeService, found: Found) -> None:
    """Compare what was charged with the book: each charge has a line of its own that was meant to cost money."""
    lines = project.provider_calls.exclude(reserved_micros=0)
    found.unknown = lines.filter(state=ProviderCall.State.UNKNOWN).count()
    meant = lines.exclude(state=ProviderCall.State.FAILED).count()
    wanted = Counter(lines.exclude(state=ProviderCall.State.FAILED).values_list("wanted", flat=True))
    unwritten = max(0, fake.answered["POST"] - meant) if lines.exists() else 0
    found.doubled = sum(count - 1 for count in wanted.values()) + unwritten


class Memory:
    """Watches how far the process grows while the calls run."""

    def __init__(self) -> None:
        self.process, self.peak_bytes, self.ending = psutil.Process(), 0, threading.Event()
        self.began_bytes = self.process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self.ending.wait(0.02):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)

    @property
    def grown_bytes(self) -> int:
        self.ending.set()
        return max(0, self.peak_bytes - self.began_bytes)


def is_right(found: Found) -> bool:
    return not (found.wrong or found.late or found.doubled or found.problems or found.most_requests > REQUESTS_PER_CALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="calls of each provider (500)")
    parser.add_argument("--only", default="", help="part of a provider's name, such as “speech” or “pexels”")
    parser.add_argument("--fault", choices=FAULTS, help="this fault alone, at every call, and each call asked for twice")
    parser.add_argument("--request", type=int, default=1, help="with --fault: the request of each call that it meets (1)")
    parser.add_argument("--deadline", type=float, default=1.0, help="seconds for each request (1); more on a busy machine")
    parser.add_argument("--at-once", type=int, default=1, help="providers that run beside each other (1, as in a worker)")
    parser.add_argument("--threads", type=int, default=1, help="calls of each provider that are under way at once (1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object at the end")
    options = parser.parse_args()
    if not 1 <= options.calls <= MOST_CALLS or not 1 <= options.at_once <= 8 or not 0.5 <= options.deadline <= 30:
        parser.error(f"--calls 1 to {MOST_CALLS}, --at-once 1 to 8, --deadline 0.5 to 30")
    if not 1 <= options.request <= REQUESTS_PER_CALL:
        parser.error(f"--request 1 to {REQUESTS_PER_CALL}")
    if not 1 <= options.threads <= 16 or (options.threads > 1 and options.fault):
        parser.error("--threads 1 to 16, and not together with --fault")
    logging.disable(logging.CRITICAL)
    numbered = fake_pictures._number
    fake_pictures._number = lambda query, at: numbered(query, at) % PICTURES
    call_command("migrate", verbosity=0)
    chosen = [driver for driver in drivers() if options.only in driver.name]
    if not chosen:
        parser.error(f"there is no provider “{options.only}”")
    for number in range(PICTURES):
        fake_pictures.photo(number)
        fake_pictures.clip(number)
    for driver in chosen:  # imports, models and tables that any call needs are there before memory is measured
        run(driver, 2, 0, options.deadline)
    results: list[Found] = []
    facts = (options.calls, options.seed, options.deadline)

    def judged(driver: Driver) -> Found:
        if options.threads > 1:
            return run_abreast(driver, *facts, threads=options.threads)
        return run(driver, *facts, only=options.fault, at_request=options.request)

    began, grown = time.monotonic(), 0
    for at in range(0, len(chosen), options.at_once):  # what one group leaves behind is not the next one's growth
        memory = Memory()
        with ThreadPoolExecutor(options.at_once) as pool:
            results += pool.map(judged, chosen[at : at + options.at_once])
        grown = max(grown, memory.grown_bytes)
    seconds = time.monotonic() - began
    _print(results, options.deadline, grown, seconds)
    limit = MEMORY_LIMIT_BYTES + (options.threads - 1) * MEMORY_PER_THREAD_BYTES
    is_good = all(map(is_right, results)) and grown <= limit
    if options.json:
        told = [found.told() for found in results]
        print(json.dumps({"providers": told, "grown_mb": round(grown / 1e6, 1), "seconds": round(seconds, 1), "ok": is_good}))
    return 0 if is_good else 1


def _print(results: list[Found], deadline_seconds: float, grown: int, seconds: float) -> None:
    table = Table(title=f"Calls with faults; deadline {deadline_seconds:g} s")
    for head in (
        "provider",
        "calls",
        "done",
        "2nd time",
        "error",
        "faults",
        "requests",
        "most a call",
        "longest s",
        "late",
        "unknown",
        "paid twice",
        "right",
    ):
        table.add_column(head, justify="left" if head == "provider" else "right")
    for found in results:
        table.add_row(
            found.name,
            *map(str, (found.calls, found.ok, found.again, found.refused, found.faults, found.requests, found.most_requests)),
            f"{found.longest_seconds:.2f}",
            *map(str, (found.late, found.unknown, found.doubled)),
            "yes" if is_right(found) else "NO",
        )
    console = Console(width=150)
    console.print(table)
    for found in results:
        for what, count in found.wrong.most_common(6):
            console.print(f"{found.name}: {count} x {what}", markup=False)
        for problem in found.problems:
            console.print(f"{found.name}: {problem}", markup=False)
    console.print(f"Memory: {grown / 1e6:.0f} MB more than before at the most, the fakes among them. {seconds:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
