"""Live sources of trends through the real stage: rows, quota, kept answers, counts of days before."""

from datetime import timedelta

import pytest
import time_machine

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import QuotaUse, TrendSnapshot
from videoflow.pipeline.services import project_create, stage_start
from videoflow.pipeline.store import cache_dir
from videoflow.providers.live_trends.tests import fake_sources
from videoflow.providers.live_trends.tests.fake_sources import KEY, NOW
from videoflow.providers.tests.fake_service import FakeService
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake(settings, tmp_path, monkeypatch):
    with FakeService() as made:
        addresses = dict.fromkeys(("youtube", "hackernews", "wikimedia", "google_trends"), made.url)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, **addresses}
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "youtube": KEY}
        settings.VIDEOFLOW_SERVICE_HOSTS = frozenset([*settings.VIDEOFLOW_SERVICE_HOSTS, made.host])
        for file in cache_dir("trends").iterdir():
            file.unlink()
        yield made


@pytest.fixture
def project():
    return project_create(session=session_create())


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW):
        yield


def ask(project, **input_data):
    stage_run(project=project, task_type="trending_analysis", input_data=input_data)
    return project.reports.first()


class TestYouTube:
    def test_ok(self, fake, project):
        asked = fake_sources.youtube(fake)
        report = ask(project, source="youtube")
        assert (report.provider, report.source_kind) == ("youtube", "youtube_api")
        assert "fetched 2026-11-22" in report.source_label and "most viewed among videos published" in report.measure
        assert {theme.category for theme in report.themes.all()} == {"Music", "Gaming"}
        assert {(row.bucket, row.used) for row in QuotaUse.objects.all()} == {("units", 3), ("searches", 2)}
        assert TrendSnapshot.objects.count() == 10
        ask(project, source="youtube")
        assert len(asked) == 5  # the kept answer serves

    def test_figures_of_our_own_are_left_out_without_an_audit(self, fake, project, settings):
        fake_sources.youtube(fake)
        assert not any(theme.score_parts for theme in ask(project, source="youtube").themes.all())
        settings.VIDEOFLOW_YOUTUBE_DERIVED_METRICS = True
        assert all(theme.score_parts for theme in ask(project, source="youtube").themes.all())

    def test_growth_over_two_days(self, fake, project, settings):
        settings.VIDEOFLOW_YOUTUBE_DERIVED_METRICS = True
        fake_sources.youtube(fake)
        ask(project, source="youtube")
        TrendSnapshot.objects.update(views=1_000_000)
        with time_machine.travel(NOW + timedelta(days=1)):
            report = ask(project, source="youtube")
        best = report.videos.first()
        assert [views for _, views in best.days] == [1_000_000, 6_000_000]
        assert report.themes.first().views_gained_per_day

    def test_a_full_allowance_asks_nothing(self, fake, project, settings):
        settings.VIDEOFLOW_YOUTUBE_QUOTA_SEARCHES = 1
        asked = fake_sources.youtube(fake)
        with pytest.raises(VideoflowError, match="allowance of searches"):
            ask(project, source="youtube")
        assert asked.count("search") == 1

    def test_old_data_go_after_thirty_days(self, fake, project):
        fake_sources.youtube(fake)
        ask(project, source="youtube")
        kept = next(cache_dir("trends").iterdir())
        with time_machine.travel(NOW + timedelta(days=32)):
            fake_sources.hackernews(fake)
            with pytest.raises(VideoflowError):  # its stories are of another month
                ask(project, source="hackernews", window="weekly", region="XX", categories=["nothing"])
        assert not kept.exists()
        assert not TrendSnapshot.objects.exists()

    def test_a_missing_key_is_said_at_the_form(self, fake, project, settings):
        settings.VIDEOFLOW_SERVICE_KEYS = {}
        with pytest.raises(BadInput, match="needs a key"):
            stage_start(project=project, task_type="trending_analysis", input_data={"source": "youtube"})


@pytest.mark.parametrize(("source", "measure"), [("hackernews", "points"), ("wikimedia", "views"), ("google_trends", "searches")])
def test_sources_without_a_key(fake, project, source, measure):
    getattr(fake_sources, source)(fake)
    report = ask(project, source=source)
    assert report.provider == source
    assert measure in report.measure
    assert report.themes.exists()


def test_a_feed_of_the_creators(fake, project):
    report = ask(project, source="rss", feeds=[fake_sources.feed(fake)])
    assert "Town news" in report.source_label
    with pytest.raises(BadInput, match="at least one feed"):
        stage_start(project=project, task_type="trending_analysis", input_data={"source": "rss"})


def test_the_projects_choice_is_asked_unless_a_file_is_named(fake, project):
    fake_sources.hackernews(fake)
    project.providers = {"trends": {"service": "hackernews"}}
    project.save(update_fields=["providers"])
    assert ask(project).provider == "hackernews"
    assert ask(project, source="sample").provider == "embedded"
