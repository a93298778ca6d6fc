"""The studio's settings with stages that do nothing: for load scripts and fault tests, never for making videos.

It takes effect only where ``DJANGO_SETTINGS_MODULE`` names this module, and refuses to run on a data folder that was not given.
"""

import os

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from videoflow.memory import heavy_steps, memory_now
from videoflow.settings import *  # noqa: F403
from videoflow.settings import DATABASES, INSTALLED_APPS, VIDEOFLOW_DATA
from videoflow.tasks.tests.noop.clock import moved_clock

if not os.environ.get("VIDEOFLOW_DATA") or not (VIDEOFLOW_DATA / "noop").is_file():
    raise ImproperlyConfigured("The stages that do nothing run on a data folder of their own only, marked by a file named noop.")

if os.environ.get("NOOP_MOVES_CLOCK"):  # before any model takes the clock as a default
    timezone.now = moved_clock(timezone.now, VIDEOFLOW_DATA / "clock")
INSTALLED_APPS = [*INSTALLED_APPS, "videoflow.tasks.tests.noop.apps.NoopConfig"]
NOOP_LEASE_SECONDS = float(os.environ.get("NOOP_LEASE_SECONDS", "30"))
VIDEOFLOW_HEAVY_STEPS = heavy_steps(cores=1, memory=memory_now(), asked=int(os.environ.get("NOOP_SLOTS", "2")))
VIDEOFLOW_QUEUE_SLOTS = dict.fromkeys(("io", "cpu", "upload"), VIDEOFLOW_HEAVY_STEPS.number)
if DATABASES["default"]["ENGINE"] == "videoflow.sqlite":
    if pages := os.environ.get("NOOP_DATABASE_PAGES"):
        DATABASES["default"]["OPTIONS"]["init_command"] += f"PRAGMA max_page_count={int(pages)};"
    DATABASES["default"]["OPTIONS"]["timeout"] = float(os.environ.get("NOOP_DATABASE_SECONDS", "20"))
