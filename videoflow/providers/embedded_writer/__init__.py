"""The embedded writer: conversations without a language model, made only of what is known."""

from videoflow.providers.embedded_writer.script_reader import ReadScript, script_read
from videoflow.providers.embedded_writer.writer import EmbeddedWriter

__all__ = ["EmbeddedWriter", "ReadScript", "script_read"]
