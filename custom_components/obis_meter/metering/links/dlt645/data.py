"""What stands behind a data identifier, as readings.

Tables of values are rows of `identifiers`; events (03), frozen values (05) and
load records (06) have layouts of their own.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from ...errors import DecodeError
from ...model import Reading
from . import events, load
from .formats import MINUTES, Field
from .identifiers import Item, items

_SEPARATOR: Final = 0xAA  # between the items of a block, in some meters; never BCD
_DIGITS: Final = 8  # of an identifier of 2007

FROZEN: Final = {f"{c:02X}": f"00{c:02X}FF00" for c in range(1, 9)} | {
    "09": "0101FF00",
    "0A": "0102FF00",
}
"""DI1 of frozen data -> the block that was frozen (DL/T 645-2007, table A.5)."""
_FROZEN_TIME: Final = "00"
_FROZEN_POWERS: Final = "10"


def readings(identifier: str, octets: bytes) -> list[Reading]:
    """Return the values behind an identifier; those that are absent or no values are left out.

    DecodeError for an identifier that nobody knows, and for a wrong length.
    """
    family = identifier[:2] if len(identifier) == _DIGITS else ""
    return list(_LAYOUTS.get(family, block)(identifier, octets))


def single(identifier: str, size: int) -> Item | None:
    """Return the item whose value is all that stands in so many bytes behind an identifier."""
    if identifier[:2] in _LAYOUTS or not (rows := items(identifier)):
        return None
    name, field = rows[0]
    return None if field.timed or field.size != size else (name, field)


def block(identifier: str, octets: bytes) -> Iterator[Reading]:
    """Yield the readings of the rows of an identifier."""
    if not (rows := items(identifier)):
        raise DecodeError(f"data identifier {identifier} is not known")
    yield from listed(identifier, rows, octets)


def listed(identifier: str, rows: Iterable[Item], octets: bytes) -> Iterator[Reading]:
    """Yield the readings of items in order; DecodeError where octets are no number of them."""
    fields = list(rows)
    parts = _parts(fields, octets, separated=True) or _parts(fields, octets, separated=False)
    if not parts:
        raise DecodeError(f"data identifier {identifier} with {len(octets)} bytes")
    for (name, field), part in zip(fields, parts, strict=False):
        if (value := field.read(part[: field.size])) is not None:
            yield Reading(name, value, field.unit, _time(field, part))


def _parts(rows: list[Item], octets: bytes, *, separated: bool) -> list[bytes]:
    """Cut octets into items, all of them; nothing where they do not fit."""
    parts, at = [], 0
    for _, field in rows:
        parts.append(octets[at : at + field.octets])
        at += field.octets
        if at >= len(octets):
            fits = at == len(octets) and not (separated and len(parts) == 1)
            return parts if fits else []
        if separated:
            if octets[at] != _SEPARATOR:
                return []
            at += 1
    return []


def _time(field: Field, part: bytes) -> datetime | None:
    if not field.timed:
        return None
    time = MINUTES.read(part[field.size :])
    return time if isinstance(time, datetime) else None


def frozen(identifier: str, octets: bytes) -> Iterator[Reading]:
    """Yield frozen data 05 k c n: the first value bears the identifier, further ones .1, .2 ..."""
    kind = identifier[4:6]
    if kind == _FROZEN_TIME:
        fields = [MINUTES]
    elif kind == _FROZEN_POWERS:
        fields = [field for di in ("0203FF00", "0204FF00") for _, field in items(di)]
    elif kind in FROZEN:
        fields = [field for _, field in items(FROZEN[kind])]
    else:
        raise DecodeError(f"data identifier {identifier} is not known")
    names = (f"{identifier}.{n}" if n else identifier for n in range(len(fields)))
    yield from listed(identifier, zip(names, fields, strict=True), octets)


type Layout = Callable[[str, bytes], Iterable[Reading]]

_LAYOUTS: Final[dict[str, Layout]] = {
    "03": events.readings,
    "05": frozen,
    "06": load.readings,
}
"""DI3 -> how what stands behind it is laid out."""
