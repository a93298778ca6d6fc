import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from videoflow.errors import BadInput, Cancelled
from videoflow.providers.base import Line, ProviderError
from videoflow.providers.loudness import loudness_lufs
from videoflow.providers.net import ServiceBroken, ServiceTimeout
from videoflow.providers.paid import CallRefused
from videoflow.providers.registry import provider_names
from videoflow.providers.speaking.decoding import sound_read
from videoflow.providers.speaking.service_speech import ServiceSpeech, SpeechUnusable
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.speaking.tests.fake_voices import KEY
from videoflow.providers.tests.fake_service import FAULTS, Told

A = "Last week 1,514,646 people watched it 😂, and nobody knew why."
B = "Nobody? That is hard to believe, honestly."
CASES = {
    "openai": ("/v1", KEY, ("alloy", "onyx")),
    "kokoro": ("/v1", "", ("af_heart", "am_michael")),
    "elevenlabs": ("", KEY, ("a1", "b1")),
    "azure": ("", KEY, ("en-US-AvaNeural", "en-GB-RyanNeural")),
    "gemini": ("/v1beta", KEY, ("Kore", "Puck")),
}


@pytest.fixture(params=sorted(CASES))
def service(request, fake, make):
    """Each service with its routes: (provider, its two voices)."""
    name = request.param
    path, key, voices = CASES[name]
    getattr(fake_voices, f"{name}_routes")(fake)
    options = {"turns_per_call": 1} if name == "gemini" else {}
    return make(name, path=path, key=key, **options), voices


def speak(provider, lines, folder, *, cancelled=lambda: False, **keywords):
    return provider.speak(lines, folder, report=lambda share, message: None, cancelled=cancelled, **keywords)


def spoken_requests(fake):
    return [asked for asked in fake.requests if asked.method == "POST"]


class TestEveryService:
    def test_ok(self, service, fake, till, tmp_path):
        provider, voices = service
        lines = [Line(A, voices[0]), Line(B, voices[1]), Line(A, voices[0])]
        heard: list[int] = []
        results = speak(provider, lines, tmp_path, on_line=lambda index, line: heard.append(index))
        assert sorted(heard) == [0, 1, 2]
        assert results[0] == results[2]
        assert len(spoken_requests(fake)) == 2
        for line, result in zip(lines, results, strict=True):
            sound = sound_read(result.path.read_bytes())
            assert result.path.read_bytes()[20:24] == b"\x01\x00\x01\x00", "PCM, mono"
            assert result.seconds == pytest.approx(len(sound.samples) / sound.rate_hz)
            assert loudness_lufs(sound.samples, sound.rate_hz) == pytest.approx(-20, abs=1)
            assert np.abs(sound.samples).max() < 0.9
            assert (result.provider, result.voice) == (provider.name, line.voice)
            assert [word.text for word in result.words] == line.text.split()
            edges = [edge for word in result.words for edge in (word.start, word.end)]
            assert edges == sorted(edges)
            assert edges[0] >= 0
            assert edges[-1] <= result.seconds
        assert all(KEY not in str(call) and KEY not in call.request_hash for call in till.calls)

    def test_what_was_paid_for_is_not_paid_for_again(self, service, fake, till, tmp_path):
        provider, voices = service
        lines = [Line(A, voices[0]), Line(B, voices[1])]
        first = speak(provider, lines, tmp_path)
        assert speak(provider, lines, tmp_path) == first
        speak(provider, [Line(f"{B} Really.", voices[1]), *lines], tmp_path)
        assert len(spoken_requests(fake)) == 3
        for path in tmp_path.iterdir():
            path.unlink()
        free = provider.name == "kokoro"
        assert [line.seconds for line in speak(provider, lines, tmp_path)] == [line.seconds for line in first]
        assert len(spoken_requests(fake)) == (5 if free else 3), "the kept replies are read again"

    def test_pronunciations_are_sent_and_the_shown_words_stay(self, service, fake, tmp_path):
        provider, voices = service
        line = Line("Kiwi's new **farm** opens 🥝 today.", voices[0], (("Kiwi", "key wee"),))
        (result,) = speak(provider, [line], tmp_path)
        assert re.search(r"key wee's new farm opens today\.", spoken_requests(fake)[-1].body.decode())
        assert [word.text for word in result.words] == line.text.split()

    def test_a_line_that_cannot_be_spoken_is_refused_before_anything_is_asked(self, service, fake, tmp_path):
        provider, voices = service
        for line, complaint in (
            (Line("😂🔥", voices[0]), "Line 2.*nothing that can be said"),
            (Line("Hello there.", "heart"), "no voice “heart”"),
            (Line("word " * 2000, voices[0]), "longer than"),
            (Line("Hej.", voices[0], language="xx"), "no voice that speaks “xx”"),
        ):
            with pytest.raises(BadInput, match=complaint):
                speak(provider, [Line(A, voices[0]), line], tmp_path)
        assert spoken_requests(fake) == []

    def test_voices_of_a_language(self, service):
        provider, voices = service
        listed = provider.voices("en-US")
        assert set(voices) <= {voice.key for voice in listed}
        assert all("ynthetic" in voice.description for voice in listed)
        assert provider.voices("xx") == ()

    def test_stops_when_cancelled(self, service, fake, tmp_path):
        provider, voices = service
        with pytest.raises(Cancelled):
            speak(provider, [Line(A, voices[0])], tmp_path, cancelled=lambda: True)
        assert spoken_requests(fake) == []
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_fault_ends_in_a_recording_or_in_an_error_that_says_so(self, service, fault, fake, tmp_path, pauses, monkeypatch):
        provider, voices = service
        assert provider.voices("en")
        if fault in {"drip", "slow"}:
            monkeypatch.setattr(type(provider), "deadline_seconds", 0.4)
        fake.fault(fault)
        if fault in {"429-seconds", "429-date"}:
            assert speak(provider, [Line(B, voices[0])], tmp_path)[0].seconds > 1
            assert len(pauses) == 1
            assert 0 < pauses[0] <= 2
        elif fault in {"wrong-json", "200-error", "null-fields", "empty"}:
            assert speak(provider, [Line(B, voices[0])], tmp_path)[0].seconds > 1
            assert len(spoken_requests(fake)) == 2, "what came could not be the line, so it was asked once more"
        else:
            wanted: type[ProviderError] = {"redirect": CallRefused, "drip": ServiceTimeout, "slow": ServiceTimeout}.get(
                fault, ServiceBroken
            )
            with pytest.raises(wanted) as caught:
                speak(provider, [Line(B, voices[0])], tmp_path)
            assert KEY not in f"{caught.value!r} {caught.value.details}"
            assert list(tmp_path.iterdir()) == []
            assert len(spoken_requests(fake)) == 1, "it may have been charged, so nobody repeats it unasked"
        assert fake.faults_left == 0

    def test_useless_answers_twice_end_it_and_the_next_attempt_asks_anew(self, service, fake, till, tmp_path):
        provider, voices = service
        assert provider.voices("en")
        fake.fault("empty", "wrong-json")
        with pytest.raises(SpeechUnusable, match=r"line 1 .*twice\. Change its wording") as caught:
            speak(provider, [Line(B, voices[0])], tmp_path)
        assert not caught.value.retryable
        assert speak(provider, [Line(B, voices[0])], tmp_path)[0].seconds > 1
        assert len(spoken_requests(fake)) == 3


def test_a_service_that_stays_busy_is_left_to_the_next_attempt(fake, make, tmp_path, pauses):
    fake_voices.openai_routes(fake)
    provider = make("openai", path="/v1", key=KEY)
    fake.fault(*["429-seconds"] * 80)
    with pytest.raises(CallRefused) as caught:
        speak(provider, [Line(B, "alloy")], tmp_path)
    assert caught.value.retryable
    assert 5 <= len(pauses) <= 61
    assert sum(pauses) <= 60


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda samples: samples * 0, "silence"),
        (lambda samples: np.clip(samples * 40, -1, 1), "distorted"),
        (lambda samples: samples[:3000], "too little for the words"),
        (lambda samples: np.tile(samples, 5), "too much for the words"),
        (
            lambda samples: np.concatenate([samples[:20_000], np.zeros(110_000, np.float32), samples[:20_000]]),
            "falls silent|too much",
        ),
    ],
)
def test_what_cannot_be_the_line_is_an_error(fake, make, tmp_path, change, complaint):
    fake_voices.openai_routes(fake, lambda text, voice: change(fake_voices.speechlike(text, voice)))
    with pytest.raises(SpeechUnusable, match=complaint):
        speak(make("openai", path="/v1", key=KEY), [Line(B, "alloy")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_voice_that_has_a_pace_is_held_to_it(fake, make, notes, tmp_path):
    fake_voices.openai_routes(fake)
    provider = make("openai", path="/v1", key=KEY)
    speak(
        provider,
        [Line(f"This is sentence {word}, and it is a plain one as long as others.", "alloy") for word in "abcdefg"],
        tmp_path,
    )
    assert provider.pace("alloy") == pytest.approx(0.09, abs=0.015)
    assert provider.pace("onyx") is None
    fake_voices.openai_routes(fake, lambda text, voice: np.tile(fake_voices.speechlike(text, voice), 3))
    with pytest.raises(SpeechUnusable, match="too much"):
        speak(provider, [Line("This is another plain sentence, as long as those before it.", "alloy")], tmp_path)


def test_the_choice_may_say_how_to_speak(fake, make, tmp_path):
    fake_voices.openai_routes(fake)
    provider = make("openai", path="/v1", key=KEY, instructions="Warmly.", speed="1.1", model="voice-9")
    speak(provider, [Line(B, "alloy")], tmp_path)
    assert spoken_requests(fake)[0].json() == {
        "model": "voice-9", "input": B, "voice": "alloy", "response_format": "wav", "instructions": "Warmly.", "speed": 1.1,
    }  # fmt: skip
    with pytest.raises(BadInput, match=r"from 0\.25 to 4"):
        speak(make("openai", path="/v1", key=KEY, speed="fast"), [Line(B, "alloy")], tmp_path)


def test_times_that_the_service_gives_are_the_words_times(fake, make, tmp_path):
    fake_voices.elevenlabs_routes(fake)
    (line,) = speak(make("elevenlabs", key=KEY), [Line(A, "a1")], tmp_path)
    assert line.timing == "engine"
    words = {word.text: word for word in line.words}
    # The fake gives each character the same width, and the recording loses what is silent before the first sound.
    share = A.index("1,514,646") / len(A)
    assert words["1,514,646"].start == pytest.approx(line.seconds * share, abs=0.15)
    assert words["😂,"].end == words["😂,"].start or words["😂,"].start >= words["it"].end


def test_a_kokoro_server_without_captions_is_asked_in_the_dialect_ever_after(fake, make, tmp_path):
    fake_voices.kokoro_routes(fake, captioned=False)
    provider = make("kokoro", path="/v1")
    speak(provider, [Line(A, "af_heart"), Line(B, "am_michael")], tmp_path)
    assert [asked.path for asked in spoken_requests(fake)] == [
        "/dev/captioned_speech", "/v1/audio/speech", "/v1/audio/speech",
    ]  # fmt: skip
    fake_voices.kokoro_routes(fake, captioned=True)
    assert make("kokoro", path="/v1").voices("en")[0].key == "af_heart"


def test_lists_of_voices_are_asked_for_once_a_day(fake, make, notes, monkeypatch):
    fake_voices.azure_routes(fake)
    for _ in range(3):
        assert [voice.name for voice in make("azure", key=KEY).voices("de")] == ["Katja"]
    assert len(fake.requests) == 1
    assert KEY not in json.dumps(notes.facts)
    assert hashlib.sha256(KEY.encode()).hexdigest()[:24] not in json.dumps(notes.facts)


def test_no_word_of_a_line_becomes_an_order_to_the_voice(fake, make, tmp_path):
    fake_voices.azure_routes(fake)
    text = 'Stop</voice><voice name="x">& [whispers] "now" <break time="9s"/> 5 > 3.'
    speak(make("azure", key=KEY), [Line(text, "en-US-AvaNeural")], tmp_path)
    assert b"<break" not in spoken_requests(fake)[0].body
    assert b"[" not in spoken_requests(fake)[0].body


def test_every_service_of_the_catalogue_has_its_voice():
    assert {"azure", "elevenlabs", "embedded", "gemini", "kokoro", "openai", "piper"} <= set(provider_names("speech"))
    assert ServiceSpeech.__abstractmethods__


def test_an_answer_of_the_wrong_kind_is_told_by_its_first_bytes(fake, make, tmp_path):
    fake.route("POST", "/v1/audio/speech")(lambda asked: Told(b"<html>hello</html>" * 50, headers={"Content-Type": "audio/wav"}))
    with pytest.raises(SpeechUnusable, match="no sound"):
        speak(make("openai", path="/v1", key=KEY), [Line(B, "alloy")], Path(tmp_path))
