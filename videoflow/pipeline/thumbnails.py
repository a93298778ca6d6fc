"""The video's thumbnail as its creator chose it: a drawn one, a frame or an own picture, with words on it. JPEG, 1280 x 720."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args
from uuid import UUID, uuid4

from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from videoflow.errors import BadInput
from videoflow.pipeline.media_files import PIXELS_LIMIT, frame_at
from videoflow.pipeline.models import Asset, Project, Video
from videoflow.pipeline.store import asset_file, cache_dir
from videoflow.providers.embedded_pictures.thumbnail_text import TextPlace, words_put
from videoflow.sentences import Sentence

SIZE_PX = (1280, 720)
LIMIT_BYTES = 2_000_000
"""YouTube's for a thumbnail."""
UPLOAD_LIMIT_BYTES = 15_000_000
SMALLEST_WIDTH_PX = 640
TEXT_LIMIT = 80  # characters
DRAWN = "drawn"
FRAMES = {"frame-1": 0.2, "frame-2": 0.5, "frame-3": 0.8}
"""Frames offered, by their place in the video."""
_LOST = Sentence("The picture chosen for the thumbnail is not there any more, or cannot be read. Choose another.")
PLACES: tuple[str, ...] = get_args(TextPlace)
_CUT = (1.3, 2.6)
"""Width to height of pictures that are cut to the thumbnail's shape: from 4:3 to cinema."""


@dataclass(frozen=True, slots=True)
class ThumbnailChoice:
    """``base``: ``drawn``, one of FRAMES, or the id of a picture that the creator brought."""

    base: str = DRAWN
    text: str = ""
    place: str = "bottom-left"
    colour: str = "#ffffff"


def thumbnail_bytes(video: Video, choice: ThumbnailChoice, *, width_px: int = SIZE_PX[0]) -> bytes:
    """Return the thumbnail as a JPEG of less than 2 MB; narrower than 1280 px for the page's own use.

    Raises:
        BadInput: the chosen picture is not there any more, or its file cannot be read.
    """
    try:
        picture = _base(video, choice.base)
    except (OSError, UnidentifiedImageError) as error:
        raise BadInput(_LOST, details={"thumbnail": "lost"}) from error
    if choice.text.strip():
        family = str(video.project.look.get("display") or "inter")
        picture = words_put(picture, text=choice.text, place=cast(TextPlace, choice.place), colour=choice.colour, family=family)
    if width_px < picture.width:
        picture = picture.resize((width_px, round(width_px * picture.height / picture.width)), Image.Resampling.LANCZOS)
    return _jpeg(picture)


def _base(video: Video, base: str) -> Image.Image:
    if base == DRAWN:
        return _opened(asset_file(video.thumbnail))
    if base in FRAMES:
        return _frame(video, base)
    asset = thumbnail_pictures(video.project).get(base)
    if asset is None:
        raise BadInput(_LOST, details={"thumbnail": "lost"})
    return _opened(asset_file(asset))


def thumbnail_pictures(project: Project) -> dict[str, Asset]:
    """Return the pictures that the creator brought for thumbnails, newest first."""
    rows = project.assets.filter(kind=Asset.Kind.THUMBNAIL, origin=Asset.UPLOAD).order_by("-created_at")
    return {str(asset.pk): asset for asset in rows}


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _frame(video: Video, name: str) -> Image.Image:
    """Return a frame of the video; kept, because finding one means decoding from the key frame before it."""
    target = cache_dir("frames") / f"{video.file.sha256}-{name}.jpg"
    if not target.exists():
        picture = _shaped(frame_at(asset_file(video.file), FRAMES[name]))
        draft = target.with_name(f".{uuid4().hex}.part")
        picture.save(draft, "JPEG", quality=92)
        draft.replace(target)
    return _opened(target)


def picture_shaped(content: bytes) -> bytes:
    """Return what a creator brought as a thumbnail picture.

    Raises:
        BadInput: it is no JPEG, PNG or WebP, too small, or too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > PIXELS_LIMIT:
                raise BadInput("This picture has more than 50 megapixels. Make it smaller.")
            if opened.width < SMALLEST_WIDTH_PX:
                raise BadInput(
                    Sentence(
                        "This picture is %(width)s px wide; %(least)s are the least, 1280 is best.",
                        width=opened.width,
                        least=SMALLEST_WIDTH_PX,
                    )
                )
            picture = ImageOps.exif_transpose(opened)
            if "A" in picture.getbands() or "transparency" in picture.info:
                ground = Image.new("RGBA", picture.size, "#ffffff")
                picture = Image.alpha_composite(ground, picture.convert("RGBA"))
            return _jpeg(_shaped(picture.convert("RGB")))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise BadInput("This file is no picture that can be read. Choose a JPEG, PNG or WebP.") from error


def _shaped(picture: Image.Image) -> Image.Image:
    """Fill 1280 x 720; a picture of another shape stands whole before a blurred copy of itself."""
    filled = ImageOps.fit(picture, SIZE_PX, Image.Resampling.LANCZOS)
    if _CUT[0] < picture.width / picture.height < _CUT[1]:
        return filled
    ground = filled.filter(ImageFilter.GaussianBlur(28)).point(lambda value: round(value * 0.72))
    whole = ImageOps.contain(picture, SIZE_PX, Image.Resampling.LANCZOS)
    ground.paste(whole, ((SIZE_PX[0] - whole.width) // 2, (SIZE_PX[1] - whole.height) // 2))
    return ground


def _jpeg(picture: Image.Image) -> bytes:
    for quality in (90, 80, 65, 45):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() < LIMIT_BYTES:
            break
    return stream.getvalue()


def base_known(project: Project, base: str) -> bool:
    """Say whether there is such a picture to begin with."""
    if base == DRAWN or base in FRAMES:
        return True
    try:
        UUID(base)
    except ValueError:
        return False
    return base in thumbnail_pictures(project)
