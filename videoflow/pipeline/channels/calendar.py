"""What goes out when: videos that YouTube has a time for, those on their way, drafts with a time, and the slots still free."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from videoflow.errors import BadInput
from videoflow.http import whole_number
from videoflow.pipeline.channels.slots import slots_between
from videoflow.pipeline.editing.publish_draft import draft_save
from videoflow.pipeline.models import Channel, Project, Publication
from videoflow.pipeline.services import stage_start
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.translation import translated

STAGE = "youtube_upload"
SOONEST = timedelta(minutes=5)
Sessions = QuerySet[CreatorSession]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on a day; ``kind``: scheduled, published, queued, draft or slot."""

    kind: str
    key: str
    title: str
    at: datetime
    channel: str = ""
    project_id: UUID | None = None
    note: str = ""

    @property
    def is_movable(self) -> bool:
        return self.kind in ("scheduled", "queued", "draft")


def entries(sessions: Sessions, first: datetime, last: datetime) -> list[Entry]:
    """Return everything between two times, in its order."""
    found = [*_publications(sessions, first, last), *_tasks(sessions, first, last), *_drafts(sessions, first, last)]
    taken = {(entry.channel, entry.at) for entry in found}
    for channel in Channel.objects.filter(session__in=sessions, state=Channel.State.CONNECTED):
        for at in slots_between(channel, first.date() - timedelta(days=1), last.date()):
            if max(first, timezone.now()) <= at < last and (channel.title, at) not in taken:
                found.append(Entry("slot", at.isoformat(), _("Free slot"), at, channel.title))
    return sorted(found, key=lambda entry: entry.at)


def _publications(sessions: Sessions, first: datetime, last: datetime) -> list[Entry]:
    rows = Publication.objects.filter(
        target="youtube", video__project__session__in=sessions, video__project__deleted_at__isnull=True
    ).select_related("channel", "video")
    found = []
    for row in rows.exclude(state=Publication.State.DELETED):
        at = row.publish_at or row.created_at
        if first <= at < last:
            kind = "scheduled" if row.state == Publication.State.SCHEDULED and at > timezone.now() else "published"
            title = str(row.metadata.get("title", ""))
            found.append(Entry(kind, str(row.pk), title, at, row.channel.title if row.channel else "", row.video.project_id))
    return found


def _tasks(sessions: Sessions, first: datetime, last: datetime) -> list[Entry]:
    rows = Task.objects.filter(session__in=sessions, task_type=STAGE, status__in=Task.OPEN).select_related("project")
    found = []
    for row in rows:
        if row.input_data.get("target") != "youtube" or row.input_data.get("update_of"):
            continue
        at = _moment(row.input_data.get("publish_at")) or row.not_before or row.created_at
        if first <= at < last:
            kind = "queued" if row.status in Task.WAITING and row.input_data.get("publish_at") else "uploading"
            title = str(row.input_data.get("title") or row.project.title)
            found.append(Entry(kind, str(row.pk), title, at, "", row.project_id, translated(row.message)))
    return found


def _drafts(sessions: Sessions, first: datetime, last: datetime) -> list[Entry]:
    rows = Project.objects.filter(
        session__in=sessions,
        deleted_at__isnull=True,
        archived_at__isnull=True,
        videos__isnull=False,
        videos__publications__isnull=True,
    ).distinct()
    found = []
    for row in rows:
        at = _moment(row.publish_draft.get("publish_at"))
        if at and first <= at < last and not row.tasks.filter(task_type=STAGE, status__in=Task.OPEN).exists():
            found.append(Entry("draft", str(row.pk), str(row.publish_draft.get("title") or row.title), at, "", row.pk))
    return found


def _moment(text: Any) -> datetime | None:
    return parse_datetime(str(text)) if text else None


def entry_move(*, sessions: Sessions, kind: str, key: str, at: datetime) -> str:
    """Give an entry another time and return what was done, for its owner.

    Raises:
        BadInput: the time has passed, or the entry is not there any more.
        TaskConflict: a change of it is on its way already.
    """
    if at < timezone.now() + SOONEST:
        raise BadInput(_("Choose a time that is at least five minutes from now."), details={"at": "passed"})
    at = at.replace(second=0, microsecond=0)
    if kind == "scheduled":
        rows = Publication.objects.filter(pk=whole_number(key) or 0, video__project__session__in=sessions)
        publication = rows.select_related("video").first()
        if publication is None or publication.state != Publication.State.SCHEDULED:
            raise BadInput(_("This video is not scheduled any more."))
        chosen = {**input_of_publication(publication), "publish_at": at.isoformat()}
        stage_start(project=publication.video.project, task_type=STAGE, input_data=chosen)
        return _("YouTube is told of the new time.")
    if kind == "queued":
        task = Task.objects.filter(pk=_uuid(key), session__in=sessions, status__in=Task.WAITING).first()
        if task is None:
            raise BadInput(_("This upload has begun or ended meanwhile."))
        changed = {**task.input_data, "publish_at": at.isoformat(), "privacy": "private"}
        Task.objects.filter(pk=task.pk, status__in=Task.WAITING, fence=task.fence).update(input_data=changed)
        return _("The upload has the new time.")
    project = Project.objects.filter(pk=_uuid(key), session__in=sessions, deleted_at__isnull=True).first()
    video = project.videos.first() if project else None
    if kind != "draft" or project is None or video is None:
        raise BadInput(_("This is not in the calendar any more."))
    draft_save(project=project, video=video, values={"publish_at": at.strftime("%Y-%m-%dT%H:%M:00+00:00"), "privacy": "private"})
    return _("The draft has the new time.")


def input_of_publication(publication: Publication) -> dict[str, Any]:
    """Return the stage's input that would send a publication's own details again."""
    kept: Mapping[str, Any] = publication.metadata
    return {
        "target": "youtube",
        "update_of": publication.pk,
        "extras": False,
        "title": kept["title"],
        "description": kept["description"],
        "tags": kept["tags"],
        "privacy": "private",
        "audience": "kids" if kept.get("made_for_kids") else "general",
        "playlist": kept.get("playlist", ""),
        "category": kept["category"]["id"],
        "language": kept["language"],
        "licence": kept["licence"],
        "contains_synthetic_media": kept["contains_synthetic_media"],
        "embeddable": kept.get("embeddable", True),
        "recorded_on": kept.get("recorded_on"),
        "paid_promotion": kept.get("paid_promotion", False),
        "localizations": kept.get("localizations", {}),
        **({"thumbnail": kept["thumbnail"]} if "thumbnail" in kept else {}),
    }


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def month_days(day: date) -> list[date]:
    """Return the days of a month's sheet: whole weeks from Monday on."""
    first = day.replace(day=1)
    start = first - timedelta(days=first.weekday())
    following = (first + timedelta(days=32)).replace(day=1)
    count = -(-(following - start).days // 7) * 7
    return [start + timedelta(days=number) for number in range(count)]
