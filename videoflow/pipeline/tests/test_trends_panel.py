"""The board of trends: its filters in the address, ticks that are kept, its date, and another file."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from videoflow.pipeline.board import project_board
from videoflow.pipeline.editing.duplicate import project_duplicate
from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.models import SourceFile, Theme
from videoflow.pipeline.panels.trends import BoardFilter, trends_content
from videoflow.pipeline.stages.drafting import ScriptInput, brief_of, theme_ids_picked
from videoflow.pipeline.tests import factories
from videoflow.providers.base import ThemesBrief
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(client):
    return factories.session_of(client)


@pytest.fixture
def project(session):
    return factories.ProjectFactory.create(session=session)


@pytest.fixture
def report(project):
    report = factories.with_trends(project)
    report.categories = [
        *report.categories,
        {"category_id": "20", "name": "Gaming", "rank": 2, "views": 9, "videos": 1, "channels": 1},
    ]
    report.save(update_fields=["categories"])
    Theme.objects.filter(report=report, label="Night gardens").update(category_id="20", category="Gaming", views=90_000)
    return report


def shown(project, **query: str) -> list[str]:
    content = trends_content(project, project_board(project), query)
    return [card.theme.label for group in content["groups"] for card in group.cards if card.is_shown]


class TestFilter:
    @pytest.mark.parametrize(
        ("query", "labels"),
        [
            ({}, ["Tiny forests in cities", "Moss roofs", "Night gardens"]),
            ({"q": "MOSS"}, ["Moss roofs"]),
            ({"category": "20"}, ["Night gardens"]),
            ({"views": "100000"}, ["Tiny forests in cities", "Moss roofs"]),
            ({"sort": "views"}, ["Tiny forests in cities", "Moss roofs", "Night gardens"]),
            ({"sort": "nonsense", "views": "-1", "hide": "x"}, ["Tiny forests in cities", "Moss roofs", "Night gardens"]),
            ({"q": "nowhere"}, []),
        ],
    )
    def test_lets_through(self, project, report, query, labels):
        assert shown(project, **query) == labels

    def test_finds_words_of_the_videos_behind_a_theme(self, project, report):
        video = report.themes.get(label="Moss roofs").videos.first()
        assert shown(project, q=video.title.split()[-1] + " " + video.channel) == ["Moss roofs"]

    def test_a_pick_stays_in_sight(self, project, report):
        report.picks = [report.themes.get(label="Night gardens").pk]
        report.save(update_fields=["picks"])
        assert shown(project, q="moss") == ["Moss roofs", "Night gardens"]

    def test_used_themes_can_be_hidden(self, session, project, report):
        other = factories.ProjectFactory.create(session=session)
        again = factories.with_trends(other)
        factories.with_script(other, theme_ids=[again.themes.get(label="Moss roofs").pk])
        assert "Moss roofs" in shown(project)
        assert "Moss roofs" not in shown(project, hide="1")

    def test_the_address_draws_the_board(self, client, project, report):
        page = client.get(f"/projects/{project.pk}/panels/trending_analysis/?q=nowhere").content.decode()
        assert "No theme fits these filters" in page
        assert 'value="nowhere"' in page
        assert client.get(f"/projects/{project.pk}/?category=20&sort=growth&q=<script>").status_code == 200

    def test_an_empty_address_asks_for_nothing(self):
        assert not BoardFilter.of({}).is_set


class TestPicks:
    def test_are_kept_and_only_of_this_board(self, client, project, report):
        mine = report.themes.all()[1].pk
        foreign = factories.with_trends(factories.ProjectFactory.create()).themes.all()[0].pk
        address = f"/projects/{project.pk}/trends/{report.pk}/picks/"
        response = client.post(address, {"theme_ids": [mine, foreign, "x"]}, HTTP_ACCEPT="application/json")
        assert response.status_code == 200
        report.refresh_from_db()
        assert report.picks == [mine]
        page = client.get(f"/projects/{project.pk}/panels/trending_analysis/").content.decode()
        assert f'value="{mine}" checked' in page
        assert client.post(address, {}).status_code == 302
        report.refresh_from_db()
        assert report.picks == []

    def test_somebody_elses_board_does_not_exist(self, client, project, report):
        other = factories.ProjectFactory.create()
        strange = factories.with_trends(other)
        assert client.post(f"/projects/{other.pk}/trends/{strange.pk}/picks/").status_code == 404
        assert client.post(f"/projects/{project.pk}/trends/{strange.pk}/picks/").status_code == 404


class TestWhatNobodyChose:
    """As the sample does: the script takes the strongest theme of each category, and the board shows which."""

    @pytest.fixture
    def taken(self, project, report):
        Theme.objects.filter(report=report, label="Night gardens").update(rank=1)
        taken = theme_ids_picked(project, ScriptInput())
        factories.with_script(project)
        Task.objects.filter(project=project, task_type="script_generation").update(result_data={"picked_theme_ids": taken})
        return set(taken)

    def test_is_what_the_writer_is_given(self, project, report, taken):
        brief = brief_of(project, ScriptInput(), seed=7)
        assert isinstance(brief, ThemesBrief)
        assert {theme.label for theme in brief.themes} == set(report.themes.filter(pk__in=taken).values_list("label", flat=True))
        assert len(taken) == len({theme.category_id for theme in brief.themes}) == 2

    def test_is_ticked(self, client, project, taken):
        page = client.get(f"/projects/{project.pk}/panels/trending_analysis/").content.decode()
        assert {theme.pk for theme in Theme.objects.all() if f'value="{theme.pk}" checked' in page} == taken

    def test_counts_as_used_elsewhere(self, session, project, taken):
        other = factories.ProjectFactory.create(session=session)
        factories.with_trends(other)
        assert "Moss roofs" in shown(project, hide="1")
        used = trends_content(other, project_board(other), {})["used_count"]
        assert used == 1, "the other board has one of the two in the same category"

    def test_goes_along_with_a_copy(self, client, project, report, taken):
        assert theme_ids_picked(project, ScriptInput(theme_ids=[report.themes.all()[2].pk])) == [report.themes.all()[2].pk]
        assert theme_ids_picked(project, ScriptInput(input_type="topic", topic="Moss")) == []
        copy = project_duplicate(project=project)
        assert len(theme_ids_of(copy.tasks.get(task_type="script_generation"))) == len(taken)


class TestDate:
    @pytest.mark.parametrize(("days", "is_stale"), [(30, False), (31, True)])
    def test_an_old_file_is_said_to_be_old(self, project, report, days, is_stale):
        report.window_end = (timezone.localdate() - timedelta(days=days)).isoformat()
        report.save(update_fields=["window_end"])
        assert trends_content(project, project_board(project), {})["is_stale"] is is_stale

    def test_a_file_without_days_is_not(self, project, report):
        report.window_end = "unknown"
        report.save(update_fields=["window_end"])
        assert trends_content(project, project_board(project), {})["days_old"] is None


class TestSource:
    def test_another_file_is_read_with_the_same_window(self, client, project):
        factories.task_done(project, "trending_analysis", "done", input_data={"source": "sample", "window": "monthly"})
        file = SimpleUploadedFile("new.csv", b"title,views,date\nA,5,2026-01-01\n")
        assert client.post(f"/projects/{project.pk}/trends/source/", {"file": file}).status_code == 302
        task = Task.objects.get(project=project, status=Task.Status.PENDING)
        assert task.input_data["window"] == "monthly"
        assert task.input_data["source"] == str(SourceFile.objects.get(name="new.csv").pk)

    def test_without_a_file_it_is_a_sentence(self, client, project):
        response = client.post(f"/projects/{project.pk}/trends/source/", follow=True)
        assert "Choose a file first" in response.content.decode()


def test_the_boards_queries_are_bounded(client, project, report, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        assert client.get(f"/projects/{project.pk}/panels/trending_analysis/?hide=1").status_code == 200
