import csv
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import columns_suggest, sample_path, trends_read

HEADER = "video_id,title,publishedAt,channelId,channelTitle,categoryId,trending_date,tags,view_count,likes,dislikes,comment_count"


def written(folder: Path, content: str | bytes, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def line(video_id: str = "aaaaaaaaaaa", title: str = "A title", day: str = "2020-08-12T00:00:00Z", views: str = "100") -> str:
    return f'{video_id},"{title}",2020-08-11T00:00:00Z,UC1,Some Channel,20,{day},"one|two",{views},5,0,2'


def read(
    folder: Path, content: str | bytes, name: str = "file.csv", encoding: str = "utf-8", mapping: dict[str, str] | None = None
):
    return trends_read(written(folder, content, name, encoding), file_name=name, mapping=mapping)


def refusal(folder: Path, content: str | bytes, name: str = "file.csv") -> str:
    with pytest.raises(BadInput) as caught:
        read(folder, content, name)
    return str(caught.value)


class TestTrendingCsv:
    def test_ok(self):
        table = trends_read(sample_path(), file_name="sample_trending.csv")
        assert table.source_kind == "trending_csv"
        assert table.rows_read == len(table.rows) == 456
        assert not table.left_out
        assert sample_path().stat().st_size <= 200_000
        assert len({row.category_id for row in table.rows}) == 14
        assert (
            max(len([row for row in table.rows if row.video_id == video_id]) for video_id in {row.video_id for row in table.rows})
            == 4
        )

    def test_older_public_file_with_its_own_dates_and_names(self, tmp_path):
        header = "video_id,trending_date,title,channel_title,category_id,publish_time,tags,views,likes,comment_count"
        row = 'abcdefghijk,17.14.11,"Old one",Chan,10,2017-11-13T17:13:01.000Z,"a|""b c""",748374,57527,15954'
        table = read(tmp_path, f"{header}\n{row}\n")
        assert table.source_kind == "trending_csv"
        assert table.rows[0].date == "2017-11-14"
        assert table.rows[0].tags == ("a", "b c")
        assert table.rows[0].url == "https://www.youtube.com/watch?v=abcdefghijk"

    def test_same_video_twice_on_a_day_keeps_the_higher_count(self, tmp_path):
        table = read(tmp_path, "\n".join([HEADER, line(views="100"), line(views="300"), line(views="200"), ""]))
        assert [row.views for row in table.rows] == [300]
        assert sum(table.left_out.values()) == 2

    @pytest.mark.parametrize("end", ['bbbbbbbbbbb,"Broken off in the mid', 'bbbbbbbbbbb,"Whole title",2020-08-11T00:00:00Z,UC1'])
    def test_last_row_cut_off_is_left_out_and_counted(self, tmp_path, end):
        table = read(tmp_path, f"{HEADER}\n{line()}\n{end}")
        assert len(table.rows) == 1
        assert table.rows_read == 2
        assert table.left_out == {"cut off at the end of the file": 1}

    @pytest.mark.parametrize("views", ["-5", "99999999999999999999", "many", "", "1e99"])
    def test_impossible_counts_are_left_out(self, tmp_path, views):
        table = read(tmp_path, "\n".join([HEADER, line(), line("bbbbbbbbbbb", views=views), ""]))
        assert [row.video_id for row in table.rows] == ["aaaaaaaaaaa"]
        assert sum(table.left_out.values()) == 1

    def test_future_date_does_not_move_the_window(self, tmp_path):
        table = read(tmp_path, "\n".join([HEADER, line(), line("bbbbbbbbbbb", day="2199-01-01"), ""]))
        assert table.left_out == {"no readable date": 1}


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "title"),
        [
            ("utf-8", "مرحبا بالعالم 🎉 שלום"),
            ("utf-8-sig", "Ünïcode 🎉"),
            ("utf-16", "日本語のタイトル"),
            ("utf-16-le", "Café olé for everyone"),
            ("cp1252", "Café “crème” – niño"),
            ("cp932", "これはとても面白いゲーム動画のタイトルです"),
        ],
    )
    def test_title_survives(self, tmp_path, encoding, title):
        table = read(tmp_path, "\n".join([HEADER, line(title=title), ""]), encoding=encoding)
        assert table.rows[0].title == title
        assert table.encoding == encoding or encoding == "utf-16"

    def test_a_few_broken_characters_do_not_spoil_a_utf8_file(self, tmp_path):
        content = "\n".join(
            [HEADER, *(line(f"v{number:010d}", title=f"Пример номер {number}") for number in range(200)), ""]
        ).encode()
        broken = content.replace("номер 77".encode(), b"\xff\xfe 77")
        table = read(tmp_path, broken)
        assert table.encoding == "utf-8"
        assert table.rows[3].title == "Пример номер 3"

    def test_nul_bytes_are_dropped(self, tmp_path):
        table = read(tmp_path, "\n".join([HEADER, line(title="A ti\x00tle"), ""]))
        assert table.rows[0].title == "A title"


class TestMapped:
    def test_semicolons_and_localised_numbers(self, tmp_path):
        table = read(tmp_path, "Titel;Aufrufe;Datum\nEin Film;1.234.567;14.08.2020\nNoch einer;12.345;13.08.2020\n")
        assert table.source_kind == "mapped_table"
        assert [(row.views, row.date) for row in table.rows] == [(1234567, "2020-08-14"), (12345, "2020-08-13")]

    def test_explicit_mapping_wins(self, tmp_path):
        content = "what\thow many\twhen\tviews\nFirst\t1.2M\tAug 3, 2020\tx\nSecond\t3,400\tAugust 4, 2020\tx\n"
        table = read(tmp_path, content, "t.tsv", mapping={"title": "what", "views": "how many", "published_at": "when"})
        assert [(row.title, row.views, row.date) for row in table.rows] == [
            ("First", 1200000, "2020-08-03"),
            ("Second", 3400, "2020-08-04"),
        ]

    def test_suggestion_for_the_form(self, tmp_path):
        columns, guess = columns_suggest(written(tmp_path, "Name of it,Views,Uploader\nA,1,B\n"))
        assert columns == ("Name of it", "Views", "Uploader")
        assert guess == {"views": "Views", "channel": "Uploader"}

    def test_day_before_month_is_found_from_the_other_rows(self, tmp_path):
        table = read(tmp_path, "title,views,date\nA,1,03/04/2020\nB,2,25/04/2020\n")
        assert [row.date for row in table.rows] == ["2020-04-03", "2020-04-25"]

    def test_mapping_to_a_missing_column_is_refused(self, tmp_path):
        with pytest.raises(BadInput, match="no column called “nope”"):
            read(tmp_path, "title,views\nA,1\n", mapping={"views": "nope"})

    def test_javascript_address_is_dropped(self, tmp_path):
        table = read(tmp_path, "title,views,url\nA,1,javascript:alert(1)\n")
        assert table.rows[0].url == ""


class TestJson:
    ITEM = {
        "id": "abcdefghijk",
        "snippet": {
            "title": "T",
            "publishedAt": "2020-08-12T01:00:00Z",
            "channelTitle": "C",
            "categoryId": "20",
            "tags": ["a", "b"],
        },
        "statistics": {"viewCount": "123", "likeCount": "4", "commentCount": "5"},
    }

    def test_videos_list_reply(self, tmp_path):
        table = read(tmp_path, json.dumps({"kind": "youtube#videoListResponse", "items": [self.ITEM]}), "reply.json")
        row = table.rows[0]
        assert (row.title, row.views, row.likes, row.comments, row.category_id, row.tags) == ("T", 123, 4, 5, "20", ("a", "b"))
        assert row.date == "2020-08-12"

    def test_lines_with_a_broken_one(self, tmp_path):
        lines = [json.dumps({"title": f"T{number}", "views": number, "date": "2020-08-12"}) for number in range(3)]
        table = read(tmp_path, "\n".join([*lines, '{"title": "cut']), "t.jsonl")
        assert len(table.rows) == 3
        assert table.left_out == {"a line that is not whole JSON": 1}

    def test_videos_by_their_id(self, tmp_path):
        assert (
            len(read(tmp_path, json.dumps({"a": {"title": "A b", "views": 3}, "b": {"title": "C d", "views": 4}}), "x.json").rows)
            == 2
        )

    def test_list_of_objects(self, tmp_path):
        assert len(read(tmp_path, json.dumps([{"name": "A", "plays": 3}]), "x.json").rows) == 1

    @pytest.mark.parametrize("content", ["{}", "[]", '{"a": 1}', "[1, 2]", "[" * 100_000, '[{"title": "A", "views": 1}, {"ti'])
    def test_useless_json_is_refused(self, tmp_path, content):
        assert refusal(tmp_path, content, "x.json")


class TestStudio:
    TABLE = (
        "Content,Video title,Video publish time,Views,Watch time (hours),Subscribers,Impressions\n"
        "Total,,,1500,30,5,9000\n"
        'abcdefghijk,My first video,"Aug 3, 2020",1000,20,3,6000\n'
        'bbcdefghijk,My second video,"Aug 9, 2020",500,10,2,3000\n'
    )

    def test_table(self, tmp_path):
        table = read(tmp_path, self.TABLE, "Table data.csv")
        assert table.source_kind == "studio_export"
        assert [row.views for row in table.rows] == [1000, 500]
        assert table.left_out == {"a line of totals": 1}
        assert "whole period" in table.measure

    def test_zip_with_its_period(self, tmp_path):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("Table data.csv", self.TABLE)
            archive.writestr("Totals.csv", "Date,Views\n2020-08-01,1\n")
            archive.writestr("../../evil.csv", "title,views\nx,1\n")
        table = trends_read(path, file_name="Content 2020-08-01_2020-08-14 Channel.zip")
        assert (table.period_start, table.rows[0].date) == ("2020-08-01", "2020-08-14")
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.zip"]

    def test_chart_by_day_becomes_running_counts(self, tmp_path):
        days = ["2020-08-01", "2020-08-02", "2020-08-03"]
        chart = "Date,Content,Video title,Video publish time,Views\n" + "".join(
            f'{day},video{number:06d},Title {number},"Jul 1, 2020",{10 * (number + 1)}\n' for number in range(6) for day in days
        )
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("Table data.csv", self.TABLE)
            archive.writestr("Chart data.csv", chart)
        table = trends_read(path, file_name="x.zip")
        assert [row.views for row in table.rows if row.video_id == "video000001"] == [20, 40, 60]

    def test_zip_of_an_excel_workbook_is_refused(self, tmp_path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("[Content_Types].xml", "<x/>")
        assert "Excel" in refusal(tmp_path, buffer.getvalue(), "book.xlsx")

    def test_broken_zip_is_refused(self, tmp_path):
        assert "broken" in refusal(tmp_path, b"PK\x03\x04 nothing more", "x.zip")


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "empty"),
            (b"   \n\n", "empty"),
            (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG picture"),
            (b"%PDF-1.7\n", "PDF"),
            (bytes(range(256)) * 40, "not text"),
            (b"title,views\n", "no rows"),
            (b"colour,size,weight\nred,1,2\n", "has the columns colour, size, weight"),
            (b"title,colour\nA,red\n", "a column with views or dates is needed"),
            (b"title,views\n,1\nA,minus\n", "None of the 2 rows can be used"),
            (b"<!DOCTYPE html><html><body>no</body></html>", "web page"),
            (b"just some words and nothing else", "has the columns just some words"),
        ],
    )
    def test_says_what_was_found(self, tmp_path, content, said):
        assert said in refusal(tmp_path, content)

    def test_endless_line_is_refused_without_filling_memory(self, tmp_path):
        path = tmp_path / "long.csv"
        with path.open("wb") as file:
            file.write(b'title,views\n"')
            for _ in range(100):
                file.write(b"x" * 1_000_000)
        tracemalloc.start()
        with pytest.raises(BadInput, match="longer than a million"):
            trends_read(path, file_name="long.csv")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30_000_000

    def test_quote_never_closed_is_refused(self, tmp_path):
        body = "\n".join(f"Title {number},{number}" for number in range(60_000))
        assert "never closed" in refusal(tmp_path, f'title,views\n"open,1\n{body}\n')


class TestManyRows:
    def test_twenty_thousand_rows_stay_small(self, tmp_path):
        path = tmp_path / "many.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*HEADER.split(","), "description"])
            for number in range(20_000):
                day = f"2020-08-{1 + number % 20:02d}"
                tags = "|".join(f"tag {number % 97} {part}" for part in range(10))
                writer.writerow(
                    [
                        f"v{number // 20:010d}",
                        f"Title {number // 20}",
                        day,
                        "UC",
                        "Chan",
                        "20",
                        day,
                        tags,
                        number,
                        1,
                        1,
                        1,
                        "d" * 900,
                    ]
                )
        tracemalloc.start()
        table = trends_read(path, file_name="many.csv")
        kept = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(table.rows) == 20_000
        assert kept < 20_000 * 1_000
