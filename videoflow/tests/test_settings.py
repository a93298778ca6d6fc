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

from videoflow.providers.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
READ = r"env_(?:str|bool|int|list|path|secret|choice|crash_point|address_prefix)\(\s*\"([A-Z_]+)\""


def run(*arguments: str, code: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py, or a line of Python, under a changed environment."""
    argv = [sys.executable, "-c", code] if code else [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False)


class TestEnvironment:
    def test_example_lists_every_variable_and_no_other(self) -> None:
        read = set()
        for file in (ROOT / "videoflow").rglob("*.py"):
            if "tests" not in file.parts:
                read |= set(re.findall(READ, file.read_text("utf-8")))
        for service in SERVICES.values():
            names = (*map(service.model_setting, service.models), *service.operator_options.values())
            read |= {name for name in (service.key_setting, service.base_url_setting, service.at_once_setting, *names) if name}
        listed = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
        assert "VIDEOFLOW_DATA" in read
        assert read == listed

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
