import contextlib
import json
import logging
import math
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Project, TrendReport
from videoflow.pipeline.services import project_create, source_file_add
from videoflow.pipeline.store import asset_file
from videoflow.providers.live_trends import LIVE_SOURCES
from videoflow.providers.services import EMBEDDED, services_for
from videoflow.sessions.services import link_create, session_create

TEXT_LIMIT_BYTES = 2_000_000
CHOOSABLE = ("writer", "speech", "images")


def studio_address() -> str:
    """Return where the studio of this data folder answers, or would by default; a running one leaves its address there."""
    try:
        return str(json.loads((settings.VIDEOFLOW_DATA / "studio.lock").read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError):
        return "http://127.0.0.1:8000"


def choices_read(given: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what ``--with`` says as a project's choices: ``speech=openai/some-model``.

    Raises:
        BadInput: one of them is no choice there is.
    """
    choices: dict[str, dict[str, str]] = {}
    for words in given:
        what, _, named = words.partition("=")
        service, _, model = named.partition("/")
        able = [known.key for known in services_for(what)] if what in CHOOSABLE else []
        if not able:
            raise BadInput(f"--with {words}: choose a service for one of {', '.join(CHOOSABLE)}, such as speech=kokoro.")
        if service not in able:
            raise BadInput(f"--with {words}: there is no “{service}” for {what}. Choose one of: {', '.join(able)}.")
        if service != EMBEDDED:
            choices[what] = {"service": service, "model": model}
    return choices


@contextlib.contextmanager
def _foreground() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, with the task cancelled, and keep the log from breaking the bars."""
    logger = logging.getLogger("videoflow")
    level, handler = logger.level, signal.signal(signal.SIGTERM, signal.default_int_handler)
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
        signal.signal(signal.SIGTERM, handler)


class Command(BaseCommand):
    help = "Make a video from a file of trending videos, a topic with notes, or a finished script."

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--trends", metavar="FILE", help="Trending videos: CSV, JSON, RSS; “sample” or a live source.")
        source.add_argument("--topic", metavar="TEXT", help="What the video is about; needs --notes, or --with writer=….")
        source.add_argument("--script", metavar="FILE", help="A finished two-speaker script, spoken as written.")
        parser.add_argument("--notes", metavar="FILE", help="Your notes or article, with --topic.")
        parser.add_argument("--out", metavar="FILE.mp4", required=True)
        parser.add_argument("--minutes", type=float, default=3.0)
        parser.add_argument("--aspect", choices=list(Project.SIZES), default="16:9")
        parser.add_argument("--language", default="en")
        parser.add_argument("--seed", type=int)
        parser.add_argument(
            "--with",
            dest="made_with",
            action="append",
            default=[],
            metavar="WHAT=SERVICE[/MODEL]",
            help="Let a service do it, with the installation's key: writer=…, speech=… or images=…; may be given for each.",
        )
        parser.add_argument("--window", choices=["weekly", "monthly"], default="weekly")

    def handle(self, *args: Any, **options: Any) -> None:
        out = Path(options["out"]).absolute()
        try:
            with _foreground():
                self._check_out(out)
                call_command("migrate", verbosity=0, interactive=False)
                project = self._make(options)
                self._deliver(project, out)
        except VideoflowError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                "The database cannot be used: is the data folder writable, and is there room on the disk?"
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was finished before is kept.") from None
        self.stdout.write(str(out))
        link = f"{studio_address()}/open/{link_create(session=project.session)}/"
        self.stdout.write(f"See it in the studio (scripts/studio, if it is not running): {link} works once, within a day.")

    def _check_out(self, out: Path) -> None:
        if out.suffix.lower() != ".mp4":
            raise BadInput("--out must end in .mp4.")
        if not out.parent.is_dir():
            raise BadInput(f"The folder {out.parent} does not exist.")
        if out.is_dir():
            raise BadInput(f"{out} is a folder. Give the name of a file in it.")
        try:
            with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.stem[:50]}."):
                pass
        except OSError:
            raise BadInput(f"The folder {out.parent} cannot be written to.") from None

    def _make(self, options: dict[str, Any]) -> Project:
        if not math.isfinite(options["minutes"]):
            raise BadInput("--minutes must be a number, such as 3 or 4.5.")
        project = project_create(
            session=session_create(),
            aspect=options["aspect"],
            minimum_seconds=round(options["minutes"] * 60),
            seed=options["seed"],
            language=options["language"],
        )
        project.providers = choices_read(options["made_with"])
        project.save(update_fields=["providers"])
        script: dict[str, Any] = {"language": options["language"]}
        if options["trends"]:
            report = self._analyse(project, options["trends"], options["window"])
            best = report.themes.filter(rank=1)[:3]
            script |= {"input_type": "theme", "theme_ids": [theme.pk for theme in best]}
        elif options["topic"] is not None:
            notes = self._text(options["notes"]) if options["notes"] else ""
            script |= {"input_type": "topic", "topic": options["topic"], "notes": notes}
        else:
            script |= {
                "input_type": "script",
                "script_text": self._text(options["script"]),
                "file_name": Path(options["script"]).name,
            }
        task = stage_run(project=project, task_type="script_generation", input_data=script)
        for warning in (task.result_data or {}).get("warnings", []):
            self.stderr.write(f"Note: {warning}")
        for stage in ("media_generation", "video_composition"):
            project.refresh_from_db()
            stage_run(project=project, task_type=stage, input_data={})
        return project

    def _analyse(self, project: Project, trends: str, window: str) -> TrendReport:
        source = trends
        if trends != "sample" and (trends not in LIVE_SOURCES or Path(trends).is_file()):
            path = Path(trends)
            if not path.is_file():
                raise BadInput(f"There is no file {trends}.")
            with path.open("rb") as reader:
                chunks = iter(lambda: reader.read(1 << 20), b"")
                source = str(source_file_add(session=project.session, name=path.name, chunks=chunks).pk)
        stage_run(project=project, task_type="trending_analysis", input_data={"source": source, "window": window})
        return project.reports.latest("created_at")

    def _text(self, name: str) -> str:
        path = Path(name)
        if not path.is_file():
            raise BadInput(f"There is no file {name}.")
        if path.stat().st_size > TEXT_LIMIT_BYTES:
            raise BadInput(f"{path.name} is larger than {TEXT_LIMIT_BYTES // 1_000_000} MB, too long for notes or a script.")
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise BadInput(f"{path.name} is not a text file in UTF-8. Save it as UTF-8 and try again.") from None

    def _deliver(self, project: Project, out: Path) -> None:
        video = project.videos.select_related("file").latest("created_at")
        draft = out.with_name(f".{out.name}.part")
        try:
            shutil.copyfile(asset_file(video.file), draft)
            with draft.open("rb") as reader:
                os.fsync(reader.fileno())
            draft.replace(out)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise VideoflowError(f"The video is finished but could not be copied to {out} ({error.strerror}).") from error
