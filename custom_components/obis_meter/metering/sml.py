"""SML messages: 76 transaction group abort {choice, body} CRC 00, in type-length-value.

SML 1.04, chapters 5 to 7 (BSI TR-03109-1). A type-length byte: bit 7 another one
follows, bits 6 to 4 the type, bits 3 to 0 the length with the type-length bytes, of a
list the number of elements.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NamedTuple

from . import flags
from .checksum import crc16_kermit, x25_is
from .cosem import Cursor
from .errors import DecodeError, InnerCheckError, MeteringError
from .families import SHORT_POWERS
from .identity import ServerId, server_id
from .model import ObisCode, Reading, Telegram, Value
from .security import Security
from .units import scaled, sent

MAX_DEPTH: Final = 10  # nesting of lists; responses use 7
_LONGEST: Final = 4  # type-length bytes
_WIDEST: Final = 9  # powers of ten that a scaler may add or take
_MESSAGE: Final = b"\x76"
GET_LIST_RESPONSE: Final = 0x0701
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_NEWEST: Final = 2**32
_FARTHEST: Final = 14 * 60  # minutes from UTC
_SERVER_ID: Final = ObisCode(1, 0, 0, 0, 9)
_MAKERS: Final = (ObisCode(129, 129, 199, 130, 3), ObisCode(1, 0, 96, 50, 1, 1))


class Number(int):
    """An integer, and in how many bytes it came."""

    size: int


type Element = bytes | bool | Number | list[Element] | None
"""What one TLV says; None for an absent value and for the end of a message."""


def is_check(data: bytes | bytearray, sent: bytes | bytearray) -> bool:
    """Tell whether two bytes are the CRC of data: CRC-16/X.25 low byte first.

    Holley DTZ541 send CRC-16/KERMIT high byte first.
    """
    return x25_is(data, sent) or crc16_kermit(data) == int.from_bytes(sent)


def element(cursor: Cursor, depth: int = 0) -> Element:
    """Read one TLV; DecodeError, or Incomplete where the payload ends inside it."""
    kind, length = _type_length(cursor)
    if kind == 7:  # list
        if depth == MAX_DEPTH:
            raise DecodeError("nested too deeply")
        return [element(cursor, depth + 1) for _ in range(length)]
    if (read := _READERS.get(kind)) is None:
        raise DecodeError(f"SML type {kind}")
    raw = cursor.take(length)
    return read(raw) if raw else None


def _type_length(cursor: Cursor) -> tuple[int, int]:
    """Return the type, and how many bytes or elements follow."""
    first = byte = cursor.byte()
    kind, length, count = first >> 4 & 7, first & 0x0F, 1
    while byte & 0x80:
        if count == _LONGEST:
            raise DecodeError("SML length without an end")
        byte = cursor.byte()
        length, count = length << 4 | byte & 0x0F, count + 1
    if kind == 7 or not first:
        return kind, length
    if length < count:
        raise DecodeError(f"SML length {length}")
    return kind, length - count


def integer(raw: bytes, *, signed: bool) -> Number:
    """Read the octets of an integer."""
    if len(raw) > 8:
        raise DecodeError(f"an integer of {len(raw)} bytes")
    number = Number.from_bytes(raw, "big", signed=signed)
    number.size = len(raw)
    return number


_READERS: Final[dict[int, Callable[[bytes], Element]]] = {
    0: lambda raw: raw,
    4: any,
    5: lambda raw: integer(raw, signed=True),
    6: lambda raw: integer(raw, signed=False),
}


def decode(payload: bytes, _security: Security) -> list[Telegram | MeteringError]:
    """Return a telegram for each get-list response, and a warning for each wrong message CRC.

    DecodeError where the messages cannot be read; it is a warning when a
    telegram was read before. A payload is whole: it never waits for another.
    """
    cursor, found = Cursor(payload), list[Telegram | MeteringError]()
    try:
        while payload[cursor.at :].strip(b"\0"):  # padding, however much of it
            found += _message(cursor)
    except DecodeError as err:
        fault = DecodeError(f"SML: {err}")
        if not any(isinstance(each, Telegram) for each in found):
            raise fault from err
        found.append(fault)
    return found


def _message(cursor: Cursor) -> Iterator[Telegram | MeteringError]:
    begin = cursor.at
    if not cursor.starts_with(_MESSAGE):
        raise DecodeError(f"{cursor.byte():02X} opens no message")
    cursor.take(len(_MESSAGE))
    _transaction, _group, _abort, body = [element(cursor, 1) for _ in range(4)]
    message = cursor.data[begin : cursor.at]
    match element(cursor, 1):
        case Number(size=1 | 2) as sent if sent >= 0 and is_check(message, sent.to_bytes(2)):
            pass
        case _:
            yield InnerCheckError("CRC of a message is wrong inside an intact frame")
    if element(cursor, 1) is not None:
        raise DecodeError("a message does not end")
    match body:
        case [int(choice), [_, server, _, clock, [*items], *_]] if choice == GET_LIST_RESPONSE:
            yield _telegram(server, clock, tuple(entries(items)))


class Origin(NamedTuple):
    """Who signs a list, and the status word of the meter; None where there is none."""

    who: ServerId | None
    status: Number | None


class Entry(NamedTuple):
    """One value of a list as sent; a tuple because one is made for each value that changes."""

    code: ObisCode
    status: Element
    time: Element
    unit: Element
    scaler: Element
    value: Element


def entries(items: list[Element]) -> Iterator[Entry]:
    """Yield what a list of values holds; what is none is passed over."""
    for item in items:
        match item:
            case [bytes(obis), status, time, unit, scaler, value, *_] if len(obis) == 6:
                yield Entry(ObisCode(*obis), status, time, unit, scaler, value)


def origin(server: Element, entries: Iterable[Entry]) -> Origin:
    """Return what is the same for all entries of a list."""
    status = next((each.status for each in entries if isinstance(each.status, Number)), None)
    return Origin(server_id(server) if isinstance(server, bytes) else None, status)


def _telegram(server: Element, clock: Element, sent: tuple[Entry, ...]) -> Telegram:
    who, status = common = origin(server, sent)
    found = [reading for each in sent if (reading := reading_of(each, common))]
    said = {reading.id: reading.value for reading in found}
    if status is not None and (word := flags.status_word(status)) not in said:
        found.append(Reading(word, Decimal(status)))
    if isinstance(server, bytes) and (name := _text(server)) not in said.values():
        found.append(Reading(_SERVER_ID, name))
    makers = (value for code in _MAKERS if isinstance(value := said.get(code), str))
    maker = next(makers, None) or (who.maker if who else None)
    return Telegram(
        tuple(found), who.text if who else None, moment(clock), maker[:3] if maker else None
    )


def reading_of(entry: Entry, common: Origin) -> Reading | None:
    """Return the reading of an entry; None where it has no value that is one."""
    value: Value | None = None
    match entry.value, entry.scaler:
        case bytes() as octets, _:
            return Reading(entry.code, _text(octets), time=moment(entry.time))
        case bool() as state, _:
            value = Decimal(state)
        case Number() as number, int() | None as scaler if abs(scaler or 0) <= _WIDEST:
            value = scaled(_mended(number, entry.code, *common), scaler or 0)
    if value is None:
        return None  # absent, or a list
    return Reading(entry.code, value, _unit(entry.unit), moment(entry.time))


def _mended(number: Number, code: ObisCode, who: ServerId | None, status: Number | None) -> int:
    """Read a power as unsigned that a meter sent too short: negative, while it says import."""
    if number >= 0 or status is None or not (who and who.maker and who.number):
        return number
    imports = flags.exporting(flags.status_word(status), Decimal(status)) is False
    if imports and any(
        row.concerns(who.maker, who.number, code, number.size) for row in SHORT_POWERS
    ):
        return number + (1 << 8 * number.size)
    return number


def _text(octets: bytes) -> str:
    """Return printable ASCII without its NUL padding; hex of anything else."""
    text = octets.strip(b"\0").decode("latin-1")
    return text if text and text.isascii() and text.isprintable() else octets.hex()


def _unit(number: Element) -> str | None:
    match number:
        case int():
            return sent(number)
    return None


def moment(time: Element) -> datetime | None:
    """Read {2, UTC seconds} or {3, {UTC seconds, local offset, season offset}} in minutes.

    {1, seconds} and a number alone count from the start of the meter: that is no clock.
    """
    match time:
        case [int(choice), int(seconds)] if choice == 2:
            minutes = 0
        case [int(choice), [int(seconds), int(offset), int(season)]] if choice == 3:
            minutes = offset + season
        case _:
            return None
    if not _OLDEST <= seconds < _NEWEST or abs(minutes) > _FARTHEST:
        return None
    return datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
