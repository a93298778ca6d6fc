"""The music of a video: another mood of ours, or the creator's own."""

import time
from pathlib import Path

from videoflow.children import children_map
from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.pipeline.asset_facts import music_facts
from videoflow.pipeline.editing.looks import music_change
from videoflow.pipeline.models import Asset, Project, script_current
from videoflow.pipeline.store import file_store, work_dir, work_dirs_remove
from videoflow.providers.base import MusicBed
from videoflow.providers.embedded_music.music import music_moods
from videoflow.sentences import Sentence

MUSIC_SECONDS_MOST = 30.0
"""A bed of three minutes takes two."""
_WORKER_MODULE = "videoflow.providers.embedded_music.worker"


def music_shown(project: Project) -> Asset | None:
    """Return the music that the video would have if it is on: the chosen one, else what the stage made."""
    beds = list(project.assets.filter(kind=Asset.Kind.MUSIC))
    chosen = next((bed for bed in beds if str(bed.pk) == project.music.get("asset_id")), None)
    return chosen or next((bed for bed in beds if bed.origin != Asset.UPLOAD), None)


def mood_of(project: Project) -> str:
    """Return the mood of the music of ours: the chosen one, else the look's."""
    return str(project.music.get("mood") or project.look.get("mood") or "calm")


def music_mood_set(*, project: Project, mood: str) -> Asset:
    """Lay a bed of another mood under the whole video, as one step that can be undone.

    Raises:
        BadInput: there is no such mood, or the media are not complete.
        VideoflowError: it took longer than 30 s.
    """
    if mood not in music_moods():
        raise BadInput(
            Sentence(
                "There is no music for the mood “%(mood)s”. Choose one of: %(moods)s.",
                mood=mood,
                moods=", ".join(music_moods()),
            )
        )
    script = script_current(project)
    if script is None or script.media_seconds is None:
        raise BadInput("Speech and pictures are not complete yet. Make the media first.")
    beds = project.assets.filter(kind=Asset.Kind.MUSIC, mood=mood).exclude(origin=Asset.UPLOAD)
    bed = next((bed for bed in beds if abs((bed.seconds or 0) - script.media_seconds) < 0.1), None)
    if bed is None:
        bed = _bed_lay(project, mood, script.media_seconds)
    music_change(project=project, values={"mood": mood, "asset_id": str(bed.pk), "is_on": True})
    return bed


def _bed_lay(project: Project, mood: str, seconds: float) -> Asset:
    name = f"music-{project.pk}-{mood}"
    folder = work_dir(name)
    until = time.monotonic() + MUSIC_SECONDS_MOST
    job = {"mood": mood, "seconds": seconds, "seed": project.seed, "out": str(folder / "music.wav")}
    try:
        [facts] = children_map(_WORKER_MODULE, [job], workers=1, cancelled=lambda: time.monotonic() > until)
        bed = MusicBed(**{**facts, "path": Path(str(facts["path"]))})
        stored = file_store(bed.path)
        return Asset.objects.create(
            project=project, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes, **music_facts(bed)
        )
    except Cancelled:
        raise VideoflowError(
            Sentence(
                "The music took longer than %(seconds)s s, because the machine is busy. Try again in a moment.",
                seconds=f"{MUSIC_SECONDS_MOST:.0f}",
            ),
            code="BUSY",
            retryable=True,
        ) from None
    finally:
        work_dirs_remove(name)
