import pytest

from videoflow.pipeline.models import Video
from videoflow.pipeline.panels.composition import quality_lines


@pytest.mark.parametrize(("peak_db", "verdict"), [(-1.6, "ok"), (-1.0, "ok"), (-0.9, "warn")])
def test_true_peak_at_the_limit_is_fine(peak_db: float, verdict: str) -> None:
    video = Video(quality={"verdict": "ok", "findings": [], "figures": {"true_peak_db": peak_db}})
    line = next(check for check in quality_lines(video) if check.text.startswith("True peak"))
    assert line.verdict == verdict
