"""The embedded writer: conversations without a language model, made only of what is known."""

from videoflow.providers.embedded_writer.language import foreign_language
from videoflow.providers.embedded_writer.script_reader import ReadScript, script_read
from videoflow.providers.embedded_writer.theme_script import themes_evidence
from videoflow.providers.embedded_writer.topic_script import notes_evidence
from videoflow.providers.embedded_writer.writer import EmbeddedWriter

__all__ = ["EmbeddedWriter", "ReadScript", "foreign_language", "notes_evidence", "script_read", "themes_evidence"]
