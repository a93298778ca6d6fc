"""Which voice speaks which host; every line that another voice spoke waits to be spoken again."""

from collections.abc import Sequence

from django.db import transaction

from videoflow.errors import BadInput
from videoflow.pipeline.models import Project
from videoflow.providers.base import Voice

SPEAKERS = ("A", "B")


def host_voice_set(*, project: Project, speaker: str, voice: str, voices: Sequence[Voice]) -> None:
    """Let a host speak with one of ``voices``; if it is the other host's, the two swap theirs.

    Raises:
        BadInput: there is no such host or voice.
    """
    if speaker not in SPEAKERS:
        raise BadInput("Choose one of the two hosts.", code="HOST_UNKNOWN")
    if voice not in {known.key for known in voices}:
        raise BadInput("There is no such voice any more. Choose another one.", code="VOICE_UNKNOWN")
    other = "B" if speaker == "A" else "A"
    with transaction.atomic():
        row = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = row.hosts.get(speaker, {}).get("voice", "")
        row.hosts[speaker] = {**row.hosts.get(speaker, {}), "voice": voice}
        if row.hosts.get(other, {}).get("voice") == voice:
            swapped = before or next(known.key for known in voices if known.key != voice)
            row.hosts[other] = {**row.hosts[other], "voice": swapped}
        row.save(update_fields=["hosts", "updated_at"])
    project.hosts = row.hosts
