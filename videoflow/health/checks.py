"""What Django's checks say of the environment besides their own: variables that were meant for the studio and are none of its."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register

from videoflow.env import env_strangers

STRANGER_ID = "videoflow.W001"


@register()
def strangers_check(**_: Any) -> list[CheckMessage]:
    """Return a warning for each variable that looks like a setting of the studio and is none: mistyped, or of another version."""
    return [checks.Warning(sentence, id=STRANGER_ID) for sentence in env_strangers(settings.VIDEOFLOW_VARIABLES)]
