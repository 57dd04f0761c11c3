"""Parameters and values of the RFC 1662 meter link.

Values are typed by their A-XDR tag (IEC 62056-6-2, 4.1.5), parameters are
numbered; a number is written as 0x8005 or 32773, and the usual ones have names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from ...cosem import date_time
from ...errors import RequestError

SUCCESS, FAILED = 0x00, 0x0C

MODULE_STATE, LINK_QUALITY, METER_SERIAL_NUMBER, DEVICE_NAME = 0x8002, 0x8003, 0x8005, 0x8007

NAMES: Final = {
    "module_state": MODULE_STATE,
    "link_quality": LINK_QUALITY,
    "meter_serial_number": METER_SERIAL_NUMBER,
    "device_name": DEVICE_NAME,
}
_LONGEST: Final = 0xFF  # what a length octet can say

type Plain = int | str | datetime | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a parameter holds: the type it is sent as, its value, and its octets."""

    type: str | None
    value: Plain
    octets: bytes


@dataclass(frozen=True, slots=True)
class DataType:
    """One type: its tag, how many octets a value has (None: a length octet tells), how it reads."""

    tag: int
    size: int | None
    encode: Callable[[str], bytes]
    decode: Callable[[bytes], Plain]


def number_of(parameter: str) -> int:
    """Return the number of a parameter given by name or number; RequestError otherwise."""
    text = parameter.strip().lower()
    if text in NAMES:
        return NAMES[text]
    try:
        number = int(text, 0)
    except ValueError:
        raise RequestError("parameter_unknown", parameter) from None
    if not 0 <= number <= 0xFFFF:
        raise RequestError("parameter_range", parameter)
    return number


def octets_of(text: str) -> bytes:
    """Return the octets that hex digits spell, blanks and a leading 0x allowed."""
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise RequestError("value_not_hex", text) from None


def _visible(text: str) -> bytes:
    if not text.isascii() or not text.isprintable():
        raise RequestError("value_not_visible", text)
    return text.encode("ascii")


def _octet_string(text: str) -> bytes:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _visible(text[1:-1])
    return octets_of(text)


def _unsigned(text: str, size: int) -> bytes:
    try:
        return int(text.strip(), 0).to_bytes(size, "big")
    except ValueError, OverflowError:
        raise RequestError("value_range", f"{text}: 0 .. {256**size - 1}") from None


def _moment(text: str) -> bytes:
    """Return a COSEM date-time of a local time in ISO form; offset and weekday where they stand."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RequestError("value_not_time", text) from None
    offset = when.utcoffset()
    deviation = 0x8000 if offset is None else -int(offset.total_seconds()) // 60 & 0xFFFF
    date = when.year.to_bytes(2, "big") + bytes([when.month, when.day, when.isoweekday()])
    clock = bytes([when.hour, when.minute, when.second, when.microsecond // 10_000])
    return date + clock + deviation.to_bytes(2, "big") + b"\x00"


def _text(octets: bytes) -> str:
    text = octets.decode("latin-1")
    return text if text.isascii() and text.isprintable() else octets.hex()


def _whole(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _unsigned_type(tag: int, size: int) -> DataType:
    return DataType(tag, size, partial(_unsigned, size=size), _whole)


TYPES: Final = {
    "visible-string": DataType(0x0A, None, _visible, _text),
    "octet-string": DataType(0x09, None, _octet_string, _text),
    "unsigned8": _unsigned_type(0x11, 1),
    "unsigned16": _unsigned_type(0x12, 2),
    "unsigned32": _unsigned_type(0x06, 4),
    "date-time": DataType(0x19, 12, _moment, date_time),
}
_BY_TAG: Final = {row.tag: (name, row) for name, row in TYPES.items()}


def typed(item: int, type_name: str, value: str) -> bytes:
    """Return length, item, type and value as a parameter is set and answered with.

    RequestError for a value that its type cannot hold.
    """
    if (row := TYPES.get(type_name)) is None:
        raise RequestError("type_unknown", type_name)
    if not 0 <= item <= 0xFFFF:
        raise RequestError("item_range", str(item))
    octets = row.encode(value)
    head = item.to_bytes(2, "big") + bytes([row.tag])
    inner = head + (bytes([len(octets) & 0xFF]) if row.size is None else b"") + octets
    if len(inner) > _LONGEST:
        raise RequestError("value_too_long", f"{len(octets)} > {_LONGEST - 4}")
    return bytes([len(inner)]) + inner


def content(data: bytes) -> Content:
    """Read what stands behind the number of a parameter: typed, counted, or as it is.

    Where an inner length does not fit, it says nothing: the frame's check
    vouches for the octets, and they are given as they are.
    """
    if not data:
        return Content(None, None, b"")
    if data[0] != len(data) - 1:
        return Content(None, _text(data), data)
    inner = data[1:]
    name, row = _BY_TAG.get(inner[2], (None, None)) if len(inner) > 3 else (None, None)
    if row and row.size == len(inner) - 3:
        return Content(name, row.decode(inner[3:]), inner[3:])
    if row and row.size is None and inner[3] == len(inner) - 4:
        return Content(name, row.decode(inner[4:]), inner[4:])
    return Content(None, inner[0] if len(inner) == 1 else _text(inner), inner)
