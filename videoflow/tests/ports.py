"""A port for a server that a test starts."""

import socket
import sys

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port of this machine that nobody is given by chance for as long as this process lives.

    A socket that is bound and does not listen keeps it on Linux: the kernel gives it to no other socket that leaves the choice to
    the kernel, and yet lets one listen on it that asks for it by number with ``SO_REUSEADDR``, as every server of ours does.
    """
    holding = socket.socket()
    holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holding.bind(("127.0.0.1", 0))
    port: int = holding.getsockname()[1]
    if sys.platform == "linux":
        _held.append(holding)
    else:
        holding.close()
    return port
