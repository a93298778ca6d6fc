"""The media panel: pictures, recordings and music."""

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import (
    Asset,
    Project,
    Speech,
    script_current,
)
from videoflow.pipeline.panels.base import Content, host_names


def media_content(project: Project, board: Board) -> Content:
    """Pictures, recordings and music of the newest script; four queries."""
    current = script_current(project)
    if current is None:
        return {"scenes": [], "speeches": []}
    scenes = list(current.scenes.select_related("asset"))
    names = host_names(project)
    speeches = Speech.objects.filter(turn__script=current).select_related("turn", "asset").order_by("turn__position")
    shown: dict[str, float] = {}
    for scene in scenes:
        shown[scene.layout] = shown.get(scene.layout, 0.0) + scene.seconds
    total = sum(shown.values()) or 1.0
    return {
        "scenes": scenes,
        "speeches": [(speech, names.get(speech.turn.speaker, "")) for speech in speeches],
        "music": project.assets.filter(kind=Asset.Kind.MUSIC).order_by("-created_at").first(),
        "clips": sum(scene.asset.kind == Asset.Kind.CLIP for scene in scenes),
        "layouts": sorted(((name, seconds / total) for name, seconds in shown.items()), key=lambda item: -item[1]),
        "tile_class": {"9:16": "tile-tall", "1:1": "tile-square"}.get(project.aspect, ""),
    }
