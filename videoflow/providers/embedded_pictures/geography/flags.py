"""Flags, with rounded corners."""

import zipfile
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

_FLAGS = Path(__file__).parent / "data" / "flags.zip"
_OVER = 4
"""Corners are drawn this much larger and scaled down."""


@lru_cache(maxsize=12)
def _flag(iso2: str) -> Image.Image:
    with zipfile.ZipFile(_FLAGS) as flags:
        try:
            data = flags.read(f"{iso2.upper()}.webp")
        except KeyError as error:
            raise BadInput(Sentence("There is no flag for the country code %(iso2)s.", iso2=repr(iso2))) from error
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB")


def draw_flag(iso2: str, width_px: int) -> Image.Image:
    """Return a flag of 4 to 3, RGBA, its corners rounded by a sixteenth of its width.

    Raises:
        BadInput: no flag is known for ``iso2``.
    """
    size = (max(4, width_px), max(3, round(width_px * 0.75)))
    image = _flag(iso2).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    mask = Image.new("L", (size[0] * _OVER, size[1] * _OVER), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius=mask.width / 16, fill=255)
    image.putalpha(mask.resize(size, Image.Resampling.LANCZOS))
    return image
