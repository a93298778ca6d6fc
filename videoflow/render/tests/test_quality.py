from dataclasses import replace

from videoflow.render import Scene, Timeline, timeline_captions
from videoflow.render.quality import caption_findings, quality_check
from videoflow.render.tests.material import SMALL, clip, ffmpeg, picture, spoken


def checked(path, line: Timeline):
    return quality_check(path, line, timeline_captions(line), cancelled=lambda: False)


def line_of(path, seconds: float) -> Timeline:
    return Timeline(SMALL, seconds, (Scene("a", path, "image", 0.0, seconds),), (), (), ())


class TestQuality:
    def test_black_and_silent_stretches_are_found_with_their_times(self, tmp_path):
        picture_filter = "testsrc2=s=320x180:r=30:d=4,drawbox=c=black:t=fill:enable='between(t,1,2)'"
        sound_filter = "sine=f=500:r=48000:d=4,volume=0:enable='between(t,2,3)',aformat=channel_layouts=stereo"
        tags = ",setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,format=yuv420p"
        ffmpeg(
            "-f", "lavfi", "-i", picture_filter + tags, "-f", "lavfi", "-i", sound_filter,
            "-c:a", "aac", "-movflags", "+faststart", str(tmp_path / "v.mp4"),
        )  # fmt: skip
        report = checked(tmp_path / "v.mp4", line_of(picture(tmp_path / "p.png"), 4.0))
        found = {finding.kind: finding for finding in report.findings}
        assert abs(found["black"].start - 1.0) < 0.15
        assert abs(found["black"].end - 2.0) < 0.15
        assert found["black"].severity == "warn"
        assert abs(found["silence"].start - 2.0) < 0.1
        assert abs(found["silence"].end - 3.0) < 0.1
        assert "container" not in found, found["container"].message

    def test_a_file_that_is_too_short_and_without_sound_fails(self, tmp_path):
        report = checked(clip(tmp_path / "c.mp4"), line_of(picture(tmp_path / "p.png"), 3.0))
        assert report.verdict == "fail"
        message = next(finding.message for finding in report.findings if finding.kind == "container")
        assert "the picture lasts 1.00 s instead of 3.00 s" in message
        assert "its index does not come first" in message

    def test_captions_are_judged(self, tmp_path):
        line = line_of(picture(tmp_path / "p.png"), 4.0)
        fast = replace(line, captions=(spoken("Everything you always wanted to know about it and more", 0.0, 0.9),))
        kinds = {finding.kind for finding in caption_findings(timeline_captions(fast), fast)}
        assert "reading_speed" in kinds
        strange = replace(line, captions=(spoken("A \U00012345 sign", 0.0, 3.0),))
        assert {finding.kind for finding in caption_findings(timeline_captions(strange), strange)} == {"missing_glyph"}
