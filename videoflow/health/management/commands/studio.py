import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from videoflow.errors import VideoflowError
from videoflow.health.studio import Address, Studio, allow_host


class Command(BaseCommand):
    help = "Start the whole studio (server, worker, dispatcher, embedded Redis) and end all of it on Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 for the whole network.")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        allow_host(host)
        try:
            Studio(Address(host.strip("[]"), port), say=self._say).run()
        except VideoflowError as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
