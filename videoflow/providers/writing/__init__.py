"""Writing with language models of outside services: three dialects, one gate between what is written and what is said."""

from videoflow.providers.writing.material import brief_check
from videoflow.providers.writing.sanitising import instructs, lures_in, text_clean
from videoflow.providers.writing.writer import ModelWriter, NewWords, RewordBrief, ScriptLine

__all__ = ["ModelWriter", "NewWords", "RewordBrief", "ScriptLine", "brief_check", "instructs", "lures_in", "text_clean"]
