"""Read an RSS or Atom feed that somebody saved: Google Trends, a YouTube channel, any news feed."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from videoflow.errors import BadInput

_FEED_MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FeedNews:
    """A headline that a trends feed gives with a search term."""

    title: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class FeedEntry:
    title: str
    url: str
    published: str
    author: str
    summary: str
    tags: tuple[str, ...]
    views: str
    traffic: str
    """``ht:approx_traffic``, e.g. "200,000+"; empty in a plain feed."""
    video_id: str
    news: tuple[FeedNews, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    title: str
    entries: tuple[FeedEntry, ...]


def feed_read(path: Path) -> Feed:
    """Parse a feed without ever resolving an entity: a document type declaration is refused before anything in it counts.

    Raises:
        BadInput: a web page, broken XML, a DOCTYPE, or no entries.
    """
    if path.stat().st_size > _FEED_MAX_BYTES:
        raise BadInput("This feed is larger than 32 MB; a feed of at most some thousand entries is needed.")
    content = path.read_bytes()
    if re.match(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)", content[:400], re.IGNORECASE):
        raise BadInput("This file is a web page, not a feed. Save the feed's own address (it ends in rss, xml or atom) or a CSV.")
    _declarations_refuse(content)
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - a DOCTYPE, and with it every entity, was refused above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadInput("This file begins like a feed but its XML is broken or cut off. Save the feed again.") from error
    items = [node for node in root.iter() if _name(node) in ("item", "entry")]
    if not items:
        raise BadInput("This XML file is not a feed with entries. An RSS or Atom feed is needed.")
    channel = next((node for node in root if _name(node) == "channel"), root)
    return Feed(_text(channel, "title"), tuple(_entry(node) for node in items))


class _Declared(Exception):
    pass


def _declarations_refuse(content: bytes) -> None:
    def refuse(*_: object) -> None:
        raise _Declared

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)  # noqa: FBT003 - the last piece; expat knows no keyword
    except _Declared as error:
        raise BadInput(
            "This feed declares a document type or entities of its own, which a feed does not need. Save the feed without them."
        ) from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadInput("This file begins like a feed but its XML is broken or cut off. Save the feed again.") from error


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _text(node: ElementTree.Element, *names: str) -> str:
    for name in names:
        for child in node:
            if _name(child) == name and (text := "".join(child.itertext()).strip()):
                return text
    return ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^<>]{0,2000}>", " ", text[:20_000]).split())


def _entry(node: ElementTree.Element) -> FeedEntry:
    links = [child for child in node if _name(child) == "link"]
    url = next((link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate" and link.get("href")), "")
    url = url or _text(node, "link", "guid")
    author = next(
        (
            _text(child, "name") or _plain("".join(child.itertext()))
            for child in node
            if _name(child) in ("author", "creator", "source")
        ),
        "",
    )
    news = tuple(
        FeedNews(_plain(_text(child, "news_item_title")), _plain(_text(child, "news_item_source")), _text(child, "news_item_url"))
        for child in node
        if _name(child) == "news_item"
    )
    tags = [child.get("term") or "".join(child.itertext()) for child in node if _name(child) == "category"]
    views = next((inner.get("views", "") for inner in node.iter() if _name(inner) == "statistics"), "")
    return FeedEntry(
        title=_plain(_text(node, "title")),
        url=url,
        published=_text(node, "pubdate", "published", "date", "updated"),
        author=author,
        summary=_plain(_text(node, "description", "summary", "content")),
        tags=tuple(filter(None, (_plain(tag) for tag in tags))),
        views=views,
        traffic=_text(node, "approx_traffic"),
        video_id=_text(node, "videoid"),
        news=tuple(item for item in news if item.title),
    )
