#!/usr/bin/env python3
"""What does composing cost beside the encoder alone, and beside the usual ways? Ratios of one run on one machine.

The encoder alone runs before and after the composition on halves of the same frames, so that a machine whose speed changes does
not favour one of them. Every part runs in a process of its own; processor time counts all its children.
"""

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)  # for the compositor's own processes, wherever this is started

import av  # noqa: E402
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import psutil  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from scripts.render_chart import chart  # noqa: E402
from scripts.render_material import pictures_make, timeline_make  # noqa: E402
from scripts.render_once import used_cpu_seconds  # noqa: E402
from scripts.render_reference import EncoderCost, encoder_alone, frames_painted  # noqa: E402
from videoflow.fonts.faces import fallback_chain  # noqa: E402
from videoflow.render import Format, Timeline, preview_scene, preview_whole, remake_of, timeline_captions  # noqa: E402
from videoflow.render.captions import FACE  # noqa: E402
from videoflow.render.plan import Plan  # noqa: E402
from videoflow.render.planes import planes_of_frame  # noqa: E402
from videoflow.render.resampling import Plane  # noqa: E402
from videoflow.render.tests.smoothness import displacements  # noqa: E402

PARTS = ("compose", "still", "edit", "preview", "smoothness", "quality", "moviepy")
MORE_PARTS = ("length", "memory")
"""Measured only when asked for: seven minutes, and half an hour of video."""
LENGTHS_SECONDS = (15.0, 30.0, 60.0, 120.0, 180.0)
SAMPLE_SECONDS = 0.25
QUALITY_SECONDS = 20
BASELINE_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one composition took, all its processes together."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    """0 where nobody watched."""
    frames: int
    frames_made: int
    video_bytes: int


def tree_mb(pid: int) -> float:
    """Return the memory of a process and all below it; what they share is counted once."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


def plan_of(timeline: Timeline, folder: Path) -> Plan:
    """Return the plan of a timeline of which nothing has been made."""
    return remake_of(timeline, folder / "nothing").plan


def composed(timeline: Timeline, out: Path, work: Path, *, is_watched: bool = False) -> Cost:
    """Compose in a process of its own; one that is watched has its memory sampled, which costs it up to 5 % of its time.

    The kernel walks all pages of a process to say what it shares, and its page faults wait meanwhile.
    """
    job = out.with_suffix(".pickle")
    job.write_bytes(pickle.dumps((timeline, out, work)))
    command = [sys.executable, str(ROOT / "scripts" / "render_once.py"), str(job)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(SAMPLE_SECONDS):
            peak = max(peak, tree_mb(process.pid))

    watcher = threading.Thread(target=watch)
    if is_watched:
        watcher.start()
    try:
        said, _ = process.communicate()
    finally:
        over.set()
        if is_watched:
            watcher.join()
        process.kill()
    with av.open(out) as container:
        size = sum(packet.size for packet in container.demux(video=0))
    return Cost(**json.loads(said), peak_mb=peak, video_bytes=size)


def similarity(path: Path, plan: Plan, last: int) -> float:
    """Return the mean SSIM of luma between a file and the frames as painted, every tenth of the first ``last``."""
    scores = []
    with av.open(path) as container:
        for number, (seen, meant) in enumerate(zip(container.decode(video=0), frames_painted(plan, 0, last), strict=False)):
            if number % 10 == 0:
                scores.append(ssim(planes_of_frame(seen).y, meant.y))
    return float(np.mean(scores))


def ssim(one: Plane, other: Plane) -> float:
    """Return the mean structural similarity. Source: Wang et al. 2004, with a Gaussian window of 1.5 pixels."""

    def blurred(field: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.GaussianBlur(field, (11, 11), 1.5)  # type: ignore[return-value]

    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = blurred(a), blurred(b)
    spread_a, spread_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    common = blurred(a * b) - mean_a * mean_b
    low, high = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    scores = (2 * mean_a * mean_b + low) * (2 * common + high)
    scores /= (mean_a**2 + mean_b**2 + low) * (spread_a + spread_b + high)
    return float(scores.mean())


def baselines_environment() -> str:
    """Return the interpreter that has MoviePy; made once inside the studio's own environment."""
    folder = ROOT / ".venv" / "baselines"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = str(ROOT / "requirements-baselines.txt")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True, stdout=sys.stderr)
    return str(python)


def baseline_job(line: Timeline, way: str, out: Path, work: Path) -> dict[str, Any]:
    """Describe the first two scenes of a timeline, cut to ``BASELINE_SECONDS``, for the other ways of composing."""
    scenes, half = line.scenes[:2], BASELINE_SECONDS / 2
    return {
        "way": way,
        "out": str(out),
        "width": line.format.width_px,
        "height": line.format.height_px,
        "fps": line.format.fps,
        "font": str(fallback_chain(FACE.family)[0]),
        "scenes": [
            {
                "media": str(scene.media),
                "start": number * half,
                "seconds": half + (0.5 if not number else 0.0),
                "fade": 0.5 * number,
            }
            for number, scene in enumerate(scenes)
        ],
        "captions": [
            {"text": " ".join(caption.texts), "start": caption.start, "end": min(caption.end, BASELINE_SECONDS)}
            for caption in timeline_captions(line)
            if caption.start < BASELINE_SECONDS
        ],
        "sound": str(next((work / "sound").glob("*.m4a"))),
    }


class Benchmark:
    """The parts, each adding its figures to ``figures``; the composition comes first, since others are measured by it."""

    def __init__(self, folder: Path, form: Format, seconds: float, minutes: list[int], chart_path: Path | None = None) -> None:
        self.folder, self.form, self.seconds, self.minutes, self.chart = folder, form, seconds, minutes, chart_path
        self.figures: dict[str, float] = {}
        self.pictures = pictures_make(folder / "pictures", 24, form)
        self.line = timeline_make(folder / "sound", self.pictures, seconds, form)
        self._first: Cost | None = None

    def timeline(self, **changes: Any) -> Timeline:
        return timeline_make(self.folder / "sound", self.pictures, self.seconds, self.form, **changes)

    @property
    def first(self) -> Cost:
        if self._first is None:
            self._first = composed(self.line, self.folder / "first.mp4", self.folder / "work")
        return self._first

    def compose(self) -> None:
        plan = plan_of(self.line, self.folder)
        middle = plan.frames // 2
        before = encoder_alone(plan, 0, middle, self.folder)
        ours = self.first
        after = encoder_alone(plan, middle, plan.frames, self.folder)
        alone = EncoderCost(*(one + other for one, other in zip(astuple(before), astuple(after), strict=True)))
        self.figures |= {
            "cpu_ratio": ours.cpu_seconds / alone.cpu_seconds,
            "wall_ratio": ours.wall_seconds / alone.wall_seconds,
            "size_ratio": ours.video_bytes / alone.size_bytes,
            "peak_mb": composed(self.line, self.folder / "watched.mp4", self.folder / "watched", is_watched=True).peak_mb,
            "cpu_seconds": ours.cpu_seconds,
            "encoder_cpu_seconds": alone.cpu_seconds,
            "wall_seconds": ours.wall_seconds,
            "encoder_wall_seconds": alone.wall_seconds,
            "realtime": self.seconds / ours.wall_seconds,
        }

    def still(self) -> None:
        still = composed(self.timeline(moving=False), self.folder / "still.mp4", self.folder / "work")
        self.figures |= {"still_ratio": still.cpu_seconds / self.first.cpu_seconds, "still_cpu_seconds": still.cpu_seconds}

    def edit(self) -> None:
        changed = self.timeline(changed=len(self.line.captions) // 2)
        first = self.first
        edited = composed(changed, self.folder / "edited.mp4", self.folder / "work")
        louder = composed(replace(self.line, title="Another title"), self.folder / "titled.mp4", self.folder / "work")
        self.figures |= {
            "edit_ratio": edited.cpu_seconds / first.cpu_seconds,
            "edit_cpu_seconds": edited.cpu_seconds,
            "edit_frames": edited.frames_made,
            "metadata_cpu_seconds": louder.cpu_seconds,
            "metadata_frames": louder.frames_made,
        }

    def preview(self) -> None:
        """Preview a scene, and the whole, of which nothing was made; on a busy machine the processor time says more."""
        work, out, middle = self.folder / "preview", self.folder / "preview.mp4", len(self.line.scenes) // 2
        ways: dict[str, Callable[[], object]] = {
            "scene": lambda: preview_scene(self.line, middle, out, work, cancelled=lambda: False, limit_seconds=600.0),
            "whole": lambda: preview_whole(self.line, out, work, report=lambda share, line: None, cancelled=lambda: False),
        }
        for name, way in ways.items():
            began, start = used_cpu_seconds(), time.perf_counter()
            way()
            shutil.rmtree(work)
            self.figures |= {
                f"preview_{name}_seconds": time.perf_counter() - start,
                f"preview_{name}_cpu_seconds": used_cpu_seconds() - began,
            }
        self.figures["preview_whole_realtime"] = self.seconds / self.figures["preview_whole_seconds"]

    def length(self) -> None:
        """Compose videos of several lengths, and draw what they cost where a chart was asked for."""
        costs = []
        for seconds in LENGTHS_SECONDS:
            line = timeline_make(self.folder / "sound", self.pictures, seconds, self.form)
            costs.append(composed(line, self.folder / "length.mp4", self.folder / "lengths", is_watched=True))
            shutil.rmtree(self.folder / "lengths")
            self.figures |= {
                f"cpu_seconds_of_{seconds:.0f}_seconds": costs[-1].cpu_seconds,
                f"peak_mb_of_{seconds:.0f}_seconds": costs[-1].peak_mb,
            }
        if self.chart is not None:
            drawn = chart(LENGTHS_SECONDS, [cost.cpu_seconds for cost in costs], [cost.peak_mb for cost in costs])
            self.chart.write_text(drawn, encoding="utf-8")

    def memory(self) -> None:
        """Compare the memory of videos of several lengths, of still pictures so that it does not take half an hour."""
        for minutes in self.minutes:
            line = timeline_make(self.folder / "long", self.pictures, minutes * 60.0, self.form, moving=False)
            cost = composed(line, self.folder / "long.mp4", self.folder / f"work-{minutes}", is_watched=True)
            self.figures |= {f"peak_mb_{minutes}_minutes": cost.peak_mb, f"cpu_seconds_{minutes}_minutes": cost.cpu_seconds}
            shutil.rmtree(self.folder / f"work-{minutes}")

    def smoothness(self) -> None:
        """Measure ten seconds of a zoom and of a pan against exact renders of the same views."""
        for name, motion in (("zoom", "push_in"), ("pan", "pan_left")):
            errors = displacements(motion, self.form)
            self.figures |= {
                f"{name}_rms_px": errors.rms_px,
                f"{name}_max_px": errors.max_px,
                f"{name}_steps_back": errors.steps_back,
            }

    def quality(self) -> None:
        """Compare the first seconds of the composition, and of the encoder alone, with the frames as they were painted."""
        plan, ours = plan_of(self.line, self.folder), self.first
        last = min(plan.frames, QUALITY_SECONDS * self.form.fps)
        alone = encoder_alone(plan, 0, last, self.folder)
        self.figures |= {
            "ssim": similarity(self.folder / "first.mp4", plan, last),
            "encoder_ssim": similarity(self.folder / "alone.mp4", plan, last),
            "bits_per_frame": ours.video_bytes * 8 / ours.frames,
            "encoder_bits_per_frame": alone.size_bytes * 8 / alone.frames,
        }

    def moviepy(self) -> None:
        """Compose the first scenes the usual ways with MoviePy; processor time per second of video is compared."""
        python = baselines_environment()
        ours = self.first.cpu_seconds / self.seconds
        for way, name in (("once", "moviepy_cpu_ratio"), ("twice", "moviepy_two_encodes_cpu_ratio")):
            job = baseline_job(self.line, way, self.folder / f"moviepy-{way}.mp4", self.folder / "work")
            run = subprocess.run(
                [python, str(ROOT / "scripts" / "render_baselines.py"), json.dumps(job)],
                capture_output=True,
                text=True,
                check=True,
            )
            theirs = json.loads(run.stdout.splitlines()[-1])
            self.figures[name] = theirs["cpu_seconds"] / theirs["seconds"] / ours
            self.figures[f"moviepy_{way}_realtime"] = theirs["seconds"] / theirs["wall_seconds"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, separated by commas: {', '.join((*PARTS, *MORE_PARTS))}")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the video (180)")
    parser.add_argument("--minutes", default="3,30", help="lengths that the part “memory” compares (3,30)")
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT (1920x1080)")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--chart", type=Path, help="where to write the SVG that the part “length” draws")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - {*PARTS, *MORE_PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    width, _, height = options.size.partition("x")
    folder = Path(tempfile.mkdtemp(prefix="render-benchmark-", dir=options.folder))
    try:
        minutes = [int(number) for number in options.minutes.split(",")]
        benchmark = Benchmark(folder, Format(int(width), int(height), 30), options.seconds, minutes, options.chart)
        for part in wanted:
            known = set(benchmark.figures)
            getattr(benchmark, part)()
            new = ", ".join(f"{name} {value:.3f}" for name, value in benchmark.figures.items() if name not in known)
            print(f"{part}: {new}", flush=True)
    finally:
        shutil.rmtree(folder)
    table = Table(title="Composition beside the encoder alone")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in benchmark.figures.items():
        table.add_row(name, f"{value:,.3f}")
    Console().print(table)
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in benchmark.figures.items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
