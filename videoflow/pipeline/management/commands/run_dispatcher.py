import os
import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from videoflow.pipeline.channels.after import publications_poll_aside
from videoflow.pipeline.housekeeping import housekeeping
from videoflow.tasks.dispatch import Dispatcher


def hourly() -> None:
    """Do what is due once an hour."""
    housekeeping()
    publications_poll_aside()


class Command(BaseCommand):
    help = "Re-ring due tasks, take expired leases back, and run due tasks here while Redis is away."

    def handle(self, *args: Any, **options: Any) -> None:
        poll_command = [str(settings.BASE_DIR / "manage.py"), "run_due", "--parent", str(os.getpid())]
        dispatcher = Dispatcher(queues=tuple(settings.VIDEOFLOW_QUEUE_SLOTS), poll_command=poll_command, housekeeping=hourly)

        def end(signum: int, frame: FrameType | None) -> None:
            dispatcher.end.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        dispatcher.run()
