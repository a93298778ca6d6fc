"""The rows of scenes as the media step writes them: a picture with its place in time, and what the creator had chosen for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import cast
from uuid import UUID

from videoflow.pipeline.arranging import Cover
from videoflow.pipeline.asset_facts import picture_facts
from videoflow.pipeline.keeping import KeptScene
from videoflow.pipeline.models import Asset, Scene, Script
from videoflow.pipeline.service_pictures import Chosen, motion_of
from videoflow.pipeline.service_scenes import ServiceScenes, candidates_add, picture_add
from videoflow.pipeline.stages.base import StageContext, asset_add
from videoflow.providers.base import Picture, Shot


@dataclass(frozen=True, slots=True)
class PlannedScene:
    shot: Shot
    kept: KeptScene | None
    words_key: str
    start: float
    end: float
    covers: tuple[Cover, ...]
    turn_positions: tuple[int, ...]
    follows: int | None
    """Position of the scene that it was split from, whose picture it shows too."""


def scene_keep(context: StageContext, script: Script, scene: PlannedScene) -> Asset:
    """Write a scene whose picture the creator chose, and return that picture."""
    kept = cast(KeptScene, scene.kept)
    asset = Asset.objects.get(project=context.project, pk=kept.asset_id)
    made = Asset.objects.filter(project=context.project, pk=kept.made_id).first() if kept.made_id else None
    _scene_save(context, script, scene, asset, made, layout=kept.layout)
    return asset


def scenes_follow(context: StageContext, script: Script, scenes: Sequence[PlannedScene]) -> None:
    """Write scenes that show the picture of the one that they were split from; without that one there is none."""
    drawn = {first.position: first for first in script.scenes.select_related("asset", "made")} if scenes else {}
    for scene in scenes:
        first = drawn.get(scene.follows) if scene.follows is not None else None
        if first is not None:
            with context.fenced():
                _scene_save(context, script, scene, first.asset, first.made, layout=first.layout)


def scene_draw(context: StageContext, script: Script, scene: PlannedScene, picture: Picture, service: ServiceScenes) -> None:
    asset = asset_add(
        context,
        picture.path,
        name=f"scene-{scene.shot.index + 1:03}{picture.path.suffix}",
        **picture_facts(picture),
        note=service.notes.get(scene.shot.index, ""),
    )
    row = _scene_save(context, script, scene, asset, asset, layout=scene.shot.layout)
    candidates_add(context, row, service.refused.get(scene.shot.index, ()))


def scene_picture(context: StageContext, script: Script, scene: PlannedScene, chosen: Chosen) -> None:
    """Write a scene that shows a service's picture, with the others that would do beside it."""
    asset = picture_add(context, chosen.picture, f"scene-{scene.shot.index + 1:03}")
    motion = motion_of(scene.shot, asset.kind)
    kept = scene.kept
    if kept is not None and kept.motion == "still":  # a drawing that moved by itself stood here
        kept = replace(kept, motion=motion)
    placed = replace(scene, shot=replace(scene.shot, motion=motion), kept=kept)
    row = _scene_save(context, script, placed, asset, asset, layout=scene.shot.layout)
    candidates_add(context, row, chosen.others)


def _scene_save(
    context: StageContext, script: Script, scene: PlannedScene, asset: Asset, made: Asset | None, *, layout: str
) -> Scene:
    """Write a scene; its motion is the creator's while the picture is of the same kind, else the storyboard's."""
    shot, kept = scene.shot, scene.kept
    carries = kept is not None and (kept.keeps_picture or kept.layout == shot.layout)
    row = Scene.objects.create(
        project=context.project,
        script=script,
        asset=asset,
        made=made,
        position=shot.index,
        turn_positions=list(scene.turn_positions),
        start=scene.start,
        seconds=scene.end - scene.start,
        layout=layout,
        spec=asdict(shot)["spec"],
        motion=kept.motion if kept and carries else shot.motion,
        transition=kept.transition if kept and carries else shot.transition,
        focus_x=kept.focus[0] if kept and carries else shot.focus[0],
        focus_y=kept.focus[1] if kept and carries else shot.focus[1],
        drawn_for=scene.words_key,
        covers=[cover.stored() for cover in scene.covers],
    )
    if kept is not None:
        row.key = UUID(kept.key)
        row.is_locked, row.trim_start, row.end_shift = kept.is_locked, kept.trim_start, kept.end_shift
        row.save(update_fields=["key", "is_locked", "trim_start", "end_shift"])
        row.candidates.set(Asset.objects.filter(project=context.project, pk__in=kept.candidate_ids))
    return row
