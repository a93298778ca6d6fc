"""What is being watched, read and searched for now: sources that are asked over the network, each saying what it counts."""

from videoflow.providers.live_trends.feeds import FeedTrends, GoogleTrends
from videoflow.providers.live_trends.hackernews import HackerNews
from videoflow.providers.live_trends.sources import FEEDS_SOURCE, LIVE_SOURCES, LiveTrends, LiveWish, Snapshot
from videoflow.providers.live_trends.wikimedia import WikimediaViews
from videoflow.providers.live_trends.youtube import YouTubeTrends, themes_plain

__all__ = [
    "FEEDS_SOURCE",
    "LIVE_SOURCES",
    "FeedTrends",
    "GoogleTrends",
    "HackerNews",
    "LiveTrends",
    "LiveWish",
    "Snapshot",
    "WikimediaViews",
    "YouTubeTrends",
    "themes_plain",
]
