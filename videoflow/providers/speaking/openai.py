"""Speech in OpenAI's dialect: OpenAI itself, and Kokoro servers, which also tell when each word is said."""

import base64
import binascii
import json
from typing import Any, ClassVar

from videoflow.errors import BadInput
from videoflow.providers.base import Voice
from videoflow.providers.net import ServiceRefused
from videoflow.providers.paid import Reply
from videoflow.providers.registry import provider
from videoflow.providers.speaking.decoding import SoundUnusable
from videoflow.providers.speaking.languages import KOKORO, OPENAI, code_of
from videoflow.providers.speaking.service_speech import Heard, ServiceSpeech, Wanted
from videoflow.providers.speaking.voice_lists import voices_remembered
from videoflow.providers.speaking.word_times import TimedPiece
from videoflow.sentences import Sentence

_VOICES = (
    ("marin", "warm and natural"),
    ("cedar", "deep and natural"),
    ("alloy", "even"),
    ("ash", "clear and low"),
    ("ballad", "soft"),
    ("coral", "bright"),
    ("echo", "calm and low"),
    ("fable", "storytelling"),
    ("nova", "lively"),
    ("onyx", "deep"),
    ("sage", "gentle"),
    ("shimmer", "light"),
    ("verse", "expressive"),
)


@provider("speech", "openai")
class OpenAISpeech(ServiceSpeech):
    """``POST {base}/audio/speech``. The project's choice may give ``instructions``, ``speed`` and ``response_format``."""

    lists_voices: ClassVar[bool] = False

    def voices(self, language: str) -> tuple[Voice, ...]:
        if code_of(language) not in OPENAI:
            return ()
        return tuple(Voice(key, key.title(), language, f"Synthetic, OpenAI: {how}.") for key, how in _VOICES)

    def request(self, wanted: Wanted) -> dict[str, Any]:
        options = self.access.connection.options
        request: dict[str, Any] = {
            "model": self.access.connection.model,
            "input": wanted.said.text,
            "voice": wanted.line.voice,
            "response_format": str(options.get("response_format") or "wav"),
        }
        if options.get("instructions"):
            request["instructions"] = str(options["instructions"])
        if options.get("speed"):
            request["speed"] = speed_read(options["speed"])
        return request

    def ask(self, request: dict[str, Any]) -> Reply:
        answer = self.post("audio/speech", json=request)
        return Reply(answer.body, answer.headers.get("content-type", ""))

    def read(self, body: bytes) -> Heard:
        return Heard(body)


def speed_read(value: object) -> float:
    """Return a speed that the dialect takes.

    Raises:
        BadInput: it is none.
    """
    try:
        speed = float(str(value))
    except ValueError:
        speed = 0.0
    if not 0.25 <= speed <= 4:
        raise BadInput("The speed of the voice is a number from 0.25 to 4.")
    return speed


@provider("speech", "kokoro")
class KokoroSpeech(OpenAISpeech):
    """A server of one's own. It is asked for captioned speech first; one that has none is remembered and asked in the dialect."""

    lists_voices: ClassVar[bool] = True
    _CAPTIONED: ClassVar[str] = "../dev/captioned_speech"

    def voices(self, language: str) -> tuple[Voice, ...]:
        listed = voices_remembered(self.access, self._listed)
        return tuple(voice for voice in listed if code_of(voice.language) == code_of(language))

    def _listed(self) -> list[Voice]:
        told = self.access.client.request("GET", "audio/voices", deadline_seconds=15, limit_bytes=1_000_000).json()
        entries = told.get("voices") if isinstance(told, dict) else None
        names = [entry.get("id") if isinstance(entry, dict) else entry for entry in entries or []]
        known = [name for name in names if isinstance(name, str) and name[:1] in KOKORO and name[2:3] == "_"]
        # The best of the model's own grades first, so that two good voices are the ones that are proposed.
        known.sort(key=lambda name: (name not in {"af_heart", "am_michael", "bf_emma", "bm_george"}, name))
        return [Voice(name, name[3:].replace("_", " ").title(), KOKORO[name[0]], _kokoro_words(name)) for name in known]

    def ask(self, request: dict[str, Any]) -> Reply:
        if self.access.remember.get(self.fact("captioned")) == "no":
            return super().ask(request)
        try:
            answer = self.post(self._CAPTIONED, json=request | {"stream": False, "return_timestamps": True})
        except ServiceRefused as error:
            if error.status not in {404, 405}:
                raise
            self.access.remember.set(self.fact("captioned"), "no")
            return super().ask(request)
        return Reply(answer.body, "application/json")

    def read(self, body: bytes) -> Heard:
        if body.lstrip()[:1] != b"{":
            return Heard(body)
        try:
            told = json.loads(body)
            audio = base64.b64decode(told["audio"], validate=True)
            stamps = told.get("timestamps") or []
            pieces = tuple(
                TimedPiece(str(stamp["word"]), float(stamp["start_time"]), float(stamp["end_time"])) for stamp in stamps
            )
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            raise SoundUnusable(Sentence("with something that is no captioned speech")) from None
        return Heard(audio, pieces=pieces)


def _kokoro_words(name: str) -> str:
    kind = {"f": "female", "m": "male"}.get(name[1:2], "neutral")
    return f"Synthetic, Kokoro: a {kind} voice."
