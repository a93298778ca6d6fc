"""A second opinion on when words are said."""

from videoflow.providers.aligner.alignment import SAMPLE_RATE_HZ, Aligner, align_words
from videoflow.providers.aligner.drift import DriftReport, TimedWord, WordDrift, caption_drift

__all__ = ["SAMPLE_RATE_HZ", "Aligner", "DriftReport", "TimedWord", "WordDrift", "align_words", "caption_drift"]
