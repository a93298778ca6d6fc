import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from videoflow import env

NAME = "VIDEOFLOW_TRIAL"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin without the names, and leave nothing of what a file of settings says to other tests, which look for such names."""
    monkeypatch.setattr(env, "_lines", {})
    kept = set(os.environ)
    yield
    for name in os.environ.keys() - kept:
        del os.environ[name]


class TestValues:
    @pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("off", False), ("0", False)])
    def test_bool(self, monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
        monkeypatch.setenv(NAME, text)
        assert env.env_bool(NAME) is value

    def test_wrong_bool_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "maybe")
        with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be 1 or 0"):
            env.env_bool(NAME)

    def test_int(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "1_000")
        assert env.env_int(NAME, 7) == 1000
        assert env.env_int("VIDEOFLOW_UNSET", 7) == 7

    @pytest.mark.parametrize("text", ["ten", "1.5", "-1"])
    def test_wrong_int_is_said(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv(NAME, text)
        with pytest.raises(ImproperlyConfigured, match=NAME):
            env.env_int(NAME, 7)

    def test_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "debug")
        assert env.env_choice(NAME, "INFO", choices=("DEBUG", "INFO")) == "DEBUG"
        monkeypatch.setenv(NAME, "loud")
        with pytest.raises(ImproperlyConfigured, match="one of DEBUG, INFO"):
            env.env_choice(NAME, "INFO", choices=("DEBUG", "INFO"))

    def test_list_and_path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, " a.example , ,b.example")
        assert env.env_list(NAME) == ["a.example", "b.example"]
        monkeypatch.setenv(NAME, "somewhere")
        assert env.env_path(NAME, Path("/else")) == Path.cwd() / "somewhere"

    def test_empty_is_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "  ")
        assert env.env_str(NAME, "default") == "default"
        assert env.env_path(NAME, Path("/else")) == Path("/else")


class TestSecret:
    def test_from_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("s3cret\n")
        monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "key"))
        assert env.env_secret(NAME) == "s3cret"

    def test_both_is_refused(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv(NAME, "one")
        monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "key"))
        with pytest.raises(ImproperlyConfigured, match="not both"):
            env.env_secret(NAME)

    @pytest.mark.parametrize("content", [None, "", "\n"])
    def test_file_missing_or_empty_is_said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None) -> None:
        if content is not None:
            (tmp_path / "key").write_text(content)
        monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "key"))
        with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
            env.env_secret(NAME)


class TestSecretFile:
    def test_made_once_for_the_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "data" / "secret_key"
        first = env.secret_file(path)
        assert len(first) >= 50
        assert env.secret_file(path) == first
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(path.parent) == ["secret_key"]

    def test_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ImproperlyConfigured, match="Choose a folder you can write to with VIDEOFLOW_DATA"):
            env.secret_file(tmp_path / "file" / "data" / "secret_key")

    def test_empty_file_is_not_replaced_silently(self, tmp_path: Path) -> None:
        (tmp_path / "secret_key").write_text("")
        with pytest.raises(ImproperlyConfigured, match="is empty"):
            env.secret_file(tmp_path / "secret_key")


class TestEnvFile:
    def test_environment_wins(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv(NAME, "given")
        monkeypatch.delenv("VIDEOFLOW_OTHER", raising=False)
        (tmp_path / ".env").write_text(f"# comment\n\n{NAME}=from file\nexport VIDEOFLOW_OTHER='quoted # kept'\n")
        env.env_file_load(tmp_path / ".env")
        assert os.environ[NAME] == "given"
        assert os.environ.pop("VIDEOFLOW_OTHER") == "quoted # kept"

    def test_the_last_of_two_lines_counts(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"\ufeff{NAME}=first\n{NAME}=last\n", encoding="utf-8")
        env.env_file_load(tmp_path / ".env")
        assert os.environ.pop(NAME) == "last"

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"# fine\nnonsense\n", "Line 2 of .* is not NAME=value. Mend it"),
            (f"{NAME}=a\0b".encode(), "Line 1 of .* is not NAME=value"),
            (f"\n\n{NAME}='open\n".encode(), f"Line 3 of .* that does not end it: mend {NAME}"),
            (b"\x89PNG\xff\xfe", r"cannot be read \(it is no text in UTF-8\). Make it a text file"),
        ],
    )
    def test_nonsense_is_said_and_nothing_is_taken(self, tmp_path: Path, content: bytes, sentence: str) -> None:
        (tmp_path / ".env").write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=sentence):
            env.env_file_load(tmp_path / ".env")
        assert NAME not in os.environ

    def test_a_folder_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"cannot be read \(is a directory\)"):
            env.env_file_load(tmp_path)


class TestEmbeddedRedisSocket:
    def test_inside_the_data_folder(self) -> None:
        assert env.embedded_redis_socket(Path("/srv/studio")) == Path("/srv/studio/run/redis.sock")

    def test_long_path_moves_to_the_temporary_folder(self) -> None:
        long = Path("/srv") / ("x" * 120)
        socket = env.embedded_redis_socket(long)
        assert len(str(socket)) < 100
        assert socket == env.embedded_redis_socket(long)
        assert socket != env.embedded_redis_socket(long / "other")

    def test_a_temporary_folder_with_a_long_path_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", "/var/" + "y" * 120)
        assert len(str(env.embedded_redis_socket(Path("/srv") / ("x" * 120)))) < 100


class TestDatabase:
    def test_sqlite_by_default(self, tmp_path: Path) -> None:
        database = env.database_settings("", sqlite_file=tmp_path / "file #1.sqlite3")
        assert database["NAME"] == str(tmp_path / "file #1.sqlite3")
        assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"

    def test_postgresql(self, tmp_path: Path) -> None:
        url = "postgresql://ann:p%40ss@db.example:5433/studio?sslmode=require"
        database = env.database_settings(url, sqlite_file=tmp_path / "unused")
        assert (database["USER"], database["PASSWORD"]) == ("ann", "p@ss")
        assert (database["HOST"], database["PORT"]) == ("db.example", "5433")
        options: Any = database["OPTIONS"]
        assert (options["connect_timeout"], options["sslmode"], options.get("pool")) == (5, "require", None)
        assert "statement_timeout" in options["options"]

    def test_what_the_address_says_of_timeouts_counts(self, tmp_path: Path) -> None:
        url = "postgresql://db.example/studio?options=-c%20statement_timeout%3D5s&connect_timeout=2"
        options = env.database_settings(url, sqlite_file=tmp_path / "unused")["OPTIONS"]
        assert (options["options"], options["connect_timeout"]) == ("-c statement_timeout=5s", "2")

    def test_a_pool_keeps_no_connection_with_a_thread(self, tmp_path: Path) -> None:
        database = env.database_settings("postgresql://db.example/studio", sqlite_file=tmp_path / "unused", pool_size=4)
        assert (database["CONN_MAX_AGE"], database["OPTIONS"]["pool"]["max_size"]) == (0, 4)

    @pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://host"])
    def test_other_is_said(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
            env.database_settings(url, sqlite_file=tmp_path / "unused")
