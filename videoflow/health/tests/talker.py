"""A server whose sockets talk as long as there is room: ``python -m videoflow.health.tests.talker FD FOLDER``."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from videoflow.health.server import StudioServer, endpoints_for
from videoflow.http import ROOM_EXTENSION

TEXT = "t" * 4096


async def talk(scope: dict[str, Any], receive: Any, send: Any) -> None:
    room: asyncio.Event = scope["extensions"][ROOM_EXTENSION]["room"]
    folder = Path(sys.argv[2])
    await receive()
    await send({"type": "websocket.accept"})
    sent = 0
    while room.is_set():
        await send({"type": "websocket.send", "text": TEXT})
        sent += 1
        await asyncio.sleep(0)
    (folder / "full").write_text(str(sent))
    await room.wait()
    await send({"type": "websocket.send", "text": "room again"})
    await receive()


if __name__ == "__main__":
    server = StudioServer(
        talk,
        endpoints=endpoints_for(host="", port=0, descriptor=int(sys.argv[1])),
        max_body_bytes=1024,
        spool_directory=sys.argv[2],
    )
    server.run()
