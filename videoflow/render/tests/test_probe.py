import struct
import zlib

import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render.probe import media_check, probe
from videoflow.render.tests.material import clip, ffmpeg, music, picture, voice, wav


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


class TestProbe:
    def test_ok(self, tmp_path):
        facts = probe(clip(tmp_path / "c.mp4"))
        assert (facts.video_codec, facts.width_px, facts.height_px, facts.fps, facts.frames) == ("h264", 320, 180, 12.0, 12)
        assert (facts.seconds, facts.audio_codec, facts.rotation) == (1.0, None, 0)

    def test_sound(self, tmp_path):
        facts = probe(music(tmp_path / "m.wav", 1.5))
        assert (facts.audio_codec, facts.sample_rate, facts.channels, facts.audio_seconds) == ("pcm_s16le", 48_000, 2, 1.5)

    def test_rotation(self, tmp_path):
        ffmpeg("-display_rotation", "90", "-i", str(clip(tmp_path / "c.mp4")), "-c", "copy", str(tmp_path / "r.mp4"))
        assert probe(tmp_path / "r.mp4").rotation == 90


class TestCheck:
    def test_ok(self, tmp_path):
        assert media_check(picture(tmp_path / "p.png"), "image").width_px == 352
        assert media_check(clip(tmp_path / "c.mp4"), "clip").frames == 12
        assert media_check(voice(tmp_path / "v.wav", 1.0), "audio").audio_seconds == 1.0

    def test_dolby_vision_that_other_players_do_not_show(self, tmp_path):
        coded = ("-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v")
        assert media_check(clip(tmp_path / "plain.mp4", "testsrc2=s=320x180:r=12:d=1", *coded, "hvc1"), "clip").frames == 12
        with pytest.raises(BadInput, match=r"dolby\.mp4 is Dolby Vision .* export it as HDR10, HLG or SDR"):
            media_check(clip(tmp_path / "dolby.mp4", "testsrc2=s=320x180:r=12:d=1", *coded, "dvh1"), "clip")

    def test_a_playlist_opens_nothing_else(self, tmp_path):
        clip(tmp_path / "other.mp4")
        (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/other.mp4\n")
        (tmp_path / "concat.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
        for name in ("list.mp4", "concat.mp4"):
            with pytest.raises(BadInput, match=f"{name} is not a video or sound file"):
                media_check(tmp_path / name, "clip")

    def test_text_named_as_a_picture(self, tmp_path):
        (tmp_path / "t.png").write_text("hello")
        with pytest.raises(BadInput, match=r"t\.png is not a picture"):
            media_check(tmp_path / "t.png", "image")

    @pytest.mark.parametrize("kind", ["image", "clip", "audio"])
    def test_cut_off(self, tmp_path, kind):
        long = clip(tmp_path / "c.mkv", "testsrc2=s=320x180:r=12:d=6", "-g", "12")
        path = {"image": picture(tmp_path / "p.png"), "clip": long, "audio": voice(tmp_path / "v.wav", 3.0)}[kind]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(BadInput, match=r"cut off|damaged"):
            media_check(path, kind)

    def test_cut_off_behind_its_index(self, tmp_path):
        path = clip(tmp_path / "c.mp4", "testsrc2=s=320x180:r=12:d=6", "-movflags", "+faststart")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(BadInput, match=r"c\.mp4 is cut off|damaged"):
            media_check(path, "clip")

    def test_a_bomb(self, tmp_path):
        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"0" * 999)) + _chunk(b"IEND", b"")
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        with pytest.raises(BadInput, match=r"bomb\.png has far too many pixels"):
            media_check(tmp_path / "bomb.png", "image")

    def test_empty_and_missing(self, tmp_path):
        (tmp_path / "e.mp4").write_bytes(b"")
        with pytest.raises(BadInput, match=r"e\.mp4 is empty"):
            media_check(tmp_path / "e.mp4", "clip")
        with pytest.raises(BadInput, match=r"no\.wav does not exist"):
            media_check(tmp_path / "no.wav", "audio")
        with pytest.raises(BadInput, match="nothing in it"):
            media_check(wav(tmp_path / "z.wav", np.zeros(0)), "audio")

    def test_the_wrong_kind(self, tmp_path):
        with pytest.raises(BadInput, match="has no picture in it"):
            media_check(voice(tmp_path / "v.wav", 0.5), "clip")
        with pytest.raises(BadInput, match="has no sound in it"):
            media_check(clip(tmp_path / "c.mp4"), "audio")

    def test_a_codec_that_is_not_accepted(self, tmp_path):
        with pytest.raises(BadInput, match="coded as magicyuv"):
            media_check(
                clip(tmp_path / "m.mkv", "testsrc2=s=320x180:r=12:d=1", "-pix_fmt", "yuv444p", "-c:v", "magicyuv"), "clip"
            )
