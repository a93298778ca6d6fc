from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.render.encoder import HoldingWriter, SegmentWriter, writer_open
from videoflow.render.holding import HeldFrames, units_of
from videoflow.render.planes import planes_of_frame
from videoflow.render.presets import encoder_settings
from videoflow.render.tests.material import ffmpeg
from videoflow.render.timeline import Format, Quality


def written(path: Path, changes: dict[int, int], frames: int, form: Format) -> tuple[list[float], bytes]:
    """Write frames whose luma changes at some of them; return the mean luma that another decoder sees, and the extradata."""
    job = {"width": form.width_px, "height": form.height_px, "fps": form.fps, "encoder": encoder_settings(form)}
    with writer_open(job, path, still=True) as writer:
        planes = planes_of_frame(writer.frame)
        for plane in planes:
            plane[:] = 128
        for frame in range(frames):
            if frame in changes:
                planes.y[:] = changes[frame]
                planes.y[::7, ::5] = 60
                writer.write()
            else:
                writer.hold()
        extradata = writer.finish()
    raw = path.with_suffix(".raw")
    said = ffmpeg("-xerror", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", str(raw))
    assert "error" not in said.lower()
    seen = np.fromfile(raw, np.uint8).reshape(-1, form.height_px, form.width_px)
    return [float(np.median(frame)) for frame in seen], extradata


class TestHoldingWriter:
    @pytest.mark.parametrize(("width", "height"), [(320, 180), (192, 108), (66, 64)])
    @pytest.mark.parametrize("quality", ["draft", "standard", "high"])
    def test_shows_each_frame_until_the_next(self, tmp_path, width, height, quality: Quality):
        changes = {0: 60, 3: 100, 4: 150, 20: 90}
        form = Format(width, height, 30, quality=quality)
        seen, _ = written(tmp_path / "held.mp4", changes, 40, form)
        meant = [changes[max(at for at in changes if at <= frame)] for frame in range(40)]
        assert len(seen) == 40
        full = [(luma - 16) * 255 / 219 for luma in meant]
        assert np.abs(np.array(seen) - full).max() <= 2

    def test_a_key_frame_comes_every_four_seconds(self, tmp_path):
        form = Format(128, 72, 10)
        seen, _ = written(tmp_path / "long.mp4", {0: 60, 50: 120}, 100, form)
        with av.open(tmp_path / "long.mp4") as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == [0, 40, 80]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets] == [512 * n for n in range(100)]
        assert len({round(luma) for luma in seen[:50]}) == 1

    def test_costs_next_to_nothing_in_size(self, tmp_path):
        form = Format(320, 180, 30)
        written(tmp_path / "short.mp4", {0: 60}, 2, form)
        written(tmp_path / "long.mp4", {0: 60}, 90, form)
        grown = (tmp_path / "long.mp4").stat().st_size - (tmp_path / "short.mp4").stat().st_size
        assert grown < 88 * 60

    def test_joins_with_what_x264_wrote_alone(self, tmp_path):
        form = Format(320, 180, 30)
        _, held = written(tmp_path / "held.mp4", {0: 60}, 10, form)
        with SegmentWriter(tmp_path / "moving.mp4", 320, 180, 30, encoder_settings(form)) as writer:
            for plane in planes_of_frame(writer.frame):
                plane[:] = 128
            writer.write()
            assert writer.finish() == held

    def test_other_encoders_encode_every_frame(self, tmp_path):
        form = Format(128, 72, 10, codec="hevc")
        job = {"width": 128, "height": 72, "fps": 10, "encoder": encoder_settings(form)}
        with writer_open(job, tmp_path / "h.mp4", still=True) as writer:
            assert not isinstance(writer, HoldingWriter)
            for plane in planes_of_frame(writer.frame):
                plane[:] = 128
            writer.write()
            writer.hold()
            writer.finish()
        assert writer.frames == 2

    @pytest.mark.parametrize("frames", [1, 2, 3])
    def test_streams_shorter_than_the_reordering_have_decoding_times(self, tmp_path, frames):
        job = {"width": 128, "height": 72, "fps": 10, "encoder": encoder_settings(Format(128, 72, 10, codec="hevc"))}
        with writer_open(job, tmp_path / "h.mp4", still=False) as writer:
            for _ in range(frames):
                writer.write()
            writer.finish()
        with av.open(tmp_path / "h.mp4") as container:
            places = [(packet.pts, packet.dts) for packet in container.demux() if packet.size]
        assert [dts for _, dts in places] == [(number - 2) * 512 for number in range(frames)]
        assert sorted(pts for pts, _ in places) == [number * 512 for number in range(frames)]


def test_refuses_streams_of_another_kind():
    with pytest.raises(ValueError, match="High profile"):
        HeldFrames.of(b"\0\0\0\1\x67\x42\0\x1e\x95\0\0\0\1\x68\xce\x38\x80")


def test_units_are_found_behind_both_start_codes():
    assert list(units_of(b"\0\0\0\1ab\0\0\1cd")) == [b"ab", b"cd"]
