"""What is asked and answered, held against the types that the services' own packages publish."""

from importlib import import_module
from typing import Any

import pytest

from videoflow.providers.base import Line
from videoflow.providers.speaking.tests import fake_voices
from videoflow.providers.speaking.tests.fake_voices import KEY

# Imported by name: both are far too large for the type checker to read along.
google: Any = import_module("google.genai.types")
openai: Any = import_module("openai.types.audio.speech_create_params")
LINES = [Line("Nobody? That is hard to believe, honestly.", "Kore"), Line("It is. Who would have thought so?", "Puck")]


def speak(provider: Any, lines: list[Line], folder: Any) -> None:
    provider.speak(lines, folder, report=lambda share, message: None, cancelled=lambda: False)


def test_openai(fake, make, tmp_path):
    fake_voices.openai_routes(fake)
    provider = make("openai", path="/v1", key=KEY, instructions="Warmly.", speed=1.2)
    speak(provider, [Line(LINES[0].text, voice.key) for voice in provider.voices("en")], tmp_path)
    known = openai.SpeechCreateParams.__annotations__
    for asked in fake.requests:
        assert {"input", "model", "voice"} <= set(asked.json()) <= set(known)
    listed = set(fake_voices.OPENAI_VOICES)
    assert {asked.json()["voice"] for asked in fake.requests} == listed
    assert all(repr(voice) in str(openai.Voice) for voice in listed)


@pytest.mark.parametrize("turns", [1, 8])
def test_gemini(fake, make, tmp_path, turns):
    fake_voices.gemini_routes(fake)
    told: list[Any] = []
    provider = make("gemini", path="/v1beta", key=KEY, turns_per_call=turns, style="warm")
    read = provider.read

    def watched(body: bytes) -> Any:
        told.append(body)
        return read(body)

    provider.read = watched
    speak(provider, LINES, tmp_path)
    for asked in fake.requests:
        body = asked.json()
        for content in body["contents"]:
            google.Content.model_validate(content)  # unknown fields are refused
        google.GenerationConfig.model_validate(body["generationConfig"])
    for answer in told:
        assert google.GenerateContentResponse.model_validate_json(answer).candidates[0].finish_reason == "STOP"
    assert len(told) == len(fake.requests) >= 2
