"""Look at an imported file before anything is queued, so that a refusal stands where the file was chosen."""

from dataclasses import dataclass
from typing import Any

from videoflow.errors import BadInput
from videoflow.pipeline.models import SourceFile
from videoflow.pipeline.store import files_fetch, media_path
from videoflow.providers.embedded_trends import columns_suggest, trends_read

READ_NOW_BYTES = 8_000_000  # read whole within about a second; a larger file is read by the stage, which reports its progress


@dataclass(frozen=True, slots=True)
class MissingColumns:
    """A table in which our fields were not recognised, with what to choose from."""

    refusal: BadInput
    columns: list[str]
    guessed: dict[str, str]


def columns_missing(source: SourceFile, mapping: dict[str, str]) -> MissingColumns | None:
    """Return what must be mapped by hand; None when the file can be analysed as far as can be told now.

    Raises:
        BadInput: the file cannot be used at all.
    """
    path = media_path(source.path)
    files_fetch([path])
    try:
        if source.size_bytes <= READ_NOW_BYTES:
            trends_read(path, file_name=source.name, mapping=mapping or None)
        return None
    except BadInput as error:
        columns: Any = error.details.get("columns")
        if not isinstance(columns, list) or not columns:
            raise
        guessed = columns_suggest(path)[1]
        return MissingColumns(error, [str(column) for column in columns], guessed)
