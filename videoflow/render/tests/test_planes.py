import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.render.motion import View, eased, view_at
from videoflow.render.planes import Planes, cover_box, footage_of, picture_planes, planes_empty, planes_of_rgb, warp_into
from videoflow.render.tests.material import picture


def gradient(width: int, height: int) -> Planes:
    """Luma rises by 0.25 a pixel to the right, so its value says where a sample came from."""
    planes = planes_empty(width, height)
    planes.y[:] = np.clip(16 + np.arange(width) * 0.25, 0, 255).astype(np.uint8)[None, :]
    return planes


class TestWarp:
    def test_ok(self):
        source, target = gradient(640, 360), planes_empty(320, 180)
        warp_into(footage_of(source), View(0.0, 0.0, 1.0), target)
        assert int(target.y[90, 160]) == pytest.approx(16 + 320.5 * 0.25, abs=1)

    def test_moves_by_parts_of_a_pixel(self):
        wave = (128 + 80 * np.sin(np.arange(640) * 2 * np.pi / 40)).astype(np.uint8)
        source, target = planes_empty(640, 360), planes_empty(320, 180)
        source.y[:] = wave[None, :]
        for shift in (0.0, 0.1, 0.25, 0.4):
            warp_into(footage_of(source), View(shift / 320, 0.0, 1.0), target)
            expected = 128 + 80 * np.sin((2 * (np.arange(20, 300) + 0.5 + shift) - 0.5) * 2 * np.pi / 40)
            assert np.abs(target.y[90, 20:300] - expected).mean() < 1.0

    def test_a_moved_picture_is_the_same_picture_elsewhere(self, tmp_path):
        planes = footage_of(picture_planes(picture(tmp_path / "p.png"), 320, 180, (0.5, 0.5), moving=True))
        here, left, right = planes_empty(320, 180), planes_empty(320, 180), planes_empty(320, 180)
        view = view_at("push_in", (0.4, 0.4), 0.3, 5.0)
        warp_into(planes, view, here)
        warp_into(planes, view, right, shift_x=100.0)
        warp_into(planes, view, left, shift_x=-100.0)
        assert np.abs(here.y[:, :220].astype(int) - right.y[:, 100:]).max() <= 1
        assert np.abs(here.u[:, :110].astype(int) - right.u[:, 50:]).max() <= 1
        assert np.abs(here.y[:, 100:].astype(int) - left.y[:, :220]).max() <= 1
        assert right.y[:, :99].max() == 16

    def test_a_whole_picture_of_the_same_size_is_not_resampled(self, tmp_path):
        planes = picture_planes(picture(tmp_path / "p.png", size=(320, 180)), 320, 180, (0.5, 0.5), moving=False)
        target = planes_empty(320, 180)
        warp_into(footage_of(planes), View(0.0, 0.0, 1.0), target)
        assert np.array_equal(planes.y, target.y)

    def test_colours_are_bt709_in_limited_range(self):
        planes = planes_of_rgb(np.full((4, 4, 3), (255, 0, 0), np.uint8))
        assert (int(planes.y[0, 0]), int(planes.u[0, 0]), int(planes.v[0, 0])) == (63, 102, 240)


class TestViews:
    @pytest.mark.parametrize("motion", ["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"])
    @pytest.mark.parametrize("focus", [(0.5, 0.5), (0.0, 1.0), (1.0, 0.2)])
    def test_never_look_past_the_edge(self, motion, focus):
        for share in np.linspace(0, 1, 31):
            view = view_at(motion, focus, float(share), 6.0)
            assert view.zoom >= 1.0
            assert min(view.left, view.top) >= -1e-9
            assert max(view.left, view.top) + 1.0 / view.zoom <= 1.0 + 1e-9

    def test_a_zoom_keeps_its_focus_in_place(self):
        for share in (0.2, 0.7, 1.0):
            view = view_at("push_in", (0.3, 0.8), share, 5.0)
            assert (0.3 - view.left) * view.zoom == pytest.approx(0.3)

    def test_eases_without_stepping_back(self):
        steps = np.diff([eased(share) for share in np.linspace(0, 1, 200)])
        assert steps.min() > 0
        assert steps[0] < steps[100]

    def test_cover_follows_the_focus(self):
        assert cover_box(400, 100, 100, 100, (0.9, 0.5)) == (300, 0, 400, 100)
        assert cover_box(100, 400, 100, 100, (0.5, 0.5)) == (0, 150, 100, 250)


def test_a_damaged_picture_is_named(tmp_path):
    path = picture(tmp_path / "cut.png")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BadInput, match=r"cut\.png"):
        picture_planes(path, 320, 180, (0.5, 0.5), moving=True)
