import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from videoflow.errors import BadInput
from videoflow.render.planes import picture_planes
from videoflow.render.stills import contain_size, picture_rgb, still_check

RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", size)
    half = (size[0] // 2, size[1] // 2)
    for colour, at in ((RED, (0, 0)), (LIME, (half[0], 0)), (BLUE, (0, half[1])), (WHITE, half)):
        image.paste(colour, (*at, at[0] + half[0], at[1] + half[1]))
    return image


def corners(rgb: np.ndarray) -> list[tuple[int, ...]]:
    height, width = rgb.shape[:2]
    return [tuple(int(v) for v in rgb[int(y * height), int(x * width)]) for y in (0.25, 0.75) for x in (0.25, 0.75)]


def near(seen: list[tuple[int, ...]], *wanted: tuple[int, ...], by: int = 6) -> bool:
    return all(abs(a - b) <= by for one, other in zip(seen, wanted, strict=True) for a, b in zip(one, other, strict=True))


class TestModes:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr"])
    def test_colours(self, tmp_path, mode):
        suffix = "tif" if mode in ("CMYK", "YCbCr") else "png"
        quarters().convert(mode).save(tmp_path / f"p.{suffix}")
        assert near(corners(picture_rgb(tmp_path / f"p.{suffix}")), RED, LIME, BLUE, WHITE)

    def test_a_cmyk_jpeg(self, tmp_path):
        quarters().convert("CMYK").save(tmp_path / "p.jpg", quality=95)
        assert near(corners(picture_rgb(tmp_path / "p.jpg")), RED, LIME, BLUE, WHITE, by=12)

    @pytest.mark.parametrize(
        ("mode", "suffix"), [("L", "png"), ("1", "png"), ("LA", "png"), ("I;16", "png"), ("I;16", "tif"), ("F", "tif")]
    )
    def test_greys(self, tmp_path, mode, suffix):
        grey = np.asarray(quarters().convert("L")).copy()
        grey[grey > 0] = 255
        grey[:24, :32] = 0
        image = {
            "I;16": lambda: Image.fromarray(grey.astype(np.uint16) * 257),
            "F": lambda: Image.fromarray(grey.astype(np.float32) / 255.0),
        }.get(mode, lambda: Image.fromarray(grey).convert(mode))()
        image.save(tmp_path / f"p.{suffix}")
        assert near(corners(picture_rgb(tmp_path / f"p.{suffix}")), (0, 0, 0), WHITE, WHITE, WHITE)

    def test_sixteen_bits_keep_their_middle(self, tmp_path):
        Image.fromarray(np.full((40, 40), 0x8080, np.uint16)).save(tmp_path / "p.png")
        assert picture_rgb(tmp_path / "p.png")[20, 20].tolist() == [128, 128, 128]

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
    def test_what_is_transparent_shows_the_background(self, tmp_path, mode):
        image = quarters().convert("RGBA")
        alpha = Image.new("L", image.size, 255)
        alpha.paste(0, (0, 0, 32, 48))
        image.putalpha(alpha)
        image.convert("RGBA" if mode == "P" else mode).save(tmp_path / "p.png")
        if mode == "P":
            quarters().quantize(8).save(tmp_path / "p.png", transparency=quarters().quantize(8).getpixel((5, 5)))
        seen = corners(picture_rgb(tmp_path / "p.png", "#204060"))
        assert near(seen[:1], (0x20, 0x40, 0x60))
        assert not near(seen[3:], (0x20, 0x40, 0x60), by=60)

    def test_a_colour_profile_is_followed(self, tmp_path):
        """The bytes of a mid red in a profile with a gamma of 1.0 are a lighter red in sRGB."""
        linear = ImageCms.ImageCmsProfile(_linear_profile())
        Image.new("RGB", (40, 40), (128, 0, 0)).save(tmp_path / "p.png", icc_profile=linear.tobytes())
        seen = picture_rgb(tmp_path / "p.png")[20, 20]
        assert 180 <= seen[0] <= 196
        assert max(seen[1:]) <= 6

    def test_a_broken_profile_is_passed_over(self, tmp_path):
        quarters().save(tmp_path / "p.png", icc_profile=b"nonsense")
        assert near(corners(picture_rgb(tmp_path / "p.png")), RED, LIME, BLUE, WHITE)


def _linear_profile() -> io.BytesIO:
    """Return sRGB's profile with its three tone curves replaced by straight lines."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(int.from_bytes(data[128:132], "big")):
        entry = 132 + 12 * number
        offset, size = (int.from_bytes(data[entry + 4 * n : entry + 4 * n + 4], "big") for n in (1, 2))
        if bytes(data[entry : entry + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            data[offset : offset + size] = (b"curv" + bytes(8)).ljust(size, b"\0")
        if data[entry : entry + 4] == b"desc":
            data[offset : offset + size] = bytes(data[offset : offset + size]).replace(b"s\0R\0G\0B", b"l\0i\0n\0e")
    return io.BytesIO(bytes(data))


class TestOrientation:
    @pytest.mark.parametrize(
        ("tag", "wanted", "size"),
        [
            (1, (RED, LIME, BLUE, WHITE), (64, 48)),
            (2, (LIME, RED, WHITE, BLUE), (64, 48)),
            (3, (WHITE, BLUE, LIME, RED), (64, 48)),
            (6, (BLUE, RED, WHITE, LIME), (48, 64)),
            (8, (LIME, WHITE, RED, BLUE), (48, 64)),
        ],
    )
    def test_stands_upright(self, tmp_path, tag, wanted, size):
        exif = Image.Exif()
        exif[0x0112] = tag
        quarters().save(tmp_path / "p.jpg", exif=exif, quality=95, subsampling=0)
        assert near(corners(picture_rgb(tmp_path / "p.jpg")), *wanted, by=8)
        assert still_check(tmp_path / "p.jpg") == ("jpeg", *size)


class TestFit:
    @pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (101, 57), (5000, 3000)])
    @pytest.mark.parametrize("fit", ["cover", "contain"])
    def test_any_size(self, tmp_path, size, fit):
        Image.new("RGB", size, WHITE).save(tmp_path / "p.png")
        planes = picture_planes(tmp_path / "p.png", 160, 90, (0.5, 0.5), moving=False, fit=fit, background="#000000")
        assert (planes.y.shape, planes.u.shape) == ((90, 160), (45, 80))
        assert planes.y[40:50, 70:90].max() >= 230

    def test_the_whole_picture_stands_on_the_background(self, tmp_path):
        quarters((60, 60)).save(tmp_path / "p.png")
        planes = picture_planes(tmp_path / "p.png", 160, 90, (0.5, 0.5), moving=True, fit="contain", background="#ffffff")
        scale = planes.width / 160
        assert planes.y[10, 4] == planes.y[10, -4] == 235
        assert planes.y[round(10 * scale), round(50 * scale)] == pytest.approx(63, abs=2)

    def test_an_almost_equal_shape_is_filled(self):
        assert contain_size(1920, 1081, 640, 360) == (640, 360)
        assert contain_size(1000, 1000, 640, 360) == (360, 360)

    def test_a_file_of_another_format_is_refused(self, tmp_path):
        quarters().save(tmp_path / "p.ppm")
        with pytest.raises(BadInput, match=r"p\.ppm is not a picture"):
            still_check(tmp_path / "p.ppm")
