"""Speech of Gemini: conversations of two speakers in one breath where they can be parted again, single lines otherwise."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from videoflow.providers.base import CancelCheck, Voice
from videoflow.providers.paid import CallRefused, Reply
from videoflow.providers.registry import provider
from videoflow.providers.speaking.decoding import Sound, SoundRefused, SoundUnusable, sound_read
from videoflow.providers.speaking.languages import GEMINI, code_of
from videoflow.providers.speaking.parting import turns_parted
from videoflow.providers.speaking.service_speech import Heard, ServiceSpeech, Wanted
from videoflow.providers.speaking.word_times import TimedPiece
from videoflow.sentences import Sentence

TURNS_A_CALL = 8
"""The voices drift and swap in longer conversations."""
_LETTERS_A_CALL = 1200
_SPEAKERS = ("Speaker1", "Speaker2")
_REFUSALS = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "LANGUAGE"})
_VOICES = (
    "Kore firm", "Puck upbeat", "Aoede breezy", "Charon informative", "Achernar soft", "Achird friendly", "Algenib gravelly",
    "Algieba smooth", "Alnilam firm", "Autonoe bright", "Callirrhoe easy-going", "Despina smooth", "Enceladus breathy",
    "Erinome clear", "Fenrir excitable", "Gacrux mature", "Iapetus clear", "Laomedeia upbeat", "Leda youthful", "Orus firm",
    "Pulcherrima forward", "Rasalgethi informative", "Sadachbia lively", "Sadaltager knowledgeable", "Schedar even",
    "Sulafat warm", "Umbriel easy-going", "Vindemiatrix gentle", "Zephyr bright", "Zubenelgenubi casual",
)  # fmt: skip
"""Source: https://ai.google.dev/gemini-api/docs/speech-generation (voice options)."""


@provider("speech", "gemini")
class GeminiSpeech(ServiceSpeech):
    """``POST {base}/models/{model}:generateContent``.

    The project's choice may give ``turns_per_call`` (1: every line by itself) and ``style``, a few words on how to speak.
    """

    longest_letters: ClassVar[int] = 4000
    deadline_seconds: ClassVar[float] = 180.0
    lists_voices: ClassVar[bool] = False
    units_per_letter: ClassVar[float] = 2.0
    """A fourth of a token in, 25 tokens for each second out."""

    def voices(self, language: str) -> tuple[Voice, ...]:
        if code_of(language) not in GEMINI:
            return ()
        pairs = [words.split(" ", 1) for words in _VOICES]
        return tuple(Voice(name, name, language, f"Synthetic, Gemini: {how}.") for name, how in pairs)

    def request(self, wanted: Wanted) -> dict[str, Any]:
        part: dict[str, Any] = {"text": wanted.said.text}
        if self._style:
            part["speechMetadata"] = {"style": self._style}
        return self._request([part], {"voiceConfig": _voice(wanted.line.voice)})

    def _request(self, parts: list[dict[str, Any]], speech: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": self.access.connection.model,
            "body": {
                "contents": [{"role": "user", "parts": parts}],
                "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": speech},
            },
        }

    @property
    def _style(self) -> str:
        return str(self.access.connection.options.get("style") or "")[:200]

    def ask(self, request: dict[str, Any]) -> Reply:
        return Reply(self.post(f"models/{request['model']}:generateContent", json=request["body"]).body)

    def read(self, body: bytes) -> Heard:
        try:
            told = json.loads(body)
            blocked = (told.get("promptFeedback") or {}).get("blockReason")
            if blocked:
                raise SoundRefused(Sentence("with a refusal (%(reason)s)", reason=str(blocked)[:40]))
            candidate = told["candidates"][0]
            reason = str(candidate.get("finishReason") or "")
            if reason in _REFUSALS:
                raise SoundRefused(Sentence("with a refusal (%(reason)s)", reason=reason))
            if reason == "MAX_TOKENS":
                raise SoundUnusable(Sentence("with speech that breaks off at its own limit"))
            for part in candidate["content"]["parts"]:
                data = part.get("inlineData")
                if data:
                    return Heard(base64.b64decode(data["data"], validate=True), str(data.get("mimeType") or ""))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error):
            raise SoundUnusable(Sentence("with something that holds no speech")) from None
        raise SoundUnusable(
            Sentence("without any speech (%(reason)s)", reason=reason[:40])
            if reason not in {"", "STOP"}
            else Sentence("without any speech")
        )

    # Conversations ------------------------------------------------------------------------------------------------------

    def batches(self, missing: Sequence[Wanted]) -> list[tuple[Wanted, ...]]:
        """Return neighbouring lines of two English voices together; only English can be parted again by what is heard."""
        most = self.access.connection.options.get("turns_per_call", TURNS_A_CALL)
        most = most if isinstance(most, int) else TURNS_A_CALL
        batches: list[tuple[Wanted, ...]] = []
        for one in missing:
            batch = (*batches[-1], one) if batches else (one,)
            fits = (
                len(batches) > 0
                and len(batch) <= most
                and one.number == batches[-1][-1].number + 1
                and all(code_of(each.line.language) == "en" for each in batch)
                and len({each.line.voice for each in batch}) <= len(_SPEAKERS)
                and sum(len(each.said.text) for each in batch) <= _LETTERS_A_CALL
            )
            if fits:
                batches[-1] = batch
            else:
                batches.append((one,))
        return batches

    def spoken(self, batch: Sequence[Wanted], cancelled: CancelCheck) -> list[tuple[Wanted, Sound, tuple[TimedPiece, ...]]]:
        """Return each line's sound; a conversation that cannot be parted into its lines is asked for line by line."""
        voices = list(dict.fromkeys(one.line.voice for one in batch))
        if len(voices) == len(_SPEAKERS):
            parts = self._conversation(batch, voices, cancelled)
            if parts is not None:
                return [(one, sound, ()) for one, sound in zip(batch, parts, strict=True)]
        return super().spoken(batch, cancelled)

    def _conversation(self, batch: Sequence[Wanted], voices: Sequence[str], cancelled: CancelCheck) -> list[Sound] | None:
        body = self._conversation_reply(batch, dict(zip(voices, _SPEAKERS, strict=True)), cancelled)
        try:
            heard = self.read(body)
            return turns_parted(sound_read(heard.audio, heard.media_type), [one.said for one in batch])
        except SoundUnusable:
            return None

    def _conversation_reply(self, batch: Sequence[Wanted], speakers: dict[str, str], cancelled: CancelCheck) -> bytes:
        """Ask in the form that the model takes: newer ones take a part for each turn, older ones one text."""
        purpose = Sentence("speech from “%(first)s” to “%(last)s”", first=batch[0].said.text[:28], last=batch[-1].said.text[-28:])
        letters = sum(len(one.said.text) for one in batch)
        turns = [(speakers[one.line.voice], one.said.text) for one in batch]
        configs = [{"speaker": name, "voiceConfig": _voice(voice)} for voice, name in speakers.items()]
        speech = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": configs}}
        fact = self.fact("turns")
        known = self.access.remember.get(fact)
        forms = [known] if known in {"parts", "text"} else ["parts", "text"]
        for form in forms:
            parts = self._parts(turns) if form == "parts" else [{"text": "\n".join(f"{name}: {text}" for name, text in turns)}]
            try:
                body = self.paid(purpose, self._request(parts, speech), letters=letters, run=1, cancelled=cancelled)
            except CallRefused as error:
                is_other_form = error.details.get("status") == 400 and error.details.get("reason") != "API_KEY_INVALID"
                if not is_other_form or form == forms[-1]:
                    raise
                continue
            if known is None:
                self.access.remember.set(fact, form)
            return body
        raise AssertionError("one of the forms was asked")

    def _parts(self, turns: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        style = {"style": self._style} if self._style else {}
        return [{"text": text, "speechMetadata": {"speaker": name, **style}} for name, text in turns]


def _voice(name: str) -> dict[str, Any]:
    return {"prebuiltVoiceConfig": {"voiceName": name}}
