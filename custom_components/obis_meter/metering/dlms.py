"""DLMS APDUs that a meter pushes (IEC 62056-5-3), as they stand in the clear.

[E6 E7 00] then one of
0F long-invoke-id-and-priority(4) date-time body           data-notification
C2 00 or 01 0C date-time, class(2) name(6) attribute, data event-notification
DB or DC system title, security control .. (see security)  general-glo- or -ded-ciphering
E0 control number(2) acknowledged(2) octets                general-block-transfer
/ ..                                                       a P1 telegram
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from . import cosem, descriptors
from .cosem import CosemData, Cursor, Integer
from .errors import DecodeError, Incomplete

LLC: Final = b"\xe6\xe7\x00"
_COMMAND_LLC: Final = b"\xe6\xe6\x00"
_BLOCK, _GENERAL_GLO, _GENERAL_DED = 0xE0, 0xDB, 0xDC
_LAST_BLOCK: Final = 0x80  # in the control byte of a block
_MOST_BLOCKS: Final = 256  # of one telegram, repeated ones too
_BEGINNINGS: Final = 4  # of one telegram in blocks, whose sender was interrupted


@dataclass(frozen=True, slots=True)
class Notification:
    """The body of a data- or event-notification, and when the meter says it was sent."""

    time: datetime | None
    body: CosemData


@dataclass(frozen=True, slots=True)
class Sealed:
    """A ciphered APDU: system title, and security control byte with what follows it.

    dedicated: with a key that was agreed on for one session.
    """

    title: bytes
    body: bytes
    dedicated: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A P1 telegram, / to the end, its check not looked at."""

    text: bytes


type Apdu = Notification | Sealed | Text


def apdus(cursor: Cursor) -> Iterator[Apdu]:
    """Read APDUs one after the other, each behind its optional LLC header.

    A frame usually holds one; what follows it is read only behind another LLC
    header, because meters pad. Incomplete when the payload ends early,
    DecodeError for an APDU that we do not read.
    """
    yield apdu(cursor)
    while cursor.starts_with(LLC):
        yield apdu(cursor)


def apdu(cursor: Cursor) -> Apdu:
    """Read one APDU by its tag, behind its optional LLC header."""
    _skip_header(cursor)
    tag = cursor.byte()
    if (read := _APDUS.get(tag)) is None:
        raise DecodeError(f"APDU {tag:02X}")
    return read(cursor)


def whole(cursor: Cursor) -> Apdu:
    """Read the APDU of a message whose end is known: one that ends early is damaged."""
    return _ended(apdu, cursor)


def _ended[T](read: Callable[[T], Apdu], message: T) -> Apdu:
    try:
        return read(message)
    except Incomplete as err:
        raise DecodeError(f"an APDU ends early: {err}") from err


def _skip_header(cursor: Cursor) -> None:
    begun = cursor.data[cursor.at : cursor.at + len(LLC)]
    if begun[:1] == LLC[:1] and (LLC.startswith(begun) or _COMMAND_LLC.startswith(begun)):
        cursor.take(len(LLC))


def _data_notification(cursor: Cursor) -> Notification:
    cursor.skip(4)  # long-invoke-id-and-priority
    when = _optional_date_time(cursor)
    read = descriptors.body if descriptors.opens(cursor) else cosem.data
    return Notification(when, read(cursor))


def _optional_date_time(cursor: Cursor) -> datetime | None:
    """Read a date-time sent as 00, as 09 0C .., as 19 .., or as a bare 0C .."""
    match cursor.byte():
        case 0x00:
            return None
        case 0x19 | 0x0C:
            return cursor.moment()
        case 0x09 if cursor.length() == cosem.DATE_TIME:
            return cursor.moment()
    raise DecodeError("data-notification without a date-time")


def _event_notification(cursor: Cursor) -> Notification:
    """Read one attribute that is pushed by itself, as a list of one object with its value."""
    when = None
    if cursor.byte():
        if cursor.length() != cosem.DATE_TIME:
            raise DecodeError("event-notification without a date-time")
        when = cursor.moment()
    interface, name = int.from_bytes(cursor.take(2), "big"), cursor.take(6)
    attribute = Integer(cursor.byte())
    value = cosem.data(cursor)
    return Notification(
        when, value if isinstance(value, list) else [[[interface, name, attribute]], value]
    )


def _sealed(cursor: Cursor) -> Sealed:
    return Sealed(cursor.take(cursor.length()), cursor.take(cursor.length()))


def _dedicated(cursor: Cursor) -> Sealed:
    return replace(_sealed(cursor), dedicated=True)


def _block_transfer(cursor: Cursor) -> Apdu:
    """Join blocks; a repeated block is dropped, a first one begins anew.

    The last one says so, or its content does: not every sender sets that bit.
    """
    message, expected, begun = b"", 1, 0
    for _ in range(_MOST_BLOCKS):
        try:
            control, number, block = _block(cursor)
        except Incomplete as err:
            raise Incomplete(str(err), max(err.missing, _missing(message))) from err
        if number == 1:
            message, expected, begun = block, 2, begun + 1
            if begun > _BEGINNINGS:
                raise DecodeError("a telegram in blocks begins again and again")
        elif number == expected:
            message, expected = message + block, expected + 1
        elif number >= expected or number == 0:
            raise DecodeError(f"block {number} of a telegram came, not {expected}")
        if control & _LAST_BLOCK:
            return _ended(_content, message)
        if cursor.at == len(cursor.data) and (found := _early(message)):
            return found
        _skip_header(cursor)
        if (tag := cursor.byte()) != _BLOCK:
            raise DecodeError(f"APDU {tag:02X} among blocks")
    raise DecodeError("a telegram in blocks does not end")


def _content(message: bytes) -> Apdu:
    cursor = Cursor(message)
    _skip_header(cursor)
    if cursor.starts_with(bytes([_BLOCK])):
        raise DecodeError("blocks inside blocks")
    return apdu(cursor)


def _early(message: bytes) -> Apdu | None:
    """Return what a message says that may not have ended; None where that cannot be told.

    Incomplete where it has not, DecodeError where nothing behind it can mend it.
    """
    found = _content(message)
    return None if isinstance(found, Text) else found


def _missing(message: bytes) -> int:
    """Return how many octets blocks must still bring at the least."""
    try:
        _content(message)
    except Incomplete as err:
        return err.missing
    return 1


def _block(cursor: Cursor) -> tuple[int, int, bytes]:
    """Return control byte, number and octets of a block."""
    control = cursor.byte()
    number = int.from_bytes(cursor.take(2), "big")
    cursor.take(2)  # the block that is acknowledged
    return control, number, cursor.take(cursor.length())


def _text(cursor: Cursor) -> Text:
    return Text(b"/" + cursor.take(len(cursor.data) - cursor.at))


_APDUS: Final[dict[int, Callable[[Cursor], Apdu]]] = {
    0x0F: _data_notification,
    0xC2: _event_notification,
    0x2F: _text,
    _GENERAL_GLO: _sealed,
    _GENERAL_DED: _dedicated,
    _BLOCK: _block_transfer,
}
