"""Lists of voices that a service is asked for once a day, and a voice that is on none of them."""

import hashlib
import time
from collections.abc import Callable, Sequence

from videoflow.errors import BadInput
from videoflow.providers.base import Line, Voice
from videoflow.providers.registry import Access
from videoflow.sentences import Sentence

_KEPT_SECONDS = 24 * 3600.0
_SHOWN = 8


def voices_remembered(access: Access, ask: Callable[[], list[Voice]]) -> list[Voice]:
    """Return a service's voices, asked for at most once a day and account."""
    connection = access.connection
    account = hashlib.sha256(f"{connection.base_url}\n{connection.model}\n{connection.key}".encode()).hexdigest()[:24]
    name = f"voices:{account}"
    kept = access.remember.get(name)
    if isinstance(kept, dict) and 0 <= time.time() - kept["at"] < _KEPT_SECONDS:
        return [Voice(*facts) for facts in kept["voices"]]
    voices = ask()
    if voices:  # a server that is still loading lists none
        facts = [[voice.key, voice.name, voice.language, voice.description] for voice in voices]
        access.remember.set(name, {"at": time.time(), "voices": facts})
    return voices


def voice_check(label: str, line: Line, voices: Sequence[Voice]) -> None:
    """Refuse a voice that is not among those of the line's language.

    Raises:
        BadInput: with voices that are.
    """
    if any(voice.key == line.voice for voice in voices):
        return
    if not voices:
        raise BadInput(
            Sentence(
                "%(label)s has no voice that speaks “%(language)s”. Choose another service or language.",
                label=label,
                language=line.language,
            )
        )
    names = ", ".join(voice.name for voice in voices[:_SHOWN])
    raise BadInput(
        Sentence(
            "%(label)s has no voice “%(voice)s” for “%(language)s”. Choose another one for the host, such as %(names)s.",
            label=label,
            voice=line.voice,
            language=line.language,
            names=names,
        )
    )
