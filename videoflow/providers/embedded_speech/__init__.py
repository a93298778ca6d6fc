"""Voices that come with the installation."""

import os

from videoflow.providers.embedded_speech.speech import EmbeddedSpeech

__all__ = ["EmbeddedSpeech"]

# onnxruntime reports its use over the network and leaves an identifier in the home directory unless this is set before it is
# loaded; nothing above loads it. Source: Privacy.md in its wheel.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
