"""An embedded installation with a few rows of every difficult kind, moved to PostgreSQL in a process of its own.

Run as ``python -m videoflow.postgresql.tests.embedded URL`` with the installation's environment; the last line is JSON.
"""

import io
import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django first
from django.core.management import CommandError, call_command  # noqa: E402

from videoflow.pipeline.models import Project  # noqa: E402
from videoflow.sentences import Sentence  # noqa: E402
from videoflow.sessions.services import session_create  # noqa: E402
from videoflow.tasks.models import Task  # noqa: E402
from videoflow.tasks.services import task_claim, task_complete, task_progress  # noqa: E402
from videoflow.tasks.tests.factories import task_make  # noqa: E402
from videoflow.vault.models import Credential  # noqa: E402

FIGURES = {"z": 1.0, "a": [0.1, 1e22, -0.0, 12345678901234567890, None, True], "ü": "\u2028 line", "1": {"nested": {}}}


def rows_make() -> None:
    get_user_model().objects.create_user("ann", password="a long enough one")
    session = session_create(cookie="cookie")
    for _ in range(3):
        task = task_make(session, queue="io", message=Sentence("Spoke %(done)s of %(lines)s lines", done=3, lines=40))
        Task.objects.filter(pk=task.pk).update(input_data=FIGURES)
        claim = task_claim(queue="io", worker_id="host:test:1")
        task_progress(claim=claim, percent=10, message="…", data=FIGURES)
        task_complete(claim=claim, message="done", result_data=FIGURES)
    Project.objects.update(title="Emoji 🎬 and “quotes”\nin lines")
    Credential.objects.create(provider="openai", session=session, ciphertext=bytes(range(256)))


def said(*arguments: str) -> str:
    """Return what the command writes, or what it refuses with."""
    out = io.StringIO()
    try:
        call_command("move_to_postgresql", *arguments, stdout=out)
    except CommandError as error:
        return str(error)
    return out.getvalue()


def main(url: str) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    rows_make()
    told = {"other": said("--to", "sqlite:///x")}
    Task.objects.filter(pk=Task.objects.earliest("created_at").pk).update(worker_id="x" * 500)
    told["too_long"] = said("--to", url)
    Task.objects.update(worker_id="")
    told["dry_run"] = said("--to", url, "--dry-run")
    told["moved"] = said("--to", url)
    told["again"] = said("--to", url)
    events = task_make(session_create(cookie="other")).events.count()
    print(json.dumps(told | {"goes_on": events, "figures": FIGURES}))


if __name__ == "__main__":
    main(sys.argv[1])
