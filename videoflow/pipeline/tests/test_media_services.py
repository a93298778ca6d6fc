import shutil
import threading

import pytest

from videoflow.errors import VideoflowError
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.metadata import description_make
from videoflow.pipeline.models import Project, ProviderCall, Scene, Video
from videoflow.pipeline.service_pictures import PICTURED_LAYOUTS
from videoflow.pipeline.service_scenes import stand_ins_found
from videoflow.pipeline.services import project_create, stage_start
from videoflow.pipeline.store import cache_dir
from videoflow.pipeline.tests.picture_service import chosen, serving
from videoflow.providers.picturing.likeness import is_same
from videoflow.providers.tests.fake_service import Asked
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = """# Goods at sea

**Ana:** The old cranes of the harbour lift steel containers.
**Ben:** A truck waits at the gate with bananas.
**Ana:** Sailors watch the lighthouse in a storm.
**Ben:** Fishermen mend their nets on the pier.
"""


@pytest.fixture
def project() -> Project:
    """A project with a written and measured script; no answer of a service is remembered."""
    shutil.rmtree(cache_dir("searches"))
    made = project_create(session=session_create(), title="Goods", minimum_seconds=20, seed=5)
    stage_run(project=made, task_type="script_generation", input_data={"input_type": "script", "script_text": SCRIPT})
    return made


def media_make(project: Project) -> None:
    stage_run(project=project, task_type="media_generation", input_data={})


def shown(project: Project) -> list[Scene]:
    """Return the scenes that a service may picture."""
    scenes = project.scenes.filter(layout__in=PICTURED_LAYOUTS).select_related("asset")
    return list(scenes.prefetch_related("candidates"))


class TestMedia:
    def test_ok(self, project, settings):
        chosen(project, "pexels")
        with pytest.raises(VideoflowError, match="needs a key"):
            stage_start(project=project, task_type="media_generation", input_data={})
        with serving("pexels", settings) as fake:
            fake.route("GET", "/v1/(?:videos/)?search")(lambda asked: {"photos": [], "videos": []})
            self.finds_nothing(project)
        shutil.rmtree(cache_dir("searches"))
        with serving("pexels", settings) as fake:
            chosen(project, "pexels")
            media_make(project)
            self.is_pictured(project)
            asked = len(fake.requests)
            self.comes_again(project)
            assert len(fake.requests) == asked, "what was asked and loaded once is not asked and loaded again"

    def finds_nothing(self, project: Project) -> None:
        """It fails with what was asked; it is drawn only where that is switched on, and then it is said."""
        with pytest.raises(VideoflowError, match="Pexels has nothing for “"):
            media_make(project)
        failed = Task.objects.filter(task_type="media_generation").latest("created_at")
        assert failed.error is not None and failed.error["error_code"] == "NO_PICTURE"
        assert project.scenes.exists()
        assert not shown(project)
        chosen(project, "pexels", fallback=True)
        media_make(project)
        assert shown(project)
        assert all(scene.asset.note.startswith("Drawn here instead: Pexels has nothing for") for scene in shown(project))
        [finding] = stand_ins_found(shown(project)[0].script)
        assert finding.severity == "warn"
        assert ", ".join(str(scene.position + 1) for scene in shown(project)) in finding.message

    def is_pictured(self, project: Project) -> None:
        """Statements are pictured, each with another picture; charts and cards are drawn."""
        scenes = shown(project)
        assert len(scenes) >= 2
        assert all(scene.asset.origin == "pexels" for scene in scenes)
        assert not stand_ins_found(scenes[0].script)
        assert {scene.asset.origin for scene in project.scenes.exclude(layout__in=PICTURED_LAYOUTS)} == {"embedded"}
        prints = [scene.asset.fingerprint for scene in scenes]
        assert not any(is_same(one, other) for at, one in enumerate(prints) for other in prints[at + 1 :])
        assert all(scene.candidates.count() == 2 and scene.made_id == scene.asset_id for scene in scenes)
        assert all(scene.asset.relevance_why and scene.asset.author and scene.asset.page_url for scene in scenes)
        assert all((scene.motion == "still") == (scene.asset.kind == "clip") for scene in scenes)
        video = Video(project=project, script=scenes[0].script, seconds=20, chapters=[])
        assert "provided by Pexels (Pexels License, https://www.pexels.com/license/)" in description_make(video)

    def comes_again(self, project: Project) -> None:
        """Made anew, the same words have the same pictures; candidates do not pile up, and what is locked stays."""
        before = shown(project)
        Scene.objects.filter(pk=before[0].pk).update(is_locked=True)
        media_make(project)
        after = shown(project)
        assert [scene.asset.source_key for scene in after] == [scene.asset.source_key for scene in before]
        assert all(scene.candidates.count() == 2 for scene in after)
        assert after[0].asset_id == before[0].asset_id


class TestMadeAtOnce:
    """Pictures that a service makes: several under way, each there as soon as it is made, none lost when one fails."""

    @pytest.fixture
    def studio(self, project, settings):
        with serving("openai", settings) as fake:
            settings.VIDEOFLOW_SERVICE_AT_ONCE = {**settings.VIDEOFLOW_SERVICE_AT_ONCE, "openai": 2}
            chosen(project, "openai")
            yield fake

    def test_ok(self, project, studio):
        together = threading.Barrier(2, timeout=240)
        waiting = [True]

        def takes_seconds(asked: Asked) -> float:
            if waiting[0] and asked.method == "POST":  # the first two are made at the same time, or never
                together.wait()
                waiting[0] = False
            return 0.0

        studio.takes_seconds = takes_seconds
        media_make(project)
        scenes = shown(project)
        assert len(scenes) >= 2
        assert all(scene.asset.origin == "openai" for scene in scenes)
        assert studio.answered["POST"] == len(scenes) == ProviderCall.objects.filter(state="done").count()
        told = " ".join(map(str, project.tasks.get(task_type="media_generation").events.values_list("message", flat=True)))
        assert "being made" in told
        before = {scene.position: scene.asset.sha256 for scene in scenes}
        media_make(project)
        assert {scene.position: scene.asset.sha256 for scene in shown(project)} == before, "the same whichever ends first"
        assert studio.answered["POST"] == len(scenes), "nothing is paid for twice"

    def test_one_that_fails_stops_the_rest_and_keeps_what_came(self, project, studio):
        studio.fault("lost")
        with pytest.raises(VideoflowError, match="Ask again and perhaps pay twice"):
            media_make(project)
        kept = ProviderCall.objects.filter(state="done").count()
        assert ProviderCall.objects.filter(state="unknown").count() == 1
        assert project.scenes.filter(layout__in=PICTURED_LAYOUTS).count() == kept, "each that was made is on the page"
        assert studio.answered["POST"] == kept + 1
