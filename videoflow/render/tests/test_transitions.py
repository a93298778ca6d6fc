import numpy as np
import pytest

from videoflow.render.motion import WHOLE
from videoflow.render.planes import footage_of, planes_empty, warp_into
from videoflow.render.transitions import TRANSITIONS, smooth

FRAMES = 15


def shown(kind: str, width: int = 192, height: int = 108) -> np.ndarray:
    """Paint a transition from a dark to a light picture, both with a mark in the middle; return every frame's luma."""
    footages = []
    for luma in (40, 200):
        planes = planes_empty(width, height)
        planes.y[:] = luma
        planes.y[50:58, 80:112] = 120
        footages.append(footage_of(planes))
    target, spare, seen = planes_empty(width, height), planes_empty(width, height), []
    for frame in range(FRAMES):
        outgoing, incoming = (
            lambda out, zoomed, shift_x, footage=footage: warp_into(footage, zoomed or WHOLE, out, shift_x=shift_x)
            for footage in footages
        )
        TRANSITIONS[kind]((frame + 1) / (FRAMES + 1), outgoing, incoming, target, spare)
        seen.append(target.y.copy())
    return np.stack(seen).astype(float)


@pytest.mark.parametrize("kind", sorted(TRANSITIONS))
class TestTransitions:
    def test_goes_from_one_to_the_other_without_a_step_back(self, kind):
        way = (shown(kind).mean(axis=(1, 2)) - 40) / 160
        assert way[0] < 0.1
        assert way[-1] > 0.9
        assert np.diff(way).min() >= -0.002

    def test_starts_and_ends_gently(self, kind):
        steps = np.diff((shown(kind).mean(axis=(1, 2)) - 40) / 160)
        assert steps[0] < 0.8 * steps.max()
        assert steps[-1] < 0.8 * steps.max()

    def test_every_sample_belongs_to_the_pictures(self, kind):
        seen = shown(kind)
        assert seen.min() >= 16
        assert seen.max() <= 208  # the filter overshoots a little at hard edges


def test_smooth_is_at_rest_at_both_ends():
    assert (smooth(0.0), smooth(0.5), smooth(1.0)) == (0.0, 0.5, 1.0)
    assert smooth(0.01) < 0.0001
