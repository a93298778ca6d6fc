"""Lay coloured samples over others, in one pass over them, compiled for this machine."""

import numpy as np
from numpy.typing import NDArray

from videoflow.render.machine_code import NUMBER, POINTER, MachineCode

Plane = NDArray[np.uint8]

_ASSEMBLY = """
; out = min(255, round(out * below / 255) + colour) in place; x / 255 is (x + 128 + (x + 128 >> 8)) >> 8 up to 255 * 255.
define void @blend(ptr noalias %colour, i64 %colour_stride, ptr noalias %below, i64 %below_stride,
                   ptr noalias %out, i64 %out_stride, i64 %rows, i64 %columns) {
entry:
  %whole = and i64 %columns, -32
  br label %row

row:
  %y = phi i64 [0, %entry], [%y.next, %row.end]
  %colour.at = mul i64 %y, %colour_stride
  %colour.row = getelementptr i8, ptr %colour, i64 %colour.at
  %below.at = mul i64 %y, %below_stride
  %below.row = getelementptr i8, ptr %below, i64 %below.at
  %out.at = mul i64 %y, %out_stride
  %out.row = getelementptr i8, ptr %out, i64 %out.at
  %has.whole = icmp ugt i64 %whole, 0
  br i1 %has.whole, label %block, label %rest

block:
  %x = phi i64 [0, %row], [%x.next, %block]
  %block.colour = getelementptr i8, ptr %colour.row, i64 %x
  %block.below = getelementptr i8, ptr %below.row, i64 %x
  %block.out = getelementptr i8, ptr %out.row, i64 %x
  %c = load <32 x i8>, ptr %block.colour, align 1
  %b = load <32 x i8>, ptr %block.below, align 1
  %o = load <32 x i8>, ptr %block.out, align 1
  %b.wide = zext <32 x i8> %b to <32 x i16>
  %o.wide = zext <32 x i8> %o to <32 x i16>
  %product = mul <32 x i16> %b.wide, %o.wide
  %half = add <32 x i16> %product, splat (i16 128)
  %carry = lshr <32 x i16> %half, splat (i16 8)
  %sum = add <32 x i16> %half, %carry
  %kept = lshr <32 x i16> %sum, splat (i16 8)
  %bytes = trunc <32 x i16> %kept to <32 x i8>
  %laid = call <32 x i8> @llvm.uadd.sat.v32i8(<32 x i8> %bytes, <32 x i8> %c)
  store <32 x i8> %laid, ptr %block.out, align 1
  %x.next = add i64 %x, 32
  %more.blocks = icmp ult i64 %x.next, %whole
  br i1 %more.blocks, label %block, label %rest

rest:
  %has.rest = icmp ult i64 %whole, %columns
  br i1 %has.rest, label %sample, label %row.end

sample:
  %z = phi i64 [%whole, %rest], [%z.next, %sample]
  %one.colour = getelementptr i8, ptr %colour.row, i64 %z
  %one.below = getelementptr i8, ptr %below.row, i64 %z
  %one.out = getelementptr i8, ptr %out.row, i64 %z
  %c1 = load i8, ptr %one.colour
  %b1 = load i8, ptr %one.below
  %o1 = load i8, ptr %one.out
  %b1.wide = zext i8 %b1 to i16
  %o1.wide = zext i8 %o1 to i16
  %product1 = mul i16 %b1.wide, %o1.wide
  %half1 = add i16 %product1, 128
  %carry1 = lshr i16 %half1, 8
  %sum1 = add i16 %half1, %carry1
  %kept1 = lshr i16 %sum1, 8
  %byte1 = trunc i16 %kept1 to i8
  %laid1 = call i8 @llvm.uadd.sat.i8(i8 %byte1, i8 %c1)
  store i8 %laid1, ptr %one.out
  %z.next = add i64 %z, 1
  %more.samples = icmp ult i64 %z.next, %columns
  br i1 %more.samples, label %sample, label %row.end

row.end:
  %y.next = add i64 %y, 1
  %more = icmp ult i64 %y.next, %rows
  br i1 %more, label %row, label %end

end:
  ret void
}
declare <32 x i8> @llvm.uadd.sat.v32i8(<32 x i8>, <32 x i8>)
declare i8 @llvm.uadd.sat.i8(i8, i8)
"""
_CODE = MachineCode(_ASSEMBLY, {"blend": (POINTER, NUMBER) * 3 + (NUMBER, NUMBER)})


def blend(colour: Plane, below: Plane, out: Plane) -> None:
    """Keep ``below`` / 255 of ``out`` and add ``colour``; all have the same size."""
    planes = (colour, below, out)
    if not colour.size:
        return
    if any(plane.shape != out.shape or plane.dtype != np.uint8 or plane.strides[1] != 1 for plane in planes):
        raise ValueError("planes of different sizes or kinds cannot be blended")
    places = (part for plane in planes for part in (plane.ctypes.data, plane.strides[0]))
    _CODE.function("blend")(*places, *out.shape)
