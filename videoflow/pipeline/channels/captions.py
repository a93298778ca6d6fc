"""A video's captions at YouTube: which go along, which were sent, and the changes of them sent later, each once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from videoflow.pipeline.caption_tracks import caption_tracks
from videoflow.pipeline.models import Asset, Project, Publication, Video
from videoflow.pipeline.publishing import LANGUAGES
from videoflow.pipeline.store import asset_path
from videoflow.providers.youtube.api import CaptionTrack, YouTube
from videoflow.providers.youtube.errors import YouTubeRefused
from videoflow.sentences import Sentence

Sent = dict[str, str]
"""By language, the hash of the file that YouTube took."""
TrackState = Literal["there", "changed", "new"]


@dataclass(frozen=True, slots=True)
class Track:
    """Captions of one language, and the name that viewers see them under."""

    language: str
    file: Path
    sha256: str

    @property
    def name(self) -> str:
        return LANGUAGES.get(self.language, self.language)


def tracks_of(project: Project, video: Video) -> tuple[Track, ...]:
    """Return the captions that go with a video: its own, then those that were brought."""
    files = {project.language: video.srt, **caption_tracks(project)}
    return tuple(_track(language, file) for language, file in files.items())


def _track(language: str, file: Asset) -> Track:
    return Track(language, asset_path(file), file.sha256)


def tracks_sent(publication: Publication) -> Sent | None:
    """Return what YouTube took with a publication; None where nobody wrote it down."""
    sent: Sent | None = publication.metadata.get("captions")
    return sent


def track_state(sent: Sent, language: str, sha256: str) -> TrackState:
    """Say whether YouTube has these captions, others in their language, or none."""
    known = sent.get(language)
    return "new" if known is None else "there" if known == sha256 else "changed"


def languages_gone(sent: Sent, languages: Collection[str]) -> list[str]:
    """Return the languages whose captions YouTube still has, though they were taken away here."""
    return [language for language in sent if language not in languages]


def track_put(youtube: YouTube, video_id: str, track: Track, there: Sequence[CaptionTrack]) -> None:
    """Add captions, or replace those that are ``there``.

    Raises:
        YouTubeRefused: with a sentence that names their language.
    """
    try:
        youtube.captions_put(video_id, language=track.language, name=track.name, text=track.file.read_bytes(), there=there)
    except YouTubeRefused as error:
        raise YouTubeRefused(
            Sentence("Captions, %(name)s: %(error)s", name=track.name, error=error), reason=error.reason, status=error.status
        ) from error


def tracks_send(
    youtube: YouTube, video_id: str, *, tracks: Sequence[Track], sent: Mapping[str, str], keep: Callable[[Sent], None]
) -> dict[str, str]:
    """Make YouTube's captions of a video these, as far as they were not sent before, and return what it refused, and why.

    Nothing is asked where nothing was changed. ``keep`` is told after each track what YouTube has now, so that whoever takes
    this up goes on from there. Captions that somebody added at YouTube stay.
    """
    now = dict(sent)
    fresh = [track for track in tracks if track_state(now, track.language, track.sha256) != "there"]
    gone = languages_gone(now, [track.language for track in tracks])
    if not fresh and not gone:
        return {}
    there, refused = youtube.captions_of(video_id), {}
    for track in fresh:
        try:
            track_put(youtube, video_id, track, there)
        except YouTubeRefused as error:
            if error.reason == "videoNotFound":
                raise
            refused[f"captions {track.language}"] = str(error)
        else:
            now[track.language] = track.sha256
            keep(now)
    for language in gone:
        for row in _ours(there, language):
            youtube.captions_drop(row)
        del now[language]
        keep(now)
    return refused


def _ours(there: Sequence[CaptionTrack], language: str) -> list[CaptionTrack]:
    return [row for row in there if row.is_of(language, LANGUAGES.get(language, language))]
