import argparse
import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from videoflow.env import env_strangers
from videoflow.health.server import StudioServer, endpoints_for
from videoflow.sqlite.turns import Turns

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Serve pages, API and live progress; `studio` starts it together with everything else."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--fd", type=int, help="Number of an inherited listening socket, instead of an address.")

    def handle(self, *args: Any, host: str, port: int, fd: int | None, **options: Any) -> None:
        for sentence in env_strangers(settings.VIDEOFLOW_VARIABLES):
            logger.warning("%s", sentence)
        Turns.answers_requests = True
        StudioServer(
            import_string(settings.ASGI_APPLICATION),
            endpoints=endpoints_for(host=host, port=port, descriptor=fd),
            max_body_bytes=settings.VIDEOFLOW_MAX_UPLOAD_BYTES,
            spool_directory=str(settings.FILE_UPLOAD_TEMP_DIR),
        ).run()
