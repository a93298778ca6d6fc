"""Stages that do nothing, or as much harm as their input asks for."""

import os
import signal
import time
from pathlib import Path
from typing import Literal

from django.db.models import F
from pydantic import Field

from videoflow.children import children_map
from videoflow.errors import VideoflowError
from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput, always_ready, asset_add
from videoflow.pipeline.tests.paid_provider import PaidProvider

CHILD = "videoflow.tasks.tests.noop.child"
MADE = "made.txt"


class NoopInput(StageInput):
    work_seconds: float = Field(default=0.0, ge=0, le=600)
    child_seconds: float = Field(default=0.0, ge=0, le=600, description="Have a worker process of the stage's own sleep so long.")
    file: bool = Field(default=False, description="Keep a small file, as real stages do.")
    file_bytes: int = Field(default=0, ge=0, description="Make the file so large.")
    poison: bool = Field(default=False, description="Kill the process that runs it.")
    fails: int = Field(default=0, ge=0, description="So many attempts fail with an error that may pass.")
    pays: Literal["", "keyed", "plain"] = Field(default="", description="Make one call that costs money, with a key or without.")
    pays_at: str = Field(default="", description="The address of the service that charges for it.")


class _Client(PaidProvider):
    """The client alone: the service runs in the test."""

    def __init__(self, url: str) -> None:
        self.url = url


def run(context: StageContext) -> StageOutput:
    options: NoopInput = context.input
    if options.poison:
        os.kill(os.getpid(), signal.SIGKILL)
    if context.task.attempt <= options.fails:
        raise VideoflowError("It may pass.", retryable=True)
    if options.pays:
        context.paid_call(_Client(options.pays_at).call(options.pays, prompt=str(context.task.pk)))
    if options.child_seconds:
        children_map(CHILD, [{"seconds": options.child_seconds}], workers=1, cancelled=context.cancelled)
    end = time.monotonic() + options.work_seconds
    while (left := end - time.monotonic()) > 0:
        context.report(1 - left / options.work_seconds, "Doing nothing")
        context.check()
        time.sleep(min(left, 0.02))
    if options.file:
        _write(context.work_dir / MADE, f"{context.task.pk}\n" * max(100, options.file_bytes // 37))

    def save() -> dict[str, object]:
        # The effect to be counted: exactly one for each task that completes.
        Project.objects.filter(pk=context.project.pk).update(minimum_seconds=F("minimum_seconds") + 1)
        if not options.file:
            return {}
        with context.fenced():
            asset = asset_add(context, context.work_dir / MADE, kind="image", name=MADE)
        return {"size_bytes": asset.size_bytes}

    return StageOutput("Did nothing", save)


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


# By the names of the real stages, so that pages, API and queues see no difference.
NOOP_STAGES = tuple(
    Stage(real.name, real.label, real.order, real.queue, real.component, NoopInput, always_ready, run, real.follows_by_itself)
    for real in stages.load()
)
