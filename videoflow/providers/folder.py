"""Publish to a folder of this machine: everything a person needs to upload the video by hand, complete or not at all."""

import contextlib
import json
import os
import shutil
import unicodedata
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, DiskFull
from videoflow.providers.base import CancelCheck, Published, PublishRequest, Report
from videoflow.sentences import Sentence

_SPARE_BYTES = 50 * 1024 * 1024
_COPY_BYTES = 4 * 1024 * 1024


def folder_name(title: str, suffix: str) -> str:
    """Return a name that every file system takes: letters, digits and hyphens of the title, 60 at most, and the suffix."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    return "-".join([*("-".join(words)[:60].strip("-"),), suffix]).strip("-")


class FolderPublisher:
    """Write one folder per publication below ``root``; the folder appears under its name only when it is whole."""

    name = "folder"

    def __init__(self, root: Path, *, is_scratch: bool = False) -> None:
        """``is_scratch``: the folder is only a step on the way, so files are linked into it instead of copied."""
        self.root = root
        self.is_scratch = is_scratch

    def publish(self, request: PublishRequest, *, report: Report, cancelled: CancelCheck) -> Published:
        """Copy video, thumbnail and captions and write ``description.txt`` and ``metadata.json``.

        Raises:
            DiskFull: the disk cannot hold the copy; nothing was left behind.
            Cancelled: asked to stop; nothing was left behind.
        """
        suffix = str(request.metadata.get("publication_id", ""))[:8]
        name = folder_name(request.title, suffix)
        target = self.root / name
        self.root.mkdir(parents=True, exist_ok=True)
        files = {
            "video.mp4": request.video,
            "thumbnail.jpg": request.thumbnail,
            "captions.srt": request.srt,
            "captions.vtt": request.vtt,
        }
        needed = sum(path.stat().st_size for path in files.values()) + _SPARE_BYTES
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise DiskFull(
                Sentence(
                    "The export needs %(needed)s MB and the disk has %(free)s MB free. Make room and retry.",
                    needed=needed // 1_000_000,
                    free=free // 1_000_000,
                ),
                details={"needed_bytes": needed, "free_bytes": free},
            )
        draft = self.root / f".{name}.part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            for number, (file_name, source) in enumerate(files.items()):
                report(number / (len(files) + 1), Sentence("Copying %(file_name)s", file_name=file_name))
                self._copy(source, draft / file_name, cancelled)
                crash_point("youtube_upload", "copied")
            self._write(draft / "description.txt", request.description)
            self._write(draft / "metadata.json", json.dumps(self._metadata(request), indent=2, ensure_ascii=False))
            crash_point("youtube_upload", "whole")
            if target.exists():
                shutil.rmtree(target)  # the same publication, repeated after a crash: the new copy is the same
            draft.rename(target)
            self._sync_folder(self.root)
            crash_point("youtube_upload", "moved")
            undo.pop_all()
        report(1.0, "Exported")
        return Published(remote_id=name, location=f"exports/{name}", files=tuple(sorted(path.name for path in target.iterdir())))

    def _copy(self, source: Path, target: Path, cancelled: CancelCheck) -> None:
        if self.is_scratch:
            with contextlib.suppress(OSError):  # a disk that knows no links takes a copy
                target.hardlink_to(source)
                return
        with source.open("rb") as reader, target.open("wb") as writer:
            while block := reader.read(_COPY_BYTES):
                if cancelled():
                    raise Cancelled("The export was cancelled.")
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())

    def _write(self, target: Path, text: str) -> None:
        with target.open("w", encoding="utf-8") as writer:
            writer.write(text)
            writer.flush()
            os.fsync(writer.fileno())

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _metadata(self, request: PublishRequest) -> dict[str, object]:
        return {
            "title": request.title,
            "description": request.description,
            "tags": list(request.tags),
            "language": request.language,
            "chapters": [
                {**asdict(chapter), "start": str(timedelta(seconds=int(chapter.start_seconds)))} for chapter in request.chapters
            ],
            "files": {"video": "video.mp4", "thumbnail": "thumbnail.jpg", "captions": ["captions.srt", "captions.vtt"]},
            **request.metadata,
        }
