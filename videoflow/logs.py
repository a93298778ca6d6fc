"""One line per log record: time in UTC, level, logger, the task it belongs to, message; secrets masked."""

import contextvars
import logging
import re
import time

current_task_id: contextvars.ContextVar[str] = contextvars.ContextVar("current_task_id", default="-")
"""Set by whoever runs a task, so that each line written meanwhile names it."""

_SECRET = re.compile(
    r"(?i)(\b(?:authorization|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|password|secret)\b"
    r"[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?)([^\s\"',;&]+)"
)


class TaskIdFilter(logging.Filter):
    """Give every record the ``task_id`` of the work it was written in."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "task_id"):
            record.task_id = current_task_id.get()
        return True


class LineFormatter(logging.Formatter):
    """Format as ``2026-01-31T12:00:00Z INFO videoflow.tasks [task] message``."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(task_id)s] %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1***", super().format(record))
