"""Find out in which encoding a file is written, and refuse what is not text."""

import codecs
import re
from pathlib import Path

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

_SNIFF_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", Sentence("a PNG picture")),
    (b"\xff\xd8\xff", Sentence("a JPEG picture")),
    (b"GIF8", Sentence("a GIF picture")),
    (b"%PDF", Sentence("a PDF document")),
    (b"\x1f\x8b", Sentence("a gzip archive")),
    (b"7z\xbc\xaf", Sentence("a 7z archive")),
    (b"Rar!", Sentence("a RAR archive")),
    (b"\x7fELF", Sentence("a program")),
    (b"MZ\x90", Sentence("a program")),
    (b"OggS", Sentence("a sound file")),
    (b"ID3", Sentence("a sound file")),
    (b"fLaC", Sentence("a sound file")),
    (b"\x1aE\xdf\xa3", Sentence("a video file")),
    (b"SQLite format 3", Sentence("a database")),
    (b"\xd0\xcf\x11\xe0", Sentence("an old Excel or Word file")),
    (b"PAR1", Sentence("a Parquet file")),
    (b"{\\rtf", Sentence("a rich-text document")),
)
_EXPECTED = Sentence("A CSV, TSV or JSON table of videos, a YouTube Studio export or an RSS feed is needed.")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_find(path: Path) -> str:
    """Return the codec name of a text file: its mark, UTF-8, UTF-16 without mark, Shift-JIS, Windows-1252 or Latin-1.

    Raises:
        BadInput: the file is empty or is not text.
    """
    with path.open("rb") as file:
        head = file.read(_SNIFF_BYTES)
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise BadInput(Sentence("This file is empty. %(expected)s", expected=_EXPECTED))
    _binary_refuse(head)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    half = max(len(head[:4096]) // 2, 1)
    if odd > half * 0.3 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.3 and odd < half * 0.05:
        return "utf-16-be"
    _control_refuse(head)
    faults, wide = _utf8_faults(path)
    # A file cut and glued keeps a few broken characters; one in another encoding has hardly a whole one.
    if faults == 0 or (wide > 20 and faults * 50 < wide):
        return "utf-8"
    return _legacy_find(path)


def _binary_refuse(head: bytes) -> None:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise BadInput(Sentence("This file is %(name)s, not a table. %(expected)s", name=name, expected=_EXPECTED))
    if head[4:8] == b"ftyp":
        raise BadInput(Sentence("This file is a video or picture file, not a table. %(expected)s", expected=_EXPECTED))
    if head[:4] == b"RIFF":
        raise BadInput(Sentence("This file is a sound, picture or video file, not a table. %(expected)s", expected=_EXPECTED))


def _control_refuse(head: bytes) -> None:
    control = len(re.findall(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]", head))
    zeros = head.count(0)
    if control > len(head) * 0.01 or zeros > len(head) * 0.2:
        raise BadInput(Sentence("This file is not text: it holds binary data. %(expected)s", expected=_EXPECTED))


def _utf8_faults(path: Path) -> tuple[int, int]:
    """Count broken and whole multi-byte characters; a character cut by the end of the file is not broken."""
    faults = wide = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if chunk.isascii():
                decoder.decode(chunk)
                continue
            text = decoder.decode(chunk)
            broken = text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd")
            faults += max(broken, 0)
            wide += len(text) - len(text.encode("ascii", "ignore")) - max(broken, 0)
            if faults > 2000 and faults > wide:
                break
    return faults, wide


def _legacy_find(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_SNIFF_BYTES)
    decoder = codecs.getincrementaldecoder("cp932")("strict")
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        text = ""
    kana = len(re.findall(r"[\u3041-\u30fe]", text))
    if kana > 8 and kana > 0.05 * sum(byte > 0x7F for byte in head):
        return "cp932"
    try:
        head.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
