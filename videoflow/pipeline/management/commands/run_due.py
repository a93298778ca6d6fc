import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from videoflow.children import die_with_parent
from videoflow.pipeline.reach import storage_reach
from videoflow.pipeline.runner import queue_drain, shutdown_request, worker_id_make


class Command(BaseCommand):
    help = "Run the due tasks of one queue, one after the other, and end when there are none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", choices=sorted(settings.VIDEOFLOW_QUEUE_SLOTS))
        parser.add_argument("--parent", type=int, metavar="PID", help="End together with this process, which started us.")

    def handle(self, *args: Any, **options: Any) -> None:
        def end(signum: int, frame: FrameType | None) -> None:
            shutdown_request()

        signal.signal(signal.SIGTERM, end)
        if options["parent"] is not None:
            die_with_parent(options["parent"])
        storage_reach.doubt()  # this process knows nothing yet
        queue_drain(queue=options["queue"], worker_id=worker_id_make("poller"))
