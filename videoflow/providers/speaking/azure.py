"""Speech of Azure's REST interface, asked in SSML."""

from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from videoflow.providers.base import Voice
from videoflow.providers.paid import Reply
from videoflow.providers.registry import provider
from videoflow.providers.speaking.languages import code_of
from videoflow.providers.speaking.service_speech import Heard, ServiceSpeech, Wanted
from videoflow.providers.speaking.voice_lists import voices_remembered

_FORMAT = "riff-24khz-16bit-mono-pcm"


@provider("speech", "azure")
class AzureSpeech(ServiceSpeech):
    """``POST /cognitiveservices/v1``.

    Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
    """

    longest_letters: ClassVar[int] = 4000
    """Ten minutes of speech are the service's limit; a line is nowhere near."""

    def voices(self, language: str) -> tuple[Voice, ...]:
        listed = voices_remembered(self.access, self._listed)
        found = [voice for voice in listed if code_of(voice.language) == code_of(language)]
        return tuple(sorted(found, key=lambda voice: voice.language.lower() != language.lower()))

    def _listed(self) -> list[Voice]:
        told = self.access.client.request(
            "GET", "cognitiveservices/voices/list", deadline_seconds=15, limit_bytes=8_000_000
        ).json()
        entries = [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []
        return [_voice(entry) for entry in entries if entry.get("ShortName") and entry.get("VoiceType") == "Neural"]

    def request(self, wanted: Wanted) -> dict[str, Any]:
        voice = wanted.line.voice
        locale = "-".join(voice.split("-")[:2])
        ssml = (
            f'<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang={quoteattr(locale)}>'
            f"<voice name={quoteattr(voice)}>{escape(wanted.said.text)}</voice></speak>"
        )
        return {"ssml": ssml, "format": _FORMAT}

    def ask(self, request: dict[str, Any]) -> Reply:
        answer = self.post(
            "cognitiveservices/v1",
            content=request["ssml"].encode(),
            headers={"Content-Type": "application/ssml+xml", "X-Microsoft-OutputFormat": request["format"]},
        )
        return Reply(answer.body, answer.headers.get("content-type", ""))

    def read(self, body: bytes) -> Heard:
        return Heard(body)


def _voice(entry: dict[str, Any]) -> Voice:
    key, locale = str(entry["ShortName"]), str(entry.get("Locale") or "")
    words = f"{str(entry.get('Gender') or 'neutral').lower()}, {entry.get('LocaleName') or locale}"
    return Voice(key, str(entry.get("DisplayName") or key), locale, f"Synthetic, Azure: {words}.")
