from pathlib import Path

import av
import pytest

from videoflow.render import Format
from videoflow.render.encoder import SegmentWriter
from videoflow.render.planes import planes_of_frame
from videoflow.render.presets import encoder_settings
from videoflow.render.segment_worker import encoder_runs

SETTINGS = encoder_settings(Format(320, 180, 30))
SHADES = [number * 4 + 20 for number in range(45)]


def written(writer: SegmentWriter, shades: list[int]) -> None:
    planes = planes_of_frame(writer.frame)
    for shade in shades:
        planes.y[:], planes.u[:], planes.v[:] = shade, 128, 128
        writer.write()


def shown(path: Path) -> list[int]:
    with av.open(path) as container:
        return [round(float(planes_of_frame(frame).y.mean())) for frame in container.decode(video=0)]


class TestGoingOn:
    @pytest.mark.parametrize("cuts", [(4, 8), (20, 41)])
    def test_each_file_has_its_frames_and_decodes_by_itself(self, tmp_path, cuts):
        paths, ended = [tmp_path / f"{number}.mp4" for number in range(3)], []
        with SegmentWriter(paths[0], 320, 180, 30, SETTINGS) as writer:
            written(writer, SHADES[: cuts[0]])
            writer.go_on(paths[1], lambda: ended.append(shown(paths[0])))
            written(writer, SHADES[cuts[0] : cuts[1]])
            writer.go_on(paths[2], lambda: ended.append(shown(paths[1])))
            written(writer, SHADES[cuts[1] :])
            writer.finish()
        parts = [*ended, shown(paths[2])]
        assert [len(part) for part in parts] == [cuts[0], cuts[1] - cuts[0], 45 - cuts[1]]
        assert [shade for part in parts for shade in part] == pytest.approx(SHADES, abs=3)
        extras = set()
        for path in paths:
            with av.open(path) as container:
                packets = [packet for packet in container.demux(video=0) if packet.size]
                extras.add(container.streams.video[0].codec_context.extradata)
            assert packets[0].is_keyframe and packets[0].pts == 0
            times = [packet.dts for packet in packets]
            assert times == sorted(set(times))
        assert len(extras) == 1

    def test_a_fault_leaves_what_is_complete_and_nothing_else(self, tmp_path):
        first, second = tmp_path / "1.mp4", tmp_path / "2.mp4"
        finished = tmp_path / "finished.mp4"
        with pytest.raises(ZeroDivisionError), SegmentWriter(first, 320, 180, 30, SETTINGS) as writer:
            written(writer, SHADES[:5])
            writer.go_on(second, lambda: first.rename(finished))
            written(writer, SHADES * 3)
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == [finished]
        assert len(shown(finished)) == 5


class TestRuns:
    def test_stills_and_other_encoders_have_an_encoder_each(self):
        def segment(encoder: str, motion: str) -> dict[str, object]:
            job = {"encoder": {"encoder": encoder}, "transition": None, "base": {"kind": "image", "motion": motion}}
            return {"job": job}

        moving, still, other = segment("libx264", "push_in"), segment("libx264", "still"), segment("libx265", "push_in")
        runs = list(encoder_runs([moving, moving, still, moving, other, other]))
        assert runs == [[moving, moving], [still], [moving], [other], [other]]
