from dataclasses import replace

import av
import pytest

from videoflow.errors import BadInput
from videoflow.render import Format, compose, probe, remake_of
from videoflow.render.presets import encoder_settings
from videoflow.render.tests.material import timeline


def never() -> bool:
    return False


class TestSettings:
    def test_h264_is_what_is_made_unasked(self):
        settings = encoder_settings(Format())
        assert (settings["encoder"], settings["tag"], settings["profile"]) == ("libx264", "avc1", "High")

    def test_every_choice_has_settings_of_its_own(self):
        made = [
            str(encoder_settings(Format(quality=quality, codec=codec)))
            for quality in ("draft", "standard", "high")
            for codec in ("h264", "hevc", "av1")
        ]
        assert len(set(made)) == 9

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"quality": "best"}, "no preset “best”"),
            ({"codec": "vp9"}, "for vp9"),
            ({"encoder": "libx264"}, "“libx264” is no hardware encoder for h264"),
            ({"encoder": "h264_nvenc", "codec": "hevc"}, "“h264_nvenc” is no hardware encoder for hevc"),
        ],
    )
    def test_what_does_not_exist_is_refused(self, changes, sentence):
        with pytest.raises(BadInput, match=sentence):
            encoder_settings(replace(Format(), **changes))


class TestVideo:
    @pytest.mark.parametrize(("codec", "tag"), [("hevc", "hvc1"), ("av1", "av01")])
    def test_other_codecs_are_joined_and_pass_the_check(self, tmp_path, codec, tag):
        line = timeline(tmp_path / "in", Format(320, 180, 30, codec=codec, quality="draft"))
        made = compose(line, tmp_path / "o.mp4", tmp_path / "work", report=lambda *_: None, cancelled=never)
        facts = probe(made.path)
        assert (made.video_codec, facts.video_codec, facts.frames, facts.colour) == (codec, codec, 120, (1, 1, 1, 1))
        assert made.report.verdict == "ok", made.report.findings
        with av.open(made.path) as container:
            assert container.streams.video[0].codec_context.codec_tag == tag
            times = [round(float(frame.time or 0) * 30) for frame in container.decode(video=0)]
        assert times == list(range(120))

    def test_another_quality_is_another_part_and_the_same_sound(self, tmp_path):
        line = timeline(tmp_path / "in", Format(160, 90, 30))
        made = compose(line, tmp_path / "o.mp4", tmp_path / "work", report=lambda *_: None, cancelled=never)
        assert made.encoder == "libx264"
        remake = remake_of(replace(line, format=Format(160, 90, 30, quality="high")), tmp_path / "work")
        assert len(remake.missing) == len(remake.plan.segments)
        assert not remake.sound_missing

    @pytest.mark.parametrize(("width", "height", "fps"), [(3840, 2160, 24), (1280, 720, 60)])
    def test_large_and_quick_ones_are_planned(self, tmp_path, width, height, fps):
        line = timeline(tmp_path / "in", Format(width, height, fps, quality="high"))
        assert remake_of(line, tmp_path).plan.frames == 4 * fps
