"""The font files, which characters each has, and loading them at a size and weight."""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont, features

FILES = Path(__file__).parent / "files"
EMOJI_PX = 109  # the one size at which Noto Color Emoji has its pictures
_MISSING_PROBE = "\U0010fffe"  # a noncharacter, so no font has it

FAMILIES: tuple[str, ...] = (
    "inter",
    "archivo",
    "bricolage-grotesque",
    "fraunces",
    "oswald",
    "playfair-display",
    "sora",
    "space-grotesk",
)
_SCRIPTS = ("arabic", "devanagari", "hebrew", "thai", "bengali", "tamil", "telugu")
# Emoji that text fonts also have; they look like letters unless the text says otherwise.
_TEXT_FIRST_BELOW = 0x2600


@dataclass(frozen=True, slots=True)
class Face:
    family: str = "inter"
    """One of FAMILIES."""
    weight: int = 600
    """400 to 900; a family that ends earlier uses its heaviest."""


@cache
def can_shape() -> bool:
    """Say whether letters can be joined and set as their script wants it: Pillow does that where the system has FriBidi."""
    return features.check_feature("raqm") is True


@cache
def cjk_file() -> Path:
    """Return the file of Noto Sans CJK Bold from its wheel, without importing the wheel's code.

    Raises:
        FileNotFoundError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("cvttf_NotoSansCJK_Bold")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*.[ot]t[fc]")):
            return path
    raise FileNotFoundError("The wheel cvttf-notosanscjk-bold is not installed: Chinese, Japanese and Korean cannot be drawn.")


@cache
def fallback_chain(family: str) -> tuple[Path, ...]:
    """Return the files to look a character up in, the family's own first and emoji last.

    Scripts that would be drawn wrongly count as missing, so that whoever looks for missing characters hears of them.
    """
    own = [FILES / f"{family}.woff2", FILES / f"{family}-ext.woff2"]
    scripts = [FILES / f"noto-sans-{script}.woff2" for script in _SCRIPTS] if can_shape() else []
    chain = [*own, FILES / "inter.woff2", *scripts, cjk_file(), emoji_file()]
    return tuple(dict.fromkeys(path for path in chain if path.exists()))


def emoji_file() -> Path:
    return FILES / "noto-color-emoji.ttf"


@lru_cache(maxsize=256)
def font_load(path: Path, weight: int, size_px: int) -> ImageFont.FreeTypeFont:
    """Load one file at a size and weight; emoji always at the one size they have."""
    engine = ImageFont.Layout.RAQM if can_shape() else ImageFont.Layout.BASIC
    if path == emoji_file():
        return ImageFont.truetype(path, EMOJI_PX, layout_engine=engine)
    font = ImageFont.truetype(path, size_px, layout_engine=engine)
    try:
        axes = font.get_variation_axes()
    except OSError:  # a font of one weight
        return font
    font.set_variation_by_axes([_axis_value(axis, weight, size_px) for axis in axes])
    return font


def _axis_value(axis: "ImageFont.Axis", weight: int, size_px: int) -> float:
    name = (axis["name"] or b"").decode("utf-8", "replace").lower()
    low, high = axis["minimum"] or 0, axis["maximum"] or 0
    if "weight" in name:
        return min(max(weight, low), high)
    if "optical" in name:
        return min(max(size_px, low), high)
    return axis["default"] or low


def face_load(face: Face, size_px: int) -> ImageFont.FreeTypeFont:
    """Return the family's own font."""
    return font_load(FILES / f"{face.family}.woff2", face.weight, size_px)


SARA_AM = "\u0e33\u0eb3"
"""Thai and Lao vowels that are shaped as a mark over the letter before and a letter of their own."""


@lru_cache(maxsize=65536)
def has_glyph(path: Path, char: str) -> bool:
    """Say whether a file has a character; compared with the mark it draws for an unknown one."""
    if char in SARA_AM:
        char = chr(ord(char) - 1)  # alone it is drawn as two unknown ones where it is missing, which look like something
    font = font_load(path, 400, 40)
    if path == emoji_file():
        return font.getmask(char, mode="RGBA").getbbox() is not None and font.getlength(char) > 0
    mask, probe = font.getmask(char), _missing_mask(path)
    return (mask.size, bytes(mask)) != probe


@cache
def has_space(path: Path) -> bool:
    """Say whether a file's own space can stand between its words; subsets often lack it, and emoji have a wide one."""
    return path != emoji_file() and font_load(path, 400, 40).getlength(" ") > 4


@cache
def _missing_mask(path: Path) -> tuple[tuple[int, int], bytes]:
    mask = font_load(path, 400, 40).getmask(_MISSING_PROBE)
    return mask.size, bytes(mask)


@lru_cache(maxsize=65536)
def file_for(char: str, family: str) -> Path | None:
    """Return the first file of the chain that has the character; None when none has."""
    chain = fallback_chain(family)
    if ord(char) >= _TEXT_FIRST_BELOW and _looks_like_emoji(char):
        chain = (emoji_file(), *chain)
    for path in chain:
        if has_glyph(path, char):
            return path
    return None


def _looks_like_emoji(char: str) -> bool:
    code = ord(char)
    return 0x2600 <= code <= 0x27BF or code >= 0x1F000


INVISIBLE = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff\u00ad")


def missing_glyphs(text: str, face: Face | None = None) -> tuple[str, ...]:
    """Return the characters that no font of ours has, each once."""
    family = (face or Face()).family
    marks = (char for char in text if not char.isspace() and char not in INVISIBLE and not _is_modifier(char))
    return tuple(dict.fromkeys(char for char in marks if file_for(char, family) is None))


def _is_modifier(char: str) -> bool:
    """Skin tones, tags and variation selectors: they only change what stands before them, which is drawn without them."""
    return 0x1F3FB <= ord(char) <= 0x1F3FF or 0xE0000 <= ord(char) <= 0xE0FFF


@cache
def fonts_version() -> str:
    """Return a hash of all font files, and of how they are used here, for cache keys."""
    digest = hashlib.sha256((FILES / "SHA256SUMS").read_bytes())
    digest.update(str(cjk_file().stat().st_size).encode())
    if not can_shape():
        digest.update(b"unshaped")
    return digest.hexdigest()[:16]
