from itertools import pairwise

import pytest

from videoflow.providers.base import Line
from videoflow.providers.paid import CallRefused
from videoflow.providers.speaking.decoding import sound_read
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.speaking.tests.fake_voices import KEY
from videoflow.providers.speaking.tests.real_voice import RealVoice
from videoflow.providers.speaking.word_times import aligned_words
from videoflow.providers.tests.fake_service import Told

TEXTS = (
    "Welcome back, everyone. Today we look at a strange week on the internet.",
    "Strange is right. Over a million people watched one video about farming.",
    "Nobody? That is hard to believe, honestly.",
    "It was posted on Monday, and by Friday it led every chart we follow.",
)
LINES = [Line(text, voice) for text, voice in zip(TEXTS, ("Kore", "Puck") * 2, strict=True)]


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    real = RealVoice(tmp_path_factory.mktemp("real"), {"Kore": "heart", "Puck": "heart-low"})
    real.prepare([(line.text, line.voice) for line in LINES])
    return real


def speak(provider, lines, folder):
    return provider.speak(lines, folder, report=lambda share, message: None, cancelled=lambda: False)


@pytest.mark.parametrize(("forms", "raw"), [("parts", False), ("text", True)])
def test_a_conversation_comes_in_one_call_and_is_parted_into_its_lines(fake, make, voice, tmp_path, forms, raw):
    fake_voices.gemini_routes(fake, voice, forms=forms, raw=raw)
    spoken = speak(make("gemini", path="/v1beta", key=KEY), LINES, tmp_path)
    asked = [request for request in fake.requests if request.method == "POST"]
    assert len(asked) == (1 if forms == "parts" else 2)
    for line, result in zip(LINES, spoken, strict=True):
        own = voice(line.text, line.voice)
        assert result.seconds == pytest.approx(len(own) / 24_000, abs=0.08)
        assert result.timing == "aligned"
        assert [word.text for word in result.words] == line.text.split()
        assert all(before.end <= after.start for before, after in pairwise(result.words))
    speak(
        make("gemini", path="/v1beta", key=KEY), [*LINES[2:], Line("Thanks for listening, and see you soon.", "Kore")], tmp_path
    )
    last = fake.requests[-1].json()["generationConfig"]["speechConfig"]
    assert set(last) == {"voiceConfig"}, "one line that is missing is asked for by itself"
    speak(make("gemini", path="/v1beta", key=KEY), [Line(f"{line.text} Yes.", line.voice) for line in LINES[:2]], tmp_path)
    multi = [request for request in fake.requests if b"multiSpeaker" in request.body]
    assert len(multi) == (2 if forms == "parts" else 3), "the form that the model takes is remembered"


def test_a_spot_that_the_aligner_cannot_get_past_does_not_cost_the_conversation(fake, make, voice, tmp_path, monkeypatch):
    longest = max(len(text.split()) for text in TEXTS)
    monkeypatch.setattr(
        "videoflow.providers.speaking.parting.aligned_words",
        lambda *facts: aligned_words(*facts) if len(facts[2]) <= longest else [None] * len(facts[2]),
    )
    fake_voices.gemini_routes(fake, voice)
    spoken = speak(make("gemini", path="/v1beta", key=KEY), LINES, tmp_path)
    assert len(fake.requests) == 1
    for line, result in zip(LINES, spoken, strict=True):
        assert result.seconds == pytest.approx(len(voice(line.text, line.voice)) / 24_000, abs=0.08)


def test_a_conversation_that_cannot_be_parted_is_asked_for_line_by_line(fake, make, tmp_path):
    fake_voices.gemini_routes(fake)  # it hums: no word is to be found in that
    spoken = speak(make("gemini", path="/v1beta", key=KEY), LINES, tmp_path)
    assert len(spoken) == 4
    assert [b"multiSpeaker" in request.body for request in fake.requests] == [True, False, False, False, False]


def test_no_more_turns_in_a_call_than_the_choice_allows_and_other_languages_by_line(fake, make, tmp_path):
    provider = make("gemini", path="/v1beta", key=KEY, turns_per_call=3)
    wanted = [provider._wanted(number, line) for number, line in enumerate(LINES, start=1)]
    assert [len(batch) for batch in provider.batches(wanted)] == [3, 1]
    german = [provider._wanted(number, Line("Guten Tag.", "Kore", language="de")) for number in (1, 2)]
    assert [len(batch) for batch in provider.batches(german)] == [1, 1]
    assert [len(batch) for batch in provider.batches([wanted[0], wanted[2]])] == [1, 1], "neighbours only"


def test_a_refusal_is_not_asked_for_again(fake, make, tmp_path):
    fake.route("POST", "/v1beta/models/.*")(lambda asked: {"candidates": [{"finishReason": "SAFETY", "content": {}}]})
    with pytest.raises(Exception, match=r"line 1 .*refusal \(SAFETY\)"):
        speak(make("gemini", path="/v1beta", key=KEY), LINES[:1], tmp_path)
    assert len(fake.requests) == 1


def test_a_wrong_key_ends_it_at_once(fake, make, tmp_path):
    error = {
        "code": 400,
        "status": "INVALID_ARGUMENT",
        "message": "API key not valid.",
        "details": [{"reason": "API_KEY_INVALID"}],
    }
    fake.route("POST", "/v1beta/models/.*")(lambda asked: Told({"error": error}, 400))
    with pytest.raises(CallRefused, match="API key not valid"):
        speak(make("gemini", path="/v1beta", key=KEY), LINES, tmp_path)
    assert len(fake.requests) == 1


def test_samples_without_a_container_are_read_at_the_rate_they_name():
    sound = sound_read(b"\x00\x10" * 48_000, "audio/L16;codec=pcm;rate=48000")
    assert (len(sound.samples), sound.rate_hz) == (48_000, 48_000)
