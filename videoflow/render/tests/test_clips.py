from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render.clips import LOOP_FADE_SECONDS, Clip, clip_seconds
from videoflow.render.tests.material import ffmpeg

LEVELS = "geq=lum='16+4*mod(N,50)':cb=128:cr=128"
"""A clip whose luma says which frame it is."""


def numbered(path: Path, rate: str, seconds: float, *options: str) -> Path:
    source = f"color=s=64x36:r={rate}:d={seconds},format=yuv420p,{LEVELS}"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-crf", "8", "-colorspace", "bt709", *options, str(path))
    return path


def opened(path: Path, size: tuple[int, int] = (64, 36), wanted: float = 0.0, fps: int = 30, **changes) -> Clip:
    spec = {
        "media": str(path),
        "fit": "cover",
        "background": "#000000",
        "focus": [0.5, 0.5],
        "clip_start": 0.0,
        "clip_end": "loop",
    }
    return Clip({**spec, **changes}, *size, fps, wanted)


def number_at(clip: Clip, seconds: float) -> int:
    return round((float(clip.planes_at(seconds).y.mean()) - 16) / 4)


def colour_at(clip: Clip, x: float, y: float, seconds: float = 0.0) -> tuple[int, int, int]:
    planes = clip.planes_at(seconds)
    row, column = int(y * planes.height) // 2, int(x * planes.width) // 2
    luma, u, v = float(planes.y[2 * row, 2 * column]) - 16, float(planes.u[row, column]) - 128, float(planes.v[row, column]) - 128
    luma *= 255 / 219
    rgb = (luma + 1.7927 * v, luma - 0.2132 * u - 0.5329 * v, luma + 2.1124 * u)  # BT.709, limited range
    return round(rgb[0]), round(rgb[1]), round(rgb[2])


def near(one: tuple[int, int, int], other: tuple[int, int, int], by: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= by


class TestTime:
    @pytest.mark.parametrize("rate", ["24", "25", "30000/1001", "30", "50", "60"])
    def test_any_rate(self, tmp_path, rate):
        clip = opened(numbered(tmp_path / "c.mp4", rate, 0.8))
        shown = [number_at(clip, frame / 30) for frame in range(22)]
        assert all(abs(number - frame / 30 * float(Fraction(rate))) <= 1.01 for frame, number in enumerate(shown))
        assert shown == sorted(shown)

    def test_variable_rate_goes_by_the_frames_own_times(self, tmp_path):
        times = [0, 3, 4, 20, 21, 40]
        with av.open(tmp_path / "v.mkv", "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
            for number, at in enumerate(times):
                samples = np.full((54, 64), 128, np.uint8)
                samples[:36] = 16 + 20 * number
                frame = av.VideoFrame.from_ndarray(samples, format="yuv420p")
                frame.pts, frame.time_base = at, Fraction(1, 30)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        clip = opened(tmp_path / "v.mkv")
        shown = [round((float(clip.planes_at(frame / 30).y.mean()) - 16) / 20) for frame in range(41)]
        assert shown == [max(n for n, at in enumerate(times) if at <= frame) for frame in range(41)]

    def test_begins_where_it_should_and_leaves_out_the_rest(self, tmp_path):
        clip = opened(numbered(tmp_path / "c.mp4", "30", 1.6), clip_start=1.2, wanted=0.2)
        assert [number_at(clip, at) for at in (0.0, 0.1, 0.2)] == [36, 39, 42]

    def test_short_ones_begin_again_under_a_crossfade(self, tmp_path):
        path = numbered(tmp_path / "c.mp4", "30", 1.0)
        clip = opened(path, wanted=2.5)
        shown = [number_at(clip, frame / 30) for frame in range(75)]
        assert shown[:30] == list(range(30))
        faded = round(min(LOOP_FADE_SECONDS, 0.25) * 30)
        assert 0 < shown[31] < 29
        assert shown[30 + faded : 60] == list(range(faded, 30))
        late = opened(path, wanted=2.5)
        assert number_at(late, 50 / 30) == 20

    def test_short_ones_run_slower_but_not_below_half(self, tmp_path):
        path = numbered(tmp_path / "c.mp4", "30", 1.0)
        clip = opened(path, clip_end="slow", wanted=1.5)
        assert [number_at(clip, at) for at in (0.0, 0.75, 1.47)] == [0, 15, 29]
        slowest = opened(path, clip_end="slow", wanted=4.0)
        assert [number_at(slowest, at) for at in (0.0, 1.0, 1.99, 3.0)] == [0, 15, 29, 15]

    def test_short_ones_hold_their_last_frame(self, tmp_path):
        clip = opened(numbered(tmp_path / "c.mp4", "30", 0.5), clip_end="hold", wanted=2.0)
        assert [number_at(clip, at) for at in (0.3, 0.5, 1.9)] == [9, 14, 14]

    @pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "c.webm"])
    def test_a_later_part_begins_at_its_own_frame(self, tmp_path, name):
        codec = ("-c:v", "libvpx-vp9", "-g", "40") if name == "c.webm" else ("-g", "40", "-bf", "3")
        path = numbered(tmp_path / name, "30", 4.0, *codec)
        for seconds in (1.3, 2.0, 3.5):
            assert number_at(opened(path, wanted=4.0), seconds) == round(seconds * 30) % 50

    def test_a_beginning_after_the_end_is_refused(self, tmp_path):
        with pytest.raises(BadInput, match=r"c\.mp4 ends before the 3\.0 s"):
            opened(numbered(tmp_path / "c.mp4", "30", 0.5), clip_start=3.0)

    def test_length_is_that_of_the_picture(self, tmp_path):
        numbered(tmp_path / "c.mp4", "30", 0.5)
        ffmpeg(
            "-i", str(tmp_path / "c.mp4"), "-f", "lavfi", "-i", "sine=d=2", "-c:v", "copy", "-c:a", "aac", str(tmp_path / "s.mkv")
        )
        assert clip_seconds(tmp_path / "s.mkv") == pytest.approx(0.5, abs=0.04)


QUARTERS = (
    "color=red:s=64x36:r=10:d=0.3[a];color=lime:s=64x36:r=10:d=0.3[b];color=blue:s=64x36:r=10:d=0.3[c];"
    "color=white:s=64x36:r=10:d=0.3[d];[a][b]hstack[e];[c][d]hstack[f];[e][f]vstack"
)
RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


def quarters(path: Path, chain: str, *options: str) -> Path:
    """Red and green above, blue and white below."""
    ffmpeg("-f", "lavfi", "-i", f"{QUARTERS},{chain}", *options, str(path))
    return path


def corners(clip: Clip) -> list[tuple[int, int, int]]:
    return [colour_at(clip, x, y) for x, y in CORNERS]


def are(seen: list[tuple[int, int, int]], *wanted: tuple[int, int, int]) -> bool:
    return all(near(one, other) for one, other in zip(seen, wanted, strict=True))


class TestPicture:
    @pytest.mark.parametrize(
        ("chain", "options"),
        [
            ("scale=out_color_matrix=bt709,format=yuv420p", ("-colorspace", "bt709")),
            ("scale=out_color_matrix=bt601,format=yuv420p", ()),
            ("scale=out_color_matrix=bt709:out_range=pc,format=yuv420p", ("-colorspace", "bt709", "-color_range", "pc")),
            ("scale=out_color_matrix=bt601,format=yuv444p10le", ("-colorspace", "smpte170m")),
            (
                "scale=out_color_matrix=bt2020,format=yuv422p10le",
                ("-colorspace", "bt2020nc", "-color_trc", "bt709", "-color_primaries", "bt709"),
            ),
        ],
    )
    def test_colours_come_out_as_bt709(self, tmp_path, chain, options):
        clip = opened(quarters(tmp_path / "c.mp4", chain, "-c:v", "libx264", "-crf", "5", *options), (128, 72))
        assert are(corners(clip), RED, LIME, BLUE, WHITE), corners(clip)

    @pytest.mark.parametrize(
        ("turn", "wanted"),
        [(90, (LIME, WHITE, RED, BLUE)), (180, (WHITE, BLUE, LIME, RED)), (270, (BLUE, RED, WHITE, LIME))],
    )
    def test_stands_upright(self, tmp_path, turn, wanted):
        quarters(tmp_path / "c.mp4", "format=yuv420p", "-crf", "5")
        ffmpeg("-display_rotation", str(turn), "-i", str(tmp_path / "c.mp4"), "-c", "copy", str(tmp_path / "r.mp4"))
        clip = opened(tmp_path / "r.mp4", (128, 72) if turn == 180 else (72, 128))
        assert are(corners(clip), *wanted), corners(clip)

    def test_an_odd_size_is_fitted(self, tmp_path):
        clip = opened(
            quarters(tmp_path / "c.webm", "crop=101:57:13:7:exact=1,format=yuv420p", "-c:v", "libvpx-vp9", "-crf", "5"), (160, 90)
        )
        planes = clip.planes_at(0.0)
        assert (planes.y.shape, planes.u.shape) == ((90, 160), (45, 80))
        assert are(corners(clip), RED, LIME, BLUE, WHITE), corners(clip)

    def test_oblong_samples_are_shown_in_their_shape(self, tmp_path):
        quarters(tmp_path / "c.mp4", "scale=64:72,setsar=2,format=yuv420p", "-crf", "5")
        clip = opened(tmp_path / "c.mp4", (144, 72), fit="contain", background="#808080")
        assert are([colour_at(clip, 0.03, 0.5), colour_at(clip, 0.97, 0.5)], (128,) * 3, (128,) * 3)
        assert are(corners(clip), RED, LIME, BLUE, WHITE), corners(clip)

    def test_the_focus_decides_what_is_cut_away(self, tmp_path):
        path = quarters(tmp_path / "c.mp4", "format=yuv420p", "-crf", "5")
        assert near(colour_at(opened(path, (36, 72), focus=[0.0, 0.5]), 0.5, 0.25), RED)
        assert near(colour_at(opened(path, (36, 72), focus=[1.0, 0.5]), 0.5, 0.25), LIME)

    def test_a_clip_that_stays_as_it_is_keeps_its_samples(self, tmp_path):
        quarters(tmp_path / "c.mp4", "scale=out_color_matrix=bt709,format=yuv420p", "-colorspace", "bt709", "-color_range", "tv")
        with av.open(tmp_path / "c.mp4") as container:
            frame = next(container.decode(video=0))
            luma = frame.to_ndarray()[:72]
        assert np.array_equal(opened(tmp_path / "c.mp4", (128, 72)).planes_at(0.0).y, luma)

    def test_woven_fields_are_taken_apart(self, tmp_path):
        moving = (
            "color=black:s=160x96:r=50:d=0.6,format=yuv420p,geq=lum='if(lt(mod(X+160-N*6\\,160)\\,40)\\,235\\,16)':cb=128:cr=128"
        )
        ffmpeg(
            *("-f", "lavfi", "-i", f"{moving},tinterlace=interleave_top", "-c:v", "libx264", "-crf", "5"),
            *("-flags", "+ildct+ilme", "-x264-params", "tff=1", "-colorspace", "bt709", str(tmp_path / "i.mp4")),
        )
        with av.open(tmp_path / "i.mp4") as container:
            woven = list(container.decode(video=0))[6].to_ndarray()[:96].astype(int)
        seen = opened(tmp_path / "i.mp4", (160, 96), fps=25).planes_at(0.24).y.astype(int)

        def combing(luma: np.ndarray) -> float:
            return float(np.abs(luma[8:-8:2] - luma[9:-7:2]).mean())

        assert combing(woven) > 10
        assert combing(seen) < 0.2 * combing(woven)


GREYS = (40, 90, 140, 190, 235)


def hdr(path: Path, transfer: str, white_nits: int) -> Path:
    """Five grey stripes of known sRGB values and a saturated red one, as HDR with white at so many nits."""
    stripes = "".join(f"color=0x{grey:02x}{grey:02x}{grey:02x}:s=32x64:r=5:d=0.4[g{n}];" for n, grey in enumerate(GREYS))
    joined = "".join(f"[g{n}]" for n in range(len(GREYS)))
    chain = (
        f"{stripes}color=red:s=32x64:r=5:d=0.4[r];{joined}[r]hstack=6,format=gbrp,"
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,"
        f"zscale=t=linear:npl={white_nits},format=gbrpf32le,zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl={white_nits},format=yuv420p10le"
    )
    tags = f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    ffmpeg("-f", "lavfi", "-i", chain, "-c:v", "libx265", "-crf", "5", "-x265-params", tags, str(path))
    return path


class TestHighDynamicRange:
    @pytest.mark.parametrize(("transfer", "white_nits"), [("smpte2084", 203), ("arib-std-b67", 203)])
    def test_greys_stay_greys_and_white_stays_white(self, tmp_path, transfer, white_nits):
        clip = opened(hdr(tmp_path / "h.mp4", transfer, white_nits), (192, 64))
        seen = [colour_at(clip, (n + 0.5) / 6, 0.5) for n in range(6)]
        assert all(max(one) - min(one) <= 6 for one in seen[:5]), seen
        assert [one[1] for one in seen[:5]] == sorted(one[1] for one in seen[:5])
        assert all(abs(one[1] - grey) < 35 for one, grey in zip(seen, GREYS, strict=False)), seen
        red = seen[5]
        assert red[0] > 200
        assert max(red[1:]) < 90, seen


class TestAlpha:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", "5")),
            ("b.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-b:v", "2M", "-auto-alt-ref", "0")),
            ("c.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le", "-alpha_bits", "16")),
            ("d.mov", ("-c:v", "png", "-pix_fmt", "rgba")),
        ],
    )
    def test_what_is_transparent_shows_the_background(self, tmp_path, name, options):
        # White on the left half, green hidden under full transparency on the right, half transparent in the lower left.
        source = (
            "color=black:s=96x64:r=5:d=0.4,format=gbrap,geq=r='if(lt(X\\,48)\\,255\\,0)':g=255:b='if(lt(X\\,48)\\,255\\,0)'"
            ":a='if(gte(X\\,48)\\,0\\,if(gt(Y\\,40)\\,128\\,255))',scale=out_color_matrix=bt709"
        )
        ffmpeg("-f", "lavfi", "-i", source, "-colorspace", "bt709", *options, str(tmp_path / name))
        ffmpeg("-i", str(tmp_path / name), "-c", "copy", str(tmp_path / f"copied-{name}"))
        clip = opened(tmp_path / f"copied-{name}", (96, 64), background="#ff0000")
        seen = [colour_at(clip, 0.25, 0.3), colour_at(clip, 0.75, 0.3), colour_at(clip, 0.25, 0.85)]
        assert are(seen, WHITE, RED, (255, 128, 128)), seen
        edge = [colour_at(clip, x / 96, 0.3) for x in range(44, 53)]
        assert all(green <= red + 30 for red, green, _ in edge), edge
