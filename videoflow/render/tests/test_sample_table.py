from pathlib import Path

import av
import pytest

from videoflow.render import Format
from videoflow.render.encoder import writer_open
from videoflow.render.planes import planes_of_frame
from videoflow.render.presets import encoder_settings
from videoflow.render.sample_table import samples_read
from videoflow.render.tests.material import clip
from videoflow.render.timeline import VideoCodec


def segment(path: Path, frames: int, codec: VideoCodec = "h264", *, still: bool = False) -> Path:
    job = {"width": 320, "height": 180, "fps": 30, "encoder": encoder_settings(Format(320, 180, 30, "draft", codec))}
    with writer_open(job, path, still=still) as writer:
        planes = planes_of_frame(writer.frame)
        for number in range(frames):
            planes.y[:] = 20 + 2 * number
            planes.y[:, : 6 * number + 6] = 220
            planes.u[:] = planes.v[:] = 128
            writer.hold() if still and number % 3 else writer.write()
        writer.finish()
    return path


class TestSamplesRead:
    @pytest.mark.parametrize(
        ("frames", "codec", "still"),
        [
            (45, "h264", False),
            (1, "h264", False),
            (2, "h264", False),
            (31, "h264", True),
            (20, "hevc", False),
            (20, "av1", False),
        ],
    )
    def test_a_demuxer_finds_the_same(self, tmp_path, frames, codec, still):
        path = segment(tmp_path / "one.mp4", frames, codec, still=still)
        samples = samples_read(path, 30)
        with av.open(path) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            assert samples.settings == bytes(stream.codec_context.extradata or b"")
        assert len(packets) == frames
        assert list(samples.frames) == [bytes(packet) for packet in packets]
        assert [place * 512 for place in samples.places] == [packet.pts for packet in packets]
        assert list(samples.keys) == [packet.is_keyframe for packet in packets]
        assert sorted(samples.places) == list(range(frames))

    @pytest.mark.parametrize("kept", [0, 7, 40, 700])
    def test_a_cut_off_file_is_refused(self, tmp_path, kept):
        path = segment(tmp_path / "one.mp4", 5)
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(ValueError, match=r".+"):
            samples_read(path, 30)

    def test_frames_of_another_rate_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="between"):
            samples_read(clip(tmp_path / "other.mp4", "testsrc2=s=320x180:r=12:d=1"), 30)
