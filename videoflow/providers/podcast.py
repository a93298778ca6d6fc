"""Publish as a podcast episode: the sound of the video with its chapters, cover and transcript, ready for the studio's feed."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import av

from videoflow.errors import Cancelled, DiskFull
from videoflow.providers.base import CancelCheck, ProviderError, Published, PublishRequest, Report
from videoflow.providers.folder import folder_name

EPISODE, COVER, TRANSCRIPT, CHAPTERS = "episode.m4a", "cover.jpg", "transcript.vtt", "chapters.json"
_SPARE_BYTES = 20 * 1024 * 1024


class PodcastPublisher:
    """Write one folder per episode below ``root``; it appears under its name only when it is whole."""

    name = "podcast"

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, request: PublishRequest, *, report: Report, cancelled: CancelCheck) -> Published:
        """Take the sound as it is (nothing is encoded anew) and write it beside its cover, chapters and transcript.

        Raises:
            DiskFull: the disk cannot hold it.
            ProviderError: the video has no sound, or sound that no podcast player knows.
            Cancelled: asked to stop; nothing was left behind.
        """
        name = folder_name(request.title, f"podcast-{str(request.metadata.get('publication_id', ''))[:8]}")
        self.root.mkdir(parents=True, exist_ok=True)
        needed, free = request.video.stat().st_size + _SPARE_BYTES, shutil.disk_usage(self.root).free
        if free < needed:
            raise DiskFull("There is no room for the episode. Make room and retry.", details={"free_bytes": free})
        draft, target = self.root / f".{name}.part", self.root / name
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            report(0.1, "Taking the sound")
            _sound_copy(request.video, draft / EPISODE, cancelled)
            shutil.copyfile(request.thumbnail, draft / COVER)
            shutil.copyfile(request.vtt, draft / TRANSCRIPT)
            chapters = [{"startTime": chapter.start_seconds, "title": chapter.title} for chapter in request.chapters]
            (draft / CHAPTERS).write_text(json.dumps({"version": "1.2.0", "chapters": chapters}, indent=1), encoding="utf-8")
            for path in draft.iterdir():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            if target.exists():
                shutil.rmtree(target)  # the same episode, repeated after a crash
            draft.rename(target)
            undo.pop_all()
        report(1.0, "In the podcast")
        return Published(remote_id=name, location=f"exports/{name}", files=(CHAPTERS, COVER, EPISODE, TRANSCRIPT))


def _sound_copy(video: Path, out: Path, cancelled: CancelCheck) -> None:
    """Copy the first sound track of a video into a file of its own."""
    with av.open(str(video)) as source, av.open(str(out), "w", format="ipod") as target:
        track = next(iter(source.streams.audio), None)
        if track is None or track.codec_context.name != "aac":
            raise ProviderError("This video has no sound that podcast players know (AAC). Compose it again.", code="NO_SOUND")
        copy = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if cancelled():
                raise Cancelled("The export was cancelled.")
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
