import logging
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from videoflow.children import module_environment
from videoflow.env import env_strangers
from videoflow.health.worker_process import WORKER_ENVIRONMENT, worker_command

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run tasks of all queues or of some; `studio` starts a worker together with everything else."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        known = ",".join(settings.VIDEOFLOW_QUEUE_SLOTS)
        parser.add_argument("-Q", "--queues", default=known, help=f"Names between commas; default: {known}.")
        parser.add_argument("--processes", type=int, help="Tasks at once at most; default: the slots of these queues together.")

    def handle(self, *args: Any, queues: str, processes: int | None, **options: Any) -> None:
        """Become the worker: whoever started this process signals Celery itself."""
        slots = settings.VIDEOFLOW_QUEUE_SLOTS
        names = list(dict.fromkeys(name.strip() for name in queues.split(",") if name.strip()))
        unknown = [name for name in names if name not in slots]
        if unknown or not names:
            raise CommandError(f"There is no queue {', '.join(unknown) or 'named'}. Choose from {', '.join(slots)}.")
        if processes is not None and processes < 1:
            raise CommandError("--processes must be at least 1.")
        for sentence in env_strangers(settings.VIDEOFLOW_VARIABLES):
            logger.warning("%s", sentence)
        steps = settings.VIDEOFLOW_HEAVY_STEPS
        logger.info("queues %s; heavy steps at once on this host: %s (%s)", ", ".join(names), steps.number, steps.reason)
        command = worker_command(queues=names, processes=processes or sum(slots[name] for name in names))
        os.execve(command[0], command, {**module_environment(), **WORKER_ENVIRONMENT})  # noqa: S606 - a program we name ourselves, no shell
