"""Speech of ElevenLabs, with the time of every character."""

import base64
import binascii
import json
from typing import Any, ClassVar
from urllib.parse import quote

from videoflow.providers.base import Voice
from videoflow.providers.paid import Reply
from videoflow.providers.registry import provider
from videoflow.providers.speaking.decoding import SoundUnusable
from videoflow.providers.speaking.languages import code_of
from videoflow.providers.speaking.service_speech import Heard, ServiceSpeech, Wanted
from videoflow.providers.speaking.voice_lists import voices_remembered
from videoflow.providers.speaking.word_times import TimedPiece
from videoflow.sentences import Sentence

_PAGE = 100
_MOST_PAGES = 5
_ANY_LANGUAGE = "mul"
"""What a voice speaks is decided by the model, not by the voice."""


@provider("speech", "elevenlabs")
class ElevenLabsSpeech(ServiceSpeech):
    """``POST /v1/text-to-speech/{voice}/with-timestamps``.

    The project's choice may give ``output_format`` and ``voice_settings``.
    """

    longest_letters: ClassVar[int] = 5000

    def voices(self, language: str) -> tuple[Voice, ...]:
        spoken = self._languages()
        if spoken and code_of(language) not in spoken:
            return ()
        voices = voices_remembered(self.access, self._listed)
        return tuple(sorted(voices, key=lambda voice: code_of(voice.language) != code_of(language)))

    def _listed(self) -> list[Voice]:
        voices: list[Voice] = []
        token: str | None = None
        for _ in range(_MOST_PAGES):
            told = self._get("v2/voices", {"page_size": _PAGE, "next_page_token": token})
            page = told if isinstance(told, dict) else {}
            entries = [entry for entry in page.get("voices") or [] if isinstance(entry, dict)]
            voices += [_voice(entry) for entry in entries if isinstance(entry.get("voice_id"), str)]
            token = page.get("next_page_token") if page.get("has_more") else None
            if not token:
                break
        return voices

    def _languages(self) -> list[str]:
        """Return what the model speaks; empty when the service does not say."""
        model = self.access.connection.model
        kept = self.access.remember.get(self.fact("languages"))
        if isinstance(kept, list) and kept:
            return kept
        told = self._get("v1/models", {})
        models = [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []
        entries = next((entry.get("languages") or [] for entry in models if entry.get("model_id") == model), [])
        codes = sorted({code_of(str(entry["language_id"])) for entry in entries if entry.get("language_id")})
        if codes:
            self.access.remember.set(self.fact("languages"), codes)
        return codes

    def _get(self, path: str, params: dict[str, Any]) -> Any:
        return self.access.client.request("GET", path, params=params, deadline_seconds=15, limit_bytes=8_000_000).json()

    def request(self, wanted: Wanted) -> dict[str, Any]:
        options = self.access.connection.options
        body: dict[str, Any] = {"text": wanted.said.text, "model_id": self.access.connection.model}
        if options.get("voice_settings"):
            body["voice_settings"] = dict(options["voice_settings"])
        return {
            "voice": wanted.line.voice,
            "output_format": str(options.get("output_format") or "mp3_44100_128"),
            "body": body,
        }

    def ask(self, request: dict[str, Any]) -> Reply:
        answer = self.post(
            f"v1/text-to-speech/{quote(request['voice'], safe='')}/with-timestamps",
            params={"output_format": request["output_format"]},
            json=request["body"],
        )
        return Reply(answer.body)

    def read(self, body: bytes) -> Heard:
        try:
            told = json.loads(body)
            audio = base64.b64decode(told["audio_base64"], validate=True)
            alignment = told.get("alignment") or told.get("normalized_alignment")
            pieces = _pieces(alignment) if alignment else ()
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            raise SoundUnusable(Sentence("with something that is no speech with times")) from None
        return Heard(audio, self._media_type(), pieces)

    def _media_type(self) -> str:
        kind, _, rate = str(self.access.connection.options.get("output_format") or "").partition("_")
        return f"audio/pcm;rate={rate}" if kind == "pcm" else ""


def _pieces(alignment: dict[str, Any]) -> tuple[TimedPiece, ...]:
    starts, ends = alignment["character_start_times_seconds"], alignment["character_end_times_seconds"]
    return tuple(
        TimedPiece(str(letter), float(start), float(end))
        for letter, start, end in zip(alignment["characters"], starts, ends, strict=True)
    )


def _voice(entry: dict[str, Any]) -> Voice:
    given = entry.get("labels")
    labels = given if isinstance(given, dict) else {}
    facts = [str(labels.get(name)) for name in ("gender", "age", "accent", "descriptive") if labels.get(name)]
    words = ", ".join(facts) or str(entry.get("description") or "")[:120]
    name = str(entry.get("name") or entry["voice_id"])[:80]
    return Voice(
        entry["voice_id"], name, str(labels.get("language") or _ANY_LANGUAGE), f"Synthetic, ElevenLabs: {words or name}."
    )
