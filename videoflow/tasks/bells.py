"""The bells of committed rows, heard once for all sockets of a server process through the channel layer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from videoflow.tasks.wakeup import BELL, BELL_GROUP

TEST = "test"
QUIET_SECONDS = 10.0  # without any bell for this long the way through Redis is tested
ANSWER_SECONDS = 1.0  # what the test bell may take
START_SECONDS = 3.0
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)
Take = Callable[[UUID, int, str], Awaitable[None]]


class Ear:
    """Hears the bells for one event loop, from ``open`` until the loop ends.

    It is not closed with the last socket: a subscription that is broken off half made leaves the layer's connection in the
    hands of nobody. ``take`` gets a row's session, number and text.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._task: asyncio.Task[None] | None = None
        self._is_hearing = False

    def open(self) -> None:
        """Begin to listen; safe to call again."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """Join the group, and join it again whenever the way through Redis is cut."""
        layer: Any = get_channel_layer()
        was_cut = False
        while not _is_cancelled():
            try:
                async with asyncio.timeout(START_SECONDS):
                    channel = await layer.new_channel()
                    await layer.group_add(BELL_GROUP, channel)
                if was_cut:
                    logger.info("bells are heard again")
                    was_cut = False
                await self._hear_until_cut(layer, channel)
            except Exception as error:  # whatever it is, rows are looked for meanwhile and the next try starts from nothing
                if not was_cut:
                    logger.warning("no bells for now, rows are looked for every second: %r", error)
                was_cut = True
            await _put_away(layer)
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear_until_cut(self, layer: Any, channel: str) -> None:
        """Take bells; when it is quiet for long, a bell of our own must come through, or the way counts as cut.

        Raises:
            TimeoutError: it did not.
            RedisError: Redis is away.
        """
        hearing = asyncio.create_task(self._hear(layer, channel))
        try:
            while not _is_cancelled():
                if await self._is_quiet(hearing, QUIET_SECONDS):
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await layer.group_send(BELL_GROUP, {"type": TEST})
                    if await self._is_quiet(hearing, ANSWER_SECONDS):
                        raise TimeoutError("no bell comes through Redis")
        finally:
            # Not `receive` itself under a timeout: the layer takes the end of a receive for the end of its channel.
            hearing.cancel()
            await asyncio.wait([hearing], timeout=START_SECONDS)

    async def _is_quiet(self, hearing: "asyncio.Task[None]", seconds: float) -> bool:
        self._is_hearing = False
        await asyncio.wait([hearing], timeout=seconds)
        if hearing.done():
            hearing.result()
        return not self._is_hearing

    async def _hear(self, layer: Any, channel: str) -> None:
        while True:
            message: Mapping[str, Any] = await layer.receive(channel)
            self._is_hearing = True
            if message["type"] == BELL:
                await self._take(UUID(message["session_id"]), int(message["seq"]), message["row"])


def _is_cancelled() -> bool:
    """Say whether this task was told to end: the layer's ``flush`` swallows a cancellation that reaches it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _put_away(layer: Any) -> None:
    """Close the layer's connections and forget its subscriptions, so that the next try starts from nothing."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await layer.flush()
    except (RedisError, OSError) as error:
        logger.info("the channel layer was not put away: %r", error)
