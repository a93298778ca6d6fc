"""Pictures from files: any size, orientation, mode and colour profile in, upright sRGB samples out."""

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

Rgb = NDArray[np.uint8]

MAX_PICTURE_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Decoders that may touch a file; all others, and whatever runs another program, stay shut."""

Image.MAX_IMAGE_PIXELS = MAX_PICTURE_PIXELS

_FIRST_SIDEWAYS = 5
"""EXIF orientations 5 to 8 swap width and height."""
_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, ImageCms.PyCMSError)


def colour_rgb(text: str) -> tuple[int, int, int]:
    """Return ``#rrggbb`` as three numbers.

    Raises:
        BadInput: it is written in another way.
    """
    try:
        if len(text) == len("#rrggbb") and text[0] == "#":
            red, green, blue = bytes.fromhex(text[1:])
            return red, green, blue
    except ValueError:
        pass
    raise BadInput(Sentence("“%(text)s” is no colour; write it as #rrggbb.", text=text))


def contain_size(width: float, height: float, to_width: int, to_height: int) -> tuple[int, int]:
    """Return the largest even size of this shape that the target holds; a difference of a sample or two is filled."""
    scale = min(to_width / width, to_height / height)
    inner_width, inner_height = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    return (
        to_width if to_width - inner_width <= 2 else inner_width,
        to_height if to_height - inner_height <= 2 else inner_height,
    )


def _size_check(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MAX_PICTURE_PIXELS:
        raise BadInput(
            Sentence(
                "%(name)s has %(width)s x %(height)s pixels; the limit is 50 megapixels.",
                name=path.name,
                width=image.width,
                height=image.height,
            )
        )


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16 bits, 32 bits and floats to 8 by their own range; Pillow's conversion would cut off what is over 255."""
    samples = np.asarray(image).astype(np.float32)
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    top = 65535.0 if samples.max(initial=0.0) > 255.0 or image.mode.startswith("I;16") else 255.0
    if image.mode == "F":
        top = 1.0 if samples.max(initial=0.0) <= 1.0 else top
    return Image.fromarray(np.clip(samples * (255.0 / max(top, 1e-9)), 0, 255).astype(np.uint8), "L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Follow an embedded colour profile (phones take pictures in P3); a profile that cannot be read is passed over."""
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(embedded).lower():
            return image
        to_mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode=to_mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def picture_rgb(path: Path, background: str = "#000000") -> Rgb:
    """Decode an image of any mode, upright, in sRGB, on the background where it is transparent.

    Raises:
        BadInput: it is no image, or larger than 50 megapixels.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            _size_check(image, path)
            profile = image.info.get("icc_profile")
            upright = ImageOps.exif_transpose(image)
            if upright.mode in _DEEP_MODES:
                upright = _eight_bits(upright)
            if upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info:
                clear = _in_srgb(upright.convert("RGBA"), profile)
                flat = Image.new("RGBA", clear.size, (*colour_rgb(background), 255))
                flat.alpha_composite(clear)
                return np.asarray(flat.convert("RGB"))
            if upright.mode == "LAB":
                lab = ImageCms.createProfile("LAB")
                upright = ImageCms.profileToProfile(upright, lab, ImageCms.createProfile("sRGB"), outputMode="RGB") or upright
            return np.asarray(_in_srgb(upright, profile).convert("RGB"))
    except _BROKEN as error:
        raise BadInput(
            Sentence("%(name)s cannot be read as a picture; it may be damaged or of another type.", name=path.name)
        ) from error


def resized(samples: Rgb, size: tuple[int, int]) -> Rgb:
    """Resize a picture or a plane of one: by means of areas where it shrinks, with Lanczos where it grows."""
    if (samples.shape[1], samples.shape[0]) == size:
        return samples
    if samples.shape[1] > size[0]:
        return cv2.resize(samples, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    return np.asarray(Image.fromarray(samples).resize(size, Image.Resampling.LANCZOS))


def contained(rgb: Rgb, size: tuple[int, int], background: str) -> Rgb:
    """Show all of a picture in the middle of a frame of the background's colour."""
    inner = contain_size(rgb.shape[1], rgb.shape[0], *size)
    canvas = np.full((size[1], size[0], 3), colour_rgb(background), np.uint8)
    left, top = (size[0] - inner[0]) // 4 * 2, (size[1] - inner[1]) // 4 * 2
    canvas[top : top + inner[1], left : left + inner[0]] = resized(rgb, inner)
    return canvas


def _orientation(image: Image.Image) -> int:
    """Return how a picture is to be turned, as far as is known without decoding it (``getexif`` would decode a PNG)."""
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2.get(ExifTags.Base.Orientation, 1))
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    return int(exif.get(ExifTags.Base.Orientation, 1))


def still_check(path: Path) -> tuple[str, int, int]:
    """Return an image's format, width and height as it will be shown, after reading it as far as damage would show.

    Raises:
        BadInput: it is no image, too large, cut off or damaged.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            _size_check(image, path)
            name = str(image.format).lower()
            if not _ends_well(path, name):
                raise BadInput(Sentence("%(name)s is cut off: its end is missing.", name=path.name))
            width, height = (image.height, image.width) if _orientation(image) >= _FIRST_SIDEWAYS else image.size
    except Image.DecompressionBombError as error:
        raise BadInput(Sentence("%(name)s has far too many pixels; the limit is 50 megapixels.", name=path.name)) from error
    except _BROKEN as error:
        raise BadInput(
            Sentence("%(name)s is not a picture (PNG, JPEG or WebP), whatever its name says.", name=path.name)
        ) from error
    try:
        with Image.open(path, formats=FORMATS) as image:
            if name == "png":
                image.verify()  # checksums alone
            else:
                image.draft("RGB", (image.width // 8, image.height // 8))  # a JPEG is read to its end, at an eighth of its size
                image.load()
    except _BROKEN as error:
        raise BadInput(Sentence("%(name)s is damaged: it cannot be read to its end.", name=path.name)) from error
    return name, width, height


def _ends_well(path: Path, container: str) -> bool:
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(12)
        file.seek(max(0, size - 4096))
        tail = file.read()
    if container == "png":
        return b"IEND\xaeB`\x82" in tail
    if container == "jpeg":
        return b"\xff\xd9" in tail
    if container == "webp":
        return size >= int.from_bytes(head[4:8], "little") + 8
    return True
