"""Read the settings' values from the environment; a value that cannot be used stops the program with one sentence."""

import difflib
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from videoflow.crash_points import crash_arm

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_PREFIX = "VIDEOFLOW_"
_SOCKET_PATH_LIMIT = 100
"""Bytes; Linux takes 107 in ``sockaddr_un``, macOS 103."""


_asked_for: set[str] = set()
_lines: dict[str, str] = {}
"""The names that the file of settings gives, and where each stands in it."""


def env_file_load(path: Path) -> None:
    """Put the ``NAME=value`` lines of a file into the environment; what is already set there wins, then the last of two lines."""
    given: dict[str, str] = {}
    for number, line in enumerate(_file_lines(path), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = re.fullmatch(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", text)
        if match is None or "\0" in text:
            raise ImproperlyConfigured(f"Line {number} of {path} is not NAME=value. Mend it, or put # before it.")
        name, value = match.groups()
        if value[:1] in {"'", '"'}:
            if len(value) < 2 or value[0] != value[-1]:
                raise ImproperlyConfigured(f"Line {number} of {path} opens a quotation mark that does not end it: mend {name}.")
            value = value[1:-1]
        given[name] = value
        _lines[name] = f"line {number} of {path}"
    for name, value in given.items():
        os.environ.setdefault(name, value)


def _file_lines(path: Path) -> list[str]:
    """Return the lines of a file that may be missing; a mark that says UTF-8 is left out."""
    if not path.exists():
        return []
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        reason = "it is no text in UTF-8"
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
    raise ImproperlyConfigured(
        f"The file of settings {path} cannot be read ({reason}). Make it a text file that this user may read, or name another "
        "one in VIDEOFLOW_ENV_FILE."
    )


def env_names() -> frozenset[str]:
    """Return every name that was asked for so far: once the settings are read, all that there are."""
    return frozenset(_asked_for)


def env_strangers(known: Collection[str]) -> list[str]:
    """Return a sentence for each name, here or in the file of settings, that looks like one of ``known`` and is none.

    Names of others are theirs: in the environment those count that begin as ours do, in the file also what is nearly one of ours.
    """
    sentences = []
    for name in sorted((os.environ.keys() | _lines.keys()) - set(known)):
        near = _nearest(name.upper(), known)
        if not name.upper().startswith(_PREFIX) and not (near and (name in _lines or near.startswith(_PREFIX))):
            continue
        place = f" ({_lines[name]})" if name in _lines else ""
        advice = f"Did you mean {near}?" if near else "The file .env.example lists all there are."
        sentences.append(f"{name}{place} is no setting of the studio and does nothing. {advice}")
    return sentences


def _nearest(name: str, known: Collection[str]) -> str:
    """Return the known name that is most like this one; empty when none is. What ours have in common makes none alike."""
    whole = {one.removeprefix(_PREFIX): one for one in known} if name.startswith(_PREFIX) else {one: one for one in known}
    cutoff = 0.7 if name.startswith(_PREFIX) else 0.85  # of difflib; one letter of four is another, one of seven
    near = difflib.get_close_matches(name.removeprefix(_PREFIX), whole, n=1, cutoff=cutoff)
    return whole[near[0]] if near else ""


def env_str(name: str, default: str = "") -> str:
    """The value without surrounding blanks; an empty one counts as not given."""
    _asked_for.add(name)
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, *, default: bool = False) -> bool:
    value = env_str(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def env_int(name: str, default: int, *, minimum: int = 0) -> int:
    value = env_str(name)
    if not value:
        return default
    try:
        number = int(value.replace("_", ""))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if number < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {number}.")
    return number


def env_choice(name: str, default: str, *, choices: Collection[str]) -> str:
    """One of a few words, in capitals however it was written."""
    value = env_str(name, default).upper()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_crash_point(name: str) -> str:
    """A named point where this process is to die; for fault tests."""
    value = env_str(name)
    try:
        crash_arm(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be used. {error}") from None
    return value


def env_list(name: str) -> list[str]:
    """The values between commas, empty ones left out."""
    return [part.strip() for part in env_str(name).split(",") if part.strip()]


def env_address_prefix(name: str) -> str:
    """The beginning of an address, from slash to slash; empty when none is given."""
    value = env_str(name)
    if not value:
        return ""
    if re.fullmatch(r"/[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/", value) is None:
        raise ImproperlyConfigured(f"{name} must look like /protected/, not {value!r}.")
    return value


def env_path(name: str, default: Path) -> Path:
    """An absolute path; a relative one counts from the working directory."""
    value = env_str(name)
    return (Path(value).expanduser() if value else default).absolute()


def env_secret(name: str, default: str = "") -> str:
    """The secret in NAME, or the content of the file named by NAME_FILE."""
    value, file_name = env_str(name), env_str(f"{name}_FILE")
    if value and file_name:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if not file_name:
        return value or default
    try:
        content = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"The file named by {name}_FILE cannot be read.") from None
    if not content:
        raise ImproperlyConfigured(f"The file named by {name}_FILE is empty.")
    return content


def made_folder(path: Path) -> Path:
    """The folder, made when it is not there yet, for its owner only."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from None
    return path


def folder_version(folder: Path, *files: Path) -> str:
    """Ten characters that are others as soon as any file of the folder, or one of ``files``, is another; a few milliseconds."""
    digest = hashlib.sha256()
    for file in [*sorted(path for path in folder.rglob("*") if path.is_file()), *files]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder.parent)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:10]


def _unusable(folder: Path, error: OSError) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The data folder {folder} cannot be used ({(error.strerror or 'unknown error').lower()}). "
        "Choose a folder you can write to with VIDEOFLOW_DATA."
    )


def secret_file(path: Path) -> str:
    """The secret kept in a file of this installation, made (384 random bits, mode 0600) when it is not there yet."""
    made_folder(path.parent)
    try:
        if not path.exists():
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            try:
                path.hardlink_to(draft)  # two first starts at once: the first link wins, both read the same secret
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        content = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise _unusable(path.parent, error) from None
    if not content:
        raise ImproperlyConfigured(f"The secret in {path} is empty. Delete the file, or restore it from a copy.")
    return content


def embedded_redis_socket(data: Path) -> Path:
    """Where the embedded Redis of this data folder listens: inside it, or in a temporary folder when its path is too long."""
    folder = f"videoflow-{os.getuid()}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    last = Path("/tmp") / folder / "redis.sock"  # noqa: S108 - TMPDIR may be too long as well; the folder is this user's alone
    places = (data / "run" / "redis.sock", Path(tempfile.gettempdir()) / folder / "redis.sock", last)
    return next((place for place in places if len(os.fsencode(place)) <= _SOCKET_PATH_LIMIT), last)


_POSTGRESQL_LIMITS = "-c statement_timeout=20s -c lock_timeout=15s -c idle_in_transaction_session_timeout=60s"
"""The last of them frees what a worker holds that froze amid a transaction; none of ours takes that long."""


def database_settings(url: str, *, sqlite_file: Path, pool_size: int = 0) -> dict[str, object]:
    """Django's settings of the one database; an empty ``url`` means SQLite in ``sqlite_file``.

    ``pool_size``: the most connections to PostgreSQL that one process's threads share; 0: each thread has its own.

    IMMEDIATE and the write-ahead log together end "database is locked": each alone makes it worse. ``synchronous=FULL`` keeps
    the last commits at a power cut.
    """
    parts = urlsplit(url or f"sqlite://{sqlite_file}")
    if parts.scheme in {"sqlite", "sqlite3"}:
        return {
            "ENGINE": "videoflow.sqlite",
            "NAME": unquote(parts.path) if url else str(sqlite_file),
            "ATOMIC_REQUESTS": False,
            "CONN_MAX_AGE": None,
            "TEST": {"NAME": str(sqlite_file.with_name("test.sqlite3"))},  # a real file: threads of a test see what it committed
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    if not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL names no database: postgresql://user:password@host:5432/name.")
    options: dict[str, object] = {
        "connect_timeout": 5,
        "application_name": "videoflow",
        "keepalives_idle": 30,
        "tcp_user_timeout": 20_000,  # ms; a network that swallows packets
        "options": _POSTGRESQL_LIMITS,
        **dict(parse_qsl(parts.query)),
    }
    if pool_size:
        options["pool"] = {
            "min_size": 0,
            "max_size": pool_size,
            "timeout": 10,
            "max_idle": 300,
            "reconnect_timeout": 5,  # then the next who asks tries anew, instead of waiting out a growing pause
            "num_workers": 1,
        }
    return {
        "ENGINE": "videoflow.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0 if pool_size else 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler may give each statement another connection, and a cursor lives in one
        "OPTIONS": options,
    }
