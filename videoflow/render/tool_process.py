"""Run the ffmpeg binary as a good child: idle priority, dead with its parent, killed on cancel."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import imageio_ffmpeg

from videoflow.children import group_kill
from videoflow.errors import Cancelled, VideoflowError

_POLL_SECONDS = 0.05
_BECOME = """
import os, sys
from videoflow.children import be_a_good_neighbour, die_with_parent
die_with_parent(int(sys.argv[1]))
be_a_good_neighbour()
os.execv(sys.argv[2], sys.argv[2:])
"""
"""The child asks the kernel for both, then becomes the program: between fork and exec it is unsafe in a parent with threads."""


def ffmpeg_run(arguments: Sequence[str], *, timeout_seconds: float, cancelled: Callable[[], bool]) -> tuple[int, str]:
    """Run ffmpeg and return its exit code and what it said on stderr.

    Raises:
        Cancelled: ``cancelled()`` became true; the process is gone.
        VideoflowError: it did not end in time.
    """
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", *arguments]
    command = [sys.executable, "-c", _BECOME, str(os.getpid()), *program]
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
