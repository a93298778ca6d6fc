from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.models import Project
from videoflow.pipeline.quota import bytes_used, quota_check
from videoflow.pipeline.services import project_discard, source_file_add, stage_start
from videoflow.pipeline.tests import factories

pytestmark = pytest.mark.django_db
FULL = "Your files take 0.0 GB of the 0.0 GB that you have here. Delete a project that you no longer need."


@pytest.fixture
def project(settings: Any) -> Project:
    """A project whose files take all that its creator may use."""
    made: Project = factories.ProjectFactory.create()
    factories.AssetFactory.create(project=made, size_bytes=900)
    settings.VIDEOFLOW_USER_BYTES = 800
    return made


class TestQuota:
    def test_nothing_more_is_made_or_kept(self, project: Project) -> None:
        with pytest.raises(BadInput, match="Delete a project") as refused:
            stage_start(project=project, task_type="trending_analysis", input_data={})
        assert refused.value.code == "QUOTA_FULL"
        assert refused.value.details == {"used_bytes": 900, "limit_bytes": 800}
        with pytest.raises(BadInput, match="Delete a project"):
            source_file_add(session=project.session, name="a.csv", chunks=[b"title,views"])

    def test_deleting_a_project_makes_room(self, project: Project) -> None:
        other = factories.ProjectFactory.create(session=project.session)
        project_discard(project=project)
        assert stage_start(project=other, task_type="trending_analysis", input_data={}).status == "pending"

    def test_what_runs_goes_on(self, project: Project) -> None:
        """The stage that follows by itself is not refused in the middle of a video."""
        task = stage_start(project=project, task_type="trending_analysis", input_data={}, asked_for=False)
        assert task.status == "pending"

    def test_publishing_is_not_refused(self, project: Project) -> None:
        with pytest.raises(VideoflowError) as refused:
            stage_start(project=project, task_type="youtube_upload", input_data={})
        assert refused.value.code != "QUOTA_FULL"

    def test_all_sessions_of_a_user_count_and_nobody_elses(self, project: Project) -> None:
        user = get_user_model().objects.create_user("mona", password="a long enough password")
        sessions = [factories.CreatorSessionFactory.create(user=user) for _ in range(2)]
        for session in sessions:
            factories.AssetFactory.create(project=factories.ProjectFactory.create(session=session), size_bytes=300)
        assert [bytes_used(session) for session in (*sessions, project.session)] == [600, 600, 900]
        quota_check(sessions[0], added_bytes=200)
        with pytest.raises(BadInput, match="Delete a project"):
            quota_check(sessions[0], added_bytes=201)

    def test_without_a_limit_nothing_is_asked(self, settings: Any, django_assert_num_queries: Any, project: Project) -> None:
        settings.VIDEOFLOW_USER_BYTES = 0
        with django_assert_num_queries(0):
            quota_check(project.session)

    def test_the_page_says_so(self, client: Client, settings: Any) -> None:
        mine = factories.ProjectFactory.create(session=factories.session_of(client))
        factories.AssetFactory.create(project=mine, size_bytes=900)
        settings.VIDEOFLOW_USER_BYTES = 800
        answer = client.post(f"/projects/{mine.pk}/stages/trending_analysis/start/", {"window": "monthly"})
        assert FULL in answer.content.decode()
