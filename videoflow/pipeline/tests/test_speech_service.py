"""Voices of a service that really speaks, through the real stages, the ledger and the caches."""

import shutil

import pytest
from django.conf import settings as django_settings

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.connections import Choice
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.ledger import Payer, paid_directly
from videoflow.pipeline.management.commands.make_video import choices_read
from videoflow.pipeline.models import Asset, Project, ProviderCall, ServiceFact, script_current
from videoflow.pipeline.services import project_create, stage_start
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.voices import STEPPED_IN, voice_sample, voices_choose, voices_of
from videoflow.providers.base import Voice
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.speaking.tests.fake_voices import KEY
from videoflow.providers.speaking.tests.real_voice import RealVoice
from videoflow.providers.tests.fake_service import FakeService, Told
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "voice-of-today"
TEXTS = (
    "Nobody expected a cat that opens doors to lead the charts of this week.",
    "It was posted on Monday, and people watched because the door really opens.",
)
SCRIPT = "\n".join(f"{'Maya' if place % 2 == 0 else 'Theo'}: {text}" for place, text in enumerate(TEXTS))
OPTIONS = {"input_type": "script", "script_text": SCRIPT, "minimum_seconds": 20}


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    real = RealVoice(tmp_path_factory.mktemp("real"), {"marin": "heart", "cedar": "heart-low"})
    real.prepare([(text, ("marin", "cedar")[place % 2]) for place, text in enumerate(TEXTS)])
    return real


@pytest.fixture
def fake(voice):
    with FakeService() as service:
        fake_voices.openai_routes(service, voice)
        yield service


@pytest.fixture
def project(fake, settings) -> Project:
    settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": f"{fake.url}/v1"}
    settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": KEY}
    return made_with(project_create(session=session_create(), minimum_seconds=20, seed=5))


def made_with(project: Project, **changes: object) -> Project:
    project.providers = {"speech": {"service": "openai", "model": MODEL, **changes}}
    project.save(update_fields=["providers"])
    return project


def run(project: Project, stage: str, options: dict[str, object]) -> None:
    project.refresh_from_db()
    stage_run(project=project, task_type=stage, input_data=options)


def forget_lines() -> None:
    shutil.rmtree(django_settings.VIDEOFLOW_DATA / "cache" / "speech", ignore_errors=True)


def test_ok(project, fake, voice):
    forget_lines()
    run(project, "script_generation", OPTIONS)
    project.refresh_from_db()
    assert [project.hosts[speaker]["voice"] for speaker in ("A", "B")] == ["marin", "cedar"]
    calls = ProviderCall.objects.all()
    assert [(call.provider, call.model, call.state, call.capability) for call in calls] == [
        ("openai", MODEL, "done", "speech")
    ] * 2
    assert {call.purpose for call in calls} == {f"speech of “{text[:60]}”" for text in TEXTS}
    forget_lines()
    run(project, "media_generation", {})
    assert len(fake.requests) == ProviderCall.objects.count() == 2, "what the script was measured by is used, and not paid again"
    script = script_current(project)
    assert script is not None
    turns = list(script.turns.select_related("speech__asset"))
    for place, turn in enumerate(turns):
        own = voice(TEXTS[place], ("marin", "cedar")[place % 2])
        assert turn.measured_seconds == pytest.approx(len(own) / 24_000, abs=0.05)
        assert [word for word, _, _ in turn.words] == turn.text.split()
        asset = turn.speech.asset
        assert (asset.kind, asset.origin) == (Asset.Kind.SPEECH, "openai")
        assert asset.model == f"{MODEL} · {('marin', 'cedar')[place % 2]}"
    assert turns_unspoken(project, script) == []
    made_with(project, options={"instructions": "Slowly."})
    assert len(turns_unspoken(project, script)) == 2, "another way of speaking is another recording"
    assert ServiceFact.objects.filter(service="openai", name__startswith="pace:").count() == 2
    assert not ServiceFact.objects.filter(value__icontains=KEY).exists()


def test_another_wording_of_one_line_pays_for_that_line(project, fake):
    run(project, "script_generation", OPTIONS)
    before = len(fake.requests)
    fake_voices.openai_routes(fake)
    run(project, "script_generation", {**OPTIONS, "script_text": SCRIPT.replace("the door really opens", "the cat smiles")})
    assert len(fake.requests) == before + 1


def test_a_lost_answer_is_never_asked_for_again_unasked(project, fake):
    forget_lines()
    fake.fault("lost")
    for _ in range(2):
        with pytest.raises(VideoflowError, match="Ask again and perhaps pay twice"):
            run(project, "script_generation", OPTIONS)
    assert len(fake.requests) == 2, "the other line was under way too, and its answer is kept"
    assert sorted(ProviderCall.objects.values_list("state", flat=True)) == ["done", "unknown"]


def test_the_embedded_voices_step_in_only_where_that_was_allowed_and_it_is_said(project, fake, settings):
    forget_lines()
    fake.route("POST", "/v1/audio/speech")(lambda asked: Told({"error": {"code": "model_not_found", "message": "Gone."}}, 404))
    with pytest.raises(VideoflowError, match="OpenAI refused this"):
        run(project, "script_generation", OPTIONS)
    made_with(project, fallback=True)
    run(project, "script_generation", {**OPTIONS, "script_text": "Maya: Good evening.\nTheo: And welcome, all of you."})
    task = project.tasks.latest("created_at")
    script = script_current(project)
    assert script is not None
    assert script.warnings[0].startswith(f"{STEPPED_IN}: OpenAI did not speak this.")
    assert task.result_data["warnings"] == script.warnings
    project.refresh_from_db()
    assert project.hosts["A"]["voice"] == "marin", "what was chosen stays chosen"


def test_what_cannot_be_spoken_is_refused_at_the_form(project, settings):
    with pytest.raises(BadInput, match="no two voices for “tlh”"):
        stage_start(project=project, task_type="script_generation", input_data={**OPTIONS, "language": "tlh"})
    settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": ""}
    with pytest.raises(BadInput, match="OpenAI needs a key"):
        stage_start(project=project, task_type="script_generation", input_data=OPTIONS)


def test_a_voice_is_heard_before_it_is_chosen(project, fake):
    fake_voices.openai_routes(fake)
    assert [voice.key for voice in voices_of(project, "de")][:2] == ["marin", "cedar"]
    assert [voice.key for voice in voices_of(project, "en", choice=Choice())] == ["heart", "kumo", "heart-low"]
    pay = paid_directly(Payer(project.session, "audition", project))
    paths = {voice_sample(project, "onyx", "de", pay=pay, cancelled=lambda: False) for _ in range(2)}
    assert len(paths) == 1
    assert paths.pop().read_bytes()[:4] == b"RIFF"
    assert len(fake.requests) == ProviderCall.objects.count() == 1
    assert fake.requests[0].json()["input"].startswith("Hallo.")


def test_a_host_keeps_the_voice_that_was_chosen(project):
    voices = [Voice(key, key.title(), "en", "") for key in ("marin", "cedar", "onyx")]
    project.hosts = {"A": {"voice": "onyx"}, "B": {"voice": "heart"}}
    assert voices_choose(project, "en", voices) == {"A": "onyx", "B": "marin"}
    project.hosts = {"A": {"voice": "gone"}, "B": {"voice": "marin"}}
    assert voices_choose(project, "en", voices) == {"A": "cedar", "B": "marin"}


def test_make_video_takes_services():
    assert choices_read(["speech=openai/voice-9", "writer=openrouter/meta/llama", "images=embedded"]) == {
        "speech": {"service": "openai", "model": "voice-9"},
        "writer": {"service": "openrouter", "model": "meta/llama"},
    }
    for words, complaint in (("music=openai", "one of writer, speech, images"), ("speech=pexels", "no “pexels” for speech")):
        with pytest.raises(BadInput, match=complaint):
            choices_read([words])
