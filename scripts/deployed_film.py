#!/usr/bin/env python3
"""Make a short video at a studio that runs somewhere, as a browser and a program do it, and say what was seen on the way.

Give the address that browsers use, and an account where one is needed; the password is read from a file. The film's steps are
printed as they go, a line of JSON each; the last line has what was found: events that are missing, steps done twice, the file,
its ranges, and whether somebody else gets it. The studio may be restarted meanwhile: connections are made anew.
"""

import argparse
import hashlib
import json
import os
import ssl
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from socket import create_connection
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
from websockets.exceptions import WebSocketException  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

SECONDS = 1800.0
WAIT = 60.0
ENDED = {"completed", "failed", "cancelled"}
LAST = "video_composition"
SCRIPT = """# Humming bridges

A: Why do bridges hum in the wind?
B: Because the air behind each cable turns in small eddies, first on one side, then on the other.
A: And the cable follows them?
B: It swings a little with each one, and we hear that as a note.
A: So a bridge is a harp.
B: A harp that nobody plays, and that never has to be tuned.
"""


class Film:
    """One video at one studio; every request is tried again while the studio is away."""

    def __init__(self, *, url: httpx.URL, address: tuple[str, int], certificate: str) -> None:
        self.url, self.address = url, address
        self.trust: ssl.SSLContext = ssl.create_default_context(cafile=certificate or None)
        self.retries = 0
        self.token = self.session = ""
        self.seen: list[int] = []
        self.sockets = 0
        self._end = threading.Event()

    def client(self) -> httpx.Client:
        """A client that says the public name and goes to the given address."""
        host = f"[{self.address[0]}]" if ":" in self.address[0] else self.address[0]
        client = httpx.Client(
            base_url=self.url.copy_with(host=host.strip("[]"), port=self.address[1]),
            headers={"Host": self.url.netloc.decode(), "Referer": f"{self.url}/", "Accept": "*/*"},
            verify=self.trust,
            timeout=WAIT,
            trust_env=False,
        )
        client.event_hooks["request"].append(lambda request: request.extensions.update({"sni_hostname": self.url.host}))
        return client

    def ask(self, client: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer; one of a proxy whose studio is away is asked for again."""
        deadline = time.monotonic() + SECONDS
        while True:
            with suppress(httpx.TransportError):
                answer = client.request(method, path, **options)
                if answer.status_code not in (502, 503, 504):
                    return answer
            self.retries += 1
            if time.monotonic() > deadline:
                raise SystemExit(f"{method} {path}: the studio does not answer.")
            time.sleep(0.5)

    def begin(self, *, user: str, password: str) -> None:
        """Sign in where that is wanted, and begin a session whose token is used from then on."""
        with self.client() as client:
            if user:
                page = self.ask(client, "GET", "/sign-in/")
                form = {"username": user, "password": password, "csrfmiddlewaretoken": client.cookies.get("csrftoken", "")}
                answer = self.ask(client, "POST", "/sign-in/", data=form)
                if answer.status_code != 302 or page.status_code != 200:
                    raise SystemExit(f"Nobody could sign in: {page.status_code}, {answer.status_code}.")
            token = client.cookies.get("csrftoken", "")
            made = self.ask(client, "POST", "/api/sessions", json={}, headers={"X-CSRFToken": token})
            if made.status_code != 201:
                raise SystemExit(f"There is no session to be had: {made.status_code} {made.text[:300]}")
            self.session, self.token = made.json()["session_id"], made.json()["access_token"]

    def call(self, method: str, path: str, **options: Any) -> Any:
        with self.client() as client:
            client.headers["Authorization"] = f"Bearer {self.token}"
            answer = self.ask(client, method, path, **options)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def listen(self) -> None:
        """Keep a socket open until the end, with the number that was seen last when it has to be opened anew."""
        while not self._end.is_set():
            after = f"?after={self.seen[-1]}" if self.seen else "?after=0"
            scheme = "wss" if self.url.scheme == "https" else "ws"
            with suppress(OSError, WebSocketException, TimeoutError):
                line = create_connection(self.address, timeout=WAIT)
                with connect(
                    f"{scheme}://{self.url.netloc.decode()}/ws/progress/{self.session}{after}",
                    sock=line,
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                    ssl=self.trust if scheme == "wss" else None,
                    server_hostname=self.url.host if scheme == "wss" else None,
                    open_timeout=WAIT,
                    close_timeout=5,
                ) as socket:
                    self.sockets += 1
                    self._hear(socket)
            self._end.wait(0.5)

    def _hear(self, socket: Any) -> None:
        while not self._end.is_set():
            try:
                event = json.loads(socket.recv(timeout=1))
            except TimeoutError:
                continue
            if isinstance(event.get("seq"), int) and event.get("event_type"):
                self.seen.append(event["seq"])

    def make(self) -> dict[str, Any]:
        """Make the video and return what was found; each change of a step is printed."""
        listener = threading.Thread(target=self.listen)
        listener.start()
        try:
            data = {"input_type": "script", "script_text": SCRIPT, "continue": True}
            body = {"session_id": self.session, "input_data": data}
            key = {"Idempotency-Key": self.session}
            self.call("POST", "/api/tasks/submit/script_generation", json=body, headers=key)
            tasks = self._watched()
            numbers = [event["seq"] for event in self._events()]
            deadline = time.monotonic() + WAIT
            while len(set(self.seen)) < len(numbers) and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            self._end.set()
            listener.join(WAIT)
        return self._found(tasks, numbers)

    def _watched(self) -> list[dict[str, Any]]:
        """Return the tasks when the last step has ended."""
        deadline, told = time.monotonic() + SECONDS, ""
        while time.monotonic() < deadline:
            tasks = self.call("GET", f"/api/tasks?session_id={self.session}&limit=100")["tasks"]
            line = json.dumps([{name: task[name] for name in ("task_type", "status", "progress")} for task in reversed(tasks)])
            if line != told:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
                told = line
            if any(task["status"] in ENDED - {"completed"} for task in tasks):
                raise SystemExit(f"A step has failed: {[(task['task_type'], task['message']) for task in tasks]}")
            if any(task["task_type"] == LAST and task["status"] in ENDED for task in tasks):
                return list(tasks)
            time.sleep(0.5)
        raise SystemExit("The video was not finished in time.")

    def _events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["seq"] if found else 0
            events = self.call("GET", f"/progress/{self.session}/events?after={after}")["events"]
            if not events:
                return found
            found += events

    def _found(self, tasks: list[dict[str, Any]], numbers: list[int]) -> dict[str, Any]:
        path = next(task["result_data"]["result_url"] for task in tasks if task["task_type"] == LAST)
        with self.client() as owner, self.client() as stranger:
            owner.headers["Authorization"] = f"Bearer {self.token}"
            options: dict[str, Any] = {"follow_redirects": True}
            whole = self.ask(owner, "GET", path, **options)
            part = self.ask(owner, "GET", path, headers={"Range": "bytes=100000-299999"}, **options)
            refused = self.ask(stranger, "GET", path)
        return {
            "steps": len(tasks),
            "steps_twice": len(tasks) - len({task["task_type"] for task in tasks}),
            "events": len(numbers),
            "events_missing": len(set(range(1, len(numbers) + 1)) - set(numbers)),
            "unheard": len(set(numbers) - set(self.seen)),
            "sockets": self.sockets,
            "retries": self.retries,
            "bytes": len(whole.content),
            "sha256": hashlib.sha256(whole.content).hexdigest(),
            "type": whole.headers.get("content-type"),
            "range": part.status_code == 206 and part.content == whole.content[100000:300000],
            "by_proxy": "x-accel-redirect" not in whole.headers,
            "stranger": refused.status_code,
            "path": path,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="What browsers are given, such as https://studio.example")
    parser.add_argument("--address", help="HOST:PORT to connect to instead, when the name leads elsewhere from here.")
    parser.add_argument("--certificate", default="", help="File with the certificate to trust, when it is one of your own.")
    parser.add_argument("--user", default="", help="Account to sign in with.")
    parser.add_argument("--password-file", type=Path, help="File with its password.")
    options = parser.parse_args()
    url = httpx.URL(options.url.rstrip("/"))
    host, port = url.host, url.port or (443 if url.scheme == "https" else 80)
    if options.address:
        host, _, number = options.address.rpartition(":")
        port = int(number)
    film = Film(url=url, address=(host, port), certificate=options.certificate)
    password = options.password_file.read_text(encoding="utf-8").strip() if options.password_file else ""
    film.begin(user=options.user, password=password)
    found = film.make()
    sys.stdout.write(f"{json.dumps(found)}\n")
    is_well = not found["events_missing"] and not found["unheard"] and not found["steps_twice"] and found["range"]
    if not is_well or found["stranger"] not in (302, 404):
        raise SystemExit("Not all is well.")


if __name__ == "__main__":
    main()
