"""What all speech services have in common: one call for each line, each reply checked, finished and kept by its content."""

import hashlib
import json
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from videoflow.errors import BadInput
from videoflow.providers.base import CancelCheck, Line, Report, SpokenLine, Voice
from videoflow.providers.crew import abreast
from videoflow.providers.loudness import without_rumble
from videoflow.providers.net import Answer, Patience, ServiceBroken, as_paid, gate_of
from videoflow.providers.paid import PaidCall, Reply, request_hash
from videoflow.providers.recordings import levelled, levels_db, recording_read, recording_write, softened, sounding
from videoflow.providers.registry import Access
from videoflow.providers.services import service_get
from videoflow.providers.speaking.decoding import Sound, SoundRefused, SoundUnusable, sound_read
from videoflow.providers.speaking.plausibility import PACE_LETTERS, spoken_check, spoken_letters
from videoflow.providers.speaking.said import Said, said_read
from videoflow.providers.speaking.voice_lists import voice_check
from videoflow.providers.speaking.word_times import TimedPiece, words_timed
from videoflow.providers.takes import Takes
from videoflow.sentences import Sentence

FINISHING = 1
"""Raised when lines are finished in another way, so that kept ones are made again from the replies that were paid for."""
REPLY_LIMIT_BYTES = 24_000_000
PACES_KEPT = 30
PACES_NEEDED = 5
_PURPOSE_LETTERS = 60


class SpeechUnusable(ServiceBroken):
    """The service answered, and what came cannot be the line."""

    code = "SPEECH_UNUSABLE"
    default_retryable = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line to be spoken."""

    number: int
    """From 1, as the creator counts."""
    key: str
    line: Line
    said: Said


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply holds."""

    audio: bytes
    media_type: str = ""
    pieces: tuple[TimedPiece, ...] = ()


class ServiceSpeech(ABC):
    """Speaks through one service; a subclass says how one request is made and how its reply is read."""

    longest_letters: ClassVar[int] = 4096
    """Characters that one request takes."""
    version: ClassVar[int] = 1
    """Raised when a subclass asks in a way that sounds different."""
    deadline_seconds: ClassVar[float] = 90.0
    units_per_letter: ClassVar[float] = 1.0
    """Thousandths of the unit in the price list that a character takes."""
    lists_voices: ClassVar[bool] = True
    """Whether the service is asked which voices there are; else they are known without it."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.name = access.connection.service
        self.label = service_get(self.name).label
        self._gate = gate_of(access.connection)
        self._patience = Patience(self._gate)
        self._voices: dict[str, tuple[Voice, ...]] = {}

    @abstractmethod
    def voices(self, language: str) -> tuple[Voice, ...]:
        """Return the voices that speak a language (BCP 47)."""

    @abstractmethod
    def request(self, wanted: Wanted) -> dict[str, Any]:
        """Return all that decides the sound of one line, as the service's own request: JSON-able and without the credential."""

    @abstractmethod
    def ask(self, request: dict[str, Any]) -> Reply:
        """Make the request and return the reply as it came."""

    @abstractmethod
    def read(self, body: bytes) -> Heard:
        """Return what a reply holds.

        Raises:
            SoundUnusable: nothing that could be a line; asked a second time, unless it is a ``SoundRefused``.
        """

    def speak(
        self,
        lines: Sequence[Line],
        out_dir: Path,
        *,
        report: Report,
        cancelled: CancelCheck,
        on_line: Callable[[int, SpokenLine], None] | None = None,
    ) -> list[SpokenLine]:
        """Speak every line; equal lines share a file, and one that stands in ``out_dir`` is not asked for again.

        Raises:
            BadInput: a line that the service cannot take.
            CallRefused, CallUnknown: as a paid call.
            SpeechUnusable: what came cannot be the line, twice.
        """
        self._patience = Patience(self._gate)
        wanted = [self._wanted(number, line) for number, line in enumerate(lines, start=1)]
        takes = Takes([one.key for one in wanted], out_dir, provider=self.name, on_line=on_line)
        batches = self.batches([wanted[index] for index in takes.kept_take()])
        total = sum(len(one.said.text) for one in wanted) or 1

        def tell(under_way: Sequence[tuple[Wanted, ...]]) -> None:
            facts = {"label": self.label, "lines": len(lines), "done": takes.lines_taken}
            count = sum(map(len, under_way))
            told = (
                Sentence("%(label)s spoke %(done)s of %(lines)s lines, %(count)s being spoken", **facts, count=count)
                if count
                else Sentence("%(label)s spoke %(done)s of %(lines)s lines", **facts)
            )
            report(sum(len(one.said.text) for one in wanted if one.key in takes) / total, told)

        for spoken, under_way in abreast(
            batches,
            lambda batch: self.spoken(batch, cancelled),
            most=self.access.connection.at_once,
            cancelled=cancelled,
            room=self.access.room,
            begun=tell,
        ):
            for one, sound, pieces in spoken:
                takes.take(one.key, self._keep(one, sound, pieces, out_dir))
            tell(under_way)
        tell(())
        return takes.spoken()

    def post(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a request for sound; one that costs money is not given up, so that what is paid for is kept."""
        return self.access.client.request(
            "POST",
            path,
            params=params,
            json=json,
            content=content,
            headers=headers,
            deadline_seconds=self.deadline_seconds,
            limit_bytes=REPLY_LIMIT_BYTES,
            cancelled=self.access.cancelled if self._is_free else None,
        )

    def batches(self, missing: Sequence[Wanted]) -> list[tuple[Wanted, ...]]:
        """Return which lines are asked for together."""
        return [(one,) for one in missing]

    def spoken(self, batch: Sequence[Wanted], cancelled: CancelCheck) -> list[tuple[Wanted, Sound, tuple[TimedPiece, ...]]]:
        """Return each line's sound as it came; asks a second time when what came cannot be the line."""
        return [(one, *self._one(one, cancelled)) for one in batch]

    def _one(self, one: Wanted, cancelled: CancelCheck) -> tuple[Sound, tuple[TimedPiece, ...]]:
        request = self.request(one)
        purpose = Sentence("speech of “%(words)s”", words=one.said.text[:_PURPOSE_LETTERS])
        runs = f"runs:{one.key}"
        first = int(self.access.remember.get(runs) or 1)
        problem: SoundUnusable | None = None
        shown = {"number": one.number, "words": one.said.text[:_PURPOSE_LETTERS]}
        for run in (first, first + 1):
            body = self.paid(purpose, request, letters=len(one.said.text), run=run, cancelled=cancelled)
            try:
                heard = self.read(body)
                sound = sound_read(heard.audio, heard.media_type)
                spoken_check(sound, one.said, pace=self.pace(one.line.voice))
            except SoundRefused as error:
                raise self.unusable(
                    Sentence("answered line %(number)s (“%(words)s”) %(problem)s", **shown, problem=error)
                ) from None
            except SoundUnusable as error:
                problem = error
                continue
            return sound, heard.pieces
        # Both replies are kept: a creator who tries again as it stands wants another answer than those.
        self.access.remember.set(runs, first + 2)
        raise self.unusable(Sentence("answered line %(number)s (“%(words)s”) %(problem)s, twice", **shown, problem=problem))

    def unusable(self, what: str) -> SpeechUnusable:
        return SpeechUnusable(
            Sentence(
                "%(label)s %(what)s. Change its wording or the voice, or try again, which asks %(label)s anew.",
                label=self.label,
                what=what,
            ),
            service=self.name,
            reason="unusable",
        )

    def paid(self, purpose: str, request: dict[str, Any], *, letters: int, run: int, cancelled: CancelCheck) -> bytes:
        """Return the reply to a request, paid for once; waits where the service asks for it, as long as there is patience.

        What a service of one's own says costs nothing, so it is simply asked.
        """

        def send(_key: str) -> Reply:
            return self.ask(request)

        def free(key: str) -> bytes:
            return cast(Reply, as_paid(send)(key)).body

        call = PaidCall(
            provider=self.name,
            model=self.access.connection.model,
            capability="speech",
            purpose=purpose,
            request_hash=request_hash(base_url=self.access.connection.base_url, request=request),
            send=as_paid(send),
            units=letters / 1000 * self.units_per_letter,
            run=run,
        )
        return self._patience.ask(lambda: free("") if self._is_free else self.access.pay(call), cancelled)

    @property
    def _is_free(self) -> bool:
        price = service_get(self.name).price.get("speech")
        return price is not None and price.micros == 0

    def pace(self, voice: str) -> float | None:
        """Return the seconds a letter that a voice takes, learned from its lines; None while too few are known."""
        known = self.access.remember.get(self._pace_name(voice)) or []
        return statistics.median(known) if len(known) >= PACES_NEEDED else None

    def _pace_name(self, voice: str) -> str:
        return self.fact("pace", voice)

    def fact(self, what: str, *about: str) -> str:
        """Return the name of something that is remembered about the service at this address and with this model."""
        connection = self.access.connection
        return f"{what}:{_hash([connection.base_url, connection.model, *about])[:24]}"

    def _wanted(self, number: int, line: Line) -> Wanted:
        said = said_read(line)
        if not said.letters:
            shown = f" (“{line.text.strip()[:60]}”)" if line.text.strip() else ""
            raise BadInput(
                Sentence(
                    "Line %(number)s%(shown)s has nothing that can be said. Write words there, or remove the line.",
                    number=number,
                    shown=shown,
                )
            )
        if len(said.text) > self.longest_letters:
            raise BadInput(
                Sentence(
                    "Line %(number)s is longer than the %(limit)s characters that %(label)s takes. Split it into several turns.",
                    number=number,
                    limit=f"{self.longest_letters:,}",
                    label=self.label,
                )
            )
        if line.language not in self._voices:
            self._voices[line.language] = self.voices(line.language)
        voice_check(self.label, line, self._voices[line.language])
        one = Wanted(number, "", line, said)
        facts = [self.name, self.access.connection.base_url, self.request(one), line.text, self.version, FINISHING]
        return Wanted(number, _hash(facts), line, said)

    def _keep(self, one: Wanted, sound: Sound, pieces: Sequence[TimedPiece], out_dir: Path) -> SpokenLine:
        """Bring a line into house form, find its words and write it down."""
        rate = sound.rate_hz
        clean = without_rumble(sound.samples, rate)
        first, last = sounding(levels_db(clean, rate), clean, rate)
        line = levelled(softened(clean[first:last], rate), rate)
        offset = first / rate
        shifted = [TimedPiece(piece.text, max(0.0, piece.start - offset), max(0.0, piece.end - offset)) for piece in pieces]
        words, timing = words_timed(one.said, Sound(line, rate), shifted, language=one.line.language)
        facts = {
            "words": [[word.text, word.start, word.end] for word in words],
            "timing": timing,
            "voice": one.line.voice,
            "model": self.access.connection.model or self.label,
            "said": one.said.text,
        }
        recording_write(out_dir, one.key, line, rate, facts)
        self._learn(one, len(line) / rate)
        kept = recording_read(out_dir, one.key, provider=self.name)
        if kept is None:
            raise OSError("A spoken line could not be read back from the data folder.")
        return kept

    def _learn(self, one: Wanted, seconds: float) -> None:
        weight = spoken_letters(one.said)
        if weight >= PACE_LETTERS:
            name = self._pace_name(one.line.voice)
            known = list(self.access.remember.get(name) or [])
            self.access.remember.set(name, [*known, round(seconds / weight, 5)][-PACES_KEPT:])


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
