"""Embedded trends: read what a creator drops in, and say what is being watched. No network, no key."""

from videoflow.providers.embedded_trends.analysis import trends_analyse
from videoflow.providers.embedded_trends.columns import FIELDS
from videoflow.providers.embedded_trends.lexicon import sample_path
from videoflow.providers.embedded_trends.reader import columns_suggest, trends_read
from videoflow.providers.embedded_trends.table import TrendRow, TrendTable

__all__ = ["FIELDS", "TrendRow", "TrendTable", "columns_suggest", "sample_path", "trends_analyse", "trends_read"]
