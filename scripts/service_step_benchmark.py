#!/usr/bin/env python3
"""How long do the steps with services take, when a service makes so many lines or pictures at once?

The real script step speaks and measures its lines, and scenes get their pictures as the media step gets them: through the real
client and the real book of paid calls, against strict fakes of ElevenLabs (voices) and OpenAI (pictures) on this machine that
take their time over each answer. Loopback only.
"""

import argparse
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

from videoflow.tests.own_django import own_django  # noqa: E402 - the path first

DJANGO = own_django("videoflow-steps-")

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from videoflow.pipeline.connections import choice_of, provider_open  # noqa: E402
from videoflow.pipeline.foreground import stage_run  # noqa: E402
from videoflow.pipeline.ledger import Payer, paid_directly  # noqa: E402
from videoflow.pipeline.models import Project, ProviderCall  # noqa: E402
from videoflow.pipeline.service_pictures import ServicePictures, Shown  # noqa: E402
from videoflow.pipeline.service_scenes import ServiceScenes  # noqa: E402
from videoflow.pipeline.services import project_create  # noqa: E402
from videoflow.providers.base import Shot  # noqa: E402
from videoflow.providers.picturing.tests import fake_pictures  # noqa: E402
from videoflow.providers.speaking.tests import fake_voices  # noqa: E402
from videoflow.providers.tests.fake_service import Asked, FakeService  # noqa: E402
from videoflow.providers.tests.fault_drivers import wish_of  # noqa: E402
from videoflow.sessions.services import session_create  # noqa: E402

PLACES = ("harbour", "market", "forest", "station", "bakery", "lighthouse", "vineyard", "museum", "stadium", "library")
ACTS = ("opens before sunrise and closes late", "draws more people than last year", "was painted red by its neighbours")


class Slow:
    """A fake that takes its time, and how many of its answers were under way at once."""

    def __init__(self, fake: FakeService, seconds: float) -> None:
        self.most = self.now = 0
        self._seconds, self._lock = seconds, threading.Lock()
        fake.takes_seconds = self._takes
        self._ending = fake.ending

    def _takes(self, asked: Asked) -> float:
        if asked.method != "POST":
            return 0.0
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self._ending.wait(self._seconds)
        with self._lock:
            self.now -= 1
        return 0.0


def script_of(lines: int) -> str:
    turns = []
    for number in range(lines):
        place, act = PLACES[number % len(PLACES)], ACTS[number // len(PLACES) % len(ACTS)]
        turns.append(f"**{'Ana' if number % 2 == 0 else 'Ben'}:** The old {place} of town number {number + 1} {act}.")
    return "# A walk through town\n\n" + "\n".join(turns)


def project_make(speech: FakeService, images: FakeService, at_once: int) -> Project:
    settings.VIDEOFLOW_SERVICE_URLS |= {"elevenlabs": speech.url, "openai": f"{images.url}/v1"}
    settings.VIDEOFLOW_SERVICE_KEYS |= {"elevenlabs": fake_voices.KEY, "openai": fake_pictures.KEY}
    settings.VIDEOFLOW_SERVICE_AT_ONCE |= {"elevenlabs": at_once, "openai": at_once}
    project = project_create(session=session_create(), title="A walk", minimum_seconds=20, seed=5)
    project.providers = {"speech": {"service": "elevenlabs"}, "images": {"service": "openai"}}
    project.save(update_fields=["providers"])
    return project


def speak(project: Project, lines: int) -> None:
    options = {"input_type": "script", "script_text": script_of(lines), "minimum_seconds": 20}
    stage_run(project=project, task_type="script_generation", input_data=options)


def picture(project: Project, count: int) -> None:
    """Have the service picture so many scenes; each is looked at and written anew, as in the media step."""
    pay = paid_directly(Payer(project.session, "media_generation", project))
    provider = provider_open(project, "images", pay=pay, cancelled=lambda: False)
    pictures = ServicePictures(provider, Shown(), cancelled=lambda: False)
    shots = [Shot(number, (), 4.0 * number, 4.0, "image", "statement", {}, "push_in", "cut") for number in range(count)]
    scenes = ServiceScenes(choice_of(project, "images"), {shot.index: wish_of(shot.index) for shot in shots}, pictures)
    for _, chosen, _ in scenes.pictured(shots):
        assert chosen is not None, scenes.unmade


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=4, help="lines or pictures that are made at once (4)")
    parser.add_argument("--lines", type=int, default=40, help="of the script; 0: none (40)")
    parser.add_argument("--pictures", type=int, default=20, help="of scenes; 0: none (20)")
    parser.add_argument("--line-seconds", type=float, default=1.5, help="that the service takes over a line (1.5)")
    parser.add_argument("--picture-seconds", type=float, default=8.0, help="that the service takes over a picture (8)")
    options = parser.parse_args()
    if not 1 <= options.at_once <= 16 or not 0 <= options.lines <= 200 or not 0 <= options.pictures <= 200:
        parser.error("--at-once 1 to 16, --lines and --pictures 0 to 200")
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    figures: dict[str, object] = {"at_once": options.at_once}
    with FakeService() as speech, FakeService() as images:
        fake_voices.elevenlabs_routes(speech)
        fake_pictures.openai(images)
        slow_speech, slow_images = Slow(speech, options.line_seconds), Slow(images, options.picture_seconds)
        project = project_make(speech, images, options.at_once)
        lines = ("lines", speak, options.lines, slow_speech)
        pictures = ("pictures", picture, options.pictures, slow_images)
        for name, act, count, slow in (lines, pictures):
            if count:
                began = time.perf_counter()
                act(project, count)
                seconds = round(time.perf_counter() - began, 1)
                figures |= {name: count, f"{name}_seconds": seconds, f"most_{name}_at_once": slow.most}
    calls = ProviderCall.objects.all()
    is_right = calls.count() == calls.filter(state="done").count() == options.lines + options.pictures
    sys.stdout.write(json.dumps({**figures, "each_paid_once": is_right, "load": round(os.getloadavg()[0], 1)}) + "\n")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
