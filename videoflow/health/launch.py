"""``python -m videoflow.health.launch PARENT COMMAND ...``: become COMMAND, and die when PARENT dies, however it dies.

The kernel's order to kill (PR_SET_PDEATHSIG) outlives ``exec``, so it also holds for programs that are not ours.
"""

import os
import sys

from videoflow.children import die_with_parent


def main(arguments: list[str]) -> None:
    """Bind this process to its parent, then replace it with the command."""
    parent_pid, *command = arguments
    if os.getppid() != int(parent_pid):  # it died before this line: nobody is left to work for
        sys.exit(1)
    if parent_pid != "1":  # the end of a container's first process is the end of all, without our asking
        die_with_parent()
    os.execv(command[0], command)  # noqa: S606 - a program we name ourselves, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
