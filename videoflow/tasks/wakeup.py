"""The wake-up and the bell: two hints through Redis that may be lost or doubled without harm."""

import logging
from typing import Any
from uuid import UUID

from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.tasks.events import EventMessage, row_text

RUN_TASK = "pipeline.run_task"
BELL_GROUP = "bells"
BELL = "bell"
logger = logging.getLogger(__name__)


def wakeup_send(*, task_id: UUID | str, queue: str) -> bool:
    """Tell a worker to look at the queue; False when Redis is away (the dispatcher looks too)."""
    if not redis.breaker.allows():
        return False
    try:
        current_app.signature(RUN_TASK, args=[str(task_id)]).apply_async(queue=queue, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        redis.breaker.failed()
        logger.warning("wake-up not sent, the dispatcher will look: %s", type(error).__name__)
        return False
    return True


def bell_ring(*, session_id: UUID | str, seq: int, row: EventMessage) -> None:
    """Show every server process the row ``seq`` that was just committed; they also look into the table once a second.

    This is the channel layer's ``group_send`` without its event loop: 0.14 ms instead of 2.
    """
    if not redis.breaker.allows():
        return
    layer: Any = get_channel_layer()
    message = {"type": BELL, "session_id": str(session_id), "seq": seq, "row": row_text(row)}
    try:
        redis.connection().publish(f"{settings.CHANNEL_PREFIX}__group__{BELL_GROUP}", layer.serialize(message))
    except (RedisError, OSError):
        redis.breaker.failed()
