"""What a creator asks of the picture service for one scene, and which licence they take on themselves."""

import time

from django.db import transaction
from django.utils import timezone

from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.pipeline.connections import choice_of, provider_open
from videoflow.pipeline.editing.scenes_media import CANDIDATES_MOST, picture_use, spoken_turns
from videoflow.pipeline.ledger import Payer, paid_directly
from videoflow.pipeline.models import Asset, Project, Scene
from videoflow.pipeline.service_pictures import ServicePicture, ServicePictures, shown_of, wishes_of
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.store import file_store, files_keep, room_check
from videoflow.providers.base import Shot
from videoflow.providers.services import EMBEDDED, service_label
from videoflow.sentences import Sentence
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_retry

ASK_SECONDS_MOST = 120.0
"""A search takes a few seconds; a picture that is made takes up to a minute, a clip longer."""
_ROOM_BYTES = 300_000_000


def picture_service(project: Project) -> str:
    """Return what the project's service of pictures is called; empty where its pictures are drawn here."""
    try:
        service = choice_of(project, "images").service
    except BadInput:  # chosen once, and not there any more
        return ""
    return "" if service == EMBEDDED else service_label(service)


def scene_ask(*, scene: Scene) -> Asset:
    """Get another picture of the project's service for the same words, show it, and keep the one before among the candidates.

    Raises:
        BadInput: lines have changed since the recording, many were tried already, or the service cannot be used as it is.
        NoPicture: the service has no other; the sentence has what it was asked.
        VideoflowError: it did not answer, or not in time.
    """
    project, script = scene.project, scene.script
    choice = choice_of(project, "images")
    if choice.service == EMBEDDED:
        raise BadInput("No service of pictures is chosen for this project.")
    if script.media_seconds is None:
        raise BadInput("The media are still being made. Wait until they are complete.")
    if turns_unspoken(project, script):
        raise BadInput("Lines have changed since the recording. Update the media first; then another picture can be asked for.")
    tried = list(scene.candidates.all())
    if len(tried) >= CANDIDATES_MOST:
        raise BadInput(
            Sentence(
                "%(limit)s pictures were tried here. Choose one of them, or bring your own.",
                limit=CANDIDATES_MOST,
            )
        )
    room_check(_ROOM_BYTES)
    until = time.monotonic() + ASK_SECONDS_MOST

    def is_over() -> bool:
        return time.monotonic() > until

    pay = paid_directly(Payer(project.session, "media_generation", project), cancelled=is_over)
    provider = provider_open(project, "images", pay=pay, cancelled=is_over, choice=choice)
    rows = list(script.scenes.select_related("asset"))
    service = ServicePictures(provider, shown_of([*(row.asset for row in rows), *tried]), cancelled=is_over)
    turns = spoken_turns(project, list(script.turns.select_related("speech")))
    shots = [_shot(row) for row in rows]
    wishes = wishes_of(project, script, turns, shots, choice.options, wanted=lambda shot: shot.index == scene.position)
    made_before = sum(asset.origin == choice.service for asset in {scene.asset, *tried})
    try:
        chosen = service.picture(wishes[scene.position], run=made_before + 1)
    except Cancelled:
        raise VideoflowError(
            Sentence(
                "%(label)s did not answer within %(seconds)s s. Try again; what is paid for is not paid again.",
                label=service.label,
                seconds=f"{ASK_SECONDS_MOST:.0f}",
            ),
            code="BUSY",
            retryable=True,
        ) from None
    files_keep([chosen.picture.file.path])
    with transaction.atomic():
        asset = _row(scene, chosen.picture, f"scene-{scene.position + 1:03}-{len(tried) + 2}")
        picture_use(scene=scene, asset=asset)
    return asset


def _shot(scene: Scene) -> Shot:
    return Shot(
        index=scene.position,
        turn_indexes=tuple(scene.turn_positions),
        start=scene.start,
        seconds=scene.seconds,
        kind="clip" if scene.asset.kind == Asset.Kind.CLIP else "image",
        layout=scene.layout,
        spec=scene.spec,
        motion="still",
        transition="cut",
    )


def _row(scene: Scene, picture: ServicePicture, name: str) -> Asset:
    file = picture.file
    stored = file_store(file.path)
    return Asset.objects.create(
        project=scene.project,
        kind=file.kind,
        name=f"{name}{file.path.suffix}",
        width_px=file.width_px,
        height_px=file.height_px,
        seconds=file.seconds,
        path=stored.path,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        **picture.facts,
    )


def stand_in_allow(*, project: Project) -> None:
    """Let pictures be drawn here where the project's service has none, and go on with the media that stopped for it.

    Raises:
        BadInput: the media did not stop.
        VideoflowError: they cannot be retried any more.
    """
    task = Task.objects.filter(project=project, task_type="media_generation").order_by("-created_at").first()
    if task is None or task.status != Task.Status.FAILED:
        raise BadInput("The media are not waiting for this any more.")
    with transaction.atomic():
        stored = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        chosen = stored.providers.get("images") or {}
        stored.providers = {**stored.providers, "images": {**chosen, "fallback": True}}
        stored.save(update_fields=["providers"])
        task_retry(task_id=task.pk)


def licence_waive(*, asset: Asset) -> None:
    """Note that the creator takes it on themselves to use a picture whose licence stands against it."""
    Asset.objects.filter(pk=asset.pk, licence_waived_at=None).exclude(licence_refused="").update(licence_waived_at=timezone.now())
    asset.refresh_from_db()
