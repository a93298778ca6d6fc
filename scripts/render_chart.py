"""Draw what a video costs as it gets longer: processor time and peak memory as one SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, TOP, GAP = 360, 220, 56, 34, 70
INK, MUTED, LINE = "#6b7280", "#9ca3af", "#2563eb"
"""Read on a white page and on a dark one."""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    unit: str
    values: Sequence[float]


def tick_step(top: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that about five of them reach the top."""
    power = 1.0
    while power * 10 < top:
        power *= 10
    return next(step for step in (power / 5, power / 2, power, power * 2, power * 5) if top / step <= 6)


def panel_drawn(panel: Panel, seconds: Sequence[float], left: int) -> Iterator[str]:
    """Yield the elements of one panel: axes, a line through the points, and each value beside its point."""
    top = max(panel.values) * 1.15
    longest = max(seconds)
    places = [
        (left + at / longest * WIDTH, TOP + HEIGHT - value / top * HEIGHT)
        for at, value in zip(seconds, panel.values, strict=True)
    ]
    yield f'<text x="{left}" y="{TOP - 14}" class="title">{panel.title}</text>'
    step = tick_step(top)
    for number in range(int(top / step) + 1):
        y = TOP + HEIGHT - number * step / top * HEIGHT
        yield f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" class="tick end">{number * step:g}</text>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" class="line"/>'
    for (x, y), at, value in zip(places, seconds, panel.values, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="dot"/>'
        yield f'<text x="{x:.1f}" y="{y - 9:.1f}" class="tick middle">{value:.0f}</text>'
        yield f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" class="tick middle">{at:g}</text>'
    yield f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 38}" class="tick middle">seconds of video ({panel.unit})</text>'


def chart(seconds: Sequence[float], cpu_seconds: Sequence[float], peaks_mb: Sequence[float]) -> str:
    """Return the chart as SVG."""
    panels = (
        Panel("Processor time", "CPU-seconds upwards", cpu_seconds),
        Panel("Peak memory of all processes", "MB upwards", peaks_mb),
    )
    total = LEFT + 2 * WIDTH + GAP + 24
    style = (
        f"text{{font:12px system-ui,sans-serif;fill:{INK}}}.title{{font-weight:600;font-size:14px}}.end{{text-anchor:end}}"
        f".middle{{text-anchor:middle}}.grid{{stroke:{MUTED};stroke-width:.5;opacity:.5}}"
        f".line{{fill:none;stroke:{LINE};stroke-width:2}}.dot{{fill:{LINE}}}"
    )
    drawn = [line for number, panel in enumerate(panels) for line in panel_drawn(panel, seconds, LEFT + number * (WIDTH + GAP))]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 50}" role="img">'
    label = f"<title>Cost of composing against length: {seconds[0]:g} to {seconds[-1]:g} seconds of 1080p video</title>"
    return "\n".join([head, label, f"<style>{style}</style>", *drawn, "</svg>", ""])
