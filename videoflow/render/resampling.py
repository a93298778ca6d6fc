"""A separable four-tap filter on 8-bit planes, compiled for this machine when it is first needed (about 20 ms).

A horizontal pass is the vertical pass on the transposed plane: whole rows are combined, so every load is contiguous and 32
samples are computed at a time in 16-bit arithmetic. Strips of 64 columns go through both passes while they are in the cache, so
what lies between them does not push the encoder's frames out of it. The three planes of a 1080p frame take about 0.5 ms, an
eighth of what ``cv2.warpAffine`` takes with its two taps.
"""

import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from videoflow.render.machine_code import NUMBER, POINTER, MachineCode

Plane = NDArray[np.uint8]
Taps = tuple[NDArray[np.int32], NDArray[np.uint16]]
"""For every row to be made: its first source row, and the weights of that row and the three after it."""

TAPS = 4
LEAST_COLUMNS = 32
"""As many samples as are computed at once."""

_STRIP = 64
"""Columns that go through both passes at once: 80 kB on their way at 1080p."""
_PHASES = 128
_ROWS_FILTER = """
; out[y] = clip((sum of weights[y][k] * src[first[y] + k] + 64) >> 7), weights in 1/128.
; The sum lies between -4080 and 36720. 4096 is added so that it fits unsigned 16 bits, and 32 taken off after the shift.
define void @rows_filter(ptr noalias %src, i64 %src_stride, ptr noalias %first, ptr noalias %weights,
                         ptr noalias %out, i64 %out_stride, i64 %rows, i64 %columns) {
entry:
  %tail = sub i64 %columns, 32
  br label %row

row:
  %y = phi i64 [0, %entry], [%y.next, %row.end]
  %first.at = getelementptr i32, ptr %first, i64 %y
  %first.row = load i32, ptr %first.at
  %first.wide = sext i32 %first.row to i64
  %begin = mul i64 %first.wide, %src_stride
  %row0 = getelementptr i8, ptr %src, i64 %begin
  %row1 = getelementptr i8, ptr %row0, i64 %src_stride
  %row2 = getelementptr i8, ptr %row1, i64 %src_stride
  %row3 = getelementptr i8, ptr %row2, i64 %src_stride
  %weights.at = getelementptr [4 x i16], ptr %weights, i64 %y
  %w = load <4 x i16>, ptr %weights.at, align 2
  %w0 = shufflevector <4 x i16> %w, <4 x i16> poison, <32 x i32> splat (i32 0)
  %w1 = shufflevector <4 x i16> %w, <4 x i16> poison, <32 x i32> splat (i32 1)
  %w2 = shufflevector <4 x i16> %w, <4 x i16> poison, <32 x i32> splat (i32 2)
  %w3 = shufflevector <4 x i16> %w, <4 x i16> poison, <32 x i32> splat (i32 3)
  %out.begin = mul i64 %y, %out_stride
  %out.row = getelementptr i8, ptr %out, i64 %out.begin
  br label %column

column:
  %x = phi i64 [0, %row], [%x.next, %column]
  %at0 = getelementptr i8, ptr %row0, i64 %x
  %at1 = getelementptr i8, ptr %row1, i64 %x
  %at2 = getelementptr i8, ptr %row2, i64 %x
  %at3 = getelementptr i8, ptr %row3, i64 %x
  %byte0 = load <32 x i8>, ptr %at0, align 1
  %byte1 = load <32 x i8>, ptr %at1, align 1
  %byte2 = load <32 x i8>, ptr %at2, align 1
  %byte3 = load <32 x i8>, ptr %at3, align 1
  %sample0 = zext <32 x i8> %byte0 to <32 x i16>
  %sample1 = zext <32 x i8> %byte1 to <32 x i16>
  %sample2 = zext <32 x i8> %byte2 to <32 x i16>
  %sample3 = zext <32 x i8> %byte3 to <32 x i16>
  %part0 = mul <32 x i16> %sample0, %w0
  %part1 = mul <32 x i16> %sample1, %w1
  %part2 = mul <32 x i16> %sample2, %w2
  %part3 = mul <32 x i16> %sample3, %w3
  %outer = add <32 x i16> %part0, %part3
  %inner = add <32 x i16> %part1, %part2
  %sum = add <32 x i16> %outer, %inner
  %lifted = add <32 x i16> %sum, splat (i16 4160)
  %shifted = lshr <32 x i16> %lifted, splat (i16 7)
  %lowered = call <32 x i16> @llvm.usub.sat.v32i16(<32 x i16> %shifted, <32 x i16> splat (i16 32))
  %clipped = call <32 x i16> @llvm.umin.v32i16(<32 x i16> %lowered, <32 x i16> splat (i16 255))
  %bytes = trunc <32 x i16> %clipped to <32 x i8>
  %out.at = getelementptr i8, ptr %out.row, i64 %x
  store <32 x i8> %bytes, ptr %out.at, align 1
  %x.step = add i64 %x, 32
  %over = icmp ugt i64 %x.step, %tail
  %x.next = select i1 %over, i64 %tail, i64 %x.step
  %done = icmp uge i64 %x, %tail
  br i1 %done, label %row.end, label %column

row.end:
  %y.next = add i64 %y, 1
  %more = icmp ult i64 %y.next, %rows
  br i1 %more, label %row, label %end

end:
  ret void
}
declare <32 x i16> @llvm.usub.sat.v32i16(<32 x i16>, <32 x i16>)
declare <32 x i16> @llvm.umin.v32i16(<32 x i16>, <32 x i16>)
"""
_PLANE_FILTER = """
; Strips of `strip` columns, the last one over the one before it: across, transposed, down. `height` is the source's.
define void @plane_filter(ptr noalias %src, i64 %src_stride, ptr noalias %across, ptr noalias %across_weights,
                          ptr noalias %down, ptr noalias %down_weights, ptr noalias %narrow, ptr noalias %upright,
                          ptr noalias %out, i64 %out_stride, i64 %rows, i64 %columns, i64 %height, i64 %strip) {
entry:
  %tail = sub i64 %columns, %strip
  br label %column

column:
  %x = phi i64 [0, %entry], [%x.next, %column]
  %first = getelementptr i32, ptr %across, i64 %x
  %weights = getelementptr [4 x i16], ptr %across_weights, i64 %x
  %out.at = getelementptr i8, ptr %out, i64 %x
  call void @rows_filter(ptr %src, i64 %src_stride, ptr %first, ptr %weights,
                         ptr %narrow, i64 %height, i64 %strip, i64 %height)
  call void @transpose(ptr %narrow, i64 %height, i64 %strip, ptr %upright)
  call void @rows_filter(ptr %upright, i64 %strip, ptr %down, ptr %down_weights,
                         ptr %out.at, i64 %out_stride, i64 %rows, i64 %strip)
  %x.step = add i64 %x, %strip
  %over = icmp ugt i64 %x.step, %tail
  %x.next = select i1 %over, i64 %tail, i64 %x.step
  %done = icmp uge i64 %x, %tail
  br i1 %done, label %end, label %column

end:
  ret void
}

; Sixteen rows of 32 samples at a time; the last block of either direction lies over the one before it.
define internal void @transpose(ptr noalias %src, i64 %columns, i64 %rows, ptr noalias %out) {
entry:
  %last.row = sub i64 %rows, 16
  %last.column = sub i64 %columns, 32
  br label %row

row:
  %y = phi i64 [0, %entry], [%y.next, %row.end]
  %y.at = mul i64 %y, %columns
  %src.row = getelementptr i8, ptr %src, i64 %y.at
  %out.column = getelementptr i8, ptr %out, i64 %y
  br label %column

column:
  %x = phi i64 [0, %row], [%x.next, %column]
  %src.at = getelementptr i8, ptr %src.row, i64 %x
  %x.at = mul i64 %x, %rows
  %out.at = getelementptr i8, ptr %out.column, i64 %x.at
BLOCK
  %x.step = add i64 %x, 32
  %x.over = icmp ugt i64 %x.step, %last.column
  %x.next = select i1 %x.over, i64 %last.column, i64 %x.step
  %x.done = icmp uge i64 %x, %last.column
  br i1 %x.done, label %row.end, label %column

row.end:
  %y.step = add i64 %y, 16
  %y.over = icmp ugt i64 %y.step, %last.row
  %y.next = select i1 %y.over, i64 %last.row, i64 %y.step
  %y.done = icmp uge i64 %y, %last.row
  br i1 %y.done, label %end, label %row

end:
  ret void
}
"""


def _block_transposed() -> Iterator[str]:
    """Write the instructions that transpose two blocks of 16 x 16 that lie side by side.

    Interleaving row i with row i + 8, four times over, leaves columns where the rows were; each half of a vector by itself, as
    the processor's instruction does it.
    """

    def mask(begin: int) -> str:
        order = [half + begin + at // 2 + 32 * (at % 2) for half in (0, 16) for at in range(16)]
        return "<32 x i32> <" + ", ".join(f"i32 {place}" for place in order) + ">"

    for row in range(16):
        yield f"%at.{row} = mul i64 %columns, {row}"
        yield f"%from.{row} = getelementptr i8, ptr %src.at, i64 %at.{row}"
        yield f"%v0.{row} = load <32 x i8>, ptr %from.{row}, align 1"
    for stage in range(4):
        for row in range(8):
            pair = f"<32 x i8> %v{stage}.{row}, <32 x i8> %v{stage}.{row + 8}"
            yield f"%v{stage + 1}.{2 * row} = shufflevector {pair}, {mask(0)}"
            yield f"%v{stage + 1}.{2 * row + 1} = shufflevector {pair}, {mask(8)}"
    for column in range(32):
        half = ", ".join(f"i32 {place}" for place in range(column // 16 * 16, column // 16 * 16 + 16))
        vector = f"<32 x i8> %v4.{column % 16}, <32 x i8> poison"
        yield f"%half.{column} = shufflevector {vector}, <16 x i32> <{half}>"
        yield f"%to.{column}.at = mul i64 %rows, {column}"
        yield f"%to.{column} = getelementptr i8, ptr %out.at, i64 %to.{column}.at"
        yield f"store <16 x i8> %half.{column}, ptr %to.{column}, align 1"


_PROGRAM = _ROWS_FILTER + _PLANE_FILTER.replace("BLOCK", "\n".join(f"  {line}" for line in _block_transposed()))


_CODE = MachineCode(
    _PROGRAM,
    {
        "rows_filter": (POINTER, NUMBER, POINTER, POINTER, POINTER, NUMBER, NUMBER, NUMBER),
        "plane_filter": (POINTER, NUMBER, *[POINTER] * 7, *[NUMBER] * 5),
    },
)


def _catmull_rom() -> NDArray[np.uint16]:
    """Return the weights in 1/128 of each phase; every row adds up to 128, so flat colours stay as they are."""
    t = np.arange(_PHASES) / _PHASES
    cubic = [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    weights = np.round(np.stack(cubic, axis=1) * 64).astype(np.int32)
    weights[np.arange(_PHASES), weights.argmax(axis=1)] += 128 - weights.sum(axis=1)
    return weights.astype(np.uint16)


_WEIGHTS_AT_ONCE = _catmull_rom().view(np.uint64)[:, 0]
"""The four weights of each phase as one number: a fifth of the time of taking rows of four."""


def taps_at(begin: float, step: float, count: int, limit: int) -> Taps:
    """Return the taps for samples at ``begin``, ``begin + step``, … of a plane with ``limit`` rows, to 1/128 of a row."""
    # Counted from one row below zero, where truncation and rounding down are the same.
    places = (np.arange(count) * (step * _PHASES) + ((begin + 1.0) * _PHASES + 0.5)).astype(np.int32)
    first = (places >> 7) - 2
    np.minimum(np.maximum(first, 0, out=first), limit - TAPS, out=first)
    return first, _WEIGHTS_AT_ONCE.take(places & (_PHASES - 1)).view(np.uint16).reshape(count, TAPS)


def _taps_check(source: Plane, taps: Taps, rows: int) -> None:
    first, weights = taps
    if len(first) != rows or len(weights) != rows or not rows or first.min() < 0 or first.max() + TAPS > len(source):
        raise ValueError("taps lie outside the plane")


def _rows_check(least: int, source: Plane, out: Plane) -> None:
    if least < LEAST_COLUMNS or source.strides[1] != 1 or out.strides[1] != 1:
        raise ValueError(f"rows of {least} samples cannot be filtered")


def rows_filter(source: Plane, taps: Taps, out: Plane) -> None:
    """Make every row of ``out`` from four rows of ``source``; both have the same width, at least ``LEAST_COLUMNS``."""
    first, weights = taps
    rows, columns = out.shape
    _rows_check(columns if source.shape[1] >= columns else 0, source, out)
    _taps_check(source, taps, rows)
    _CODE.function("rows_filter")(
        source.ctypes.data,
        source.strides[0],
        first.ctypes.data,
        weights.ctypes.data,
        out.ctypes.data,
        out.strides[0],
        rows,
        columns,
    )


class _Scratch(threading.local):
    """Two buffers of each thread, so that no frame asks the system for memory."""

    def __init__(self) -> None:
        self.narrow = self.upright = np.empty(0, np.uint8)

    def strips(self, height: int) -> tuple[Plane, Plane]:
        if self.narrow.size < height * _STRIP:
            self.narrow, self.upright = np.empty(height * _STRIP, np.uint8), np.empty(height * _STRIP, np.uint8)
        return self.narrow, self.upright


_SCRATCH = _Scratch()


def plane_filter(transposed: Plane, across: Taps, down: Taps, out: Plane) -> None:
    """Resample a plane that is given transposed; ``across`` and ``down`` are the taps of out's columns and rows."""
    low, high = int(down[0][0]), int(down[0][-1]) + TAPS
    if high - low < LEAST_COLUMNS:
        low = max(0, min(low, transposed.shape[1] - LEAST_COLUMNS))
        high = max(high, low + LEAST_COLUMNS)
    source, rows, columns = transposed[:, low:high], *out.shape
    first = down[0] - np.int32(low)
    _rows_check(min(columns, source.shape[1]), source, out)
    _taps_check(source, across, columns)
    _taps_check(source.T, (first, down[1]), rows)
    narrow, upright = _SCRATCH.strips(source.shape[1])
    _CODE.function("plane_filter")(
        source.ctypes.data,
        source.strides[0],
        across[0].ctypes.data,
        across[1].ctypes.data,
        first.ctypes.data,
        down[1].ctypes.data,
        narrow.ctypes.data,
        upright.ctypes.data,
        out.ctypes.data,
        out.strides[0],
        rows,
        columns,
        source.shape[1],
        min(_STRIP, columns),
    )
