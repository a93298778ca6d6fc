from collections import Counter

import pytest

from videoflow.errors import BadInput, VideoflowError
from videoflow.providers.embedded_trends import trends_analyse
from videoflow.providers.live_trends import LIVE_SOURCES, LiveWish, Snapshot, themes_plain
from videoflow.providers.live_trends.tests import fake_sources
from videoflow.providers.live_trends.tests.fake_sources import KEY, source_of, wish_facts
from videoflow.providers.net import ServiceError
from videoflow.providers.services import services_for
from videoflow.providers.tests.fake_service import FAULTS, FakeService, Told
from videoflow.providers.youtube.errors import QuotaSpent

SERVERS = {
    "youtube": fake_sources.youtube,
    "hackernews": fake_sources.hackernews,
    "wikimedia": fake_sources.wikimedia,
    "google_trends": fake_sources.google_trends,
}
QUICK = [fault for fault in FAULTS if fault not in {"slow", "drip", "huge", "bomb"}]  # the client's own tests have those


@pytest.fixture
def fake():
    with FakeService() as made:
        yield made


def test_every_source_of_the_catalogue_is_there():
    assert {service.key for service in services_for("trends")} - {"embedded"} == set(LIVE_SOURCES)


@pytest.mark.parametrize("service", SERVERS)
class TestEverySource:
    def test_its_table_can_be_analysed(self, fake, service, tmp_path):
        SERVERS[service](fake)
        table = source_of(service, fake).table(LiveWish(**wish_facts(tmp_path)))
        analysis = trends_analyse(table, window="weekly", region="US")
        assert analysis.themes and analysis.rows_used >= 3
        assert any(word in analysis.measure for word in ("views", "points", "searches"))
        assert all(video.url.startswith("https://") or not video.url for theme in analysis.themes for video in theme.videos)

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_fault_is_an_error_and_names_no_key(self, fake, service, fault, tmp_path):
        SERVERS[service](fake)
        fake.fault(fault)
        with pytest.raises(VideoflowError) as caught:
            source_of(service, fake).table(LiveWish(**wish_facts(tmp_path)))
        assert KEY not in f"{caught.value} {caught.value.details}"
        if fault.startswith("429") or fault == "500":
            assert caught.value.retryable


class TestYouTube:
    def test_books_before_it_asks(self, fake, tmp_path):
        asked = fake_sources.youtube(fake)
        spent: Counter[str] = Counter()

        def spend(bucket, cost):
            spent[bucket] += cost

        source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path), spend=spend))
        assert Counter(asked) == {"videoCategories": 1, "search": 2, "videos": 2}
        assert spent == {"units": 3, "searches": 2}

    def test_asks_only_about_the_wanted_categories(self, fake, tmp_path):
        asked = fake_sources.youtube(fake)
        table = source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path), categories=["music"]))
        assert Counter(asked)["search"] == 1
        assert {row.category_id for row in table.rows} == {"10"}

    def test_growth_comes_from_our_own_counts(self, fake, tmp_path):
        fake_sources.youtube(fake)
        before = [
            Snapshot("vid10x00000", "2026-11-21", 4_000_000, 1, 1),
            Snapshot("vid10x00000", "2026-10-01", 1, 1, 1),
            Snapshot("foreign", "2026-11-21", 1, 1, 1),
        ]
        table = source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path), snapshots=lambda ids: before))
        days = [(row.date, row.views) for row in table.rows if row.video_id == "vid10x00000"]
        assert sorted(days) == [("2026-11-21", 4_000_000), ("2026-11-22", 6_000_000)]

    @pytest.mark.parametrize(
        "refusal",
        [
            Told({"error": {"code": 403, "message": "Quota.", "errors": [{"reason": "quotaExceeded"}]}}, 403),
            Told(
                {
                    "error": {
                        "code": 429,
                        "message": "Quota exceeded for 'Search Queries per day' of service.",
                        "errors": [{"reason": "rateLimitExceeded"}],
                    }
                },
                429,
            ),
        ],
    )
    def test_a_days_end_waits_for_midnight_pacific(self, fake, refusal, tmp_path):
        fake_sources.youtube(fake)
        fake.route("GET", "/youtube/v3/search")(lambda asked: refusal)
        with pytest.raises(QuotaSpent) as caught:
            source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path)))
        assert caught.value.bucket == "searches" and caught.value.is_told
        assert caught.value.until.isoformat() == "2026-11-23T08:01:00+00:00"

    def test_a_category_without_videos_is_no_outage(self, fake, tmp_path):
        fake_sources.youtube(fake)
        serve = fake._routes[1][2]

        def search(asked):
            if asked.query["videoCategoryId"] == "20":
                error = {"code": 404, "message": "No.", "errors": [{"reason": "videoChartNotFound"}]}
                return Told({"error": error}, 404)
            return serve(asked)

        fake.route("GET", "/youtube/v3/search")(search)
        table = source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path)))
        assert {row.category_id for row in table.rows} == {"10"}
        assert any("Gaming" in reason for reason in table.left_out)

    @pytest.mark.parametrize("region", ["", "USA", "U1", "../"])
    def test_a_country_is_two_letters(self, fake, region, tmp_path):
        with pytest.raises(BadInput, match="country"):
            source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path), region=region))
        assert not fake.requests

    def test_without_an_audit_only_its_own_figures_are_shown(self, fake, tmp_path):
        fake_sources.youtube(fake)
        table = source_of("youtube", fake).table(LiveWish(**wish_facts(tmp_path)))
        plain = themes_plain(trends_analyse(table, window="weekly"))
        for category in plain.categories:
            views = [theme.views for theme in plain.themes if theme.category_id == category.category_id]
            assert views == sorted(views, reverse=True)
        assert all(not theme.score_parts and theme.views_gained_per_day is None for theme in plain.themes)


class TestWikimedia:
    def test_a_day_that_is_not_counted_yet_is_left_out(self, fake, tmp_path):
        fake_sources.wikimedia(fake)
        fake.route("GET", ".*/2026/11/21")(lambda asked: Told({"title": "Not found."}, 404))
        table = source_of("wikimedia", fake).table(LiveWish(**wish_facts(tmp_path)))
        assert {row.title for row in table.rows} == {"Solar eclipse", "Ada Lovelace", "Comet"}
        days = {row.date for row in table.rows}
        assert len(days) == 7 and max(days) == "2026-11-20"

    def test_a_gap_in_the_middle_is_an_error(self, fake, tmp_path):
        fake_sources.wikimedia(fake)
        fake.route("GET", ".*/2026/11/18")(lambda asked: Told({"title": "Not found."}, 404))
        with pytest.raises(ServiceError):
            source_of("wikimedia", fake).table(LiveWish(**wish_facts(tmp_path)))


class TestFeeds:
    def test_one_that_fails_is_left_out_and_named(self, fake, tmp_path):
        address = fake_sources.feed(fake)
        fake.route("GET", "/gone.rss")(lambda asked: Told(b"", 404))
        wish = LiveWish(**wish_facts(tmp_path), feeds=[f"{fake.url}/gone.rss", address, address])
        table = source_of("rss", fake).table(wish)
        assert len(table.rows) == 4
        assert table.left_out == {"feed 1 could not be read": 1}
        assert "Town news" in table.source_label

    def test_all_that_fail_are_an_error(self, fake, tmp_path):
        fake.route("GET", "/gone.rss")(lambda asked: Told(b"", 404))
        with pytest.raises(ServiceError):
            source_of("rss", fake).table(LiveWish(**wish_facts(tmp_path), feeds=[f"{fake.url}/gone.rss"]))

    def test_an_inside_address_is_refused(self, fake, tmp_path):
        wish = LiveWish(**wish_facts(tmp_path), feeds=["http://169.254.169.254/latest/meta-data/"])
        with pytest.raises(ServiceError):
            source_of("rss", fake).table(wish)

    def test_none_is_refused(self, fake, tmp_path):
        with pytest.raises(BadInput, match="at least one"):
            source_of("rss", fake).table(LiveWish(**wish_facts(tmp_path)))
