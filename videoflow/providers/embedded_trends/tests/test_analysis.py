import csv
from pathlib import Path
from typing import Literal

import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import sample_path, trends_analyse, trends_read
from videoflow.providers.embedded_trends.lexicon import generic_words, subjects
from videoflow.providers.embedded_trends.titles import phrase_key

COLUMNS = ["video_id", "title", "publishedAt", "channelTitle", "categoryId", "trending_date", "tags", "view_count"]


@pytest.fixture(scope="module")
def sample():
    return trends_read(sample_path(), file_name="sample_trending.csv")


@pytest.fixture(scope="module")
def report(sample):
    return trends_analyse(sample, window="weekly")


def analyse(
    folder: Path,
    rows: list[tuple[str, str, str, int]],
    *,
    category: str = "24",
    days: int = 2,
    window: Literal["weekly", "monthly"] = "weekly",
):
    """Rows: (title, channel, tags, views on the first day); each day adds as many again."""
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, (title, channel, tags, views) in enumerate(rows):
            for day in range(1, days + 1):
                date = f"2024-03-{day:02d}"
                writer.writerow([f"video{number:06d}", title, "2024-03-01", channel, category, date, tags, views * day])
    return trends_analyse(trends_read(path, file_name="rows.csv"), window=window)


class TestSample:
    def test_ok(self, report):
        assert (report.window_start, report.window_end) == ("2020-08-10", "2020-08-16")
        assert [category.name for category in report.categories] == [
            "Music",
            "Entertainment",
            "Gaming",
            "News & Politics",
            "Comedy",
        ]
        assert [category.rank for category in report.categories] == [1, 2, 3, 4, 5]
        assert len(report.themes) == 15

    def test_themes_are_those_an_editor_would_name(self, report):
        labels = [theme.label for theme in report.themes]
        for expected in ("Cardi B's WAP", "K-pop", "Minecraft", "Beirut explosion", "Donald Trump", "The pandemic"):
            assert expected in labels
        assert len(set(labels)) == 15

    def test_no_label_is_only_general_words(self, report):
        for theme in report.themes:
            if not theme.label.startswith("Most watched: ") and theme.label not in {
                subject.label for subject in subjects().values()
            }:
                assert not set(phrase_key(theme.label).split()) <= generic_words(), theme.label
                assert len(theme.label.split()) <= 5

    def test_points_explain_the_score_and_rank_follows_it(self, report):
        for theme in report.themes:
            assert 0 <= theme.score <= 100
            assert theme.score == pytest.approx(sum(theme.score_parts.values()), abs=0.11)
        for category in report.categories:
            scores = [theme.score for theme in report.themes if theme.category_id == category.category_id]
            assert scores == sorted(scores, reverse=True)
            assert [theme.rank for theme in report.themes if theme.category_id == category.category_id] == [1, 2, 3]

    def test_figures_come_from_the_rows(self, sample, report):
        rows = {(row.video_id, row.date): row.views for row in sample.rows}
        for theme in report.themes:
            assert theme.views == sum(video.views for video in theme.videos)
            gains = []
            for video in theme.videos:
                assert all(rows[video.video_id, day] == views for day, views in video.days)
                if len(video.days) > 1:
                    nights = int(video.days[-1][0][-2:]) - int(video.days[0][0][-2:])
                    gains.append((video.days[-1][1] - video.days[0][1]) / nights)
            assert theme.views_gained_per_day == (pytest.approx(sum(gains), abs=0.1) if gains else None)

    def test_themes_of_a_category_share_hardly_a_video(self, report):
        for category in report.categories:
            sets = [
                {video.video_id for video in theme.videos} for theme in report.themes if theme.category_id == category.category_id
            ]
            for one in range(3):
                for other in range(one):
                    assert len(sets[one] & sets[other]) <= 0.34 * min(len(sets[one]), len(sets[other]))

    def test_same_table_gives_the_same_report(self, sample, report):
        assert trends_analyse(sample, window="weekly") == report

    def test_category_by_name_or_id(self, sample):
        by_name = trends_analyse(sample, window="weekly", categories=["news & politics"])
        assert [theme.label for theme in by_name.themes] == ["Beirut explosion", "Donald Trump", "The presidential election"]
        assert trends_analyse(sample, window="weekly", categories=["25"]) == by_name
        with pytest.raises(BadInput, match="the file has"):
            trends_analyse(sample, window="weekly", categories=["Knitting"])


class TestWindow:
    def test_weekly_leaves_older_days_out_and_monthly_takes_them(self, tmp_path):
        rows = [("Solar eclipse live", "NASA", "", 100), ("Solar eclipse photos", "PhotoPro", "", 50)]
        weekly = analyse(tmp_path, rows, days=20)
        assert weekly.window_start == "2024-03-14"
        assert weekly.rows_left_out == {"outside the window": 26}
        assert weekly.rows_used == 14
        monthly = analyse(tmp_path, rows, days=20, window="monthly")
        assert (monthly.rows_used, monthly.rows_left_out) == (40, {})

    def test_growth_is_per_day_inside_the_window(self, tmp_path):
        report = analyse(
            tmp_path, [("Solar eclipse live", "NASA", "", 100), ("Solar eclipse photos", "PhotoPro", "", 50)], days=20
        )
        assert report.themes[0].label == "Solar eclipse"
        assert report.themes[0].views == 3000
        assert report.themes[0].views_gained_per_day == 150.0

    def test_one_day_means_no_growth_is_known(self, tmp_path):
        report = analyse(tmp_path, [("Solar eclipse live", "NASA", "", 100), ("Solar eclipse photos", "Pro", "", 50)], days=1)
        assert report.themes[0].views_gained_per_day is None
        assert "growth" not in report.themes[0].score_parts


class TestNames:
    def test_unknown_category_keeps_its_number(self, tmp_path):
        assert analyse(tmp_path, [("A b c", "C", "", 1)], category="77").categories[0].name == "Category 77"

    def test_no_category_is_all_videos(self, tmp_path):
        assert analyse(tmp_path, [("A b c", "C", "", 1)], category="").categories[0].name == "All videos"

    @pytest.mark.parametrize(
        ("titles", "label"),
        [
            (["iphone 16 camera test", "Why I switched to the iPhone 16", "IPHONE 16 REVIEW!!!"], "iPhone 16"),
            (["GTA 6 Trailer 2 Breakdown - Everything", "GTA 6 map leak", "What GTA 6 got right about Miami"], "GTA 6"),
            (["Receta fácil de tacos al pastor", "Los mejores tacos al pastor de CDMX"], "Tacos al pastor"),
            (["ملخص مباراة الأهلي والزمالك", "أهداف مباراة الأهلي اليوم"], "مباراة الأهلي"),
            (["Рецепт борща от бабушки", "Как сварить борщ за час"], "Борщ"),
            (["손흥민 해트트릭 하이라이트", "손흥민 인터뷰 풀버전"], "손흥민"),
            (["भारत की जीत का जश्न", "भारत के गेंदबाज"], "भारत"),
        ],
    )
    def test_label_as_a_person_would_write_it(self, tmp_path, titles, label):
        tag = {"Борщ": "борщ", "भारत": "भारत"}.get(label, "")
        report = analyse(tmp_path, [(title, f"Channel {number}", tag, 100) for number, title in enumerate(titles)])
        assert report.themes[0].label == label
        assert report.themes[0].channels == len(titles)

    def test_japanese_name_without_spaces_is_found_by_its_tag(self, tmp_path):
        rows = [
            ("大谷翔平 50号ホームラン", "スポーツ日本", "大谷翔平|野球", 10),
            ("大谷翔平選手の一日に密着", "野球ちゃん", "大谷翔平", 5),
        ]
        assert analyse(tmp_path, rows).themes[0].label == "大谷翔平"


class TestRestraint:
    def test_evidence_of_k_pop_is_k_pop(self, report):
        theme = next(theme for theme in report.themes if theme.label == "K-pop")
        assert {video.channel for video in theme.videos} == {"JYP Entertainment", "SMTOWN", "BANGTANTV"}

    def test_boilerplate_of_one_channel_is_no_theme(self, tmp_path):
        rows = [
            (f"Daily Drama Show full episode {number}: the {word}", "Daily Drama Show", "daily drama show|funny", 9000)
            for number, word in enumerate(["wedding ring", "lost dog", "old house", "big lie"])
        ]
        rows += [
            ("Solar eclipse live", "NASA", "eclipse", 500),
            ("How to photograph the solar eclipse", "PhotoPro", "eclipse", 400),
        ]
        first = max(analyse(tmp_path, rows).themes, key=lambda theme: theme.channels)
        assert first.label == "Solar eclipse"

    def test_general_words_are_no_theme(self, tmp_path):
        rows = [
            ("My NEW Official Video", "One", "funny|vlog|music", 90),
            ("The new official video is here", "Two", "funny|vlog|music", 80),
        ]
        assert all(theme.label.startswith("Most watched: ") for theme in analyse(tmp_path, rows).themes)

    def test_parts_of_different_names_are_no_theme(self, tmp_path):
        rows = [
            ("Lil Durk returns home", "One", "lil", 90),
            ("Lil Mosey in Paris", "Two", "lil", 80),
            ("Why Lil Yachty moved", "Three", "lil", 70),
        ]
        assert "Lil" not in [theme.label for theme in analyse(tmp_path, rows).themes]
        rows[1:] = [("Lil in Paris", "Two", "lil", 80), ("Why Lil moved", "Three", "lil", 70)]
        assert "Lil" in [theme.label for theme in analyse(tmp_path, rows).themes], "the tag alone does not keep it out"

    def test_spam_tag_brings_nobody_into_a_theme(self, tmp_path):
        rows = [
            ("Eminem releases surprise album", "Music Daily", "eminem", 900),
            ("Why Eminem matters", "Rap Essays", "eminem|rap", 800),
            ("My new song Gravestones", "Small Artist", "eminem|mgk|drake", 700),
        ]
        theme = analyse(tmp_path, rows).themes[0]
        assert theme.label == "Eminem"
        assert [video.channel for video in theme.videos] == ["Music Daily", "Rap Essays"]

    def test_songs_of_one_name_are_no_theme(self, tmp_path):
        rows = [("Katy Perry - Smile", "KatyPerryVEVO", "", 90), ("Juice WRLD - Smile (Official Video)", "Juice WRLD", "", 80)]
        assert "Smile" not in [theme.label for theme in analyse(tmp_path, rows).themes]

    def test_address_in_a_title_never_reaches_a_label(self, tmp_path):
        report = analyse(tmp_path, [("Free coins at https://evil.example/now today 🎉 #ad", "One", "", 90)])
        assert report.themes[0].label == "Most watched: Free coins at today"
