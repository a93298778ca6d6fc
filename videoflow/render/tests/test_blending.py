import numpy as np
import pytest

from videoflow.render.blending import blend


def noise(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


class TestBlend:
    @pytest.mark.parametrize("added", [0, 7, 255])
    def test_ok(self, added):
        """Every sample under every opacity, rounded and never over 255."""
        out, below = (field.astype(np.uint8) for field in np.meshgrid(np.arange(256), np.arange(256)))
        meant = np.minimum(255, np.floor(out * (below / 255.0) + 0.5) + added)
        blend(np.full((256, 256), added, np.uint8), below, out)
        assert np.array_equal(out, meant)

    @pytest.mark.parametrize("columns", [1, 31, 32, 33, 301])
    def test_writes_into_a_part_of_a_wider_plane(self, columns):
        whole, colour, below = noise(40, 400), noise(20, columns, 1), noise(20, columns, 2)
        meant, part = whole.copy(), whole[10:30, 50 : 50 + columns]
        meant[10:30, 50 : 50 + columns] = np.minimum(255, np.floor(part * (below / 255.0) + 0.5) + colour)
        blend(colour, below, part)
        assert np.array_equal(whole, meant)

    def test_refuses_planes_of_other_sizes(self):
        with pytest.raises(ValueError, match="cannot be blended"):
            blend(noise(20, 40), noise(20, 40), noise(20, 39))

    def test_nothing(self):
        out = noise(20, 0)
        blend(out, out, out)
        assert out.size == 0
