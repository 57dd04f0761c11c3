"""Load records: A0 A0 length, time mm hh DD MM YY, classes 1..6 each ended by AA, CS, E5.

The length runs from the time to the last AA, CS is the sum from the first A0
on (DL/T 645-2007, 6.6 and table A.6). A class that is not recorded is its AA
alone. Its readings bear the record's time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ...errors import DecodeError
from ...model import Reading
from .formats import MINUTES
from .identifiers import Item, items

_HEAD: Final = b"\xa0\xa0"
_END: Final = 0xE5
_CLASS_END: Final = 0xAA
_FRAMING: Final = 5  # A0 A0 length, CS E5
_HOLDS: Final[dict[int, tuple[str, ...]]] = {
    1: ("0201FF00", "0202FF00", "02800002"),
    2: ("0203FF00", "0204FF00"),
    3: ("0206FF00",),
    4: ("00010000", "00020000", "00030000", "00040000"),
    5: ("00050000", "00060000", "00070000", "00080000"),
    6: ("02800004", "02800005"),
}
"""Class -> what it holds, by data identifiers."""

CLASSES: Final[dict[int, tuple[Item, ...]]] = {
    number: tuple(item for di in identifiers for item in items(di))
    for number, identifiers in _HOLDS.items()
}


def readings(identifier: str, octets: bytes) -> Iterator[Reading]:
    """Yield the readings of all records behind 06 c 00 x; DecodeError where one is broken."""
    if identifier[4:6] != "00" or int(identifier[2:4], 16) > len(CLASSES):
        raise DecodeError(f"data identifier {identifier} is not known")
    rest = octets
    while rest:
        end = rest[2] + _FRAMING if len(rest) > _FRAMING else 0
        if not rest.startswith(_HEAD) or len(rest) < end or rest[end - 1] != _END:
            raise DecodeError(f"a load record of {identifier} does not end")
        if sum(rest[: end - 2]) & 0xFF != rest[end - 2]:
            raise DecodeError(f"the checksum of a load record of {identifier} is wrong")
        yield from _record(identifier, rest[3 : end - 2])
        rest = rest[end:]


def _record(identifier: str, content: bytes) -> Iterator[Reading]:
    time = MINUTES.read(content[: MINUTES.size])
    if isinstance(time, datetime):
        for rows, octets in _classes(int(identifier[2:4], 16), content[MINUTES.size :]):
            yield from _values(rows, octets, time)


def _values(rows: tuple[Item, ...], octets: bytes, time: datetime) -> Iterator[Reading]:
    at = 0
    for name, field in rows:
        if (value := field.read(octets[at : at + field.size])) is not None:
            yield Reading(name, value, field.unit, time)
        at += field.size


def _classes(only: int, content: bytes) -> Iterator[tuple[tuple[Item, ...], bytes]]:
    """Yield the rows and octets of each class that is recorded.

    Asked for one class, some meters send it alone, others all six with five empty.
    """
    alone = only and len(content) == _size(only) + 1
    for number in (only,) if alone else CLASSES:
        size = 0 if content[:1] == bytes([_CLASS_END]) else _size(number)
        if content[size : size + 1] != bytes([_CLASS_END]):
            raise DecodeError(f"class {number} of a load record does not end")
        if size:
            yield CLASSES[number], content[:size]
        content = content[size + 1 :]
    if content:
        raise DecodeError("a load record holds more than its classes")


def _size(number: int) -> int:
    return sum(field.size for _, field in CLASSES[number])
