#!/usr/bin/env python3
"""Let a Prometheus look at a studio that runs, and ask it for everything that the dashboard and the alerts ask.

Give the address of the web process (with VIDEOFLOW_METRICS=1). A Prometheus of its own scrapes it with deploy/prometheus.yml and
the shipped rules. Each expression of each panel has to be understood, and those that have no series yet are named. With --until
NAME it waits for that alert to fire; so that this does not take a quarter of an hour, --sooner divides the rules' times.

Needs prometheus and promtool (Debian: apt install prometheus). Grafana itself is not started.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.machine import wait_for  # noqa: E402
from videoflow.tests.ports import free_port  # noqa: E402

DEPLOY = ROOT / "deploy"
SECONDS = 600.0


def panels() -> list[tuple[str, str]]:
    """Return the title and one expression of every panel."""
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]


def configured(folder: Path, studio: str, sooner: float) -> None:
    """Lay the shipped files for this studio; only its address, the name it is asked by and the times are changed."""
    text = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8000", studio).replace(
        "scrape_interval: 15s", "scrape_interval: 2s\n  evaluation_interval: 2s"
    )
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    rules = (DEPLOY / "prometheus-rules.yml").read_text(encoding="utf-8")
    if sooner != 1:
        rules = re.sub(r"for: (\d+)m", lambda found: f"for: {max(1, round(int(found[1]) * 60 / sooner))}s", rules)
        rules = re.sub(r"(_seconds(?:\{[^}]*\})?\)) > (\d+)", lambda found: f"{found[1]} > {int(found[2]) / sooner:g}", rules)
    (folder / "prometheus-rules.yml").write_text(rules, encoding="utf-8")
    subprocess.run(["promtool", "check", "config", str(folder / "prometheus.yml")], check=True, capture_output=True, timeout=60)


class Prometheus:
    """What one says at its address."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=f"http://{address}", timeout=60, trust_env=False)

    def get(self, path: str, **parameters: str) -> Any:
        answer = self.client.get(path, params=parameters)
        return answer.json()["data"] if answer.status_code == 200 else answer.text

    def is_up(self) -> bool:
        with suppress(httpx.TransportError):
            return bool(self.get("/api/v1/query", query="up == 1")["result"])
        return False

    def firing(self) -> list[str]:
        found = self.get("/api/v1/alerts")["alerts"]
        return sorted({alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studio", help="HOST:PORT of a web process")
    parser.add_argument("--until", default="", help="An alert that has to fire.")
    parser.add_argument("--sooner", type=float, default=1.0, help="Divide the times of the rules by this.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vf-prometheus-") as name:
        folder = Path(name)
        configured(folder, options.studio, options.sooner)
        address = f"127.0.0.1:{free_port()}"
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            prometheus = Prometheus(address)
            wait_for(prometheus.is_up, seconds=SECONDS, what="the first scrape", every=0.5)
            if options.until:
                wait_for(lambda: options.until in prometheus.firing(), seconds=SECONDS, what=options.until, every=0.5)
            table = Table("panel", "series", "expression")
            wrong = 0
            for title, expression in panels():
                found = prometheus.get("/api/v1/query", query=expression)
                wrong += isinstance(found, str)
                table.add_row(title, found if isinstance(found, str) else str(len(found["result"])), expression)
            Console().print(table)
            Console().print(f"firing: {', '.join(prometheus.firing()) or 'nothing'}")
            if wrong:
                raise SystemExit(f"{wrong} expressions are not understood.")
        finally:
            running.terminate()
            running.wait(60)


if __name__ == "__main__":
    main()
