"""Worker processes of our own: started in their own session, killed with their parent, fed with JSON lines.

Heavy work (speech models, drawing, encoding) runs in ``python -m <module>`` children so that a cancel can kill
it at any moment and its memory goes back to the system. The module's ``__main__`` calls ``child_serve``.
"""

import ctypes
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from videoflow.errors import Cancelled, VideoflowError, disk_full_read
from videoflow.sentences import packed, unpacked

Job = Mapping[str, Any]
Result = dict[str, Any]
CancelCheck = Callable[[], bool]

_CODE = str(Path(__file__).resolve().parent.parent)
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_CAP_SYS_NICE = 23
_CAPABILITY_VERSION = 0x20080522
_SESSION_SHARE = Path("/proc/self/autogroup")
_SESSION_NICENESS = 5  # a third of what another session gets; with 10 or 19 pages wait no less, and on a busy machine work stands
_SESSION_TRIES = 8
_TERM_GRACE_SECONDS = 0.4
_IDLE_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.1


class ChildFailed(VideoflowError):
    """A worker process ended or answered with an error before its job was done."""

    code = "WORKER_PROCESS_FAILED"


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies, whatever kills the parent (Linux only).

    Called by the child itself, because ``preexec_fn`` is unsafe in a parent with threads. ``parent_pid`` comes from the parent: a
    parent of another number says that it died before the call, whereas number 1 says nothing, since a container's first process
    has it too. The order outlives ``exec``.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def priority_forgo() -> None:
    """Give up the right of root to lift its priority, for this thread, those it starts, and every program it starts (Linux).

    Root is common in containers, and libraries use it: SVT-AV1 makes its process real-time (SCHED_FIFO 99) when it finds itself
    root, Chromium lifts a dozen threads to nice -8. On two cores either starves everything else on the machine.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)  # fails for those who are not root, who have no such right anyway
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, the lower 32 capabilities first
    if libc.capget(header, sets) == 0:
        for place in range(3):
            sets[place] &= ~(1 << _CAP_SYS_NICE)
        libc.capset(header, sets)


def session_step_back() -> None:
    """Have this session take less of a busy processor than others, if this process leads it (Linux).

    For work of minutes, not for what somebody waits for. Where the kernel shares the processor out between sessions first
    (``kernel.sched_autogroup_enabled``, usual on desktops), a priority counts within one session alone: beside two videos, whose
    encoders have a session each, tasks of 50 clients were submitted within 1,260 ms (p95) instead of 55.
    """
    if os.getsid(0) != os.getpid():
        return  # others live in it too
    for _ in range(_SESSION_TRIES):
        try:
            _SESSION_SHARE.write_text(str(_SESSION_NICENESS))
        except BlockingIOError:  # the kernel takes ten a second of those who are not root
            time.sleep(random.uniform(0.03, 0.12))
        except OSError:  # another system, or a kernel without
            return
        else:
            return


def be_a_good_neighbour() -> None:
    """Run this process at idle priority, so that pages and live events keep their promises meanwhile."""
    priority_forgo()
    if hasattr(os, "SCHED_IDLE"):
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            return
        except PermissionError:  # a container may forbid it; plain niceness is never forbidden
            pass
    os.nice(19)


_BECOME = """
import os, sys
sys.path.insert(0, sys.argv[2])
from videoflow.children import be_a_good_neighbour, die_with_parent
die_with_parent(int(sys.argv[1]))
be_a_good_neighbour()
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The child asks the kernel for both, then becomes the program: between fork and exec it is unsafe in a parent with threads."""


def program_command(program: Sequence[str]) -> list[str]:
    """Return what starts a program (by its path) that dies with this process and runs at idle priority."""
    return [sys.executable, "-c", _BECOME, str(os.getpid()), _CODE, *program]


def module_environment() -> dict[str, str]:
    """Return this process's environment, in which Python finds the studio's modules whatever folder it is started in."""
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", _CODE)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([_CODE, *others]), "PYTHONUNBUFFERED": "1"}


def group_kill(process: subprocess.Popen[Any]) -> None:
    """End the process and all it started: SIGTERM to its group, 0.4 s, SIGKILL, and reap it."""
    for sig, grace_seconds in ((signal.SIGTERM, _TERM_GRACE_SECONDS), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sig)
        except ProcessLookupError:
            pass
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            continue
        if sig == signal.SIGTERM:
            try:  # the leader went quietly; stragglers of its group must not outlive it
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            return


def child_serve(handle: Callable[[Job, Callable[[float], None]], Result], *, idle_priority: bool = True) -> None:
    """Answer jobs from stdin until it closes; the whole life of a worker process.

    ``handle(job, progress)`` returns a JSON-able result; ``progress`` takes a share between 0 and 1.
    A raised ``VideoflowError`` goes back with its code and sentence, and so does a full disk; anything else ends the process
    with its traceback on stderr. stdout belongs to the protocol, so prints of libraries are sent to stderr.
    """
    die_with_parent(int(sys.argv[1]))
    if idle_priority:
        be_a_good_neighbour()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(message: Mapping[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    for line in sys.stdin:
        message = json.loads(line)
        number = message["number"]
        try:
            result = handle(message["job"], lambda share: reply({"number": number, "progress": share}))  # noqa: B023
        except (VideoflowError, OSError) as error:
            refusal = error if isinstance(error, VideoflowError) else disk_full_read(error)
            if refusal is None:
                raise
            fault = {"code": refusal.code, "retryable": refusal.retryable, "details": refusal.details}
            fault["message"] = packed(str(refusal))
            reply({"number": number, "error": fault})
        else:
            reply({"number": number, "result": result})


class _Child:
    """One worker process, the thread that reads its replies, and the tail of its stderr."""

    def __init__(self, module: str, inbox: "queue.Queue[tuple[_Child, dict[str, Any] | None]]") -> None:
        self.module = module
        self.number: int | None = None
        """Of the job that it is at."""
        self.has_ended = False
        self.stderr_tail: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            env=module_environment(),
        )
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.stdin: IO[str] = self.process.stdin
        self.threads = [
            threading.Thread(target=self._read_replies, args=(self.process.stdout, inbox), daemon=True),
            threading.Thread(target=self._read_stderr, args=(self.process.stderr,), daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _read_replies(self, stdout: IO[str], inbox: "queue.Queue[tuple[_Child, dict[str, Any] | None]]") -> None:
        for line in stdout:
            inbox.put((self, json.loads(line)))
        inbox.put((self, None))

    def _read_stderr(self, stderr: IO[str]) -> None:
        for line in stderr:
            self.stderr_tail = [*self.stderr_tail[-39:], line.rstrip()]

    def send(self, number: int, job: Job) -> None:
        self.number = number
        try:
            self.stdin.write(json.dumps({"number": number, "job": job}) + "\n")
            self.stdin.flush()
        except BrokenPipeError:
            pass  # its end arrives in the inbox, with the reason on stderr

    def failure(self) -> ChildFailed:
        """Return what to raise now that it has ended before its job was done."""
        self.process.wait(60)
        self.threads[1].join(10)  # the last lines of stderr; a process of its own may still hold it
        return ChildFailed(
            "A worker process ended unexpectedly. Try again; if it happens again, look at the log.",
            retryable=True,
            details={"stderr": self.stderr_tail, "exit": self.process.returncode, "module": self.module},
        )


def children_map(
    module: str,
    jobs: Sequence[Job],
    *,
    workers: int,
    cancelled: CancelCheck,
    on_result: Callable[[int, Result], None] | None = None,
    on_progress: Callable[[float], None] | None = None,
    weights: Sequence[float] | None = None,
) -> list[Result]:
    """Run every job in one of ``workers`` processes of ``module`` and return the results in the order of the jobs.

    ``on_result(index, result)`` is called as each one arrives; ``on_progress`` gets the share of all work done, 0 to 1, where
    ``weights`` say how much of it each job is (all alike without them).
    All processes are gone when this returns or raises, whatever ``children_feed`` raises.
    """
    results: dict[int, Result] = {}
    shares: dict[int, float] = {}
    waiting = list(jobs)[::-1]

    def keep(number: int, result: Result) -> None:
        results[number] = result
        if on_result:
            on_result(number, result)

    def progressed(number: int, share: float) -> None:
        shares[number] = share
        if on_progress:
            done = sum(share * (weights[index] if weights else 1.0) for index, share in shares.items())
            on_progress(done / (sum(weights) if weights else len(jobs)))

    children_feed(
        module,
        lambda: waiting.pop() if waiting else None,
        workers=workers,
        cancelled=cancelled,
        is_over=lambda: not waiting,
        on_result=keep,
        on_progress=progressed,
    )
    return [results[index] for index in range(len(jobs))]


def children_feed(
    module: str,
    take: Callable[[], Job | None],
    *,
    workers: int,
    cancelled: CancelCheck,
    is_over: Callable[[], bool],
    on_result: Callable[[int, Result], None],
    on_progress: Callable[[int, float], None],
) -> None:
    """Have up to ``workers`` processes of ``module`` do the jobs that ``take`` gives, until ``is_over`` and all of them are done.

    ``take`` is asked for an idle process, ten times a second while it has nothing (None), and so is ``cancelled``. Jobs are
    numbered from 0 as they are taken. ``on_progress(number, share)`` hears of each job from 0 to 1, ``on_result(number, result)``
    of its end, before that. All processes are gone when this returns or raises. Call it from the thread that stays until the
    end: Linux kills the children when the *thread* that started them ends.

    Raises:
        Cancelled: ``cancelled()`` became true; the children were killed within a second.
        VideoflowError: a job was refused, with the child's own sentence.
        ChildFailed: a child died; ``details["stderr"]`` has its last lines (for the log, not for the page).
    """
    inbox: queue.Queue[tuple[_Child, dict[str, Any] | None]] = queue.Queue()
    children: list[_Child] = []
    taken = 0
    is_done = False
    try:
        while True:
            if cancelled():
                raise Cancelled("The work was cancelled.")
            idle = [child for child in children if child.number is None and not child.has_ended]
            busy = sum(child.number is not None for child in children)
            if (idle or busy < workers) and (job := take()) is not None:
                if not idle:
                    children.append(_Child(module, inbox))
                (idle or children)[-1].send(taken, job)
                taken += 1
                continue
            if busy == 0 and is_over():
                is_done = True
                return
            try:
                child, message = inbox.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if message is None:
                child.has_ended = True
                if child.number is None:
                    continue
                raise child.failure()
            number = int(message["number"])
            if "error" in message:
                fault = message["error"]
                sentence = unpacked(fault["message"])
                raise VideoflowError(sentence, code=fault["code"], retryable=fault["retryable"], details=fault["details"])
            if "progress" in message:
                on_progress(number, float(message["progress"]))
            else:
                child.number = None
                on_result(number, message["result"])
                on_progress(number, 1.0)
    finally:
        _children_end(children, grace_seconds=_IDLE_GRACE_SECONDS if is_done else 0.0)


def _children_end(children: Sequence[_Child], *, grace_seconds: float) -> None:
    """Let idle children end by themselves for so long, then end what is left of them and of what they started."""
    for child in children:
        if not child.stdin.closed:
            try:
                child.stdin.close()  # an idle child ends by itself
            except BrokenPipeError:
                pass
    deadline = time.monotonic() + grace_seconds
    for child in children:
        while child.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        group_kill(child.process)
