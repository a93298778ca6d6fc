"""The order of mixed left-to-right and right-to-left text on one line: the Unicode Bidirectional Algorithm without embeddings.

Source: UAX #9, rules W2 to W7, N1, N2, I1, I2, L1 and L2; paired brackets (N0) take the direction of what surrounds them.
"""

import unicodedata
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
_STRONG = {"L": "L", "R": "R", "AL": "R"}
_NUMBERS = {"EN", "AN"}


def levels(clusters: Sequence[str], *, base: int) -> list[int]:
    """Return the embedding level of each cluster: even from left to right, odd from right to left. ``base`` is 0 or 1."""
    kinds = _neutrals(_numbers([unicodedata.bidirectional(cluster[0]) or "L" for cluster in clusters], base), base)
    found = [_level(kind, base) for kind in kinds]
    for index in range(len(clusters) - 1, -1, -1):  # L1: spaces at the end stand at the line's end
        if not clusters[index].isspace():
            break
        found[index] = base
    return found


def _level(kind: str, base: int) -> int:
    if base == 0:
        return {"L": 0, "R": 1}.get(kind, 2)
    return 1 if kind == "R" else 2


def _numbers(kinds: list[str], base: int) -> list[str]:
    """Resolve digits and what stands between them (W2 to W7)."""
    strong = "R" if base else "L"
    resolved: list[str] = []
    for kind in kinds:
        if kind in _STRONG:
            strong = kind
        resolved.append("AN" if kind == "EN" and strong == "AL" else kind)
    for index in range(1, len(resolved) - 1):
        before, after = resolved[index - 1], resolved[index + 1]
        if before == after and ((resolved[index] == "CS" and before in _NUMBERS) or (resolved[index] == "ES" and before == "EN")):
            resolved[index] = before
    for steps in (range(1, len(resolved)), range(len(resolved) - 2, -1, -1)):
        for index in steps:
            if resolved[index] == "ET" and resolved[index + (1 if steps.step < 0 else -1)] == "EN":
                resolved[index] = "EN"
    strong = "R" if base else "L"
    for index, kind in enumerate(resolved):
        if kind in _STRONG:
            resolved[index] = strong = _STRONG[kind]
        elif kind == "EN" and strong == "L":
            resolved[index] = "L"
        elif kind not in _NUMBERS:
            resolved[index] = "N"
    return resolved


def _neutrals(kinds: list[str], base: int) -> list[str]:
    """Give neutral characters the direction of both neighbours, or the line's (N1, N2); numbers count as right to left."""
    edge = "R" if base else "L"
    sides = ["R" if kind in _NUMBERS else kind for kind in kinds]
    resolved = list(kinds)
    for index, kind in enumerate(kinds):
        if kind == "N":
            before = next((side for side in reversed(sides[:index]) if side != "N"), edge)
            after = next((side for side in sides[index + 1 :] if side != "N"), edge)
            resolved[index] = before if before == after else edge
    return resolved


def visual_order(items: Sequence[tuple[int, Item]]) -> list[Item]:
    """Return items of (level, item) from left to right (L2)."""
    ordered = list(items)
    for level in range(max((level for level, _ in ordered), default=0), 0, -1):
        start = 0
        while start < len(ordered):
            end = start
            while end < len(ordered) and ordered[end][0] >= level:
                end += 1
            ordered[start:end] = ordered[start:end][::-1]
            start = max(end, start + 1)
    return [item for _, item in ordered]
