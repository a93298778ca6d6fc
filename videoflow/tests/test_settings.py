import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, code: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py, or a line of Python, under a changed environment."""
    argv = [sys.executable, "-c", code] if code else [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False)


class TestEnvironment:
    def test_example_lists_every_variable_and_no_other(self) -> None:
        listed = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
        assert "VIDEOFLOW_DATA" in listed
        assert listed <= settings.VIDEOFLOW_VARIABLES <= listed | {f"{name}_FILE" for name in listed}

    def test_nothing_is_read_when_the_settings_are_done(self) -> None:
        """Or a variable would be unknown to those who look for mistyped ones."""
        for file in (ROOT / "videoflow").rglob("*.py"):
            if "tests" not in file.parts and file.name not in {"env.py", "settings.py"}:
                assert re.findall(r"\benv_(?:str|bool|int|list|path|secret|choice)\(", file.read_text("utf-8")) == [], file

    def test_a_mistyped_variable_is_said_with_the_one_it_was_meant_for(self, tmp_path: Path) -> None:
        file = tmp_path / "given"
        file.write_text("VIDEOFLOW_MAX_UPLOD_BYTES=4096\nREDIS_URI=redis://x\nPOSTGRES_PASSWORD=of-others\n")
        given = {"VIDEOFLOW_ENV_FILE": str(file), "VIDEOFLOW_DATA": str(tmp_path / "data")}
        result = run("check", **given, VIDEOFLOW_PEXELS_AT_NOON="1", VIDEOFLOW_METRICS_FILE="x")
        said = re.findall(r"\(videoflow\.W001\) (.+)", result.stderr)
        assert (result.returncode, said) == (
            0,
            [
                f"REDIS_URI (line 2 of {file}) is no setting of the studio and does nothing. Did you mean REDIS_URL?",
                f"VIDEOFLOW_MAX_UPLOD_BYTES (line 1 of {file}) is no setting of the studio and does nothing. "
                "Did you mean VIDEOFLOW_MAX_UPLOAD_BYTES?",
                "VIDEOFLOW_METRICS_FILE is no setting of the studio and does nothing. Did you mean VIDEOFLOW_METRICS?",
                "VIDEOFLOW_PEXELS_AT_NOON is no setting of the studio and does nothing. "
                "The file .env.example lists all there are.",
            ],
        )

    def test_example_can_be_used_as_it_is(self, tmp_path: Path) -> None:
        result = run("check", VIDEOFLOW_ENV_FILE=str(ROOT / ".env.example"), VIDEOFLOW_DATA=str(tmp_path))
        assert result.returncode == 0, result.stderr

    def test_first_start_makes_the_key_for_the_owner_only(self, tmp_path: Path) -> None:
        print_key = "from videoflow import settings; print(settings.SECRET_KEY)"
        first = run(code=print_key, VIDEOFLOW_DATA=str(tmp_path / "new" / "data"))
        again = run(code=print_key, VIDEOFLOW_DATA=str(tmp_path / "new" / "data"))
        assert first.stdout == again.stdout
        assert len(first.stdout.strip()) >= 50
        assert stat.S_IMODE((tmp_path / "new" / "data" / "secret_key").stat().st_mode) == 0o600

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("VIDEOFLOW_METRICS", "maybe", "VIDEOFLOW_METRICS must be 1 or 0, not 'maybe'."),
            ("VIDEOFLOW_LOG_LEVEL", "loud", "VIDEOFLOW_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not 'LOUD'."),
            (
                "VF_CRASH_AT",
                "youtube_upload:landed",
                "VF_CRASH_AT cannot be used. There is no crash point 'youtube_upload:landed'; "
                "videoflow/crash_points.py lists them, as stage:point.",
            ),
            ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must begin with sqlite:/// or postgresql://."),
        ],
    )
    def test_a_wrong_value_is_one_sentence(self, name: str, value: str, sentence: str) -> None:
        result = run("studio", **{name: value})
        assert (result.returncode, result.stderr.strip()) == (1, sentence)

    def test_a_missing_package_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "csp.py").write_text("raise ModuleNotFoundError(\"No module named 'csp'\", name='csp')")
        result = run("studio", PYTHONPATH=str(tmp_path))
        assert result.returncode == 1
        assert result.stderr.strip() == (
            "The Python package 'csp' is missing. Install what is needed with: .venv/bin/pip install -r requirements.txt"
        )


class TestDatabase:
    @pytest.mark.sqlite
    @pytest.mark.django_db
    def test_sqlite_waits_instead_of_failing(self) -> None:
        with connection.cursor() as cursor:
            facts = {
                name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "foreign_keys", "busy_timeout")
            }
        assert facts == {"synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
        assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False


class TestHeaders:
    @pytest.mark.django_db
    def test_pages_are_protected(self) -> None:
        headers = Client().get("/livez").headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")

    def test_foreign_host_is_refused(self) -> None:
        assert Client().get("/livez", headers={"host": "evil.example"}).status_code == 400


class TestTopLevelFiles:
    def test_a_browser_finds_its_icon_even_in_a_shut_studio(self, client: Client, settings: Any) -> None:
        settings.VIDEOFLOW_REQUIRE_LOGIN = True
        response = client.get("/favicon.ico")
        assert response.status_code == 200
        assert b"".join(response).startswith(b"\x00\x00\x01\x00")
