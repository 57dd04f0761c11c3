"""Lists in which each value stands behind a descriptor without tags (Sagemcom XT211).

02 02 16 n 01 count, then each 02 02 class(2) logical name(6) attribute(1) data.
"""

from operator import length_hint
import re
from typing import Final

from . import cosem
from .cosem import CosemData, Cursor, Integer
from .errors import DecodeError, Incomplete

_OPENING: Final = re.compile(
    rb"\x02\x02\x16.\x01(?:[\0-\x7f]|\x81.)\x02\x02\0.[\0\1].{4}[\0\xff]", re.DOTALL
)
_MAY_OPEN: Final = re.compile(rb"\x02\x02\x16.\x01", re.DOTALL)
_LOOK: Final = 17  # bytes up to the first attribute
_SHORTEST: Final = 12  # bytes of an item
"""The first class id begins with 00, which as a tag would leave no room for a logical name."""


def opens(cursor: Cursor) -> bool:
    """Tell whether such a list comes next; Incomplete while that cannot be told."""
    rest = cursor.data[cursor.at : cursor.at + _LOOK]
    if len(rest) < _LOOK and _MAY_OPEN.match(rest):
        raise Incomplete("the first descriptor of a list")
    return _OPENING.match(rest) is not None


def body(cursor: Cursor) -> CosemData:
    """Return the list as others send it: the objects first, a value for each behind them."""
    cursor.take(5)  # structure of two, enum, tag of the array
    to_come = iter(range(cursor.length()))
    try:
        items = [_item(cursor) for _ in to_come]
    except Incomplete as err:
        err.missing += _SHORTEST * length_hint(to_come)
        raise
    return [[named for named, _ in items], *(value for _, value in items)]


def _item(cursor: Cursor) -> tuple[CosemData, CosemData]:
    if cursor.take(2) != b"\x02\x02":
        raise DecodeError("no structure of descriptor and value")
    interface = int.from_bytes(cursor.take(2), "big")
    name, attribute = cursor.take(6), Integer(cursor.byte())
    return [interface, name, attribute, 0], cosem.data(cursor)
