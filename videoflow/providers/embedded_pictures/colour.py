"""Colours as ``#rrggbb`` and as (red, green, blue): mixing, and contrast as WCAG 2.2 defines it."""

Rgb = tuple[int, int, int]


def rgb(colour: str) -> Rgb:
    """Return the three channels, 0 to 255, of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hexed(channels: tuple[float, float, float]) -> str:
    """Return ``#rrggbb`` of three channels, rounded and held within 0 to 255."""
    return "#" + "".join(f"{min(255, max(0, round(value))):02x}" for value in channels)


def mix(first: str, second: str, share: float) -> str:
    """Return ``first`` with ``share`` (0 to 1) of ``second`` mixed in."""
    a, b = rgb(first), rgb(second)
    return hexed((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share))


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 (black) to 1 (white). Source: WCAG 2.2, "relative luminance"."""

    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(value) for value in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio, 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, ground: str, least: float) -> str:
    """Return ``colour``, made lighter or darker in small steps until it has ``least`` contrast on ``ground``."""
    towards = "#ffffff" if luminance(ground) < 0.22 else "#0b0b12"
    for step in range(21):
        candidate = mix(colour, towards, step / 20)
        if contrast(candidate, ground) >= least:
            return candidate
    return towards


def ink_on(ground: str, dark: str = "#14131a", light: str = "#ffffff") -> str:
    """Return whichever of ``dark`` and ``light`` stands out more from ``ground``."""
    return dark if contrast(dark, ground) >= contrast(light, ground) else light
