"""What a stage is: one file, one ``STAGE``, one pure function from its inputs to new rows and files."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from videoflow.errors import Cancelled, VideoflowError
from videoflow.pipeline.ledger import paid_reply, payer_of
from videoflow.pipeline.models import Asset, Project
from videoflow.pipeline.store import file_store, files_fetch
from videoflow.providers.paid import PaidCall
from videoflow.render import PartSharing
from videoflow.tasks.models import Task

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class StageInput(BaseModel):
    """What every stage takes; a stage's own schema adds to it. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, str_strip_whitespace=True)

    project_id: str | None = None
    continue_: bool = Field(default=False, alias="continue", description="Start the following stages too, up to the composition.")


class StageNotReady(VideoflowError):
    """An earlier stage has not been done yet."""

    code = "STAGE_NOT_READY"


class ReportProgress(Protocol):
    def __call__(self, share: float, message: str, *, changed: str = "") -> None:
        """Report the share of the stage's work done (0 to 1); ``changed`` names what a page should fetch anew."""
        ...


@dataclass(frozen=True, slots=True)
class StageContext:
    """All that a stage may touch. It knows no queue and no socket."""

    project: Project
    task: Task
    input: Any
    """The stage's own input schema, validated."""
    scratch: Callable[[], Path]
    """Makes ``work_dir`` at the first call and returns it at each."""
    report: ReportProgress
    cancelled: Callable[[], bool]
    """True once the task was cancelled or belongs to somebody else; asked often, it costs nothing."""
    fenced: Callable[[], AbstractContextManager[None]]
    """``with context.fenced():`` is a transaction that only commits while the task is ours."""
    sharing: PartSharing | None = None
    """How other hosts help to make a video's parts; None where this one is alone."""

    @property
    def work_dir(self) -> Path:
        """Scratch space of this attempt; gone afterwards."""
        return self.scratch()

    def check(self) -> None:
        """Raise Cancelled when the work should stop."""
        if self.cancelled():
            raise Cancelled("The work was cancelled.")

    def fetch(self, paths: Iterable[Path]) -> None:
        """Have stored files on this host until the attempt is over; raises what ``files_fetch`` does."""
        files_fetch(paths, holder=self.scratch, cancelled=self.cancelled)

    def paid_call(self, call: PaidCall) -> bytes:
        """Return the raw reply to a call that costs money; one that was paid for before is given again.

        Make sense of the reply afterwards: when that fails, the next attempt tries it on the same reply.

        Raises:
            BadInput: the budget does not reach; nothing was asked.
            CallRefused: the provider said no, and nothing is charged.
            CallUnknown: it may have been charged and the reply is lost; a person decides.
            Cancelled: the work should stop; a reply that came is kept.
        """
        self.check()
        reply = paid_reply(call, payer=payer_of(self.task), fenced=self.fenced, cancelled=self.cancelled)
        self.check()
        return reply


@dataclass(frozen=True, slots=True)
class StageOutput:
    message: str
    """One line about the result, e.g. "42 turns, 3:12 measured"."""
    save: Callable[[], Mapping[str, Any]]
    """Writes the rows, inside the transaction that completes the task, and returns ``result_data``."""


@dataclass(frozen=True, slots=True)
class Stage:
    """``ready(project, input)`` raises StageNotReady or BadInput before a task is queued, while the user is at the form."""

    name: str
    label: "str | _StrPromise"
    order: int
    queue: str
    component: str
    input_schema: type[StageInput]
    ready: Callable[[Project, Any], None]
    run: Callable[[StageContext], StageOutput]
    follows_by_itself: bool = True
    """Whether ``continue`` reaches it; publishing is always its own act."""


def always_ready(project: Project, options: Any) -> None:
    """A stage that needs nothing from before."""


def asset_add(context: StageContext, source: Path, **facts: Any) -> Asset:
    """Keep a finished file and write its row; ``facts`` are the row's other fields.

    Call it inside a fenced transaction, and ``files_keep`` before that.
    """
    stored = file_store(source)
    return Asset.objects.create(
        project=context.project, task=context.task, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes, **facts
    )
