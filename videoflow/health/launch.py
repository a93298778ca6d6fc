"""``python -m videoflow.health.launch PARENT COMMAND ...``: become COMMAND, and die when PARENT dies, however it dies.

The kernel's order to kill (PR_SET_PDEATHSIG) outlives ``exec``, so it also holds for programs that are not ours.
"""

import os
import sys

from videoflow.children import die_with_parent


def main(arguments: list[str]) -> None:
    """Bind this process to its parent, then replace it with the command."""
    parent_pid, *command = arguments
    die_with_parent(int(parent_pid))
    os.execv(command[0], command)  # noqa: S606 - a program we name ourselves, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
