"""Strict speech services on this machine: each takes what its service documents and answers with something like speech."""

import base64
import io
import wave
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np

from videoflow.providers.recordings import Samples
from videoflow.providers.tests.fake_service import Asked, FakeService, Told

KEY = "canary-speech-0123456789"
RATE_HZ = 24_000
SECONDS_PER_LETTER = 0.065
Speak = Callable[[str, str], Samples]
"""``speak(text, voice)``: samples at 24 kHz."""


def speechlike(text: str, voice: str) -> Samples:
    """Return a hum that swells four times a second, as long as somebody would take for the text."""
    seconds = 0.2 + SECONDS_PER_LETTER * sum(5 if letter.isdigit() else 1 for letter in text)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch = 110 + len(voice) * 10
    tone = sum(np.sin(2 * np.pi * pitch * part * time) / part for part in range(1, 6))
    return (0.15 * tone * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)


def wav_bytes(samples: Samples, rate_hz: int = RATE_HZ) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(rate_hz)
        audio.writeframes(pcm_bytes(samples))
    return out.getvalue()


def pcm_bytes(samples: Samples) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def _json(asked: Asked, required: set[str], optional: set[str]) -> dict[str, Any]:
    assert asked.headers["content-type"].startswith("application/json"), asked.headers
    body = asked.json()
    assert isinstance(body, dict)
    assert required <= set(body) <= required | optional, sorted(body)
    return body


def _dialect(body: dict[str, Any]) -> None:
    assert isinstance(body["input"], str)
    assert 0 < len(body["input"]) <= 4096
    assert body["model"]
    assert body.get("response_format", "mp3") in {"mp3", "opus", "aac", "flac", "wav", "pcm"}
    assert 0.25 <= body.get("speed", 1.0) <= 4.0


OPENAI_VOICES = "alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar".split()  # noqa: SIM905


def openai_routes(fake: FakeService, speak: Speak = speechlike) -> None:
    """Source: ``openai/types/audio/speech_create_params.py`` of openai 3.54.0."""

    @fake.route("POST", "/v1/audio/speech")
    def say(asked: Asked) -> Told:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        body = _json(asked, {"input", "model", "voice"}, {"instructions", "response_format", "speed", "stream_format"})
        _dialect(body)
        assert body["voice"] in OPENAI_VOICES
        assert body["response_format"] == "wav"
        return Told(wav_bytes(speak(body["input"], body["voice"])), headers={"Content-Type": "audio/wav"})


def kokoro_routes(fake: FakeService, speak: Speak = speechlike, *, captioned: bool = True) -> None:
    """Source: Kokoro-FastAPI's documentation (``/v1/audio/voices``, ``/dev/captioned_speech``)."""
    voices = ["af_heart", "am_michael", "bf_emma", "jf_alpha", "zf_xiaobei"]

    @fake.route("GET", "/v1/audio/voices")
    def listed(asked: Asked) -> dict[str, Any]:
        return {"voices": voices}

    @fake.route("POST", "/v1/audio/speech")
    def say(asked: Asked) -> Told:
        assert "authorization" not in asked.headers
        body = _json(asked, {"input", "model", "voice"}, {"response_format", "speed"})
        _dialect(body)
        assert body["voice"] in voices
        return Told(wav_bytes(speak(body["input"], body["voice"])), headers={"Content-Type": "audio/wav"})

    if not captioned:
        fake.route("POST", "/dev/captioned_speech")(lambda asked: Told({"detail": "Not Found"}, 404))
        return

    @fake.route("POST", "/dev/captioned_speech")
    def say_captioned(asked: Asked) -> dict[str, Any]:
        body = _json(asked, {"input", "model", "voice", "stream", "return_timestamps"}, {"response_format", "speed"})
        _dialect(body)
        assert (body["stream"], body["return_timestamps"]) == (False, True)
        samples = speak(body["input"], body["voice"])
        words = body["input"].split()
        width = (len(samples) / RATE_HZ - 0.1) / len(words)
        stamps = [
            {"word": word, "start_time": 0.1 + place * width, "end_time": 0.1 + (place + 0.8) * width}
            for place, word in enumerate(words)
        ]
        return {"audio": base64.b64encode(wav_bytes(samples)).decode(), "audio_format": "audio/wav", "timestamps": stamps}


def elevenlabs_routes(fake: FakeService, speak: Speak = speechlike) -> None:
    """Source: the client and response models of elevenlabs 2.78.0."""

    def own(asked: Asked) -> None:
        assert asked.headers["xi-api-key"] == KEY

    @fake.route("GET", "/v2/voices")
    def listed(asked: Asked) -> dict[str, Any]:
        own(asked)
        assert 1 <= int(asked.query["page_size"]) <= 100
        if asked.query.get("next_page_token") == "second":
            return {
                "voices": [{"voice_id": "b1", "name": "Ben", "labels": {"language": "en", "gender": "male"}}],
                "has_more": False,
            }
        first = [
            {"voice_id": "d1", "name": "Dora", "labels": {"language": "de"}},
            {"voice_id": "a1", "name": "Ana", "labels": {"language": "en", "gender": "female", "accent": "irish"}},
        ]
        return {"voices": first, "has_more": True, "next_page_token": "second"}

    @fake.route("GET", "/v1/models")
    def models(asked: Asked) -> list[dict[str, Any]]:
        own(asked)
        languages = [{"language_id": "en", "name": "English"}, {"language_id": "de", "name": "German"}]
        return [{"model_id": "eleven_multilingual_v2", "languages": languages}]

    @fake.route("POST", "/v1/text-to-speech/([^/]+)/with-timestamps")
    def say(asked: Asked) -> dict[str, Any]:
        own(asked)
        assert asked.groups[0] in {"a1", "b1", "d1"}
        assert asked.query["output_format"] == "mp3_44100_128"
        optional = {"language_code", "voice_settings", "seed", "previous_text", "next_text", "apply_text_normalization"}
        body = _json(asked, {"text", "model_id"}, optional)
        samples = speak(body["text"], asked.groups[0])
        letters = list(body["text"])
        width = (len(samples) / RATE_HZ - 0.2) / len(letters)
        alignment = {
            "characters": letters,
            "character_start_times_seconds": [0.1 + place * width for place in range(len(letters))],
            "character_end_times_seconds": [0.1 + (place + 1) * width for place in range(len(letters))],
        }
        # Told by its first bytes, so a WAV will do where the service sends an MP3.
        return {
            "audio_base64": base64.b64encode(wav_bytes(samples)).decode(),
            "alignment": alignment,
            "normalized_alignment": alignment,
        }


def azure_routes(fake: FakeService, speak: Speak = speechlike) -> None:
    """Source: learn.microsoft.com, "Text to speech REST API"."""
    names = ("en-US-AvaNeural", "en-GB-RyanNeural", "de-DE-KatjaNeural")

    @fake.route("GET", "/cognitiveservices/voices/list")
    def listed(asked: Asked) -> list[dict[str, Any]]:
        assert asked.headers["ocp-apim-subscription-key"] == KEY
        return [
            {
                "ShortName": name,
                "DisplayName": name.split("-")[2].removesuffix("Neural"),
                "Locale": name[:5],
                "LocaleName": name[:5],
                "Gender": "Female",
                "VoiceType": "Neural",
                "Status": "GA",
            }
            for name in names
        ]

    @fake.route("POST", "/cognitiveservices/v1")
    def say(asked: Asked) -> Told:
        assert asked.headers["ocp-apim-subscription-key"] == KEY
        assert asked.headers["content-type"] == "application/ssml+xml"
        assert asked.headers["x-microsoft-outputformat"] == "riff-24khz-16bit-mono-pcm"
        assert asked.headers["user-agent"]
        root = ElementTree.fromstring(asked.body)
        space = "{http://www.w3.org/2001/10/synthesis}"
        assert (root.tag, root.get("version")) == (f"{space}speak", "1.0")
        (voice,) = root
        assert (voice.tag, list(voice)) == (f"{space}voice", [])
        assert voice.get("name") in names
        assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == str(voice.get("name"))[:5]
        return Told(wav_bytes(speak(voice.text or "", str(voice.get("name")))), headers={"Content-Type": "audio/x-wav"})


def gemini_routes(fake: FakeService, speak: Speak = speechlike, *, forms: str = "parts", raw: bool = False) -> None:
    """Take conversations in one of their two ``forms`` only; answer with a WAV, or with ``raw`` samples.

    Source: ``google/genai/types.py`` of google-genai 3.4.0.
    """

    @fake.route("POST", "/v1beta/models/([^/:]+):generateContent")
    def say(asked: Asked) -> Told | dict[str, Any]:
        assert asked.headers["x-goog-api-key"] == KEY
        body = _json(asked, {"contents", "generationConfig"}, set())
        (content,) = body["contents"]
        assert set(content) == {"role", "parts"}
        config = body["generationConfig"]
        assert config["responseModalities"] == ["AUDIO"]
        assert set(config) == {"responseModalities", "speechConfig"}
        speech = config["speechConfig"]
        assert len(speech) == 1
        pieces: list[Samples] = []
        if "voiceConfig" in speech:
            (part,) = content["parts"]
            pieces.append(speak(part["text"], speech["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]))
        else:
            configs = speech["multiSpeakerVoiceConfig"]["speakerVoiceConfigs"]
            assert len(configs) == 2, "exactly two speakers"
            voices = {one["speaker"]: one["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] for one in configs}
            if all("speechMetadata" in part for part in content["parts"]):
                if forms == "text":
                    return Told({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Unknown name."}}, 400)
                turns = [(part["speechMetadata"]["speaker"], part["text"]) for part in content["parts"]]
            else:
                assert forms == "text"
                (part,) = content["parts"]
                turns = [tuple(line.split(": ", 1)) for line in part["text"].split("\n")]
            assert 2 <= len(turns) <= 10
            for speaker, text in turns:
                pieces += [speak(text, voices[speaker]), np.zeros(RATE_HZ // 4, np.float32)]
        samples = np.concatenate(pieces)
        data = pcm_bytes(samples) if raw else wav_bytes(samples)
        mime = "audio/L16;codec=pcm;rate=24000" if raw else "audio/wav"
        inline = {"mimeType": mime, "data": base64.b64encode(data).decode()}
        return {
            "candidates": [{"content": {"role": "model", "parts": [{"inlineData": inline}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 99},
        }
