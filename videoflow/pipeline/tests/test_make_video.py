import os
import signal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from videoflow.errors import BadInput
from videoflow.pipeline.models import Project, Scene, Turn, Video
from videoflow.pipeline.services import project_create, stage_start
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.tests.factories import with_script, with_video
from videoflow.render import probe
from videoflow.sessions.services import session_create
from videoflow.tasks.models import ProgressEvent, Task

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = """# Why cats purr

**Ana:** Did you know that cats purr when they are hurt, too? (laughs)
**Ben:** I did! The sound sits between 25 and 150 hertz.

## The mystery

**Ana:** And what is it good for?
**Ben:** Nobody knows for sure. Visit https://example.com/cats 🐱
"""


def make_video(out: Path, *arguments: str) -> str:
    printed = StringIO()
    call_command("make_video", "--out", str(out), *arguments, stdout=printed, stderr=StringIO())
    return printed.getvalue()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "cats.md"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


class TestMakeVideo:
    def test_ok(self, tmp_path, script):
        out = tmp_path / "cats.mp4"
        printed = make_video(out, "--script", str(script), "--aspect", "1:1", "--minutes", "0.4", "--seed", "5")
        facts = probe(out)
        video = Video.objects.get()
        assert (facts.width_px, facts.height_px, facts.video_codec, facts.audio_codec) == (1080, 1080, "h264", "aac")
        assert facts.seconds == pytest.approx(video.seconds, abs=0.1)
        assert "/open/" in printed
        assert video.quality["verdict"] != "block"
        assert -15 <= video.quality["figures"]["loudness_lufs"] <= -13
        assert video.quality["figures"]["true_peak_db"] < -1
        assert Turn.objects.get(position=0).text == "Did you know that cats purr when they are hurt, too?"
        assert "Ana" not in " ".join(turn.text for turn in Turn.objects.all())
        assert "Did you know" in asset_path(video.srt).read_text(encoding="utf-8").replace("\n", " ")
        assert set(Task.objects.values_list("status", flat=True)) == {"completed"}
        seqs = list(ProgressEvent.objects.order_by("seq").values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1))
        self.publishes(video)
        self.repeats(tmp_path, script)

    def publishes(self, video: Video) -> None:
        """The finished video goes to a folder through the same stage as from the page."""
        call_command("run_stage", str(video.project_id), "youtube_upload", stdout=StringIO())
        publication = video.publications.get()
        assert set(publication.files) >= {
            "video.mp4",
            "thumbnail.jpg",
            "captions.srt",
            "captions.vtt",
            "metadata.json",
            "description.txt",
        }

    def repeats(self, tmp_path: Path, script: Path) -> None:
        """The same seed gives the same turns, times and pictures; what stands in the cache is not made again."""
        make_video(tmp_path / "again.mp4", "--script", str(script), "--aspect", "1:1", "--minutes", "0.4", "--seed", "5")
        first, second = Project.objects.order_by("created_at")

        def scenes(project: Project) -> list[tuple[float, float, str, str]]:
            rows = Scene.objects.filter(project=project).select_related("asset")
            return [(scene.start, scene.seconds, scene.layout, scene.asset.sha256) for scene in rows]

        assert scenes(first) == scenes(second)
        assert scenes(first)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--topic", "Tea"], "notes"),
            (["--topic", "🎉🎉"], "."),
            (["--script", "nowhere.txt"], "There is no file nowhere.txt"),
            (["--trends", "nowhere.csv"], "There is no file nowhere.csv"),
            (["--trends", "sample", "--language", "de"], "offline voices"),
            (["--trends", "sample", "--minutes", "900"], "20 seconds to 30 minutes"),
            (["--trends", "sample", "--minutes", "nan"], "must be a number"),
            (["--trends", "sample", "--minutes", "inf"], "must be a number"),
            (["--trends", "sample", "--seed", "-3"], "A seed is a whole number"),
            (["--trends", "sample", "--seed", "9" * 30], "A seed is a whole number"),
        ],
    )
    def test_refuses_with_one_sentence_and_writes_nothing(self, tmp_path, arguments, sentence):
        with pytest.raises(CommandError, match=sentence) as caught:
            make_video(tmp_path / "x.mp4", *arguments)
        assert "\n" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("out", "sentence"),
        [("x.avi", "must end in .mp4"), ("nowhere/x.mp4", "does not exist"), ("folder.mp4", "is a folder")],
    )
    def test_refuses_a_place_it_cannot_write_to_before_any_work(self, tmp_path, out, sentence):
        (tmp_path / "folder.mp4").mkdir()
        with pytest.raises(CommandError, match=sentence):
            make_video(tmp_path / out, "--trends", "sample")
        assert not Task.objects.exists()


def test_a_stopped_command_leaves_its_task_to_nobody(tmp_path, script, monkeypatch):
    """SIGTERM ends it as Ctrl-C does; else a running studio would take the task over."""

    def stop(**_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("videoflow.pipeline.foreground.task_run", stop)
    with pytest.raises(CommandError, match="Stopped"):
        make_video(tmp_path / "x.mp4", "--script", str(script))
    assert Task.objects.get().status == "cancelled"
    assert signal.getsignal(signal.SIGTERM) is before


def test_publishing_to_youtube_asks_first_who_it_is_for():
    project = project_create(session=session_create())
    with_video(project, with_script(project))
    with pytest.raises(BadInput, match="made for kids"):
        stage_start(project=project, task_type="youtube_upload", input_data={"target": "youtube"})
