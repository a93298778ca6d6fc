"""A studio with a fake YouTube: settings, a connected channel, and tasks run until they end."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from videoflow.pipeline.channels.access import token_forget, token_keep
from videoflow.pipeline.models import Channel, Project
from videoflow.pipeline.runner import task_run, worker_id_make
from videoflow.pipeline.services import stage_start
from videoflow.providers.tests.fake_youtube_world import World
from videoflow.providers.youtube.oauth import ANALYTICS_SCOPE, SCOPE, Granted
from videoflow.providers.youtube.upload import GRANULE_BYTES, Pace
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_claim

PACE = Pace(chunk_bytes=GRANULE_BYTES, looks=(0, 1, 1), sleep=lambda seconds: None, jitter=lambda: 0.0)
RUNS_MOST = 40


def aimed_at(address: str, **changes: Any) -> override_settings:
    """Aim the studio at a fake; to be entered, or used as a decorator."""
    return override_settings(
        VIDEOFLOW_SERVICE_URLS={**settings.VIDEOFLOW_SERVICE_URLS, "youtube": address},
        VIDEOFLOW_YOUTUBE_ANALYTICS_URL=address,
        VIDEOFLOW_GOOGLE_CLIENT_ID="fake-client-id",
        VIDEOFLOW_GOOGLE_CLIENT_SECRET="fake-client-secret",
        VIDEOFLOW_GOOGLE_AUTH_URL=f"{address}/auth",
        VIDEOFLOW_GOOGLE_TOKEN_URL=f"{address}/token",
        VIDEOFLOW_GOOGLE_REVOKE_URL=f"{address}/revoke",
        **changes,
    )


def channel_make(session: CreatorSession, world: World, channel_id: str = "") -> Channel:
    """A connected channel whose permission the fake knows."""
    key = channel_id or world.channel
    channel = Channel.objects.create(
        session=session,
        channel_id=key,
        title=world.channels[key],
        uploads_playlist=f"UU{key[2:]}",
        scopes=[SCOPE, ANALYTICS_SCOPE],
    )
    refresh = f"1//0refresh-{channel.pk}"
    world.refresh_tokens[refresh] = key
    token_keep(channel, Granted("ya29.stale", refresh, (SCOPE,), 0.0))
    token_forget(channel)
    return channel


def publish(project: Project, **changes: Any) -> Task:
    """Queue a publication to YouTube."""
    chosen = {"target": "youtube", "audience": "general", "privacy": "unlisted", **changes}
    return stage_start(project=project, task_type="youtube_upload", input_data=chosen)


def run_once(task: Task) -> Task:
    """Run a task as a worker would, whatever it waits for."""
    Task.objects.filter(pk=task.pk).update(not_before=timezone.now())
    claim = task_claim(queue="upload", worker_id=worker_id_make("test"), task_id=task.pk)
    assert claim is not None
    return task_run(claim=claim)


def run_on(task: Task, between: Callable[[Task], None] = lambda task: None) -> Task:
    """Run a task again and again until it has ended; ``between`` hears of each wait."""
    for _ in range(RUNS_MOST):
        task = run_once(task)
        if task.has_ended:
            return task
        between(task)
    raise AssertionError(f"still {task.status}: {task.message}")
