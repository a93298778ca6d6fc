"""What a person or program can do to a project. Pages, commands and the runner all come through here."""

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from pydantic import ValidationError

from videoflow.errors import BadInput
from videoflow.pipeline import stages
from videoflow.pipeline.channels.connect import channel_release
from videoflow.pipeline.exports import exports_remove
from videoflow.pipeline.models import Asset, Channel, Project, ProviderCall, Publication, SourceFile
from videoflow.pipeline.quota import quota_check
from videoflow.pipeline.stages.base import StageInput
from videoflow.pipeline.store import files_remove, upload_store
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession, WorkflowState
from videoflow.sessions.services import session_close, session_is_closed, sessions_expired
from videoflow.sessions.state_cache import states_void
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_cancel, task_enqueue

SOURCE_LIMIT_BYTES = 300_000_000
MINUTES_LIMITS_SECONDS = (20, 1800)
SEED_LIMIT = 2_147_483_647
DISCARD_LIFE = timedelta(days=1)
"""So long a deleted project can be had back."""


def project_new(
    *,
    session: CreatorSession,
    title: str = "",
    aspect: str = "16:9",
    minimum_seconds: int = 180,
    seed: int | None = None,
    language: str = "en",
) -> Project:
    """Return a project that is not saved yet; without a seed a random one is drawn, so that no two videos are alike.

    Raises:
        BadInput: unknown aspect, a length outside 20 seconds to 30 minutes, or a seed that is negative or too large.
    """
    if aspect not in Project.SIZES:
        raise BadInput(
            Sentence("“%(aspect)s” is not a format. Choose 16:9, 9:16 or 1:1.", aspect=aspect), details={"aspect": "unknown"}
        )
    shortest, longest = MINUTES_LIMITS_SECONDS
    if not shortest <= minimum_seconds <= longest:
        raise BadInput("A video can be 20 seconds to 30 minutes long.", details={"minimum_seconds": "out of range"})
    if seed is not None and not 0 <= seed <= SEED_LIMIT:
        raise BadInput(
            Sentence("A seed is a whole number from 0 to %(limit)s.", limit=SEED_LIMIT),
            details={"seed": "out of range"},
        )
    return Project(
        session=session,
        title=(title or "Untitled video")[:200],
        aspect=aspect,
        minimum_seconds=minimum_seconds,
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        language=language,
        providers=dict(session.preferences.get("providers") or {}),
    )


def project_create(**facts: Any) -> Project:
    """Create a project of ``project_new``'s facts."""
    project = project_new(**facts)
    project.save(force_insert=True)
    return project


def project_discard(*, project: Project) -> None:
    """Cancel what runs and put the project out of sight; for a day it can be had back, then ``projects_sweep`` deletes it."""
    with transaction.atomic():
        _open_cancel(project.tasks.all())
        Project.objects.filter(pk=project.pk, deleted_at__isnull=True).update(deleted_at=timezone.now())
        active = WorkflowState.objects.filter(active_project=project)
        if active.update(active_project=None, revision=F("revision") + 1, updated_at=timezone.now()):
            states_void(session=project.session)


def project_restore(*, project: Project) -> None:
    """Take a project out of the deleted ones, and out of the archive."""
    Project.objects.filter(pk=project.pk).update(deleted_at=None, archived_at=None)


def project_archive(*, project: Project) -> None:
    """Put a project aside: it keeps everything, and the history shows it under its own filter only."""
    Project.objects.filter(pk=project.pk).update(archived_at=timezone.now())


def projects_discarded() -> QuerySet[Project]:
    """Return the deleted projects that can no longer be had back."""
    return Project.objects.filter(deleted_at__lt=timezone.now() - DISCARD_LIFE)


def projects_sweep() -> int:
    """Delete for good what was deleted more than a day ago, and return how many."""
    swept = 0
    for project in projects_discarded().select_related("session"):
        if projects_discarded().filter(pk=project.pk).exists():  # not taken back since the sweep began
            project_delete(project=project)
            swept += 1
    return swept


def _open_cancel(tasks: QuerySet[Task]) -> None:
    for task in tasks.filter(status__in=Task.OPEN):
        with contextlib.suppress(BadInput):  # it ended by itself meanwhile
            task_cancel(task_id=task.pk)


def project_delete(*, project: Project) -> None:
    """Cancel what runs, delete the project's rows, and its files where no other project uses them."""
    _open_cancel(project.tasks.all())
    paths = set(project.assets.values_list("path", flat=True))
    exports = list(Publication.objects.filter(video__project=project, target__in=("folder", "podcast")))
    replies = set(project.provider_calls.exclude(reply_path="").values_list("reply_path", flat=True))
    with transaction.atomic():
        project.provider_calls.update(reply_path="")  # what was paid stays in the books, without what was said
        project.delete()
        states_void(session=project.session)  # the workflow's active project may be this one
    used = set(Asset.objects.filter(path__in=paths).values_list("path", flat=True))
    used |= set(ProviderCall.objects.filter(reply_path__in=replies).values_list("reply_path", flat=True))
    files_remove((paths | replies) - used)
    exports_remove(exports)


def session_delete(*, session: CreatorSession) -> None:
    """Cancel the session's tasks, give its channels' permissions back to Google, and delete its rows and files.

    Nobody gets into it from the start of this.
    """
    session_close(session=session)
    _open_cancel(session.tasks.all())
    for channel in Channel.objects.filter(session=session, state=Channel.State.CONNECTED).select_related("session"):
        channel_release(channel)
    for project in session.projects.all():
        project_delete(project=project)
    paths = set(session.source_files.values_list("path", flat=True))
    session.delete()
    files_remove(paths - set(SourceFile.objects.filter(path__in=paths).values_list("path", flat=True)))


def session_is_kept(*, session: CreatorSession) -> bool:
    """Say whether a session outlives its 24 hours: a task is open, or a project's newest video has not been published."""
    if session_is_closed(session):
        return False
    if session.tasks.filter(status__in=Task.OPEN).exists():
        return True
    with_videos = session.projects.filter(videos__isnull=False, deleted_at__isnull=True).distinct()
    newest = [project.videos.first() for project in with_videos]
    return any(video is not None and not video.publications.exists() for video in newest)


def sessions_sweep() -> int:
    """Delete the sessions whose time is over and return how many; one with open work or an unpublished video stays."""
    swept = 0
    for session in sessions_expired():
        with transaction.atomic():  # whoever comes back meanwhile finds either their session or none
            still = sessions_expired().select_for_update().filter(pk=session.pk).exists()
            if not still or session_is_kept(session=session):
                continue
            session_close(session=session)
        session_delete(session=session)
        swept += 1
    return swept


def source_file_add(*, session: CreatorSession, name: str, chunks: Iterable[bytes]) -> SourceFile:
    """Keep a file of trending videos as it was sent; whether it can be read shows when it is analysed.

    Raises:
        BadInput: it is empty or larger than 300 MB, or the owner's files take all that is allowed.
    """
    clean = "".join(char for char in name if char.isprintable()).rsplit("/", 1)[-1].rsplit("\\", 1)[-1][:255] or "file"
    quota_check(session)
    stored = upload_store(name=clean, chunks=chunks, limit_bytes=SOURCE_LIMIT_BYTES)
    return SourceFile.objects.create(
        session=session, name=clean, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes
    )


def input_validate(task_type: str, input_data: Mapping[str, Any]) -> StageInput:
    """Return the stage's input as its schema has it.

    Raises:
        BadInput: ``details`` names each field that is wrong.
    """
    try:
        return stages.get(task_type).input_schema.model_validate(dict(input_data))
    except ValidationError as error:
        details = {".".join(str(part) for part in fault["loc"]) or "input_data": fault["msg"] for fault in error.errors()}
        first_field, first_message = next(iter(details.items()))
        raise BadInput(
            Sentence("%(field)s: %(problem)s.", field=first_field, problem=first_message),
            code="INVALID_INPUT",
            details=details,
        ) from None


def stage_prepare(
    *,
    project: Project,
    task_type: str,
    input_data: Mapping[str, Any],
    priority: int = Task.Priority.NORMAL,
    wake: bool = True,
    asked_for: bool = True,
) -> Callable[[], Task]:
    """Check one run of a stage and return what queues it, which saves a new project with its task: neither without the other.

    ``asked_for``: by a person, whose files and waiting tasks have limits; not what follows by itself.

    Checking may take a second (a script is drafted), so it must not happen inside a transaction: every writer would wait for it.

    Raises:
        BadInput: the input is not what the stage takes, or the owner's files take all that is allowed.
        StageNotReady: an earlier stage is missing.
        TaskConflict: the stage is already waiting or running for this project.
        TooManyWaiting: as many tasks of the session wait already as may.
    """
    stage = stages.get(task_type)
    options = input_validate(task_type, input_data)
    if stage.follows_by_itself and asked_for:  # publishing makes nothing new
        quota_check(project.session)
    stage.ready(project, options)

    def queue() -> Task:
        with transaction.atomic():
            if project._state.adding:
                project.save(force_insert=True)
            return task_enqueue(
                session=project.session,
                project_id=project.pk,
                task_type=stage.name,
                queue=stage.queue,
                input_data=options.model_dump(mode="json", by_alias=True, exclude_unset=True),
                priority=priority,
                wake=wake,
                most_waiting=settings.VIDEOFLOW_USER_WAITING if asked_for else None,
            )

    return queue


def stage_start(
    *,
    project: Project,
    task_type: str,
    input_data: Mapping[str, Any],
    priority: int = Task.Priority.NORMAL,
    asked_for: bool = True,
) -> Task:
    """Check and queue one run of a stage; raises what ``stage_prepare`` does."""
    return stage_prepare(project=project, task_type=task_type, input_data=input_data, priority=priority, asked_for=asked_for)()
