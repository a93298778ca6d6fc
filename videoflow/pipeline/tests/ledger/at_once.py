"""Several calls that cost money at once, as a stage makes them; run as a program, in a process of its own that can be killed.

``TESTS_ROWS``: the settings of the tests' database as JSON; arguments: the task, the service's address, where to die.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from uuid import UUID

import django
from django.apps import apps
from django.conf import settings

if not apps.ready:  # the program
    settings.DATABASES["default"] |= json.loads(os.environ["TESTS_ROWS"])
    django.setup()

from django.db import transaction

from videoflow.crash_points import crash_arm
from videoflow.pipeline.connections import thread_room
from videoflow.pipeline.ledger import paid_reply, payer_of
from videoflow.pipeline.tests.paid_provider import PaidProvider
from videoflow.providers.crew import abreast
from videoflow.providers.paid import PaidCall
from videoflow.tasks.models import Task

AT_ONCE = 4
CALLS = 6


def calls_of(provider: PaidProvider, kind: str = "plain") -> list[PaidCall]:
    return [provider.call(kind, prompt=f"Line {number}", purpose=f"speech of line {number}") for number in range(CALLS)]


def replies(calls: list[PaidCall], pay: Callable[[PaidCall], bytes], cancelled: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the replies as they come."""
    return (reply for reply, _ in abreast(calls, pay, most=AT_ONCE, cancelled=cancelled, room=thread_room))


class Client(PaidProvider):
    """The client alone: the service runs in the test."""

    def __init__(self, url: str) -> None:
        self.url = url


def main(task_id: str, url: str, where: str) -> None:
    payer = payer_of(Task.objects.get(pk=UUID(task_id)))
    crash_arm(where)

    def pay(call: PaidCall) -> bytes:
        return paid_reply(call, payer=payer, fenced=transaction.atomic, cancelled=lambda: False)

    for _ in replies(calls_of(Client(url)), pay, lambda: False):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
