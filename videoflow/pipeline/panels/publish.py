"""The uploader panel: the form as it was left, the card as viewers see it, the list before the start, and what was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from videoflow.pipeline.board import Board
from videoflow.pipeline.caption_tracks import caption_tracks
from videoflow.pipeline.channels.access import channels_of
from videoflow.pipeline.channels.captions import languages_gone, track_state, tracks_sent
from videoflow.pipeline.channels.checks import target_checks
from videoflow.pipeline.channels.podcast import feed_token
from videoflow.pipeline.editing.publish_draft import choice_of, draft_values
from videoflow.pipeline.editing.staleness import staleness_of
from videoflow.pipeline.forms_publish import PublishForm
from videoflow.pipeline.metadata import DESCRIPTION_LIMIT_BYTES, TAGS_LIMIT, TITLE_LIMIT, chapters_read
from videoflow.pipeline.models import Asset, Project, Publication, Video, YouTubeUpload
from videoflow.pipeline.panels.base import Content
from videoflow.pipeline.publishing import LANGUAGES, Check, preflight
from videoflow.pipeline.selectors import project_videos
from videoflow.pipeline.thumbnails import DRAWN, FRAMES, thumbnail_pictures


@dataclass(frozen=True, slots=True)
class Picture:
    """One that the thumbnail can begin with."""

    base: str
    label: str
    address: str


def publish_content(project: Project, board: Board) -> Content:
    """The form's values and everything published so far."""
    videos = list(project_videos(project))
    if not videos:
        return {"video": None}
    video = videos[0]
    values = draft_values(project, video)
    choice = choice_of(values)
    published = on_youtube(videos)
    return {
        "video": video,
        "values": values,
        "form": PublishForm(initial=_shown(values), project=project),
        "limits": {"title": TITLE_LIMIT, "description": DESCRIPTION_LIMIT_BYTES, "tags": TAGS_LIMIT},
        "choice": choice,
        "chapters": chapters_read(choice.description),
        "pictures": pictures_of(project, video),
        "thumbnail": thumbnail_address(video, values["thumb_base"], values),
        "publications": [publication for row in videos for publication in row.publications.all()],
        "upload": YouTubeUpload.objects.filter(video__project=project).exclude(state=YouTubeUpload.State.DONE).first(),
        "channels": list(channels_of(project)),
        "own_language": LANGUAGES.get(project.language, project.language),
        "languages": [(code, name) for code, name in LANGUAGES.items() if code != project.language],
        "on_youtube": published,
        **_captions(project, published),
        "feed": reverse("pipeline:podcast_feed", args=[feed_token(project.session)]),
        **checks_of(project, video, values),
    }


@dataclass(frozen=True, slots=True)
class TrackRow:
    """Captions that were brought; ``state`` is empty where nothing is on YouTube, or nobody knows what."""

    code: str
    language: str
    file: str
    state: str


def _captions(project: Project, published: Publication | None) -> Content:
    """The captions in every language, and what of them a published video does not have yet."""
    files = caption_tracks(project)
    sent = tracks_sent(published) if published else None

    def state(language: str, file: Asset) -> str:
        return "" if sent is None else track_state(sent, language, file.sha256)

    rows = [TrackRow(code, LANGUAGES.get(code, code), file.name, state(code, file)) for code, file in files.items()]
    own = state(project.language, published.video.srt) if published else ""
    gone = languages_gone(sent or {}, [project.language, *files])
    return {
        "tracks": rows,
        "own_track": own,
        "tracks_gone": [LANGUAGES.get(code, code) for code in gone],
        "tracks_pending": bool(gone) or any(name in ("new", "changed") for name in (own, *(row.state for row in rows))),
    }


def on_youtube(videos: Sequence[Video]) -> Publication | None:
    """Return the newest publication whose details can still be changed at YouTube."""
    rows = [row for video in videos for row in video.publications.all() if row.target == "youtube"]
    return next((row for row in rows if row.state != Publication.State.DELETED), None)


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """The moment as a field for date and time takes it, in UTC."""
    return values | {"publish_at": str(values["publish_at"])[:16]}


def checks_of(project: Project, video: Video, values: dict[str, Any] | None = None) -> Content:
    """The list before the start, what blocks first, and whether anything does."""
    current = staleness_of(project, video.script, video).is_composed
    values = values or draft_values(project, video)
    target, choice = values["target"], choice_of(values)
    rows = preflight(video, choice, target=target, is_current=current)
    rows += target_checks(
        project, video, choice, target=target, channel_id=values["channel"], is_repetition=bool(values["again"])
    )
    order = {"block": 0, "warn": 1, "ok": 2}
    rows = sorted(rows, key=lambda row: order[row.severity])
    return {"checks": rows, "blocked": _count(rows, "block"), "warned": _count(rows, "warn")}


def _count(rows: Sequence[Check], severity: str) -> int:
    return sum(row.severity == severity for row in rows)


def pictures_of(project: Project, video: Video) -> list[Picture]:
    """The drawn thumbnail, three frames, and what the creator brought."""
    offered = [(DRAWN, _("Drawn")), *((base, _("Frame at %s %%") % round(share * 100)) for base, share in FRAMES.items())]
    brought = [(base, asset.name) for base, asset in thumbnail_pictures(project).items()]
    return [Picture(base, label, f"{thumbnail_address(video, base)}&small=1") for base, label in [*offered, *brought]]


def thumbnail_address(video: Video, base: str, values: dict[str, Any] | None = None) -> str:
    """Return the address of a thumbnail; with the form's values it carries their words."""
    words = {"of": str(video.pk), "base": base}
    if values and values["thumb_text"].strip():
        words |= {"text": values["thumb_text"], "place": values["thumb_position"], "colour": values["thumb_colour"]}
    return f"{reverse('pipeline:publish_thumbnail', args=[video.project_id])}?{urlencode(words)}"
