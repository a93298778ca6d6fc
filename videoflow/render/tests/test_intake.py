import io
import wave
from pathlib import Path

import pytest
from PIL import Image

from videoflow.errors import BadInput
from videoflow.render.intake import file_take, looks_like_picture
from videoflow.render.peaks import PEAKS, peaks_read


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 40)) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind)
    return stream.getvalue()


def sound(loud: list[int]) -> bytes:
    """Half a second for each loudness, 0 to 30,000."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(48_000)
        for height in loud:
            audio.writeframes((height.to_bytes(2, "little") + (-height).to_bytes(2, "little", signed=True)) * 12_000)
    return stream.getvalue()


def take(tmp_path: Path, content: bytes, purpose: str = "picture"):
    source = tmp_path / "source"
    source.write_bytes(content)
    return file_take(source, tmp_path, purpose, lambda share: None)


@pytest.mark.parametrize(
    ("content", "purpose", "says"),
    [
        (b"#EXTM3U\n/etc/passwd\n" + b"x" * 50, "picture", r"neither a picture \(JPEG, PNG or WebP\) nor a video \(MP4"),
        (b"ffconcat version 1.0\nfile secret.mp4\n", "music", r"not a sound file \(MP3"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture", "SVG"),
        (b"\x00\x00\x00\x18ftypheic" + b"\0" * 60, "picture", "HEIC"),
        (picture("PNG")[:-20], "picture", "is cut off"),
        (sound([900]), "picture", "has no picture in it"),
        (picture("JPEG"), "music", "is a picture"),
        (sound([0, 0]), "music", "is silent"),
        (sound([900])[:44] + b"\0" * 400, "music", "is cut off"),
    ],
)
def test_what_does_not_serve_is_refused_by_its_content(tmp_path, content, purpose, says):
    with pytest.raises(BadInput, match=says):
        take(tmp_path, content, purpose)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_kind_of_picture_becomes_a_jpeg(tmp_path, kind):
    content = picture(kind)
    assert looks_like_picture(content[:16])
    taken = take(tmp_path, content)
    assert (taken.kind, taken.width_px, taken.height_px) == ("image", 64, 40)
    with Image.open(taken.path) as written:
        assert written.format == "JPEG"


def test_transparency_stands_on_white_and_large_pictures_shrink(tmp_path):
    with Image.open(take(tmp_path, picture("PNG", "RGBA")).path) as written:
        assert written.getpixel((5, 5)) == (255, 255, 255)
    assert take(tmp_path, picture("PNG", "L", (7680, 100))).width_px == 3840


def test_peaks_are_as_loud_as_the_sound(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(sound([30_000, 3_000, 0, 15_000]))
    peaks = peaks_read(path)
    assert len(peaks) == PEAKS
    assert [peaks[PEAKS * part // 8] for part in (1, 3, 5, 7)] == [100, 10, 0, 50]


def test_music_keeps_its_length_and_its_peaks(tmp_path):
    taken = take(tmp_path, sound([10_000, 20_000]), "music")
    assert (taken.kind, Path(taken.path).suffix, taken.seconds) == ("music", ".flac", pytest.approx(1.0, abs=0.01))
    assert taken.peaks
    assert max(taken.peaks) == 100
