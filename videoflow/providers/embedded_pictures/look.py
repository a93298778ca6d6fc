"""The visual language of a project: palette, typeface, shapes and corners, derived from its topic and a seed."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from videoflow.fonts import FAMILIES
from videoflow.providers.embedded_pictures.colour import contrast, ink_on, luminance, mix, readable

SHAPES = ("rings", "bars", "blobs", "halftone", "stripes", "paper", "memphis", "tiles")


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours that were chosen together. ``a`` and ``b`` are also the two speakers' colours."""

    name: str
    ground: str
    alternate: str
    """A second full-frame ground, for rhythm."""
    a: str
    b: str
    spark: str
    moods: tuple[str, ...]


PALETTES = (
    Palette("midnight", "#10132b", "#f4efe4", "#ff6b4a", "#5ad1ff", "#ffd23f", ("tech", "gaming", "space")),
    Palette("riso", "#f6efe2", "#1f2a5c", "#f0503c", "#2f5fd0", "#f7b52c", ("culture", "news", "food")),
    Palette("forest", "#0f2a24", "#f1ead7", "#ffb03a", "#7fe0b0", "#ff7a59", ("nature", "science", "animals")),
    Palette("bubblegum", "#fde7ef", "#3a1550", "#e0337f", "#5b3fd6", "#ffb638", ("beauty", "music", "people")),
    Palette("stadium", "#0b2540", "#e9f0f7", "#ff5a36", "#4cc3ff", "#c6f24e", ("sports", "vehicles", "news")),
    Palette("plum", "#24103c", "#f7ecdf", "#ff7ac0", "#8ea0ff", "#ffce5c", ("music", "culture", "film")),
    Palette("citrus", "#fff3cf", "#133c3b", "#e4572e", "#0d7f86", "#f2a81d", ("food", "travel", "people")),
    Palette("blueprint", "#12309a", "#f3f4f9", "#ffd84a", "#7de3ff", "#ff8a70", ("tech", "science", "education")),
    Palette("noir", "#141416", "#f2f0ea", "#ffdd2d", "#ff5b5b", "#8ad7ff", ("film", "news", "gaming")),
    Palette("clay", "#f4ded0", "#43202a", "#c9412f", "#2b6a78", "#eba52f", ("travel", "nature", "culture")),
    Palette("arcade", "#190b38", "#e8e4ff", "#29e6c3", "#ff6fa8", "#ffd84d", ("gaming", "comedy", "tech")),
    Palette("mint", "#dff3e8", "#0d3b4d", "#d6402b", "#1f5fbf", "#f5b81f", ("education", "science", "animals")),
)  # fmt: skip

_MOOD_WORDS = {
    "gaming": "game games gaming gamer minecraft fortnite xbox playstation nintendo apex roblox esports",
    "music": "music song album rap pop singer band concert dance official lyrics kpop bts",
    "sports": "sport sports nba nfl football soccer basketball ufc wwe match race olympic fight goal playoffs",
    "film": "film movie movies trailer cinema netflix series marvel dc actor season episode",
    "tech": "tech technology ai phone iphone android software computer robot app code startup gadget internet",
    "science": "science space physics biology research study climate energy medicine health brain university",
    "nature": "nature garden forest ocean tree weather plant mountain river",
    "animals": "animal animals pet pets dog cat wildlife bird",
    "food": "food cooking recipe kitchen restaurant eat chef bread coffee cake",
    "travel": "travel city country trip map island europe asia africa hotel train",
    "news": "news politics election president government economy war law court police",
    "beauty": "beauty makeup style fashion hair skin dress howto",
    "people": "people vlog vlogs family friends life blog school story",
    "comedy": "comedy funny prank jokes meme challenge",
    "culture": "culture art history book writer museum design language religion",
    "education": "education learn lesson school course explained guide how why",
    "vehicles": "car cars auto vehicles motor racing truck engine",
    "space": "space planet moon mars rocket star nasa",
}  # fmt: skip

_DISPLAY_WEIGHTS = {
    "fraunces": 800,
    "playfair-display": 850,
    "archivo": 850,
    "bricolage-grotesque": 800,
    "oswald": 650,
    "sora": 750,
    "space-grotesk": 700,
}
_ROUND_SHAPES = {"blobs": 30, "rings": 26, "memphis": 22, "halftone": 16, "paper": 14, "bars": 6, "stripes": 4, "tiles": 2}


def look_derive(*, topic: str, keywords: Sequence[str], seed: int) -> dict[str, Any]:
    """Return the look: JSON-able, equal for equal arguments, with ``speaker_colours`` for the captions."""
    digest = hashlib.sha256("\x1f".join([topic, *keywords, str(seed)]).encode()).digest()
    chance = random.Random(int.from_bytes(digest[:8], "big"))
    words = set(re.findall(r"[^\W\d_]{2,}", " ".join([topic, *keywords]).lower()))
    moods = {mood: len(words & set(listed.split())) for mood, listed in _MOOD_WORDS.items()}
    weights = [1.0 + 5.0 * sum(moods.get(mood, 0) for mood in palette.moods) for palette in PALETTES]
    palette = chance.choices(PALETTES, weights)[0]
    shapes = chance.choice(SHAPES)
    display = chance.choice([family for family in FAMILIES if family != "inter"] or list(FAMILIES))
    return {
        "version": 1,
        "topic": topic,
        "keywords": list(keywords)[:24],
        "palette": palette.name,
        "scheme": "dark" if luminance(palette.ground) < 0.25 else "light",
        "ground": palette.ground,
        "alternate": palette.alternate,
        "a": palette.a,
        "b": palette.b,
        "spark": palette.spark,
        "display": display,
        "display_weight": _DISPLAY_WEIGHTS.get(display, 800),
        "text": "inter",
        "shapes": shapes,
        "corner": _ROUND_SHAPES[shapes],
        "grain": round(chance.uniform(2.2, 3.4), 2),
        "seed": int(seed),
        "speaker_colours": {
            "A": readable(palette.a, palette.ground, 3.0),
            "B": readable(palette.b, palette.ground, 3.0),
        },
    }


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colours of one frame: what may be put on its ground. Ink and muted have 4.5:1 at least."""

    ground: str
    shade: str
    """A tone of the ground, for large shapes that must not compete with the text."""
    shade_2: str
    surface: str
    """Cards that lie on the ground."""
    surface_ink: str
    surface_muted: str
    ink: str
    muted: str
    a: str
    b: str
    spark: str
    """Accents for areas: plates, bars, discs."""
    text_a: str
    text_b: str
    """The speakers' accents where they colour letters: 3:1 at least, which is enough for the large type they are used for."""
    surface_a: str
    surface_b: str

    def speaker(self, speaker: str) -> str:
        return self.b if speaker == "B" else self.a

    def speaker_text(self, speaker: str) -> str:
        return self.text_b if speaker == "B" else self.text_a


def scheme_for(look: Mapping[str, Any], ground_name: str) -> Scheme:
    """Return the colours for a ground: ``main``, ``alternate``, ``a``, ``b`` or ``spark``."""
    main, alternate = str(look["ground"]), str(look["alternate"])
    ground = {"main": main, "alternate": alternate}.get(ground_name) or str(look[ground_name])
    dark = luminance(ground) < 0.25
    darkest = min((main, alternate, "#14131a"), key=luminance)
    lightest = max((main, alternate, "#fffaf2"), key=luminance)
    ink = ink_on(ground, darkest, lightest)
    if contrast(ink, ground) < 5.2:
        ink = ink_on(ground, "#0e0d14", "#ffffff")
    while contrast(ink, ground) < 5.2:  # a middling accent as a ground: step away from its ink
        ground = mix(ground, "#000000" if luminance(ink) > 0.5 else "#ffffff", 0.04)
    coloured = ground_name in ("a", "b", "spark")
    accents = {name: str(look[name]) for name in ("a", "b", "spark")}
    for name, value in accents.items():  # an accent that would vanish on this ground gives way to the ink
        if contrast(value, ground) < 1.22:
            accents[name] = mix(ink, ground, 0.06)
    if coloured:
        surface = mix(ground, lightest, 0.86) if luminance(lightest) > 0.6 else "#fffaf2"
    elif dark:
        surface = mix(ground, "#ffffff", 0.10)
    else:
        surface = mix("#ffffff", ground, 0.12)
    surface_ink = ink_on(surface, darkest, lightest)
    return Scheme(
        ground=ground,
        shade=mix(ground, ink, 0.07) if dark else mix(ground, ink, 0.06),
        shade_2=mix(mix(ground, ink, 0.10), str(look["b" if ground_name == "a" else "a"]), 0.14),
        surface=surface,
        surface_ink=surface_ink,
        surface_muted=readable(mix(surface_ink, surface, 0.36), surface, 4.5),
        ink=ink,
        muted=readable(mix(ink, ground, 0.32), ground, 4.5),
        a=accents["a"],
        b=accents["b"],
        spark=accents["spark"],
        text_a=lettering_colour(accents["a"], ground, (main, alternate), ink),
        text_b=lettering_colour(accents["b"], ground, (main, alternate), ink),
        surface_a=lettering_colour(str(look["a"]), surface, (main, alternate), surface_ink),
        surface_b=lettering_colour(str(look["b"]), surface, (main, alternate), surface_ink),
    )


def lettering_colour(accent: str, ground: str, others: tuple[str, str], ink: str) -> str:
    """Return the accent when letters in it can be read, slightly shifted if need be, else a colour of the palette that can."""
    shifted = readable(accent, ground, 3.0)
    if contrast(accent, ground) >= 2.2:
        return shifted
    return next((other for other in others if contrast(other, ground) >= 4.0), ink)
