"""Frames of H.264 that say "as before": what a still picture is made of between two changes, at no cost of encoding.

Each is a P picture whose macroblocks are all skipped, so a decoder copies the picture before it, bit by bit. It is no reference
itself: the frames that x264 made keep their numbers, only their places in time move, which are rewritten here.
Source: ITU-T H.264 (08/2021), 7.3.2 (parameter sets), 7.3.3 (slice header), 7.3.4 (slice data), 9.3 (arithmetic code).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_START = b"\x00\x00\x00\x01"
_SLICE, _KEY_SLICE, _SEQUENCE, _PICTURE = 1, 5, 7, 8
_QP = 40
"""Of skipped macroblocks nothing is left to quantise; at 40 the skip flag's first state costs few bits."""
_SKIP_SLOPE, _SKIP_OFFSET = 23, 33
"""Context 11, the skip flag of P slices whose neighbours are skipped too, for cabac_init_idc 0 (table 9-13)."""
# fmt: off
_LESS_PROBABLE = (
    (37, 45, 54, 62), (35, 43, 51, 59), (33, 41, 48, 56), (32, 39, 46, 53), (30, 37, 43, 50), (29, 35, 41, 48), (27, 33, 39, 45),
    (26, 31, 37, 43), (24, 30, 35, 41), (23, 28, 33, 39), (22, 27, 32, 37), (21, 26, 30, 35), (20, 24, 29, 33), (19, 23, 27, 31),
    (18, 22, 26, 30), (17, 21, 25, 28), (16, 20, 23, 27), (15, 19, 22, 25), (14, 18, 21, 24), (14, 17, 20, 23), (13, 16, 19, 22),
    (12, 15, 18, 21), (12, 14, 17, 20), (11, 14, 16, 19), (11, 13, 15, 18), (10, 12, 15, 17), (10, 12, 14, 16), (9, 11, 13, 15),
    (9, 11, 12, 14), (8, 10, 12, 14), (8, 9, 11, 13), (7, 9, 11, 12), (7, 9, 10, 12), (7, 8, 10, 11), (6, 8, 9, 11),
    (6, 7, 9, 10), (6, 7, 8, 9),
)
# fmt: on
"""Width of the less probable symbol for states 26 to 62 and each quarter of the range (table 9-44)."""
_FIRST_STATE = ((_SKIP_SLOPE * _QP) >> 4) + _SKIP_OFFSET - 64
"""26, with "skipped" the more probable symbol."""


class _Reader:
    """Read a NAL unit's payload bit by bit, without its emulation prevention."""

    def __init__(self, unit: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")[:64])
        self.at = 0

    def fixed(self, count: int) -> int:
        self.at += count
        return int(self.bits[self.at - count : self.at] or "0", 2)

    def unsigned(self) -> int:
        zeros = self.bits.index("1", self.at) - self.at
        self.at += zeros
        return self.fixed(zeros + 1) - 1

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _unsigned(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _signed(value: int) -> str:
    return _unsigned(2 * value - 1 if value > 0 else -2 * value)


def _escaped(payload: bytes) -> bytes:
    """Put a 3 between two zeros and what would look like a start code."""
    return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def units_of(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream with start codes."""
    for part in stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01"):
        if part:
            yield part


@lru_cache(maxsize=8)
def skipped_macroblocks(count: int) -> bytes:
    """Return the arithmetic code of a slice whose macroblocks are all skipped, at ``_QP``."""
    state = _FIRST_STATE
    low, width, pending, bits = 0, 510, 0, ""
    first = True

    def put() -> None:
        nonlocal low, width, pending, bits, first
        while width < 256:
            if low < 256:
                bit = "0"
            elif low >= 512:
                low -= 512
                bit = "1"
            else:
                low -= 256
                pending += 1
                bit = ""
            if bit:
                bits += ("" if first else bit) + ("1" if bit == "0" else "0") * pending
                first, pending = False, 0
            width, low = width * 2, low * 2

    for number in range(count):
        width -= _LESS_PROBABLE[state - _FIRST_STATE][(width >> 6) & 3]
        state = min(62, state + 1)
        put()
        width -= 2
        if number == count - 1:
            low, width = low + width, 2
        put()
    bit, rest = (low >> 9) & 1, (low >> 7) & 3 | 1
    bits += ("" if first else str(bit)) + str(1 - bit) * pending + f"{rest:02b}"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@dataclass(frozen=True, slots=True)
class HeldFrames:
    """Writes frames that repeat the one before, for a stream with these parameters."""

    number_bits: int
    """Width of frame_num."""
    order_bits: int
    """Width of pic_order_cnt_lsb."""
    weighted: bool
    qp: int
    macroblocks: int

    @classmethod
    def of(cls, extradata: bytes) -> "HeldFrames":
        """Read the parameters from the encoder's extradata (byte stream format), as x264 writes them for the High profile.

        Raises:
            ValueError: the stream is of another kind.
        """
        kinds = {unit[0] & 31: unit for unit in units_of(extradata)}
        sequence, picture = _Reader(kinds[_SEQUENCE]), _Reader(kinds[_PICTURE])
        if sequence.fixed(8) != 100:
            raise ValueError("not of the High profile")
        sequence.fixed(16)
        plain = [sequence.unsigned() for _ in range(4)][1:] == [1, 0, 0] and not sequence.fixed(2)
        number_bits = sequence.unsigned() + 4
        plain = plain and sequence.unsigned() == 0  # order counted by its lower bits
        order_bits = sequence.unsigned() + 4
        sequence.unsigned()
        sequence.fixed(1)
        macroblocks = (sequence.unsigned() + 1) * (sequence.unsigned() + 1)
        plain = plain and sequence.fixed(1) == 1  # frames, not fields
        picture.unsigned(), picture.unsigned()
        plain = plain and picture.fixed(2) == 0b10 and picture.unsigned() == 0  # arithmetic code, one slice group
        picture.unsigned(), picture.unsigned()
        weighted = picture.fixed(1) == 1
        picture.fixed(2)
        qp = 26 + picture.signed()
        picture.signed(), picture.signed()
        plain = plain and picture.fixed(3) & 0b101 == 0b100  # filter control, no redundant pictures
        if not plain:
            raise ValueError("not as x264 writes it")
        return cls(number_bits, order_bits, weighted, qp, macroblocks)

    def _order(self, place: int) -> str:
        return f"{2 * place % (1 << self.order_bits):0{self.order_bits}b}"

    def number_of(self, unit: bytes) -> int:
        """Return the frame_num of a slice."""
        reader = _Reader(unit)
        reader.unsigned(), reader.unsigned(), reader.unsigned()
        return reader.fixed(self.number_bits)

    def placed(self, unit: bytes, place: int) -> bytes:
        """Return a slice as the frame that is shown ``place`` frames after its key frame."""
        reader = _Reader(unit)
        reader.unsigned(), reader.unsigned(), reader.unsigned()
        reader.fixed(self.number_bits)
        if unit[0] & 31 == _KEY_SLICE:
            reader.unsigned()
        payload = bytearray(unit[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
        last = -(-(reader.at + self.order_bits) // 8)
        head = "".join(f"{byte:08b}" for byte in payload[:last])
        head = head[: reader.at] + self._order(place) + head[reader.at + self.order_bits :]
        payload[:last] = int(head, 2).to_bytes(last, "big")
        return unit[:1] + _escaped(bytes(payload))

    def held(self, number: int, place: int) -> bytes:
        """Return the packet of a frame that repeats the one before; ``number`` is the frame_num of the last coded frame."""
        header = _unsigned(0) + _unsigned(5) + _unsigned(0)
        header += f"{(number + 1) % (1 << self.number_bits):0{self.number_bits}b}" + self._order(place)
        header += "1" + _unsigned(0) + "0"  # one reference, in its usual order
        if self.weighted:
            header += _unsigned(0) + _unsigned(0) + "00"
        header += _unsigned(0) + _signed(_QP - self.qp) + _unsigned(1)  # first context table, quantiser, no deblocking
        header += "1" * (-len(header) % 8)
        payload = int(header, 2).to_bytes(len(header) // 8, "big") + skipped_macroblocks(self.macroblocks)
        return _START + bytes([_SLICE]) + _escaped(payload)

    def packet(self, data: bytes, place: int) -> tuple[bytes, int]:
        """Return an encoder's packet moved to ``place``, and its frame_num."""
        units, number = [], 0
        for unit in units_of(data):
            if unit[0] & 31 in (_SLICE, _KEY_SLICE):
                number = self.number_of(unit)
                units.append(self.placed(unit, place))
            else:
                units.append(unit)
        return b"".join(_START + unit for unit in units), number
