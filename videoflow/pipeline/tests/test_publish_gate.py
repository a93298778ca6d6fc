import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.panels.composition import quality_lines
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.tests.factories import ProjectFactory, with_script, with_video

pytestmark = pytest.mark.django_db(transaction=True)

BLACK = {"kind": "black", "severity": "block", "start": 3.0, "end": 9.0, "message": "The picture is black for 6.0 s."}
SOFT = {"kind": "low_resolution", "severity": "warn", "start": 0.0, "end": 3.0, "message": "Picture 1 looks soft."}


def judged(verdict: str, *findings: dict[str, object]):
    project = ProjectFactory()
    video = with_video(project, with_script(project))
    video.quality = {**video.quality, "verdict": verdict, "findings": list(findings)}
    video.save(update_fields=["quality"])
    return video


class TestGate:
    def test_a_blocked_video_is_refused_with_the_reason(self):
        video = judged("block", BLACK, SOFT)
        with pytest.raises(BadInput, match=r"not published as it is: The picture is black for 6\.0 s\. Mend that") as caught:
            stage_start(project=video.project, task_type="youtube_upload", input_data={})
        assert caught.value.code == "QUALITY_BLOCKS"
        assert "soft" not in str(caught.value)
        assert not video.project.tasks.filter(task_type="youtube_upload").exists()

    def test_a_warning_does_not_hold_it_back(self):
        video = judged("warn", SOFT)
        task = stage_start(project=video.project, task_type="youtube_upload", input_data={})
        assert task.task_type == "youtube_upload"

    def test_the_panel_names_the_worst_first(self):
        lines = quality_lines(judged("block", SOFT, BLACK))
        assert [(line.verdict, line.start) for line in lines[:2]] == [("fail", 3.0), ("warn", 0.0)]
