"""YouTube Studio exports: the table, the chart by day, and the zip that holds both."""

import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

_MEMBER_MAX_BYTES = 1024 * 1024 * 1024
_MEMBERS_MAX = 2000
_PERIOD = re.compile(r"(20\d\d-\d\d-\d\d)[_ ]+(20\d\d-\d\d-\d\d)")
_STUDIO_TITLES = {
    "video title",
    "videotitel",
    "titre de la vidéo",
    "título del vídeo",
    "título do vídeo",
    "titolo del video",
    "動画のタイトル",
    "название видео",
}


def is_studio(header: Iterable[str]) -> bool:
    """Tell a Studio export by the columns that only it has."""
    names = {name.strip().casefold() for name in header}
    return bool(names & _STUDIO_TITLES) and bool(
        names & {"content", "video publish time", "inhalte", "contenu", "contenido", "conteúdo", "コンテンツ"}
    )


def period_in_name(name: str) -> tuple[str, str] | None:
    """Return the first and last day in an export's file name (``Content 2024-01-01_2024-01-31 Channel.zip``)."""
    match = _PERIOD.search(name)
    return (match.group(1), match.group(2)) if match else None


def archive_open(path: Path, folder: Path) -> dict[str, Path]:
    """Unpack the tables of a zip into ``folder``: ``{"table": …, "chart": …}`` of a Studio export or ``{"table": …}`` of a
    single file.

    Names inside the archive are never used as paths.

    Raises:
        BadInput: broken, locked, too large, or not clear which table is meant.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist()[:_MEMBERS_MAX] if not member.is_dir()]
            names = {member.filename: PurePosixPath(member.filename.replace("\\", "/")).name for member in members}
            if any(name in ("[Content_Types].xml", "mimetype") for name in names.values()):
                raise BadInput("This is an Excel, Word or LibreOffice file. Save the table as CSV and import that.")
            tables = [
                member
                for member in members
                if names[member.filename].lower().endswith((".csv", ".tsv", ".json", ".jsonl", ".xml", ".rss"))
                and not member.filename.startswith("__MACOSX")
                and "category_id" not in names[member.filename].lower()
            ]
            wanted = {_role(names[member.filename]): member for member in tables if _role(names[member.filename])}
            if "table" not in wanted:
                if not tables:
                    raise BadInput("This zip holds no table. Import a CSV, JSON or feed, or the zip that YouTube Studio exports.")
                if len(tables) > 1:
                    found = ", ".join(names[member.filename][:40] for member in tables[:8])
                    raise BadInput(
                        Sentence(
                            "This zip holds %(tables)s tables (%(found)s); unpack it and import the one you mean.",
                            tables=len(tables),
                            found=found,
                        )
                    )
                wanted = {"table": tables[0]}
            if sum(member.file_size for member in wanted.values()) > _MEMBER_MAX_BYTES:
                raise BadInput("The table in this zip is larger than 1 GB. Import a shorter period.")
            unpacked: dict[str, Path] = {}
            for role, member in wanted.items():
                unpacked[role] = folder / role
                with archive.open(member) as source, unpacked[role].open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
            return unpacked
    # zipfile raises NotImplementedError for a way of packing that it does not know.
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise BadInput("This zip is broken or cut off. Download the export again.") from error
    except RuntimeError as error:
        raise BadInput("This zip is locked with a password. Unpack it and import the table.") from error


def _role(name: str) -> str:
    lowered = name.lower()
    if lowered.startswith(("table data", "tabellendaten", "données de tableau", "datos de la tabla", "dados da tabela")):
        return "table"
    if lowered.startswith(("chart data", "diagrammdaten", "données de graphique", "datos del gráfico", "dados do gráfico")):
        return "chart"
    return ""


def running_totals(
    records: Iterable[Mapping[str, str]], date_column: str, id_column: str, views_column: str
) -> Iterator[dict[str, str]]:
    """Turn views *of* each day, as a Studio chart has them, into counts *up to* each day, as a trending list has them."""
    by_video: dict[str, list[dict[str, str]]] = defaultdict(list)
    for record in records:
        by_video[record.get(id_column, "")].append(dict(record))
    for days in by_video.values():
        total = 0
        for record in sorted(days, key=lambda record: record.get(date_column, "")):
            digits = re.sub(r"[^\d]", "", record.get(views_column, ""))
            total += int(digits) if digits else 0
            yield {**record, views_column: str(total)}
