import os
import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from videoflow.pipeline.channels.after import publications_poll_aside
from videoflow.pipeline.housekeeping import housekeeping
from videoflow.tasks.dispatch import Dispatcher


def hourly() -> None:
    """Do what is due once an hour."""
    housekeeping()
    publications_poll_aside()


class Command(BaseCommand):
    help = "Re-ring due tasks, take expired leases back, and run due tasks here while Redis is away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-tasks",
            action="store_true",
            help="Run no task here, for a host without a worker: while Redis is away or no worker hears, tasks wait.",
        )

    def handle(self, *args: Any, no_tasks: bool, **options: Any) -> None:
        poll_command = [str(settings.BASE_DIR / "manage.py"), "run_due", "--parent", str(os.getpid())]
        queues = () if no_tasks else tuple(settings.VIDEOFLOW_QUEUE_SLOTS)
        dispatcher = Dispatcher(queues=queues, poll_command=poll_command, housekeeping=hourly)

        def end(signum: int, frame: FrameType | None) -> None:
            dispatcher.end.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        dispatcher.run()
