"""A strict service that charges, on this machine: with idempotency keys, with jobs to be polled, or with neither.

It counts what it charges for each key and can lose its answer after the charge, as a cut line does.
"""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import httpx

from videoflow.pipeline.ledger import request_hash
from videoflow.providers.base import ProviderError
from videoflow.providers.paid import CallLost, CallRefused, PaidCall, Reply, Submitted

PRICE_MICROS = 2500


class PaidProvider:
    """The server and its books. ``faults`` are taken by the requests that come, one each.

    ``lost``: charged, then the line is cut; ``refused``: 400, not charged; ``garbage``: charged, half an answer.
    """

    def __init__(self, *, works_for: int = 2) -> None:
        self.charges: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.faults: list[str] = []
        self.works_for = works_for
        """Polls until a job is done."""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.hold = threading.Event()
        """Answers wait for it."""
        self.hold.set()
        self.arrived = threading.Event()
        self._lock = threading.Lock()
        self._answers: dict[str, bytes] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Keep the tests' output to themselves."""

            def do_POST(self) -> None:
                provider._post(self)

            def do_GET(self) -> None:
                provider._get(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def paid(self) -> int:
        return sum(self.charges.values())

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["Content-Length"])
        asked = json.loads(request.rfile.read(length))
        key = request.headers.get("Idempotency-Key", "")
        kind = request.path.strip("/")
        assert (kind == "keyed") == bool(key), "this service takes keys, the others do not"
        with self._lock:
            self.requests[kind] += 1
            fault = self.faults.pop(0) if self.faults else ""
            if fault == "refused":
                self._answer(request, 400, {"error": "no"})
                return
            mark = key or asked["mark"]
            known = self._answers.get(mark) if kind in {"keyed", "jobs"} else None
            if known is None:
                self.charges[mark] += 1
                body: dict[str, Any] = {"words": f"{asked['prompt']} #{self.paid}"}
                if kind == "jobs":
                    body = {"id": f"job-{len(self.jobs)}"}
                    self.jobs[body["id"]] = {"mark": mark, "polls": 0, "words": f"{asked['prompt']} #{self.paid}"}
                known = json.dumps(body).encode()
                self._answers[mark] = known
        self.arrived.set()
        self.hold.wait(240)
        if fault == "lost":
            request.connection.close()
        else:
            self._answer(request, 200, known[: len(known) // 2] if fault == "garbage" else known)

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        _, _, name = request.path.partition("/jobs/")
        with self._lock:
            self.requests["poll" if name else "list"] += 1
            if not name:
                listed = [{"id": pk, "mark": job["mark"]} for pk, job in self.jobs.items()]
                self._answer(request, 200, {"jobs": listed})
                return
            job = self.jobs.get(name)
            if job is None:
                self._answer(request, 404, {})
                return
            job["polls"] += 1
            self._answer(request, 200, {"words": job["words"]} if job["polls"] > self.works_for else {"status": "working"})

    def _answer(self, request: BaseHTTPRequestHandler, status: int, body: bytes | Mapping[str, Any]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    # The client that a studio's provider module would be --------------------------------------------------------------------

    def _ask(self, kind: str, prompt: str, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key} if kind == "keyed" else {}
        try:
            response = httpx.post(f"{self.url}/{kind}", json={"prompt": prompt, "mark": key}, headers=headers, timeout=240)
        except httpx.ConnectError as error:
            raise CallRefused("The service cannot be reached. Try again later.", retryable=True) from error
        except httpx.HTTPError as error:
            raise ProviderError("The service cut the line.", retryable=True) from error
        if response.status_code == 400:
            raise CallRefused("The service does not take this text. Change it.")
        return response

    def _poll(self, remote_id: str) -> Reply | None:
        response = httpx.get(f"{self.url}/jobs/{quote(remote_id)}", timeout=240)
        if response.status_code == 404:
            raise CallLost("The service does not know this job any more.")
        return None if response.json().get("status") else Reply(response.content, charged_micros=PRICE_MICROS)

    def _find(self, key: str) -> Submitted | None:
        jobs = httpx.get(f"{self.url}/jobs", timeout=240).json()["jobs"]
        return next((Submitted(job["id"]) for job in jobs if job["mark"] == key), None)

    def call(self, kind: str, prompt: str = "Say it", **facts: Any) -> PaidCall:
        """One request: ``keyed``, ``jobs`` (to be polled) or ``plain`` (neither)."""

        def send(key: str) -> Reply | Submitted:
            response = self._ask(kind, prompt, key)
            if kind == "jobs":
                return Submitted(response.json()["id"])
            return Reply(response.content, charged_micros=PRICE_MICROS)

        abilities: dict[str, Any] = {}
        if kind == "keyed":
            abilities["key_life"] = timedelta(hours=24)
        if kind == "jobs":
            abilities |= {"poll": self._poll, "find": self._find, "poll_every_seconds": 0.0}
        return PaidCall(
            **{
                "provider": "lark",
                "model": "lark-2",
                "capability": "speech",
                "purpose": "speech of line 12",
                "request_hash": request_hash(prompt=prompt, model="lark-2"),
                "send": send,
                "reserved_micros": 3000,
                **abilities,
                **facts,
            }
        )
