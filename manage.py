#!/usr/bin/env python
"""Run a command of the studio: ``manage.py studio``, ``manage.py make_video``, ``manage.py doctor`` and Django's own."""

import os
import sys


def main() -> None:
    """Hand the arguments to Django; a wrong installation or setting becomes one sentence and exit code 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(missing(error))
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "videoflow":  # a fault of the studio's own code: show where
            raise
        sys.exit(missing(error))


def missing(error: ModuleNotFoundError) -> str:
    return f"The Python package {error.name!r} is missing. Install what is needed with: .venv/bin/pip install -r requirements.txt"


if __name__ == "__main__":
    main()
