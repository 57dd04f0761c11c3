"""A-XDR to plain Python values, COSEM date-time (IEC 62056-6-2, 62056-5-3)."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from operator import length_hint
import struct
from typing import Final

from .errors import DecodeError, Incomplete

MAX_DEPTH: Final = 8  # nesting of arrays and structures; pushed lists use 4
DATE_TIME: Final = 12  # bytes
_LONGEST: Final = 16 * 1024  # bytes or elements; no telegram holds more, so this is no length


class Integer(int):
    """A value of type integer, which is what a scaler is."""


class Enum(int):
    """A value of type enum, which is what a unit is."""


type CosemData = bool | int | str | bytes | Decimal | list[CosemData] | None


class Cursor:
    """Reads a payload front to back and refuses to overrun it."""

    def __init__(self, data: bytes) -> None:
        """Start at the first byte."""
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes; Incomplete when the payload holds fewer."""
        if count > (left := len(self.data) - self.at):
            raise Incomplete(f"{count} bytes wanted, {left} left", count - left)
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        """Return the next byte."""
        if self.at >= len(self.data):
            raise Incomplete("1 byte wanted, 0 left")
        self.at += 1
        return self.data[self.at - 1]

    def length(self) -> int:
        """Return a length: one byte, or 81 to 84 and that many minus 80 bytes."""
        first = self.byte()
        if first < 0x80:
            return first
        if not 0x81 <= first <= 0x84:
            raise DecodeError(f"length octet {first:02X}")
        length = int.from_bytes(self.take(first & 0x7F), "big")
        if length > _LONGEST:
            raise DecodeError(f"{length} bytes or elements")
        return length

    def octets(self) -> bytes:
        """Return as many octets as the length before them says."""
        return self.take(self.length())

    def number(self, size: int, *, signed: bool) -> int:
        """Return a number of so many bytes."""
        return int.from_bytes(self.take(size), "big", signed=signed)

    def skip(self, count: int) -> None:
        """Pass over bytes that say nothing here."""
        self.take(count)

    def moment(self) -> datetime | None:
        """Return the date-time in the next twelve bytes: see `date_time`."""
        return date_time(self.take(DATE_TIME))

    def starts_with(self, prefix: bytes) -> bool:
        """Tell whether what is left begins with prefix."""
        return self.data.startswith(prefix, self.at)


type Reader = Callable[[Cursor], CosemData]

_ARRAY, _STRUCTURE, _COMPACT_ARRAY = 0x01, 0x02, 0x13
_EMPTY: Final = (0x00, 0xFF)  # null-data, don't-care


def data(cursor: Cursor, depth: int = 0) -> CosemData:
    """Read one value with its tag; Incomplete or DecodeError where that is not possible."""
    tag = cursor.byte()
    if read_list := _LISTS.get(tag):
        if depth == MAX_DEPTH:
            raise DecodeError("nested too deeply")
        return read_list(cursor, depth)
    if (read := _READERS.get(tag)) is None:
        raise DecodeError(f"data type {tag:02X}")
    return read(cursor)


def _items(cursor: Cursor, depth: int) -> list[CosemData]:
    to_come = iter(range(cursor.length()))
    try:
        return [data(cursor, depth + 1) for _ in to_come]
    except Incomplete as err:
        err.missing += length_hint(to_come)  # bytes: none is shorter than its tag
        raise


def _integer(size: int, *, signed: bool) -> Callable[[Cursor], int]:
    return lambda cursor: cursor.number(size, signed=signed)


def _text(cursor: Cursor) -> str:
    return cursor.octets().decode("utf-8", "replace")


def _bits(cursor: Cursor) -> str:
    count = cursor.length()
    octets = cursor.take((count + 7) // 8)
    return "".join(f"{octet:08b}" for octet in octets)[:count]


def _bcd(cursor: Cursor) -> int | None:
    """Read two decimal digits; None where they are none."""
    digits = f"{cursor.byte():02X}"
    return int(digits) if digits.isdecimal() else None


def _float(form: str, digits: int) -> Callable[[Cursor], Decimal]:
    """Return a reader of floats: the shortest number that stands for exactly these bits."""

    def read(cursor: Cursor) -> Decimal:
        raw = cursor.take(struct.calcsize(form))
        (number,) = struct.unpack(form, raw)
        written = (f"{number:.{n}g}" for n in (digits, digits + 1, digits + 2))
        return Decimal(
            next((text for text in written if struct.pack(form, float(text)) == raw), number)
        )

    return read


def _compact_array(cursor: Cursor, depth: int) -> list[CosemData]:
    """Read elements without tags, whose type is described once (IEC 62056-6-2, 4.1.5)."""
    element = _description(cursor, depth + 1)
    content = Cursor(cursor.take(cursor.length()))
    items = []
    try:
        while content.at < len(content.data):
            items.append(element(content))
    except Incomplete as err:
        raise DecodeError("a compact array that ends inside an element") from err
    return items


def _description(cursor: Cursor, depth: int) -> Reader:
    """Return the reader of a described type; each takes one byte at least."""
    tag = cursor.byte()
    if depth > MAX_DEPTH:
        raise DecodeError("nested too deeply")
    if tag in _DESCRIBED:
        return _DESCRIBED[tag](cursor, depth + 1)
    if tag in _EMPTY or (read := _READERS.get(tag)) is None:
        raise DecodeError(f"data type {tag:02X} in a compact array")
    return read


def _described_array(cursor: Cursor, depth: int) -> Reader:
    count = int.from_bytes(cursor.take(2), "big")
    read = _description(cursor, depth)
    if not count:
        raise DecodeError("a compact array of empty arrays")
    return lambda content: [read(content) for _ in range(count)]


def _described_structure(cursor: Cursor, depth: int) -> Reader:
    readers = [_description(cursor, depth) for _ in range(cursor.length())]
    if not readers:
        raise DecodeError("a compact array of empty structures")
    return lambda content: [read(content) for read in readers]


_LISTS: Final[dict[int, Callable[[Cursor, int], list[CosemData]]]] = {
    _ARRAY: _items,
    _STRUCTURE: _items,
    _COMPACT_ARRAY: _compact_array,
}
_DESCRIBED: Final[dict[int, Callable[[Cursor, int], Reader]]] = {
    _ARRAY: _described_array,
    _STRUCTURE: _described_structure,
}
_READERS: Final[dict[int, Reader]] = {
    0x00: lambda cursor: None,
    0x03: lambda cursor: bool(cursor.byte()),
    0x04: _bits,
    0x05: _integer(4, signed=True),  # double-long
    0x06: _integer(4, signed=False),  # double-long-unsigned
    0x09: lambda cursor: cursor.octets(),
    0x0A: _text,  # visible-string
    0x0C: _text,  # utf8-string
    0x0D: _bcd,
    0x0F: lambda cursor: Integer.from_bytes(cursor.take(1), "big", signed=True),
    0x10: _integer(2, signed=True),  # long
    0x11: _integer(1, signed=False),  # unsigned
    0x12: _integer(2, signed=False),  # long-unsigned
    0x14: _integer(8, signed=True),  # long64
    0x15: _integer(8, signed=False),  # long64-unsigned
    0x16: lambda cursor: Enum(cursor.byte()),
    0x17: _float(">f", 7),
    0x18: _float(">d", 15),
    0x19: lambda cursor: cursor.take(12),  # date-time
    0x1A: lambda cursor: cursor.take(5),  # date
    0x1B: lambda cursor: cursor.take(4),  # time
    0xFF: lambda cursor: None,  # don't-care
}

_NOT_SPECIFIED: Final = -0x8000  # deviation


def date_time(raw: bytes) -> datetime | None:
    """Read the 12 bytes of a COSEM date-time; None where date or time are not specified.

    The result carries an offset only where the deviation says one: many meters
    send local time with deviation 0 or "not specified". UTC = local + deviation
    (IEC 62056-6-2, 4.1.6.1).
    """
    if len(raw) != 12:
        return None
    year, month, day, _, hour, minute, second, _, deviation, _ = struct.unpack(">H7BhB", raw)
    zone = None
    if deviation not in (0, _NOT_SPECIFIED) and abs(deviation) <= 14 * 60:
        zone = timezone(timedelta(minutes=-deviation))
    try:
        return datetime(
            year, month, day, hour, minute, 0 if second == 0xFF else second, tzinfo=zone
        )
    except ValueError:
        return None
