"""Writing with language models of outside services: three dialects, one gate between what is written and what is said."""

from videoflow.providers.writing.sanitising import instructs, text_clean
from videoflow.providers.writing.writer import ModelWriter, NewWords, ScriptLine

__all__ = ["ModelWriter", "NewWords", "ScriptLine", "instructs", "text_clean"]
