"""Run the ffmpeg binary as a good child: idle priority, dead with its parent, killed on cancel."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence

import imageio_ffmpeg

from videoflow.children import group_kill, program_command
from videoflow.errors import Cancelled, VideoflowError

_POLL_SECONDS = 0.05


def ffmpeg_run(arguments: Sequence[str], *, timeout_seconds: float, cancelled: Callable[[], bool]) -> tuple[int, str]:
    """Run ffmpeg and return its exit code and what it said on stderr.

    Raises:
        Cancelled: ``cancelled()`` became true; the process is gone.
        VideoflowError: it did not end in time.
    """
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", *arguments]
    command = program_command(program)
    deadline = time.monotonic() + timeout_seconds
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        try:
            while process.poll() is None:
                if cancelled():
                    raise Cancelled("The work was cancelled.")
                if time.monotonic() > deadline:
                    raise VideoflowError(
                        "Checking the video took too long; try again when the machine is less busy.", retryable=True
                    )
                time.sleep(_POLL_SECONDS)
        finally:
            group_kill(process)
        said.seek(0)
        return process.returncode, said.read()
