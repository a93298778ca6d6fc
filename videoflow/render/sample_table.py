"""Read the coded frames of a segment by the tables of its MP4 file: a demuxer would decode some of them to guess what is known.

Only files that ``SegmentWriter`` wrote are read in this way, after their hash was compared.
Source: ISO/IEC 14496-12 (sample tables, edit lists), 14496-15 (avcC, hvcC), AV1 in ISO-BMFF (av1C).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_VISUAL_ENTRY_BYTES = 86
"""Of a sample entry, before the boxes in it."""
_DECODER_SETTINGS = (b"avcC", b"hvcC", b"av1C")


@dataclass(frozen=True, slots=True)
class Samples:
    """The coded frames of one segment in the order in which they are decoded."""

    settings: bytes
    """What a decoder is told before the first frame (SPS and PPS); equal in all segments that may be joined."""
    places: tuple[int, ...]
    """As which frame of the segment each is shown, from 0."""
    keys: tuple[bool, ...]
    frames: tuple[bytes, ...]


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(data):
        size, name, head = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8]), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = size or len(data) - at
        if size < head:
            raise ValueError("a box without a size")
        yield name, data[at + head : at + size]
        at += size


def _box(data: memoryview, *names: bytes) -> memoryview:
    """Return what is in a box within a box, by their names."""
    for name in names:
        found = next((inside for own, inside in _boxes(data) if own == name), None)
        if found is None:
            raise ValueError(f"no box {name!r}")
        data = found
    return data


def _table(data: memoryview, columns: int, head: int = 8) -> Numbers:
    """Return the 32-bit numbers of a table, after version, flags and count."""
    numbers = np.frombuffer(data[head:], ">i4").astype(np.int64)
    count = int.from_bytes(data[head - 4 : head], "big")
    return numbers[: count * columns].reshape(count, columns)


def _sizes(table: memoryview) -> Numbers:
    """Return the size of each sample; where all are alike it is said once."""
    alike, count = int.from_bytes(table[4:8], "big"), int.from_bytes(table[8:12], "big")
    return np.full(count, alike, np.int64) if alike else _table(table, 1, 12)[:, 0]


def _offsets(stbl: memoryview, sizes: Numbers) -> Numbers:
    """Return where in the file each sample begins."""
    try:
        chunks = _table(_box(stbl, b"stco"), 1)[:, 0] & 0xFFFFFFFF
    except ValueError:
        chunks = np.frombuffer(_box(stbl, b"co64")[8:], ">i8").astype(np.int64)
    runs = _table(_box(stbl, b"stsc"), 3)
    per_chunk = np.repeat(runs[:, 1], np.diff(np.append(runs[:, 0] - 1, len(chunks))))
    begins = np.cumsum(per_chunk) - per_chunk
    before = np.cumsum(sizes) - sizes
    return np.asarray(np.repeat(chunks - before[begins], per_chunk) + before)


def samples_read(path: Path, fps: int) -> Samples:
    """Return the coded frames of a segment, whose clock must run in whole parts of a frame.

    Raises:
        ValueError: the file is none that the segment writer wrote.
    """
    data = memoryview(path.read_bytes())
    try:
        track = _box(data, b"moov", b"trak")
        stbl = _box(track, b"mdia", b"minf", b"stbl")
        sizes = _sizes(_box(stbl, b"stsz"))
        steps = _table(_box(stbl, b"stts"), 2)
        ticks = int.from_bytes(_box(track, b"mdia", b"mdhd")[12:16], "big") // fps
        shown = np.concatenate([[0], np.cumsum(np.repeat(steps[:, 1], steps[:, 0]))[:-1]])
        names = {name for name, _ in _boxes(stbl)}
        if b"ctts" in names:
            later = _table(_box(stbl, b"ctts"), 2)
            shown = shown + np.repeat(later[:, 1], later[:, 0])
        if any(name == b"edts" for name, _ in _boxes(track)):
            shown = shown - int(_table(_box(track, b"edts", b"elst"), 3)[-1, 1])
        keys = np.ones(len(sizes), bool)
        if b"stss" in names:
            keys[:] = False
            keys[_table(_box(stbl, b"stss"), 1)[:, 0] - 1] = True
        entry = _box(stbl, b"stsd")[8:]
        settings = next(bytes(inside) for name, inside in _boxes(entry[_VISUAL_ENTRY_BYTES:]) if name in _DECODER_SETTINGS)
        frames = tuple(bytes(data[at : at + size]) for at, size in zip(_offsets(stbl, sizes), sizes, strict=True))
    except (IndexError, StopIteration) as error:
        raise ValueError(f"{path.name} has no complete tables") from error
    if (shown % ticks).any():
        raise ValueError(f"{path.name} has frames between the frames")
    return Samples(settings, tuple((shown // ticks).tolist()), tuple(keys.tolist()), frames)
