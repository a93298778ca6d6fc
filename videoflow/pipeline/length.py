"""Obey the wanted length by measuring the speech: choose exchanges, speak them, extend or trim until it fits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, DraftTurn, Exchange, SpokenLine
from videoflow.sentences import Sentence

LEAD_SECONDS = 0.6  # picture and music before the first word
TAIL_SECONDS = 2.4  # after the last word, for the outro card and the music's end
SECTION_PAUSE_SECONDS = 0.85
EXCHANGE_PAUSE_SECONDS = 0.45
ANSWER_PAUSE_SECONDS = 0.25
SAME_SPEAKER_PAUSE_SECONDS = 0.15
GUESS_WORDS_PER_SECOND = 2.6  # before anything was measured; two hosts at about 160 words a minute
SPARE_SECONDS = 1.0  # above the minimum, so that rounding never lands below it
SHARE_LIMITS = (0.35, 0.65)
MAX_ROUNDS = 12

Speak = Callable[[Sequence[DraftTurn]], list[SpokenLine]]
"""Speaks turns, in order; what was spoken before costs nothing."""


@dataclass(frozen=True, slots=True)
class TimedTurn:
    turn: DraftTurn
    section: str
    pause_seconds: float
    """Silence before it; the first turn's is the lead."""
    spoken: SpokenLine


@dataclass(frozen=True, slots=True)
class MeasuredScript:
    turns: tuple[TimedTurn, ...]
    seconds: float
    """The whole video: lead, speech, pauses, tail."""
    share_a: float


def _pause(before: tuple[DraftTurn, str, int] | None, turn: DraftTurn, section: str, exchange: int) -> float:
    if before is None:
        return LEAD_SECONDS
    turn_before, section_before, exchange_before = before
    if section != section_before:
        return SECTION_PAUSE_SECONDS
    if exchange != exchange_before:
        return EXCHANGE_PAUSE_SECONDS
    return SAME_SPEAKER_PAUSE_SECONDS if turn.speaker == turn_before.speaker else ANSWER_PAUSE_SECONDS


def _measure(exchanges: Sequence[Exchange], speak: Speak) -> MeasuredScript:
    turns = [turn for exchange in exchanges for turn in exchange.turns]
    spoken = iter(speak(turns))
    timed: list[TimedTurn] = []
    before: tuple[DraftTurn, str, int] | None = None
    for number, exchange in enumerate(exchanges):
        for turn in exchange.turns:
            pause = _pause(before, turn, exchange.section, number)
            timed.append(TimedTurn(turn, exchange.section, pause, next(spoken)))
            before = (turn, exchange.section, number)
    speaking = sum(item.spoken.seconds for item in timed)
    seconds_a = sum(item.spoken.seconds for item in timed if item.turn.speaker == "A")
    total = speaking + sum(item.pause_seconds for item in timed) + TAIL_SECONDS
    return MeasuredScript(tuple(timed), total, seconds_a / speaking if speaking else 0.0)


def _guess_seconds(exchange: Exchange, words_per_second: float) -> float:
    words = sum(len(turn.text.split()) for turn in exchange.turns)
    return words / words_per_second + EXCHANGE_PAUSE_SECONDS + ANSWER_PAUSE_SECONDS * (len(exchange.turns) - 1)


def _words_per_second(measured: MeasuredScript) -> float:
    words = sum(len(item.turn.text.split()) for item in measured.turns)
    return words / max(1.0, sum(item.spoken.seconds for item in measured.turns))


def _ranked(exchanges: Sequence[Exchange]) -> list[int]:
    """Return the indexes of the optional exchanges, the first to be taken first."""
    optional = [index for index, exchange in enumerate(exchanges) if not exchange.required]
    return sorted(optional, key=lambda index: (-exchanges[index].priority, index))


def script_fit(conversation: Conversation, speak: Speak, *, minimum_seconds: float, check: Callable[[], None]) -> MeasuredScript:
    """Return the conversation with as many optional exchanges as the measured length needs.

    A fixed script is spoken as written. ``check`` is called between rounds and may raise Cancelled.

    Raises:
        BadInput: everything there is to say does not reach ``minimum_seconds``, or one speaker says too little.
    """
    exchanges = conversation.exchanges
    if conversation.fixed:
        return _measure(exchanges, speak)
    ranked = _ranked(exchanges)
    chosen = {index for index, exchange in enumerate(exchanges) if exchange.required}
    pace = GUESS_WORDS_PER_SECOND
    target = minimum_seconds + SPARE_SECONDS
    total = LEAD_SECONDS + TAIL_SECONDS + sum(_guess_seconds(exchanges[index], pace) for index in chosen)
    for index in ranked:
        if total >= target:
            break
        chosen.add(index)
        total += _guess_seconds(exchanges[index], pace)
    measured = _measure([exchanges[index] for index in sorted(chosen)], speak)
    for _ in range(MAX_ROUNDS):
        check()
        pace = _words_per_second(measured)
        missing = target - measured.seconds
        left = [index for index in ranked if index not in chosen]
        if missing > 0:
            if not left:
                raise _too_short(measured, minimum_seconds, pace)
            for index in left:
                chosen.add(index)
                missing -= _guess_seconds(exchanges[index], pace)
                if missing <= 0:
                    break
        else:
            # the last taken goes first; never one whose loss would fall below the minimum
            spare = -missing
            loose = [
                index for index in reversed(ranked) if index in chosen and _guess_seconds(exchanges[index], pace) * 1.15 < spare
            ]
            if not loose:
                break
            chosen.remove(loose[0])
        measured = _measure([exchanges[index] for index in sorted(chosen)], speak)
    return _balanced(exchanges, chosen, ranked, measured, speak, check)


def _balanced(
    exchanges: Sequence[Exchange],
    chosen: set[int],
    ranked: list[int],
    measured: MeasuredScript,
    speak: Speak,
    check: Callable[[], None],
) -> MeasuredScript:
    """Add optional exchanges in which the quieter speaker talks more until both have 35 to 65 per cent."""
    while not SHARE_LIMITS[0] <= measured.share_a <= SHARE_LIMITS[1]:
        check()
        quiet = "A" if measured.share_a < SHARE_LIMITS[0] else "B"
        helpful = [index for index in ranked if index not in chosen and _share(exchanges[index], quiet) > 0.5]
        if not helpful:
            raise BadInput(
                Sentence(
                    "One speaker would say %(share)s of this conversation. Add material that both can talk about, "
                    "or try another seed.",
                    share=f"{max(measured.share_a, 1 - measured.share_a):.0%}",
                ),
                code="UNBALANCED",
                details={"quiet": quiet},
            )
        chosen.add(helpful[0])
        measured = _measure([exchanges[index] for index in sorted(chosen)], speak)
    return measured


def _share(exchange: Exchange, speaker: str) -> float:
    words = [(turn.speaker, len(turn.text.split())) for turn in exchange.turns]
    return sum(count for who, count in words if who == speaker) / max(1, sum(count for _, count in words))


def _too_short(measured: MeasuredScript, minimum_seconds: float, pace: float) -> BadInput:
    more_words = int((minimum_seconds - measured.seconds) * pace * 1.3 / 10 + 1) * 10
    return BadInput(
        Sentence(
            "This material carries %(length)s when spoken, and %(wanted)s are wanted. Add about "
            "%(more_words)s words of notes, pick more themes, or choose a shorter video.",
            length=minutes(measured.seconds),
            wanted=minutes(minimum_seconds),
            more_words=more_words,
        ),
        code="TOO_LITTLE_MATERIAL",
        details={"measured_seconds": round(measured.seconds, 1), "minimum_seconds": minimum_seconds, "words_missing": more_words},
    )


def minutes(seconds: float) -> str:
    """Return ``m:ss``."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
