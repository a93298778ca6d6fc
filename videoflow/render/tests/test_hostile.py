"""Hostile and broken files: refused by name before anything is rendered, with no other file opened and no connection made."""

import ctypes
import os
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render import CaptionLine, Format, MusicTrack, Scene, SpeechClip, Timeline, compose, media_check
from videoflow.render.tests.material import clip, ffmpeg, music, picture, voice, wav

_IN_OPEN, _IN_NONBLOCK = 0x20, 0o4000


class Opened:
    """Which files of a folder are opened by anybody, by name (inotify)."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(_IN_NONBLOCK)
        assert self._handle >= 0
        assert self._libc.inotify_add_watch(self._handle, os.fsencode(folder), _IN_OPEN) >= 0

    def names(self) -> set[str]:
        names: set[str] = set()
        try:
            events = os.read(self._handle, 65_536)
        except BlockingIOError:
            return names
        while events:
            length = struct.unpack_from("iIII", events)[3]
            names.add(events[16 : 16 + length].rstrip(b"\0").decode())
            events = events[16 + length :]
        return names - {""}

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture
def connections() -> Iterator[tuple[str, list[object]]]:
    """Give the address of a server and the list of who connected to it."""
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                seen.append(address)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", seen
        over.set()
        thread.join()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nhttp://{host}/a.ts\n#EXTINF:1,\n{folder}/canary.mp4\n",
    "concat": "ffconcat version 1.0\nfile canary.mp4\nfile http://{host}/b.mp4\n",
    "dash": '<?xml version="1.0"?><MPD><Period><BaseURL>http://{host}/</BaseURL></Period></MPD>',
    "sdp": "v=0\nc=IN IP4 {host}\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://{host}/x.png"/><image href="canary.mp4"/></svg>',
    "id3": "ID3\x03\0\0\0\0\0\0#EXTM3U\n#EXTINF:1,\nhttp://{host}/a.ts\ncanary.mp4\n",
    "riff": "RIFF\xff\xff\xff\xffWAVE#EXTM3U\nhttp://{host}/a.ts\n",
    "ftyp": "\0\0\0\x18ftypisom\0\0\0\0isomiso2#EXTM3U\nhttp://{host}/a.ts\ncanary.mp4\n",
}


class TestOthersFiles:
    @pytest.mark.parametrize("kind", ["clip", "audio", "image"])
    @pytest.mark.parametrize("text", PLAYLISTS.values(), ids=PLAYLISTS)
    def test_a_list_of_files_opens_none_of_them(self, tmp_path, connections, text, kind):
        host, seen = connections
        clip(tmp_path / "canary.mp4")
        path = tmp_path / {"clip": "list.mp4", "audio": "list.wav", "image": "list.png"}[kind]
        path.write_bytes(text.format(host=host, folder=tmp_path).encode("latin-1"))
        watch = Opened(tmp_path)
        with pytest.raises(BadInput, match=r"list\."):
            media_check(path, kind)
        assert watch.names() == {path.name}
        watch.close()
        assert seen == []

    def test_a_film_that_keeps_its_data_elsewhere(self, tmp_path, connections):
        host, seen = connections
        clip(tmp_path / "canary.mp4")
        path = clip(tmp_path / "refers.mp4")
        here = b"\0\0\0\x0curl \0\0\0\x01"  # "the data are in this very file"
        body = path.read_bytes()
        assert body.count(here) == 1
        address = f"http://{host}/x\0".encode()
        there = struct.pack(">I", 12 + len(address)) + b"url \0\0\0\0" + address
        path.write_bytes(_box_replaced(body, here, there))
        watch = Opened(tmp_path)
        assert media_check(path, "clip").frames == 12  # what it refers to is not looked for
        assert watch.names() == {"refers.mp4"}
        watch.close()
        assert seen == []


def _box_replaced(body: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a box inside the movie header and lengthen the boxes around it."""
    at, grown = body.index(old), len(new) - len(old)
    out = bytearray(body)
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        size_at = body.index(name) - 4
        out[size_at : size_at + 4] = struct.pack(">I", struct.unpack(">I", body[size_at : size_at + 4])[0] + grown)
    return bytes(out[:at]) + new + bytes(out[at + len(old) :])


class TestBombs:
    @pytest.mark.parametrize("side", [60_000, 10_000])
    def test_pictures_of_too_many_pixels(self, tmp_path, side):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"0" * 999)) + _chunk(b"IEND", b"")
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        jpeg = picture(tmp_path / "bomb.jpg").read_bytes()
        at = jpeg.index(b"\xff\xc0") + 5
        (tmp_path / "bomb.jpg").write_bytes(jpeg[:at] + struct.pack(">HH", side, side) + jpeg[at + 4 :])
        bmp = bytearray(picture(tmp_path / "bomb.bmp").read_bytes())
        bmp[18:26] = struct.pack("<ii", side, side)
        (tmp_path / "bomb.bmp").write_bytes(bmp)
        for name in ("bomb.png", "bomb.jpg", "bomb.bmp"):
            with pytest.raises(BadInput, match=rf"{name} has .*pixels; the limit is 50 megapixels"):
                media_check(tmp_path / name, "image")

    def test_a_clip_of_too_many_pixels(self, tmp_path):
        clip(tmp_path / "wide.mkv", "color=black:s=8208x16:r=2:d=1", "-c:v", "mjpeg")
        with pytest.raises(BadInput, match=r"wide\.mkv has 8208 x 16 pixels"):
            media_check(tmp_path / "wide.mkv", "clip")

    def test_ten_hours_of_sound(self, tmp_path):
        seconds, rate = 10 * 3600, 8000
        head = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + seconds * rate,
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            rate,
            rate,
            1,
            8,
            b"data",
            seconds * rate,
        )
        with (tmp_path / "long.wav").open("wb") as file:
            file.write(head)
            file.truncate(len(head) + seconds * rate)
        with pytest.raises(BadInput, match=r"long\.wav lasts 10\.0 hours; 4 are possible"):
            media_check(tmp_path / "long.wav", "audio")


class TestDamage:
    @pytest.mark.parametrize("container", ["mp4", "mkv"])
    def test_a_hole_in_the_middle(self, tmp_path, container):
        path = clip(tmp_path / f"hole.{container}", "testsrc2=s=320x180:r=12:d=6", "-g", "24")
        body = bytearray(path.read_bytes())
        middle, hole = len(body) // 2, len(body) // 20
        body[middle : middle + hole] = bytes(hole)
        path.write_bytes(body)
        with pytest.raises(BadInput, match=rf"hole\.{container} is damaged: its picture is missing at [234]\.\d s"):
            media_check(path, "clip")

    def test_frames_that_are_not_there(self, tmp_path):
        path = clip(tmp_path / "f.mp4", "testsrc2=s=320x180:r=12:d=4")
        body = path.read_bytes()
        path.write_bytes(body[: body.index(b"mdat") + 400] + body[body.index(b"moov") - 4 :])
        with pytest.raises(BadInput, match=r"f\.mp4 is (damaged|cut off)"):
            media_check(path, "clip")

    def test_the_cover_of_a_song_is_no_clip(self, tmp_path):
        picture(tmp_path / "p.png")
        music(tmp_path / "m.wav", 1.0)
        ffmpeg(
            *("-i", str(tmp_path / "m.wav"), "-i", str(tmp_path / "p.png"), "-map", "0", "-map", "1", "-c:v", "mjpeg"),
            *("-disposition:v", "attached_pic", str(tmp_path / "song.mp3")),
        )
        with pytest.raises(BadInput, match=r"song\.mp3 has no picture in it"):
            media_check(tmp_path / "song.mp3", "clip")
        assert media_check(tmp_path / "song.mp3", "audio").audio_codec == "mp3"

    @pytest.mark.parametrize(("kind", "name"), [("clip", "p.mp4"), ("audio", "p.wav")])
    def test_a_picture_by_another_name(self, tmp_path, kind, name):
        picture(tmp_path / "p.png").rename(tmp_path / name)
        with pytest.raises(BadInput, match=f"{name} is not a video or sound file"):
            media_check(tmp_path / name, kind)

    def test_a_film_named_as_a_picture(self, tmp_path):
        clip(tmp_path / "c.mp4").rename(tmp_path / "c.png")
        with pytest.raises(BadInput, match=r"c\.png is not a picture"):
            media_check(tmp_path / "c.png", "image")

    def test_a_jpeg_whose_end_is_filled_with_zeros(self, tmp_path):
        path = picture(tmp_path / "z.jpg", size=(800, 600))
        body = path.read_bytes()
        path.write_bytes(body[: len(body) // 2])
        with pytest.raises(BadInput, match=r"z\.jpg is (cut off|damaged)"):
            media_check(path, "image")

    def test_the_sound_of_a_clip_counts_where_it_is_heard(self, tmp_path):
        path = tmp_path / "ac3.mkv"
        ffmpeg(
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=64x36:r=5:d=1",
            "-f",
            "lavfi",
            "-i",
            "sine=d=1",
            "-c:a",
            "ac3",
            "-pix_fmt",
            "yuv420p",
            str(path),
        )
        assert media_check(path, "clip").audio_codec == "ac3"
        with pytest.raises(BadInput, match=r"The sound of ac3\.mkv is coded as ac3"):
            media_check(path, "clip", heard=True)


class TestBeforeTheRender:
    """A whole timeline with one bad file in it: nothing is made."""

    @pytest.fixture
    def line(self, tmp_path):
        scenes = (
            Scene("a", picture(tmp_path / "a.png"), "image", 0.0, 1.0),
            Scene("b", clip(tmp_path / "b.mp4"), "clip", 1.0, 1.0, clip_level_db=-10.0),
        )
        speech = (SpeechClip(voice(tmp_path / "v.wav", 1.0), 0.2, 1.0, "A"),)
        captions: tuple[CaptionLine, ...] = ()
        return Timeline(Format(160, 90, 15), 2.0, scenes, speech, captions, (), music=MusicTrack(music(tmp_path / "m.wav")))

    @pytest.mark.parametrize("name", ["a.png", "b.mp4", "v.wav", "m.wav"])
    def test_it_is_refused_by_name(self, tmp_path, line, name):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
        told: list[str] = []
        with pytest.raises(BadInput, match=name.replace(".", r"\.")):
            compose(
                line, tmp_path / "o.mp4", tmp_path / "work", report=lambda _, text: told.append(text), cancelled=lambda: False
            )
        assert told == ["Checking the pictures, clips and voices"]
        assert [path.name for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
        assert not (tmp_path / "o.mp4").exists()

    def test_silence_without_end_or_beginning(self, tmp_path, line):
        empty = wav(tmp_path / "empty.wav", np.zeros(0))
        bad = replace(line, speech=(SpeechClip(empty, 0.0, 1.0, "A"),))
        with pytest.raises(BadInput, match=r"empty\.wav has no length"):
            compose(bad, tmp_path / "o.mp4", tmp_path / "work", report=lambda *_: None, cancelled=lambda: False)

    def test_a_clip_that_begins_after_its_end(self, tmp_path, line):
        bad = replace(line, scenes=(line.scenes[0], replace(line.scenes[1], clip_start=9.0)))
        with pytest.raises(BadInput, match=r"b\.mp4 lasts 1\.0 s and should begin at 9\.0 s"):
            compose(bad, tmp_path / "o.mp4", tmp_path / "work", report=lambda *_: None, cancelled=lambda: False)

    def test_a_colour_that_is_none(self, tmp_path, line):
        bad = replace(line, scenes=(replace(line.scenes[0], background="red"), line.scenes[1]))
        with pytest.raises(BadInput, match="“red” is no colour"):
            compose(bad, tmp_path / "o.mp4", tmp_path / "work", report=lambda *_: None, cancelled=lambda: False)
