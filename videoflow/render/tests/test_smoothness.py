import pytest

from videoflow.render import Format
from videoflow.render.tests.smoothness import displacements


@pytest.mark.parametrize("motion", ["push_in", "pan_left"])
def test_every_frame_stands_where_it_should(motion):
    made = displacements(motion, Format(480, 270, 30), seconds=3.0)
    assert made.rms_px <= 0.03
    assert made.max_px <= 0.1
    assert made.steps_back == 0
