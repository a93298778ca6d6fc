"""Which shots of the storyboard each scene covers: what was split or deleted stays so when the media are made anew."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from videoflow.pipeline.keeping import KeptScene
from videoflow.pipeline.models import Turn
from videoflow.providers.base import Shot

Place = tuple[tuple[str, ...], int]
"""Where a shot belongs: the keys of the turns under it, and the how-manieth it is of those with the same turns."""
Spans = Mapping[int, tuple[float, float]]
"""When each turn is heard, by its position: seconds of the video."""
_HEARD_SECONDS = 0.05  # of a turn; less than that at a cut is not heard


@dataclass(frozen=True, slots=True)
class Cover:
    """A stretch of one shot of the storyboard that a scene covers."""

    shot: int
    turns: tuple[int, ...]
    """Positions of the turns under the whole shot."""
    start: float
    end: float
    """The whole shot's, in seconds of the video, before the creator moved any cut."""
    begins: float = 0.0
    ends: float = 1.0
    """Shares of the shot."""
    is_pictured: bool = True
    """Whether the scene's picture was made for this shot."""

    @property
    def is_whole(self) -> bool:
        return self.begins == 0.0 and self.ends == 1.0

    def at(self, share: float) -> float:
        """Return the second of the video at a share of the shot."""
        return self.start + share * (self.end - self.start)

    def stored(self) -> dict[str, Any]:
        """Return it as a row has it."""
        return asdict(self) | {"turns": list(self.turns)}


def covers_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Cover, ...]:
    """Return what a row has."""
    return tuple(Cover(**{**one, "turns": tuple(one["turns"])}) for one in stored)


def covers_cut(covers: Sequence[Cover], second: float) -> tuple[list[Cover], list[Cover]]:
    """Cut what a scene covers at a second of the video as it was storyboarded; each side covers something."""
    start, end = covers[0].at(covers[0].begins), covers[-1].at(covers[-1].ends)
    cut = second if start < second < end else (start + end) / 2
    left: list[Cover] = []
    right: list[Cover] = []
    for cover in covers:
        if cover.at(cover.ends) <= cut:
            left.append(cover)
        elif cover.at(cover.begins) >= cut:
            right.append(cover)
        else:
            share = (cut - cover.start) / (cover.end - cover.start)
            left.append(replace(cover, ends=share))
            right.append(replace(cover, begins=share))
    return left, right


def covers_join(first: Sequence[Cover], second: Sequence[Cover], *, pictured: Sequence[Cover]) -> list[Cover]:
    """Return what two neighbours cover together; the picture is that of ``pictured``, which is one of the two."""
    theirs = next((cover for cover in pictured if cover.is_pictured), pictured[0])
    joined: list[Cover] = []
    for cover in (*first, *second):
        marked = replace(cover, is_pictured=cover is theirs)
        if joined and joined[-1].shot == cover.shot:
            is_pictured = joined[-1].is_pictured or marked.is_pictured
            joined[-1] = replace(joined[-1], ends=cover.ends, is_pictured=is_pictured)
        else:
            joined.append(marked)
    return joined


def turns_heard(turns: Sequence[int], spans: Spans, start: float, end: float) -> list[int]:
    """Return which of some turns are heard between two seconds of the video; all of them where none is."""
    heard = [turn for turn in turns if turn in spans and _overlap(spans[turn], (start, end)) > _HEARD_SECONDS]
    return heard or list(turns)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    return min(one[1], other[1]) - max(one[0], other[0])


@dataclass(frozen=True, slots=True)
class Arranged:
    """A scene of a new storyboard, as the creator had arranged the one before."""

    shot: Shot
    """What is drawn for it; its index is the scene's position."""
    kept: KeptScene | None
    covers: tuple[Cover, ...]
    turn_positions: tuple[int, ...]
    follows: int | None
    """Position of an earlier scene, split from the same shot, whose picture it shows too."""

    @property
    def end(self) -> float:
        """In seconds of the video, before the creator's own shift."""
        return self.covers[-1].at(self.covers[-1].ends)


@dataclass(frozen=True, slots=True)
class _Piece:
    shot: Shot
    kept: KeptScene | None
    cover: Cover


def arrange(shots: Sequence[Shot], turns: Sequence[Turn], kept: Sequence[KeptScene], spans: Spans) -> list[Arranged]:
    """Return the scenes of a storyboard: one for each shot, but where the creator had split or deleted the one that stood there.

    A shot is known again by the turns under it; one that was not there before is a scene of its own.
    """
    groups = _groups(shots, turns, kept)
    arranged: list[Arranged] = []
    first_of: dict[int, int] = {}  # shot -> position of the first scene that shows what is made for it
    for position, group in enumerate(groups):
        pictured = next((piece for piece in group if piece.cover.is_pictured), group[0])
        covers = tuple(replace(piece.cover, is_pictured=piece is pictured) for piece in group)
        owner = group[0].kept
        follows = None
        if owner is None or not owner.keeps_picture:
            first = first_of.setdefault(pictured.shot.index, position)
            follows = first if first != position else None
        shot = _shot_of(group, pictured, position)
        arranged.append(Arranged(shot, owner, covers, tuple(_turns_of(covers, spans)), follows))
    return arranged


def _groups(shots: Sequence[Shot], turns: Sequence[Turn], kept: Sequence[KeptScene]) -> list[list[_Piece]]:
    """Return the pieces of the new shots, those of one scene together."""
    before = _before(kept)
    groups: list[list[_Piece]] = []
    placed: set[str] = set()
    for shot, place in zip(
        shots, _places([tuple(str(turns[index].key) for index in shot.turn_indexes) for shot in shots]), strict=True
    ):
        whole = Cover(shot.index, shot.turn_indexes, shot.start, shot.start + shot.seconds)
        known = [
            (scene, replace(whole, begins=begins, ends=ends, is_pictured=is_pictured))
            for scene, begins, ends, is_pictured in before.get(place, ())
        ]
        if not known:
            groups.append([_Piece(shot, None, whole)])
        for scene, cover in known:
            last = groups[-1][-1].kept if groups else None
            if last is not None and last.key == scene.key:
                groups[-1].append(_Piece(shot, scene, cover))
                continue
            is_parted = scene.key in placed  # a new shot came between: what follows it is a scene of its own
            placed.add(scene.key)
            groups.append([_Piece(shot, None if is_parted else scene, cover)])
    return groups


def _before(kept: Sequence[KeptScene]) -> dict[Place, list[tuple[KeptScene, float, float, bool]]]:
    """Return the scenes that covered each shot of the storyboard before: from and to which share, and whether it was theirs."""
    by_shot: dict[int, list[tuple[KeptScene, float, float, bool]]] = {}
    keys: dict[int, tuple[str, ...]] = {}
    for position, scene in enumerate(kept):
        for cover in scene.covers or ({"shot": position, "turn_keys": scene.turn_keys},):
            number = int(cover["shot"])
            keys[number] = tuple(cover["turn_keys"])
            facts = (scene, float(cover.get("begins", 0.0)), float(cover.get("ends", 1.0)), bool(cover.get("is_pictured", True)))
            by_shot.setdefault(number, []).append(facts)
    numbers = sorted(by_shot)
    return {place: by_shot[number] for place, number in zip(_places([keys[number] for number in numbers]), numbers, strict=True)}


def _places(all_turn_keys: Sequence[tuple[str, ...]]) -> list[Place]:
    seen: Counter[tuple[str, ...]] = Counter()
    places = []
    for turn_keys in all_turn_keys:
        places.append((turn_keys, seen[turn_keys]))
        seen[turn_keys] += 1
    return places


def _shot_of(group: Sequence[_Piece], pictured: _Piece, position: int) -> Shot:
    """Return what is drawn: the shot itself, and for several shots the one that gives the picture, as long as all of them."""
    if len(group) == 1:
        return replace(pictured.shot, index=position)
    start = group[0].cover.at(group[0].cover.begins)
    seconds = group[-1].cover.at(group[-1].cover.ends) - start
    turns = tuple(sorted({turn for piece in group for turn in piece.cover.turns}))
    return replace(pictured.shot, index=position, start=start, seconds=max(seconds, pictured.shot.seconds), turn_indexes=turns)


def _turns_of(covers: Sequence[Cover], spans: Spans) -> list[int]:
    found: set[int] = set()
    for cover in covers:
        found.update(
            cover.turns if cover.is_whole else turns_heard(cover.turns, spans, cover.at(cover.begins), cover.at(cover.ends))
        )
    return sorted(found)
