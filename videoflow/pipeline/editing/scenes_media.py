"""What a scene shows: drawn once more, tried before, or brought from elsewhere; what a picture shows, and whose it is."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from uuid import UUID

from django.db import transaction

from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.pipeline.arranging import covers_of
from videoflow.pipeline.asset_facts import ALT_LIMIT, picture_facts
from videoflow.pipeline.editing.scenes import scene_show
from videoflow.pipeline.models import Asset, Project, Scene, Script, Turn
from videoflow.pipeline.provenance import Provenance
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.stages.media_generation import cue_read, hosts_read
from videoflow.pipeline.store import cache_dir, file_store, room_check
from videoflow.providers import base
from videoflow.providers.base import Picture, Shot, SpokenTurn, SpokenWord
from videoflow.providers.registry import provider_get
from videoflow.sentences import Sentence

DRAW_SECONDS_MOST = 30.0
"""A picture takes a second or two and a clip about as long as it lasts; whoever waits longer is told that the machine is busy."""
CANDIDATES_MOST = 12
_LOOKS_TRIED = 12  # other storyboards, until one shows this scene in another way
_ROOM_BYTES = 64_000_000
DESCRIBED: Mapping[str, int] = {"alt": ALT_LIMIT, "credit": 300, "licence": 200}
"""What a creator may write about a file, with the longest text."""


PROVENANCE = tuple(field.name for field in Provenance._meta.get_fields())


class StaleAsset(VideoflowError):
    """Somebody else has described the file meanwhile."""

    code = "STALE_REVISION"


def scene_redraw(*, scene: Scene) -> Asset:
    """Draw another picture or clip for the same words, show it, and keep the one before among the candidates.

    Raises:
        BadInput: lines have changed since the recording, or many pictures were tried here already.
        VideoflowError: it took longer than 30 s.
    """
    project, script = scene.project, scene.script
    if script.media_seconds is None:
        raise BadInput("The media are still being made. Wait until they are complete.")
    if turns_unspoken(project, script):
        raise BadInput("Lines have changed since the recording. Update the media first; then this scene can be drawn again.")
    tried = scene.candidates.count()
    if tried >= CANDIDATES_MOST:
        raise BadInput(
            Sentence(
                "%(limit)s pictures were tried here. Choose one of them, or bring your own.",
                limit=CANDIDATES_MOST,
            )
        )
    room_check(_ROOM_BYTES)
    shot = _other_shot(project, script, scene, tried + 1)
    picture = _draw(project, shot)
    stored = file_store(picture.path)
    with transaction.atomic():
        asset = Asset.objects.create(
            project=project,
            name=f"scene-{scene.position + 1:03}-{tried + 2}{picture.path.suffix}",
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            **picture_facts(picture),
        )
        picture_use(scene=scene, asset=asset)
    return asset


def picture_use(*, scene: Scene, asset: Asset) -> None:
    """Show a picture or clip; it and the one before stay among the candidates, also when that is undone.

    Raises:
        BadInput: it is neither picture nor clip, another project's, or its licence stands against it.
    """
    if scene.asset_id == asset.pk:
        return
    if asset.is_refused:
        raise BadInput(
            Sentence(
                "Its licence (%(licence)s) stands against it: %(reason)s. Take that on yourself first, if you may.",
                licence=asset.licence,
                reason=asset.licence_refused,
            ),
            code="LICENCE_REFUSED",
        )
    scene_show(scene=scene, asset=asset)
    scene.candidates.add(asset)


def _other_shot(project: Project, script: Script, scene: Scene, number: int) -> Shot:
    """Return the scene's shot as another storyboard of the same conversation has it; cuts are where they are in each of them."""
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    turns = spoken_turns(project, list(script.turns.select_related("speech")))
    seen = {asset.alt for asset in (*scene.candidates.all(), scene.asset, scene.made) if asset}  # each names its layout and words
    covers = covers_of(scene.covers)
    number_of_shot = next((cover.shot for cover in covers if cover.is_pictured), covers[0].shot if covers else scene.position)
    others: list[Shot] = []
    for attempt in range(number, number + _LOOKS_TRIED):
        shots = pictures.storyboard(
            turns,
            title=script.title,
            look=project.look,
            aspect=project.aspect,
            total_seconds=script.media_seconds or 0.0,
            hosts=hosts_read(project),
            seed=project.seed + 7919 * attempt,
        )
        if number_of_shot >= len(shots):
            raise BadInput("The scenes are cut otherwise by now. Make the media again; then this one can be drawn anew.")
        others.append(shots[number_of_shot])
        if others[-1].alt[:ALT_LIMIT] not in seen:
            break
    other = others[-1]  # where every layout that fits was tried, one of them with other colours and details
    return replace(other, seconds=max(other.seconds, scene.seconds))


def spoken_turns(project: Project, turns: Sequence[Turn]) -> list[SpokenTurn]:
    """Return the turns as they are heard; each brings its recording along."""
    spoken = []
    for turn in turns:
        start = turn.speech.start
        words = tuple(SpokenWord(text, start + begin, start + end) for text, begin, end in turn.words)
        speaker = cast(base.SpeakerId, turn.speaker)
        name = str(project.hosts[turn.speaker]["name"])
        end = start + turn.measured_seconds
        spoken.append(SpokenTurn(turn.position, speaker, name, turn.text, turn.section, start, end, words, cue_read(turn.cue)))
    return spoken


def _draw(project: Project, shot: Shot) -> Picture:
    until = time.monotonic() + DRAW_SECONDS_MOST
    width_px, height_px = project.size_px
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    try:
        [picture] = pictures.draw(
            [shot],
            cache_dir("pictures"),
            look=project.look,
            width_px=width_px,
            height_px=height_px,
            fps=project.FPS,
            report=lambda share, message: None,
            cancelled=lambda: time.monotonic() > until,
        )
    except Cancelled:
        raise VideoflowError(
            Sentence(
                "Drawing took longer than %(seconds)s s, because the machine is busy. Try again in a moment.",
                seconds=f"{DRAW_SECONDS_MOST:.0f}",
            ),
            code="BUSY",
            retryable=True,
        ) from None
    return picture


def asset_adopt(*, project: Project, asset: Asset) -> Asset:
    """Return a file of the creator's as a file of this project: itself, or a second row for the same content."""
    if asset.project_id == project.pk:
        return asset
    known = project.assets.filter(sha256=asset.sha256, kind=asset.kind).first()
    if known is not None:
        return known
    facts = ("kind", "origin", "model", "licence", "credit", "name", "path", "sha256", "size_bytes", "width_px", "height_px")
    more = ("seconds", "alt", "peaks", *PROVENANCE)
    return Asset.objects.create(project=project, **{name: getattr(asset, name) for name in (*facts, *more)})


def scene_of(project: Project, key: UUID) -> Scene | None:
    """Return a scene by its key, with its files, the newest script's first."""
    scenes = project.scenes.filter(key=key).select_related("asset", "made", "script", "project__session")
    return scenes.order_by("-script__version").first()


def asset_revision(asset: Asset) -> str:
    """Return what a form sends back to say which state it shows."""
    facts = [getattr(asset, name) for name in DESCRIBED]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def asset_describe(*, asset: Asset, values: Mapping[str, str], revision: str | None = None) -> None:
    """Write down what a picture shows, and of the creator's own files whose they are and under which licence.

    Raises:
        BadInput: a text is too long, or the credit of a file of ours would be changed.
        StaleAsset: it was described anew since ``revision``.
    """
    clean = {name: " ".join(str(value).split()) for name, value in values.items()}
    for name, value in clean.items():
        if name not in DESCRIBED or (name != "alt" and asset.origin != Asset.UPLOAD):
            raise BadInput("Only what it shows can be written about a file of ours.")
        if len(value) > DESCRIBED[name]:
            raise BadInput(
                Sentence("%(limit)s characters at most; these are %(size)s.", limit=DESCRIBED[name], size=len(value)),
                details={name: "too long"},
            )
    with transaction.atomic():
        stored = Asset.objects.select_for_update().get(pk=asset.pk)
        if all(getattr(stored, name) == value for name, value in clean.items()):
            return
        if revision is not None and revision != asset_revision(stored):
            raise StaleAsset("This was described anew elsewhere meanwhile.")
        for name, value in clean.items():
            setattr(stored, name, value)
        stored.save(update_fields=list(clean))
    asset.refresh_from_db()
