"""The sources of live trends on this machine, strict about what they are asked."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from videoflow.providers.net import Client, Connection
from videoflow.providers.registry import Access, provider_make
from videoflow.providers.services import service_get
from videoflow.providers.tests.fake_service import Asked, FakeService, Told
from videoflow.providers.tests.youtube_rules import request_faults
from videoflow.providers.writing.tests.fake_models import Notes

KEY = "yt-canary-key"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
CATEGORIES = {"10": "Music", "20": "Gaming"}
TITLES = {
    "10": [
        "Solar eclipse song",
        "The solar eclipse live in concert",
        "My solar eclipse cover",
        "Winter ballad",
        "Piano at night",
    ],
    "20": ["Speedrun of the year", "World record speedrun explained", "Building a castle", "Castle tour", "The last boss"],
}


def access_to(service: str, fake: FakeService, *, base: str = "") -> Access:
    """Return the way to a source whose address is the fake's."""
    known = service_get(service)
    key = KEY if known.needs_key else ""
    address = f"{fake.url}{base}" if known.base_url else ""
    connection = Connection(service, address, key, allowed_hosts=frozenset({fake.host}))

    def pay(call: object) -> bytes:
        raise AssertionError("nothing here costs money")

    return Access(connection, Client(connection, headers=known.headers(key)), pay, lambda: False, Notes())


def source_of(service: str, fake: FakeService, *, base: str = "") -> Any:
    return provider_make("trends", service, access_to(service, fake, base=base))


def youtube(fake: FakeService) -> list[str]:
    """Serve categories, search and videos; the queries must be as YouTube's description has them. Returns what was asked for."""
    asked_for: list[str] = []

    def checked(name: str) -> Callable[[Callable[[Asked], Any]], None]:
        def put(answer: Callable[[Asked], Any]) -> None:
            def serve(asked: Asked) -> Any:
                faults = request_faults("GET", asked.path, {name: [value] for name, value in asked.query.items()}, None)
                assert not faults, faults
                assert asked.headers["x-goog-api-key"] == KEY and "key" not in asked.query
                asked_for.append(name)
                return answer(asked)

            fake.route("GET", f"/youtube/v3/{name}")(serve)

        return put

    @checked("videoCategories")
    def categories(asked: Asked) -> Any:
        items = [{"id": number, "snippet": {"title": name, "assignable": True}} for number, name in CATEGORIES.items()]
        return {"items": [*items, {"id": "18", "snippet": {"title": "Short Movies", "assignable": False}}]}

    @checked("search")
    def search(asked: Asked) -> Any:
        assert asked.query["type"] == "video", "videoCategoryId needs it"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", asked.query["publishedAfter"])
        number = asked.query["videoCategoryId"]
        return {"items": [{"id": {"kind": "youtube#video", "videoId": f"vid{number}x{index:05}"}} for index in range(5)]}

    @checked("videos")
    def videos(asked: Asked) -> Any:
        return {"items": [_video(video_id) for video_id in asked.query["id"].split(",")]}

    return asked_for


def _video(video_id: str) -> dict[str, Any]:
    number, index = video_id[3:5], int(video_id[-5:])
    snippet = {
        "title": TITLES[number][index],
        "channelTitle": f"Channel {index}",
        "categoryId": number,
        "publishedAt": "2026-11-20T10:00:00Z",
        "tags": ["tag one", "tag|two"],
    }
    statistics = {"viewCount": str(1_000_000 * (6 - index)), "likeCount": "1000"}
    return {"id": video_id, "snippet": snippet, "statistics": statistics}


def hackernews(fake: FakeService) -> None:
    @fake.route("GET", "/search")
    def search(asked: Asked) -> Any:
        assert asked.query["tags"] == "story"
        assert re.fullmatch(r"created_at_i>=\d+,points>=100", asked.query["numericFilters"])
        names = [
            "Postgres 19 released",
            "What is new in Postgres 19",
            "A tiny compiler",
            "Why Postgres 19 is faster",
            "Compiler bugs",
        ]
        hits = [
            {
                "objectID": str(4000 + index),
                "title": name,
                "points": 500 - index,
                "num_comments": 40,
                "created_at_i": int(NOW.timestamp()) - 86_400 * index,
                "url": f"https://www.site{index}.example/post",
                "author": "someone",
            }
            for index, name in enumerate(names)
        ]
        return {"hits": [*hits, {"objectID": None, "title": None}], "nbPages": 1}


def wikimedia(fake: FakeService) -> None:
    @fake.route("GET", r"/metrics/pageviews/top/([a-z]+)\.wikipedia/all-access/(\d{4})/(\d\d)/(\d\d)")
    def top(asked: Asked) -> Any:
        assert "videoflow" in asked.headers["user-agent"]
        language, _year, _month, day = asked.groups
        names = ["Main_Page", "Special:Search", "Solar_eclipse", "Ada_Lovelace", "Comet"]
        articles = [{"article": name, "views": 1000 * (9 - rank) + int(day), "rank": rank} for rank, name in enumerate(names, 1)]
        return {"items": [{"project": f"{language}.wikipedia", "articles": articles}]}


TERMS = [("solar eclipse", "200,000"), ("winter storm", "50,000"), ("chess final", "20,000")]
RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:ht="https://trends.google.com/trending/rss"><channel><title>{title}</title>
{items}</channel></rss>"""


def google_trends(fake: FakeService) -> None:
    @fake.route("GET", "/trending/rss")
    def rss(asked: Asked) -> Any:
        assert re.fullmatch("[A-Z]{2}", asked.query["geo"]) and len(asked.query) == 1
        items = "".join(_term(index, term, traffic) for index, (term, traffic) in enumerate(TERMS))
        return Told(
            RSS.format(title="Daily Search Trends", items=items).encode(), headers={"Content-Type": "application/rss+xml"}
        )


def _term(index: int, term: str, traffic: str) -> str:
    news = f"<ht:news_item_title>{term.title()} explained</ht:news_item_title><ht:news_item_source>News</ht:news_item_source>"
    news += f"<ht:news_item_url>https://news.example/{index}</ht:news_item_url>"
    day = "<pubDate>Sun, 22 Nov 2026 06:00:00 -0800</pubDate>"
    counted = f"<ht:approx_traffic>{traffic}+</ht:approx_traffic>"
    return f"<item><title>{term}</title>{counted}{day}<ht:news_item>{news}</ht:news_item></item>"


def feed(fake: FakeService) -> str:
    """Serve a news feed and return its address."""

    @fake.route("GET", "/news.rss")
    def rss(asked: Asked) -> Any:
        items = "".join(
            f"<item><title>Harbour bridge, part {word}</title><link>https://news.example/{word}</link>"
            f"<pubDate>Sat, 21 Nov 2026 0{index}:00:00 +0000</pubDate></item>"
            for index, word in enumerate(["one", "two", "three", "four"])
        )
        return Told(RSS.format(title="Town news", items=items).encode(), headers={"Content-Type": "application/rss+xml"})

    return f"{fake.url}/news.rss"


def wish_facts(folder: Path) -> dict[str, Any]:
    return {"window": "weekly", "now": NOW, "folder": folder}
