"""A way from one host to one service that can be shut, cut, held up, or cut after so many bytes."""

import contextlib
import socket
import struct
import threading
from pathlib import Path

_CHUNK = 65536
_LOOK_SECONDS = 0.5
_RESET = struct.pack("ii", 1, 0)  # closing throws away what was not sent, as a host that falls does


class Relay:
    """Listens on a port of this machine and passes bytes on to a service: a port or a Unix socket.

    ``fault``: empty; ``refuse`` (nobody listens any more), ``drop`` (each connection is cut as soon as it is there), ``stall``
    (connections stay, nothing comes through).
    """

    def __init__(self, target: Path | tuple[str, int]) -> None:
        self.target = target
        self.sent_bytes = 0
        """From the host to the service."""
        self.cuts = 0
        self._fault = ""
        self._cut_after: int | None = None
        self._flows = threading.Event()
        self._flows.set()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._accepting = self._accept_start()

    def _accept_start(self) -> threading.Thread:
        thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        thread.start()
        return thread

    def fail(self, fault: str) -> None:
        """Begin a fault; what is connected is cut, unless it is to stall."""
        self._fault = fault
        if fault == "stall":
            self._flows.clear()
            return
        if fault == "refuse":
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._accepting.join(60)
        self._cut_all()

    def cut_after(self, sent_bytes: int) -> None:
        """Cut every connection once, when so many more bytes have been sent to the service."""
        with self._lock:
            self._cut_after = self.sent_bytes + sent_bytes

    def heal(self) -> None:
        """End the fault; what stalled goes on where it stood."""
        if self._fault == "refuse":
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self._accepting = self._accept_start()
        self._fault = ""
        self._flows.set()

    def close(self) -> None:
        self._ended.set()
        self._flows.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()

    def _cut_all(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for one in cut:
            _reset(one)

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            try:
                near, _ = listener.accept()
            except OSError:  # closed: nobody listens any more
                return
            if self._fault == "drop":
                _reset(near)
                continue
            try:
                far = self._connect()
            except OSError:
                _reset(near)
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink, is_sent in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass, args=(source, sink, is_sent), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target, timeout=60)
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        far.connect(str(self.target))
        return far

    def _pass(self, source: socket.socket, sink: socket.socket, is_sent: bool) -> None:
        source.settimeout(None)
        with contextlib.suppress(OSError):
            while content := source.recv(_CHUNK):
                while not self._flows.wait(_LOOK_SECONDS):
                    pass
                if is_sent and self._is_cut_by(len(content)):
                    self._cut_all()
                    return
                sink.sendall(content)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self._lock:
            self._open -= {source, sink}

    def _is_cut_by(self, size: int) -> bool:
        with self._lock:
            self.sent_bytes += size
            is_cut = self._cut_after is not None and self.sent_bytes >= self._cut_after
            if is_cut:
                self._cut_after = None
                self.cuts += 1
            return is_cut


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)
    one.close()
