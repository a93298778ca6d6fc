import numpy as np
import pytest

from videoflow.render.resampling import LEAST_COLUMNS, plane_filter, rows_filter, taps_at


def catmull_rom(at: float) -> np.ndarray:
    """Weights of the samples before, at, after and after that."""
    distances = np.abs(np.arange(-1, 3) - at)
    near = 1.5 * distances**3 - 2.5 * distances**2 + 1
    far = -0.5 * distances**3 + 2.5 * distances**2 - 4 * distances + 2
    return np.where(distances < 1, near, np.where(distances < 2, far, 0))


def noise(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(0, 256, (rows, columns), dtype=np.uint8)


class TestRowsFilter:
    @pytest.mark.parametrize("columns", [32, 33, 63, 64, 100, 301])
    def test_ok(self, columns):
        source, out = noise(60, columns), np.zeros((40, columns), np.uint8)
        begin, step = 2.3, 1.37
        rows_filter(source, taps_at(begin, step, 40, 60), out)
        for row in range(40):
            place = begin + step * row
            first = int(place)
            meant = catmull_rom(place - first) @ source[first - 1 : first + 3].astype(float)
            assert np.abs(np.clip(meant, 0, 255) - out[row]).max() <= 4.0, row  # places are rounded to 1/128, weights to 1/128

    def test_whole_places_copy(self):
        source, out = noise(50, 64), np.zeros((30, 64), np.uint8)
        rows_filter(source, taps_at(5.0, 1.0, 30, 50), out)
        assert np.array_equal(out, source[5:35])

    @pytest.mark.parametrize("luma", [0, 16, 128, 235, 255])
    def test_flat_colours_stay_as_they_are(self, luma):
        source, out = np.full((40, 40), luma, np.uint8), np.zeros((30, 40), np.uint8)
        rows_filter(source, taps_at(1.0, 1.013, 30, 40), out)
        assert (out == luma).all()

    def test_overshoot_is_clipped_and_does_not_wrap(self):
        source = np.zeros((40, 32), np.uint8)
        source[20:] = 255
        out = np.zeros((64, 32), np.uint8)
        rows_filter(source, taps_at(16.0, 0.125, 64, 40), out)
        assert np.diff(out[:, 0].astype(int)).min() >= 0

    def test_writes_into_a_part_of_a_wider_plane(self):
        whole = np.zeros((30, 100), np.uint8)
        source = noise(40, 40)
        rows_filter(source, taps_at(2.0, 1.0, 30, 40), whole[:, 20:60])
        assert np.array_equal(whole[:, 20:60], source[2:32])
        assert not whole[:, :20].any()
        assert not whole[:, 60:].any()

    def test_refuses_what_lies_outside(self):
        source, out = noise(40, 40), np.zeros((30, 40), np.uint8)
        first, weights = taps_at(2.0, 1.0, 30, 40)
        with pytest.raises(ValueError, match="outside"):
            rows_filter(source, (first + 20, weights), out)
        with pytest.raises(ValueError, match="cannot be filtered"):
            rows_filter(source[:, : LEAST_COLUMNS - 1], (first, weights), out[:, : LEAST_COLUMNS - 1])


def test_both_directions_at_once():
    source, out = noise(90, 120), np.zeros((50, 70), np.uint8)
    plane_filter(np.ascontiguousarray(source.T), taps_at(10.0, 1.0, 70, 120), taps_at(20.0, 1.0, 50, 90), out)
    assert np.array_equal(out, source[20:70, 10:80])
