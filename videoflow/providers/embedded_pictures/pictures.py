"""The embedded provider of pictures: designs and draws everything itself, in worker processes."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av

from videoflow.children import children_map
from videoflow.errors import BadInput, VideoflowError
from videoflow.fonts import fonts_version
from videoflow.providers.base import CancelCheck, Host, Picture, Report, Shot, SpokenTurn
from videoflow.providers.embedded_pictures.drawing import TAIL_SECONDS, picture_size
from videoflow.providers.embedded_pictures.look import look_derive
from videoflow.providers.embedded_pictures.storyboard.direction import storyboard_make
from videoflow.providers.embedded_pictures.thumbnail import thumbnail_draw
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

DRAWING_VERSION = 5
"""Goes into every content key: raise it when the same spec is drawn differently."""
MODEL = f"videoflow drawing {DRAWING_VERSION}"
LICENCE = "Drawn by videoflow; pictograms: Phosphor Icons (MIT), flags: flag-icons (MIT), maps: Natural Earth (public domain)"
_WORKERS = 2
_WORKER_MODULE = "videoflow.providers.embedded_pictures.worker"
_SMALLEST_PX, _LARGEST_PX = 160, 4096


@provider("images", "embedded")
class EmbeddedPictures:
    """Implements ``Pictures`` without a network, a key or a model."""

    name = "embedded"

    def look(self, *, topic: str, keywords: Sequence[str], seed: int) -> Mapping[str, Any]:
        """Return palette, typeface, shapes and the speakers' colours for a topic."""
        return look_derive(topic=topic, keywords=keywords, seed=seed)

    def storyboard(
        self,
        turns: Sequence[SpokenTurn],
        *,
        title: str,
        look: Mapping[str, Any],
        aspect: str,
        total_seconds: float,
        hosts: tuple[Host, Host],
        seed: int,
    ) -> list[Shot]:
        """Return shots that cover 0 to ``total_seconds`` without a gap, in order."""
        return storyboard_make(turns, title=title, look=look, aspect=aspect, total_seconds=total_seconds, hosts=hosts, seed=seed)

    def draw(
        self,
        shots: Sequence[Shot],
        out_dir: Path,
        *,
        look: Mapping[str, Any],
        width_px: int,
        height_px: int,
        fps: int,
        report: Report,
        cancelled: CancelCheck,
        on_picture: Callable[[int, Picture], None] | None = None,
    ) -> list[Picture]:
        """Draw every shot into ``out_dir/<content key>.png`` or ``.mp4``; what already stands there whole is used again.

        Raises:
            BadInput: a frame size that cannot be encoded.
            Cancelled: ``cancelled()`` became true.
        """
        _size_check(width_px, height_px)
        out_dir.mkdir(parents=True, exist_ok=True)
        fonts = fonts_version()
        paths = [
            out_dir / (shot_key(shot, look, width_px, height_px, fps, fonts) + (".mp4" if shot.kind == "clip" else ".png"))
            for shot in shots
        ]
        pictures = [_picture(shot, path, width_px, height_px) for shot, path in zip(shots, paths, strict=True)]
        waiting: dict[Path, list[int]] = {}
        done = 0
        for index, path in enumerate(paths):
            if path not in waiting and _is_whole(path):
                done += 1
                if on_picture:
                    on_picture(index, pictures[index])
            else:
                waiting.setdefault(path, []).append(index)
        order = sorted(waiting, key=lambda path: -_cost(shots[waiting[path][0]]))
        jobs = [_job(shots[waiting[path][0]], path, look, width_px, height_px, fps) for path in order]

        def arrived(number: int, _: Mapping[str, Any]) -> None:
            nonlocal done
            for index in waiting[order[number]]:
                done += 1
                report(done / len(shots), Sentence("Picture %(done)s of %(shots)s", done=done, shots=len(shots)))
                if on_picture:
                    on_picture(index, pictures[index])

        report(done / max(1, len(shots)), Sentence("Picture %(done)s of %(shots)s", done=done, shots=len(shots)))
        if jobs:
            try:
                children_map(_WORKER_MODULE, jobs, workers=_WORKERS, cancelled=cancelled, on_result=arrived)
            except VideoflowError:
                for path in order:  # who was stopped in the middle of a picture could not clear it away
                    path.with_suffix(f".part{path.suffix}").unlink(missing_ok=True)
                raise
        return pictures

    def thumbnail(self, *, title: str, look: Mapping[str, Any], keywords: Sequence[str], seed: int, out: Path) -> Path:
        """Write a JPEG of 1280 x 720 under 2 MB that reads at 168 px wide."""
        return thumbnail_draw(title=title, look=look, keywords=keywords, seed=seed, out=out)


def _size_check(width_px: int, height_px: int) -> None:
    """Refuse a frame that no encoder takes.

    Raises:
        BadInput: the sentence names the sizes that can be.
    """
    if not all(_SMALLEST_PX <= side <= _LARGEST_PX and side % 2 == 0 for side in (width_px, height_px)):
        raise BadInput(
            Sentence(
                "A video of %(width)s by %(height)s pixels cannot be drawn; use even sizes, %(smallest)s to %(largest)s.",
                width=width_px,
                height=height_px,
                smallest=_SMALLEST_PX,
                largest=_LARGEST_PX,
            )
        )


def shot_key(shot: Shot, look: Mapping[str, Any], width_px: int, height_px: int, fps: int, fonts: str) -> str:
    """Return the content key: everything that changes what is drawn, and nothing else."""
    facts = {
        "version": DRAWING_VERSION,
        "fonts": fonts,
        "kind": shot.kind,
        "layout": shot.layout,
        "spec": shot.spec,
        "seconds": shot.seconds if shot.kind == "clip" else 0,
        "look": look,
        "size": [width_px, height_px],
        "fps": fps if shot.kind == "clip" else 0,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _cost(shot: Shot) -> float:
    return shot.seconds if shot.kind == "clip" else 0.4


def _job(shot: Shot, out: Path, look: Mapping[str, Any], width_px: int, height_px: int, fps: int) -> dict[str, Any]:
    return {
        "kind": shot.kind,
        "layout": shot.layout,
        "spec": shot.spec,
        "seconds": shot.seconds,
        "look": look,
        "width_px": width_px,
        "height_px": height_px,
        "fps": fps,
        "out": str(out),
    }


def _picture(shot: Shot, path: Path, width_px: int, height_px: int) -> Picture:
    clip = shot.kind == "clip"
    width, height = (width_px, height_px) if clip else picture_size(width_px, height_px)
    seconds = shot.seconds + TAIL_SECONDS if clip else None
    return Picture(path, shot.kind, width, height, seconds, shot.layout, shot.alt, "embedded", MODEL, LICENCE)


def _is_whole(path: Path) -> bool:
    """Say whether a file drawn earlier is there and not cut off."""
    if not path.is_file() or path.stat().st_size < 64:
        return False
    if path.suffix == ".png":
        with path.open("rb") as file:
            file.seek(-12, 2)
            return b"IEND" in file.read()
    try:
        with av.open(str(path), format="mp4") as container:
            return bool(container.streams.video) and container.streams.video[0].frames > 0
    except av.error.FFmpegError:
        return False
