"""The usual ways to compose the same video with MoviePy, for the benchmark. Runs in an environment of its own.

``python render_baselines.py JOB`` reads ``{"way", "out", "width", "height", "fps", "font", "sound", "scenes": [{"media", "start",
"seconds", "fade"}], "captions": [{"text", "start", "end"}]}`` and prints ``{"cpu_seconds", "wall_seconds", "seconds",
"version"}``.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import moviepy
from moviepy import AudioFileClip, CompositeVideoClip, ImageClip, TextClip, VideoFileClip, vfx

Job = dict[str, Any]
ENCODER = {"codec": "libx264", "audio_codec": "aac", "threads": os.cpu_count(), "logger": None}
CRF = ["-crf", "20"]


def _scene(job: Job, scene: Job) -> Any:
    """A picture that covers the frame and slowly grows, cropped to the frame by a composite of its own."""
    size = (job["width"], job["height"])
    clip = ImageClip(scene["media"]).resized(size).with_duration(scene["seconds"])
    growing = clip.resized(lambda t: 1.0 + 0.01 * t).with_position("center")
    return CompositeVideoClip([growing], size=size).with_duration(scene["seconds"])


def _captions(job: Job) -> list[Any]:
    size = round(job["height"] * 0.05)
    return [
        TextClip(
            font=job["font"],
            text=item["text"],
            font_size=size,
            color="white",
            stroke_color="black",
            stroke_width=3,
            method="label",
        )
        .with_start(item["start"])
        .with_duration(item["end"] - item["start"])
        .with_position(("center", 0.85), relative=True)
        for item in job["captions"]
    ]


def _composite(job: Job, scenes: list[Any]) -> Any:
    placed = []
    for clip, scene in zip(scenes, job["scenes"], strict=True):
        begun = clip.with_start(scene["start"])
        placed.append(begun.with_effects([vfx.CrossFadeIn(scene["fade"])]) if scene["fade"] else begun)
    video = CompositeVideoClip([*placed, *_captions(job)], size=(job["width"], job["height"]))
    return video.with_audio(AudioFileClip(job["sound"]).with_duration(video.duration))


def once(job: Job) -> None:
    """A clip for each scene, a text clip for each caption, written once at the compositor's own settings."""
    video = _composite(job, [_scene(job, scene) for scene in job["scenes"]])
    video.write_videofile(job["out"], fps=job["fps"], preset="veryfast", ffmpeg_params=CRF, **ENCODER)


def twice(job: Job) -> None:
    """Every scene written to a file first, and those composed and written again, at MoviePy's own preset (medium)."""
    files = []
    for number, scene in enumerate(job["scenes"]):
        path = Path(job["out"]).with_suffix(f".{number}.mp4")
        _scene(job, scene).write_videofile(str(path), fps=job["fps"], **ENCODER)
        files.append(path)
    _composite(job, [VideoFileClip(str(path)) for path in files]).write_videofile(job["out"], fps=job["fps"], **ENCODER)


def main() -> None:
    job: Job = json.loads(sys.argv[1])
    start = time.perf_counter()
    {"once": once, "twice": twice}[job["way"]](job)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    answer = {
        "cpu_seconds": sum(usage.ru_utime + usage.ru_stime for usage in used),
        "wall_seconds": time.perf_counter() - start,
        "seconds": max(scene["start"] + scene["seconds"] for scene in job["scenes"]),
        "version": moviepy.__version__,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
