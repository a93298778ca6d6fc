import pytest

from videoflow.pipeline.budget import prices_set
from videoflow.pipeline.estimates import Estimate, estimate
from videoflow.pipeline.models import Project
from videoflow.pipeline.services import project_create
from videoflow.pipeline.tests.factories import project_finished
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made = project_create(session=session_create(), seed=1)
    made.providers = {
        "writer": {"service": "ollama", "model": "m"},
        "speech": {"service": "elevenlabs"},
        "images": {"service": "pexels"},
    }
    return made


def test_embedded_costs_nothing():
    assert estimate(project_create(session=session_create(), seed=1), "media_generation") == Estimate(0, ())


def test_ok(project):
    prices_set([("elevenlabs", "speech", "", 100_000)])
    made = estimate(project, "script_generation")
    writer, speech = made.lines
    assert (writer.micros, writer.service, writer.model) == (0, "ollama", "m")
    assert (speech.units, speech.unit, speech.micros) == (2.7, "1,000 characters", 270_000)
    assert made.micros == 270_000


def test_one_unknown_price_makes_the_sum_unknown(project):
    made = estimate(project, "media_generation")
    assert made.micros is None
    assert [(line.capability, line.micros) for line in made.lines] == [("speech", None), ("images", 0)]


def test_a_script_is_counted_as_it_is():
    project = project_finished(session_create())
    project.providers = {"speech": {"service": "elevenlabs"}}
    letters = sum(len(turn.text) for turn in project.scripts.get().turns.all())
    assert estimate(project, "media_generation").lines[0].units == letters / 1000
