"""A whole studio as a creator starts it, in a data folder of its own, for scripts that look at its pages."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from videoflow.tasks.tests.noop.machine import ROOT, Hand, clean_environment, wait_for


@contextmanager
def whole_studio(**settings: str) -> Iterator[tuple[str, Hand]]:
    """Run a whole studio with these settings; gives its address and a hand in its database."""
    data = Path(tempfile.mkdtemp(prefix="vf-pages-"))
    environment = clean_environment(data) | settings
    try:
        with studio_run(environment) as url:
            hand = Hand(environment, "videoflow.pipeline.tests.studio_hand")
            yield url, hand
            hand.close()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def studio_run(environment: Mapping[str, str]) -> Iterator[str]:
    """Run the whole studio of an environment, whose data folder stays; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "manage.py"), "studio", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            if server.poll() is not None:
                log.seek(0)
                raise SystemExit(log.read().decode(errors="replace")[-2000:])
            try:
                return httpx.get(f"{url}/livez", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_for(answers, seconds=240, what="the studio", every=0.3)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(240)
