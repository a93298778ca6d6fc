"""The wake-up and the bell: two hints through Redis that may be lost or doubled without harm."""

import logging
from uuid import UUID

from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.tasks.events import group_name

RUN_TASK = "pipeline.run_task"
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


def bell_ring(*, session_id: UUID | str, seq: int) -> None:
    """Tell the session's sockets that there are rows up to ``seq``; sockets also look by themselves now and then.

    A plain PUBLISH of what the pub/sub layer itself would send: ``async_to_sync(group_send)`` costs ten times as much.
    """
    layer = get_channel_layer()
    if layer is None or not redis.breaker.allows():
        return
    prefix = settings.CHANNEL_PREFIX  # the layer itself tells it inside an event loop only
    message = layer.serialize({"type": "progress.bell", "seq": seq})  # type: ignore[attr-defined]
    try:
        redis.connection().publish(f"{prefix}__group__{group_name(session_id)}", message)
    except (RedisError, OSError):
        redis.breaker.failed()
