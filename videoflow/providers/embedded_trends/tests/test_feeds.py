import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import trends_analyse, trends_read

TRENDS = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:ht="https://trends.google.com/trending/rss" version="2.0"><channel>
<title>Daily Search Trends</title>
<item><title>kamala harris</title><ht:approx_traffic>2,000,000+</ht:approx_traffic>
<pubDate>Tue, 11 Aug 2020 14:00:00 -0700</pubDate>
<ht:news_item><ht:news_item_title>Joe Biden picks Kamala Harris as running mate</ht:news_item_title>
<ht:news_item_url>https://news.example/1</ht:news_item_url><ht:news_item_source>Example Times</ht:news_item_source></ht:news_item>
<ht:news_item><ht:news_item_title>Who is Kamala Harris?</ht:news_item_title><ht:news_item_url>https://news.example/2</ht:news_item_url>
<ht:news_item_source>Example Post</ht:news_item_source></ht:news_item></item>
<item><title>ufc 252</title><ht:approx_traffic>200K+</ht:approx_traffic>
<pubDate>Wed, 12 Aug 2020 14:00:00 -0700</pubDate></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"
xmlns:yt="http://www.youtube.com/xml/schemas/2015"
xmlns:media="http://search.yahoo.com/mrss/">
<title>A channel</title><entry>
<yt:videoId>abcdefghijk</yt:videoId><title>Mountain bike trails</title>
<author><name>A channel</name></author>
<link rel="alternate" href="https://www.youtube.com/watch?v=abcdefghijk"/><published>2020-08-10T10:00:00+00:00</published>
<media:group><media:community><media:statistics views="4321"/></media:community></media:group></entry></feed>"""


def read(folder, content, name="feed.xml"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return trends_read(path, file_name=name)


class TestFeeds:
    def test_google_trends_terms_become_themes(self, tmp_path):
        table = read(tmp_path, TRENDS)
        analysis = trends_analyse(table, window="weekly")
        assert analysis.source_kind == "rss"
        assert "searches" in analysis.measure
        assert [(theme.label, theme.views, theme.channels) for theme in analysis.themes] == [
            ("Kamala Harris", 2_000_000, 2),
            ("UFC 252", 200_000, 1),
        ]
        assert [video.channel for video in analysis.themes[0].videos] == ["Google Trends", "Example Times", "Example Post"]

    def test_channel_feed_with_views(self, tmp_path):
        table = read(tmp_path, ATOM)
        assert (table.rows[0].video_id, table.rows[0].views, table.rows[0].channel) == ("abcdefghijk", 4321, "A channel")
        assert "views on YouTube" in table.measure

    def test_plain_feed_says_that_it_has_no_views(self, tmp_path):
        items = "".join(
            f"<item><title>Solar eclipse story {n}</title><pubDate>Tue, 11 Aug 2020 0{n}:00:00 GMT</pubDate></item>"
            for n in range(4)
        )
        table = read(tmp_path, f"<rss><channel><title>News</title>{items}</channel></rss>")
        analysis = trends_analyse(table, window="weekly")
        assert "no view counts" in analysis.measure
        assert not table.has_views
        assert analysis.categories[0].name == "All entries"
        assert analysis.themes[0].label == "Solar eclipse story"
        assert analysis.themes[0].views_gained_per_day is None
        assert not any(theme.label.startswith("Most watched") for theme in analysis.themes)

    @pytest.mark.parametrize(
        "content",
        [
            '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
            "<rss><channel><item><title>&b;</title></item></channel></rss>",
            '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>',
        ],
    )
    def test_entities_are_refused(self, tmp_path, content):
        with pytest.raises(BadInput, match="document type or entities"):
            read(tmp_path, content)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("<rss><channel><item><title>cut", "broken or cut off"),
            ("<note><to>me</to></note>", "not a feed"),
            ("<rss><item><title> </title></item></rss>", "no entries with a title"),
        ],
    )
    def test_useless_xml_is_refused(self, tmp_path, content, said):
        with pytest.raises(BadInput, match=said):
            read(tmp_path, content)
