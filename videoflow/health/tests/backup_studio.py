"""A studio to be backed up: projects with files, stored API keys; and what stands in one, to compare two of them.

Run as ``python -m videoflow.health.tests.backup_studio fill N`` (or ``churn SECONDS``, ``state``) with the studio's environment.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import django
import imageio_ffmpeg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
django.setup()

from videoflow.pipeline.models import Asset  # noqa: E402 - Django first
from videoflow.pipeline.services import project_delete  # noqa: E402 - Django first
from videoflow.pipeline.tests import factories  # noqa: E402
from videoflow.sessions.models import CreatorSession  # noqa: E402
from videoflow.sessions.services import token_hash  # noqa: E402
from videoflow.vault.crypto import unseal  # noqa: E402
from videoflow.vault.models import Credential  # noqa: E402
from videoflow.vault.services import Owner, credential_set  # noqa: E402

COOKIE = "backup-test"
"""What the first creator's browser says; the others have the number behind it."""
FILM_SECONDS = 4.0


def film_of(seconds: float) -> bytes:
    """Return a film that a browser plays."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=640x360:r=25:d={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p"]
    command += ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
    return subprocess.run(command, capture_output=True, check=True, timeout=240).stdout


def fill(count: int) -> None:
    """Make the tables, and finished projects, each with a film of its own, of three creators with a stored key each.

    The first project of all is the one whose video plays.
    """
    call_command("migrate", verbosity=0)
    sessions = [
        factories.CreatorSessionFactory.create(cookie_hash=token_hash(f"{COOKIE}{number or ''}"), expires_at=None)
        for number in range(3)
    ]
    project = factories.ProjectFactory.create(session=sessions[0], title="The one that plays")
    factories.with_video(project, factories.with_script(project), file=film_of(FILM_SECONDS), seconds=FILM_SECONDS)
    for number, session in enumerate(sessions):
        credential_set(owner=Owner(session_id=session.pk), provider="openai", secret=f"sk-trial-{number}-0123456789abcdef")
    for number in range(count):
        project = factories.project_finished(sessions[number % 3])
        factories.asset_make(project, kind="video", name="film.mp4", content=b"film %d " % number * 20_000)


def churn(seconds: float) -> None:
    """Make projects with files and delete them again, without a pause; say so when the first is there."""
    session = CreatorSession.objects.order_by("created_at").first() or factories.CreatorSessionFactory.create()
    deadline, number = time.monotonic() + seconds, 0
    kept = []
    while time.monotonic() < deadline:
        project = factories.ProjectFactory.create(session=session)
        for part in range(3):
            content = f"{os.getpid()} {number} {part}".encode() * 5000
            factories.asset_make(project, kind="image", name="scene.jpg", content=content)
        kept.append(project)
        if number % 2:
            project_delete(project=kept.pop(0))
        number += 1
        if number == 1:
            print("churning", flush=True)
    print(f"{number} made", flush=True)


def tables() -> dict[str, list[str]]:
    """Return every row of every table as text, sorted; sessions of the admin and the like included."""
    found = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT * FROM "{name}"')
            found[name] = sorted(repr(row) for row in cursor.fetchall())
    return found


def files_missing() -> list[str]:
    """Return the files that rows name and that are not there or not what the row says."""
    media = Path(settings.MEDIA_ROOT)
    wrong = []
    for path, size_bytes in Asset.objects.values_list("path", "size_bytes"):
        if not (media / path).is_file() or (media / path).stat().st_size != size_bytes:
            wrong.append(path)
    return wrong


def keys() -> list[str]:
    """Return the stored API keys, opened without noting down that they were used."""
    rows = Credential.objects.filter(session__isnull=False).order_by("session_id")
    return [unseal(bytes(row.ciphertext), context=Owner(session_id=row.session_id).context(row.provider)) for row in rows]


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "fill":
        fill(int(rest[0]))
    elif command == "churn":
        churn(float(rest[0]))
    if command != "churn":
        print(json.dumps({"tables": tables(), "missing": files_missing(), "keys": keys()}))
