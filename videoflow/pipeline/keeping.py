"""Keep what the creator chose for a scene when the media are made anew: locks, own pictures, motion, moved cuts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from videoflow.pipeline.models import Asset, Project, Scene, Script

SHORTEST_SECONDS = 0.7  # a scene that is shorter cannot be read


@dataclass(frozen=True, slots=True)
class KeptScene:
    """What a scene carries over; ``asset_id`` and ``made_id`` are ids of assets as texts."""

    key: str
    turn_keys: tuple[str, ...]
    layout: str
    motion: str
    transition: str
    focus: tuple[float, float]
    is_locked: bool
    asset_id: str
    made_id: str
    candidate_ids: tuple[str, ...]
    trim_start: float
    end_shift: float
    covers: tuple[Mapping[str, Any], ...] = ()
    """The stretches of shots that it covered, as ``Scene.covers`` has them, with ``turn_keys``; empty for one shot."""

    @property
    def keeps_picture(self) -> bool:
        """Whether the picture stays whatever is said under it."""
        return self.is_locked or self.asset_id != self.made_id

    def asset_ids(self) -> set[str]:
        """Return the assets that must not go while the scene is remembered."""
        return {*self.candidate_ids, *((self.asset_id, self.made_id) if self.keeps_picture else ())} - {""}


def scenes_read(script: Script) -> list[KeptScene]:
    """Return what the scenes of a script carry over, in their order."""
    keys = [str(key) for key in script.turns.values_list("key", flat=True)]
    return [_kept(scene, keys) for scene in script.scenes.prefetch_related("candidates")]


def _kept(scene: Scene, turn_keys: Sequence[str]) -> KeptScene:
    return KeptScene(
        key=str(scene.key),
        turn_keys=_keys_at(scene.turn_positions, turn_keys),
        layout=scene.layout,
        motion=scene.motion,
        transition=scene.transition,
        focus=(scene.focus_x, scene.focus_y),
        is_locked=scene.is_locked,
        asset_id=str(scene.asset_id),
        made_id=str(scene.made_id or ""),
        candidate_ids=tuple(str(asset.pk) for asset in scene.candidates.all() if not _is_found_anew(scene, asset)),
        trim_start=scene.trim_start,
        end_shift=scene.end_shift,
        covers=tuple({**cover, "turn_keys": _keys_at(cover["turns"], turn_keys)} for cover in scene.covers),
    )


def _keys_at(positions: Iterable[int], turn_keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(turn_keys[position] for position in positions if position < len(turn_keys))


def _is_found_anew(scene: Scene, asset: Asset) -> bool:
    """Say whether the stage laid a service's picture beside the scene's: it does so again, for the words as they are then."""
    is_offered = bool(asset.source_key) and asset.task_id is not None and asset.licence_waived_at is None
    return is_offered and scene.asset_id == scene.made_id and not scene.is_locked


def kept_store(project: Project, scenes: Iterable[KeptScene]) -> None:
    """Write down what the scenes carry over, so that an attempt which dies half-way loses none of it."""
    project.kept_scenes = [asdict(scene) for scene in scenes]
    project.save(update_fields=["kept_scenes"])


def kept_load(project: Project) -> list[KeptScene]:
    return [_loaded(stored) for stored in project.kept_scenes]


def _loaded(stored: dict[str, Any]) -> KeptScene:
    tuples = {name: tuple(stored[name]) for name in ("turn_keys", "focus", "candidate_ids")}
    tuples["covers"] = tuple({**cover, "turn_keys": tuple(cover["turn_keys"])} for cover in stored.get("covers", ()))
    return KeptScene(**{**stored, **tuples})


def cuts_shift(ends: Sequence[float], shifts: Sequence[float]) -> list[float]:
    """Return the scenes' ends, in seconds, moved as the creator moved them; every scene stays long enough to be seen."""
    moved = list(ends)
    for index in range(len(ends) - 1):  # the last scene ends with the video
        earliest = (moved[index - 1] if index else 0.0) + SHORTEST_SECONDS
        latest = ends[index + 1] - SHORTEST_SECONDS
        moved[index] = max(earliest, min(latest, ends[index] + shifts[index])) if earliest <= latest else ends[index]
    return moved
