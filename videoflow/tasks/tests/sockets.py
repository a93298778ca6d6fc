"""A client of the sockets that gives a machine with other things to do its time."""

from channels.testing import WebsocketCommunicator

_WAIT_SECONDS = 240


class PatientSocket(WebsocketCommunicator):
    """Waits longer than a second for the other side; what it waits for ends the wait."""

    async def connect(self, timeout: float = _WAIT_SECONDS) -> tuple[bool, int | str | None]:
        opened: tuple[bool, int | str | None] = await super().connect(timeout=timeout)
        return opened

    async def disconnect(self, code: int = 1000, timeout: float = _WAIT_SECONDS) -> None:
        await super().disconnect(code=code, timeout=timeout)
