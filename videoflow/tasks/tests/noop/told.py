"""What a process does that stands in a studio's database and is told what to do: one command a line, one JSON reply each."""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.db import connection


def told(*acts: Callable[..., dict[str, Any]]) -> None:
    """Answer until the input ends; a command is the name of one of ``acts`` and its arguments."""
    known = {act.__name__: act for act in acts}
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        reply = known[name](*arguments)
        connection.close()
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
