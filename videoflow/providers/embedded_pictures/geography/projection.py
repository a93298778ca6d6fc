"""From longitude and latitude to pixels: a near view without distortion about its middle, and the whole world."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

Degrees = NDArray[np.float64]
"""n x 2: longitude and latitude. A ring that crosses the date line goes on beyond 180."""
Box = tuple[float, float, float, float]
_OUTLINES = Path(__file__).parent / "data" / "countries.json"
_FURTHEST_DEGREES = 50.0
"""Countries further apart than this from their common middle are shown on the whole world."""
_NEAREST_DEGREES = 3.4
"""At least so much of the surroundings is shown on every side of the middle."""
_HORIZON_DEGREES = 125.0


@lru_cache(maxsize=1)
def outlines() -> Mapping[str, tuple[Degrees, ...]]:
    """Return the rings of every country; holes are rings as well (fill even-odd)."""
    stored = json.loads(_OUTLINES.read_text(encoding="ascii"))
    step = float(stored["steps_per_degree"])
    arcs = [np.cumsum(np.array(arc, np.int64).reshape(-1, 2), axis=0) for arc in stored["arcs"]]
    countries: dict[str, tuple[Degrees, ...]] = {}
    for iso2, rings in stored["countries"].items():
        drawn = []
        for ring in rings:
            parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring]
            points = np.concatenate([parts[0], *(part[1:] for part in parts[1:])]) / step
            points[:, 0] = np.rad2deg(np.unwrap(np.deg2rad(points[:, 0])))
            drawn.append(points)
        countries[iso2] = tuple(drawn)
    return countries


def _vectors(points: Degrees) -> Degrees:
    lon, lat = np.deg2rad(points[:, 0]), np.deg2rad(points[:, 1])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


@dataclass(frozen=True, slots=True)
class MapView:
    """Where the world lies on a picture. ``kind`` near: Lambert azimuthal equal-area; world: Equal Earth."""

    kind: Literal["near", "world"]
    lon: float
    lat: float
    """Middle of the projection, degrees."""
    scale: float
    """px per earth radius."""
    x: float
    y: float
    """px of the projection's origin."""
    width: int
    height: int

    def flat(self, points: Degrees) -> Degrees:
        """Return n x 2 px for n x 2 degrees; what lies beyond the horizon is held at it."""
        plane = _near(points, self.lon, self.lat) if self.kind == "near" else _equal_earth(points)
        return np.stack([self.x + plane[:, 0] * self.scale, self.y - plane[:, 1] * self.scale], axis=1)

    def sees(self, points: Degrees) -> bool:
        """Say whether any of the points lies before the horizon."""
        return self.kind == "world" or bool(
            (_vectors(points) @ _vectors(np.array([[self.lon, self.lat]])).T).max() > math.cos(math.radians(_HORIZON_DEGREES))
        )


def _near(points: Degrees, lon0: float, lat0: float) -> Degrees:
    """Project about a middle. Source: Snyder, Map Projections, USGS 1395 (1987), p. 185."""
    lon, lat, mid = np.deg2rad(points[:, 0] - lon0), np.deg2rad(points[:, 1]), math.radians(lat0)
    x = np.cos(lat) * np.sin(lon)
    y = math.cos(mid) * np.sin(lat) - math.sin(mid) * np.cos(lat) * np.cos(lon)
    cosine = np.clip(math.sin(mid) * np.sin(lat) + math.cos(mid) * np.cos(lat) * np.cos(lon), -1.0, 1.0)
    distance = np.minimum(np.arccos(cosine), math.radians(_HORIZON_DEGREES))
    factor = 2.0 * np.sin(distance / 2) / np.maximum(np.hypot(x, y), 1e-9)
    return np.stack([x * factor, y * factor], axis=1)


def _equal_earth(points: Degrees) -> Degrees:
    """Project the whole world. Source: Šavrič, Patterson and Jenny, The Equal Earth map projection (2018), equation 2."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    lon, lat = np.deg2rad(points[:, 0]), np.deg2rad(points[:, 1])
    t = np.arcsin(math.sqrt(3) / 2 * np.sin(lat))
    x = 2 * math.sqrt(3) * lon * np.cos(t) / (3 * (9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1))
    y = a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t
    return np.stack([x, y], axis=1)


def ring_area(ring: Degrees) -> float:
    """Return the area in square degrees, shortened towards the poles; enough to tell a mainland from an island."""
    x, y = ring[:, 0] * np.cos(np.deg2rad(ring[:, 1].mean())), ring[:, 1]
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def homeland(iso2: str) -> Degrees:
    """Return the points of a country without its far islands and overseas parts.

    Raises:
        BadInput: no outline is known for ``iso2``.
    """
    rings = outlines().get(iso2.upper())
    if not rings:
        raise BadInput(Sentence("There is no map of the country code %(iso2)s.", iso2=repr(iso2)))
    areas = [ring_area(ring) for ring in rings]
    main = rings[areas.index(max(areas))]
    middle = _vectors(main).mean(axis=0)
    reach = float(np.arccos(np.clip(_vectors(main) @ (middle / np.linalg.norm(middle)), -1, 1)).max())
    limit = math.cos(min(math.pi, reach * 1.35 + math.radians(3.5)))
    share = 0.015 * max(areas)
    near = [
        ring
        for ring, area in zip(rings, areas, strict=True)
        if area >= 0.3 * max(areas)
        or (area >= share and float((_vectors(ring) @ (middle / np.linalg.norm(middle))).min()) > limit)
    ]
    shifted = [ring - (360.0 * round(float(ring[:, 0].mean() - main[:, 0].mean()) / 360.0), 0.0) for ring in near]
    return np.concatenate([main, *shifted])


def view_of(
    size_px: tuple[int, int],
    highlight: Sequence[str],
    *,
    window: Box | None = None,
    view: Literal["fit", "world"] = "fit",
    zoom: float = 1.0,
) -> MapView:
    """Return a view in which the highlighted countries fill the ``window`` (left, top, right, bottom; px) with surroundings.

    ``zoom`` above 1 goes nearer. Countries on opposite sides of the earth are shown on the whole world.

    Raises:
        BadInput: no outline is known for one of them.
    """
    width, height = size_px
    left, top, right, bottom = window or (0.0, 0.0, float(width), float(height))
    points = [homeland(iso2) for iso2 in highlight]
    if points and view == "fit":
        centres = _vectors(np.stack([(each.min(axis=0) + each.max(axis=0)) / 2 for each in points]))
        middle = centres.mean(axis=0)
        length = float(np.linalg.norm(middle))
        every = _vectors(np.concatenate(points))
        spread = math.degrees(float(np.arccos(np.clip(every @ (middle / max(length, 1e-9)), -1, 1)).max()))
        if length > 0.25 and (len(points) == 1 or spread <= _FURTHEST_DEGREES):
            lon, lat = math.degrees(math.atan2(middle[1], middle[0])), math.degrees(math.asin(middle[2] / length))
            return _fitted(np.concatenate(points), lon, lat, (left, top, right, bottom), size_px, zoom)
    corners = _equal_earth(np.array([[180.0, 0.0], [0.0, 80.0], [0.0, -56.0]]))
    scale = min((right - left) / (2 * corners[0, 0]), (bottom - top) / (corners[1, 1] - corners[2, 1])) * zoom
    return MapView(
        "world",
        0.0,
        0.0,
        scale,
        (left + right) / 2,
        (top + bottom) / 2 + (corners[1, 1] + corners[2, 1]) / 2 * scale,
        width,
        height,
    )


def _fitted(points: Degrees, lon: float, lat: float, window: Box, size_px: tuple[int, int], zoom: float) -> MapView:
    plane = _near(points, lon, lat)
    low, high = plane.min(axis=0), plane.max(axis=0)
    least = 2 * math.radians(_NEAREST_DEGREES)
    wide, tall = max(float(high[0] - low[0]), least), max(float(high[1] - low[1]), least)
    scale = min((window[2] - window[0]) / wide, (window[3] - window[1]) / tall) * 0.80 * zoom
    cx, cy = (low + high) / 2
    x, y = (window[0] + window[2]) / 2 - cx * scale, (window[1] + window[3]) / 2 + cy * scale
    return MapView("near", lon, lat, scale, x, y, *size_px)


def graticule(view: MapView, step: float) -> list[Degrees]:
    """Return the lines of equal longitude and latitude in px, every ``step`` degrees."""
    lats, lons = np.arange(-80.0, 80.1, 2.0), np.arange(-180.0, 180.1, 2.0)
    lines = [np.stack([np.full_like(lats, lon), lats], axis=1) for lon in np.arange(-180.0, 180.0, step)]
    lines += [np.stack([lons, np.full_like(lons, lat)], axis=1) for lat in np.arange(-60.0, 80.0, step)]
    flat = []
    for line in lines:
        px = view.flat(line)
        seen = np.array([view.sees(line[number : number + 1]) for number in range(len(line))])
        part: list[NDArray[np.float64]] = []
        for (a, b), (ok_a, ok_b) in zip(pairwise(px), pairwise(seen), strict=True):
            if ok_a and ok_b:
                part = [*part, b] if part else [a, b]
            elif len(part) > 1:
                flat.append(np.array(part))
                part = []
        if len(part) > 1:
            flat.append(np.array(part))
    return flat
