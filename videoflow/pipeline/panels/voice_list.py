"""The voices of the settings page: whose they are, and what hearing one costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videoflow.errors import VideoflowError
from videoflow.pipeline.budget import price_of
from videoflow.pipeline.connections import Choice, model_default
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.service_list import service_row
from videoflow.pipeline.voices import SAMPLES, voices_of
from videoflow.providers.base import Voice
from videoflow.providers.service import Service
from videoflow.providers.services import EMBEDDED, service_get, services_for
from videoflow.translation import translated
from videoflow.vault.services import Owner, credentials_stored

LANGUAGES: tuple[tuple[str, Promise], ...] = (
    ("en", _("English")),
    ("de", _("German")),
    ("es", _("Spanish")),
    ("fr", _("French")),
    ("it", _("Italian")),
    ("pt", _("Portuguese")),
    ("nl", _("Dutch")),
    ("pl", _("Polish")),
    ("tr", _("Turkish")),
    ("hi", _("Hindi")),
    ("ja", _("Japanese")),
    ("ko", _("Korean")),
    ("zh", _("Chinese")),
)
MOST_SHOWN = 60
_TOKENS_PER_SAMPLE = 250
"""Of audio and text, rounded up, where a service counts tokens."""


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One voice; ``address`` is that of its sample once there is one."""

    voice: Voice
    address: str = ""
    problem: str = ""
    lost_call: str = ""
    """Id of a call whose answer was lost, so that hearing it again may cost twice."""


@dataclass(frozen=True, slots=True)
class VoiceSource:
    """A speech service that could be listened to."""

    service: Service
    lacks_key: bool


@dataclass(frozen=True, slots=True)
class VoiceList:
    source: Service
    language: str
    sources: tuple[VoiceSource, ...]
    rows: tuple[VoiceRow, ...]
    left_out: int
    cost_micros: int | None
    """Of one sample; None when no price is known, 0 when it is free."""
    problem: str = ""

    @property
    def languages(self) -> tuple[tuple[str, Promise], ...]:
        return LANGUAGES


def voice_sources(owner: Owner | None) -> tuple[VoiceSource, ...]:
    """Return the speech services, the embedded voices first; one query."""
    stored = credentials_stored(owner=owner) if owner else {}
    return tuple(
        VoiceSource(service, service_row(service.key, stored).state in ("missing", "shut")) for service in services_for("speech")
    )


def sample_cost(service: str, language: str) -> int | None:
    """Return what hearing a voice costs at most, in millionths of a dollar; None when no price is known."""
    price = price_of(service, "speech", model_default(service, "speech"))
    if not price.micros:
        return price.micros
    letters = len(SAMPLES.get(language, SAMPLES["en"]))
    units = letters / 1000 if price.unit == "1,000 characters" else _TOKENS_PER_SAMPLE / 1000
    return math.ceil(price.micros * units)


def voice_list(project: Project, owner: Owner | None, service: str = EMBEDDED, language: str = "en") -> VoiceList:
    """Return the voices of a service that speak a language; some services are asked for them, at most once a day."""
    voices: Sequence[Voice] = ()
    problem = ""
    try:
        voices = voices_of(project, language, choice=Choice(service))
    except VideoflowError as error:
        problem = translated(str(error))
    return VoiceList(
        source=service_get(service),
        language=language,
        sources=voice_sources(owner),
        rows=tuple(VoiceRow(voice) for voice in voices[:MOST_SHOWN]),
        left_out=max(0, len(voices) - MOST_SHOWN),
        cost_micros=sample_cost(service, language),
        problem=problem,
    )
