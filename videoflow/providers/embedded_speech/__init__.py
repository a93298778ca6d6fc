"""Voices that come with the installation."""

from videoflow.providers.embedded_speech.speech import EmbeddedSpeech

__all__ = ["EmbeddedSpeech"]
