"""DLMS APDUs that a meter pushes: data-notification, plain (IEC 62056-5-3).

LLC header E6 E7 00 (optional), then 0F, long-invoke-id-and-priority(4), date-time, body.
Ciphered and block-transfer APDUs join here: a tag more in `_APDUS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from . import cosem
from .cosem import CosemData, Cursor
from .errors import DecodeError

LLC: Final = b"\xe6\xe7\x00"
_DATE_TIME: Final = 12  # bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """The body of a data-notification, and when the meter says it was sent."""

    time: datetime | None
    body: CosemData


def notifications(cursor: Cursor) -> Iterator[Notification]:
    """Read APDUs one after the other, each behind its optional LLC header.

    A frame usually holds one; what follows it is read only behind another LLC
    header, because meters pad. Incomplete when the payload ends early,
    DecodeError for an APDU that we do not read.
    """
    yield notification(cursor)
    while cursor.starts_with(LLC):
        yield notification(cursor)


def notification(cursor: Cursor) -> Notification:
    """Read one APDU by its tag, behind its optional LLC header."""
    if cursor.starts_with(LLC):
        cursor.take(len(LLC))
    tag = cursor.byte()
    if (read := _APDUS.get(tag)) is None:
        raise DecodeError(f"APDU {tag:02X}")
    return read(cursor)


def _data_notification(cursor: Cursor) -> Notification:
    cursor.take(4)  # long-invoke-id-and-priority
    when = _optional_date_time(cursor)
    return Notification(when, cosem.data(cursor))


def _optional_date_time(cursor: Cursor) -> datetime | None:
    """Read a date-time sent as 00, as 09 0C .., as 19 .., or as a bare 0C .."""
    match cursor.byte():
        case 0x00:
            return None
        case 0x19 | 0x0C:
            return cosem.date_time(cursor.take(_DATE_TIME))
        case 0x09 if cursor.length() == _DATE_TIME:
            return cosem.date_time(cursor.take(_DATE_TIME))
    raise DecodeError("data-notification without a date-time")


_APDUS: Final[dict[int, Callable[[Cursor], Notification]]] = {0x0F: _data_notification}
