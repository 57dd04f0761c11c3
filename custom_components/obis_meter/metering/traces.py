"""Where the numbers of a notification stand, and how each reads: what `layouts` remembers."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from . import dlms, notification, p1text, p1traces, shapes, sml, smltraces
from .cosem import DATE_TIME, CosemData, Cursor, Enum, date_time
from .layouts import Decode, Fits, Hole, Remembering, Time, Trace, Value, in_the_clear
from .links import mbus, p1
from .model import ObisCode, Reading, Telegram
from .security import Security

_CLOCK: Final = (1, 0, 0)  # C, D, E


class _Number(int):
    """A number, and where it stands."""

    start: int
    size: int
    signed: bool


class _Octets(bytes):
    """Octets, and where they stand."""

    start: int


class _Tracing(Cursor):
    """Notes where it reads what may differ."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.holes: list[Hole] = []

    def number(self, size: int, *, signed: bool) -> int:
        found = _Number(super().number(size, signed=signed))
        found.start, found.size, found.signed = self.at - size, size, signed
        return found

    def octets(self) -> bytes:
        found = _Octets(super().octets())
        found.start = self.at - len(found)
        return found

    def skip(self, count: int) -> None:
        super().skip(count)
        self.holes.append(Hole(self.at - count, self.at))

    def moment(self) -> datetime | None:
        found = super().moment()
        self.holes.append(Time(self.at - DATE_TIME, self.at, date_time))
        return found


def of_notification(payload: bytes) -> Trace | None:
    """Trace a notification in the clear that has readings; None for anything else."""
    cursor = _Tracing(payload)
    apdu = dlms.apdu(cursor)
    return None if cursor.starts_with(dlms.LLC) else _traced(cursor, apdu, in_the_clear)


def of_content(octets: bytes) -> Trace | None:
    """Trace a notification that was ciphered; None for anything else."""
    cursor = _Tracing(octets)
    return _traced(cursor, dlms.whole(cursor), lambda _octets, _security: True)


def _traced(cursor: _Tracing, apdu: dlms.Apdu, fits: Fits) -> Trace | None:
    match apdu:
        case dlms.Notification(body=[Enum(), list(), *_]):
            return None  # a number in it may decide whether values have tags: see descriptors
        case dlms.Notification(body=body):
            found, values = list[Reading](), list[Value]()
            for value, meaning in shapes.meanings(body):
                if reading := meaning.read(value):
                    values += _value(value, meaning, reading, len(found))
                    found.append(reading)
            holes = sorted((*cursor.holes, *values), key=attrgetter("start"))
            said = notification.with_readings(apdu, tuple(found))
            return Trace(said, holes, fits) if values else None
    return None


def _value(
    value: CosemData, meaning: shapes.Meaning, reading: Reading, place: int
) -> Iterator[Value]:
    """Yield where a number or a clock stands."""
    match value:
        case _Number(start=start, size=size, signed=signed):
            yield Value(start, start + size, place, partial(_number, meaning, signed))
        case _Octets(start=start) if _is_clock(reading):
            yield Value(start, start + DATE_TIME, place, partial(_clock, meaning))


def _number(meaning: shapes.Meaning, signed: bool, octets: bytes) -> Reading | None:
    return meaning.number(int.from_bytes(octets, signed=signed))


def _clock(meaning: shapes.Meaning, octets: bytes) -> Reading | None:
    reading = meaning.read(octets)
    return reading if reading and _is_clock(reading) else None


def _is_clock(reading: Reading) -> bool:
    """Tell whether a reading is a time, under a code that tells nothing else of its list."""
    clock = isinstance(reading.id, ObisCode) and reading.id[2:5] == _CLOCK
    return clock and isinstance(reading.value, datetime)


def remembering(decode: Decode) -> Decode:
    """Return a decode for one stream that does what this one does, and remembers layouts."""
    if decode is sml.decode:
        return Remembering(decode, smltraces.of_messages)
    if decode is p1.decode:
        return partial(p1.decode, read=_remembering(p1text.telegram, p1traces.of_text))
    if decode is mbus.decode:
        return partial(mbus.decode, read=_remembering(notification.content, of_content))
    if decode is notification.decode:
        inside = _remembering(notification.content, of_content)
        return Remembering(partial(notification.decode, read=inside), of_notification)
    return decode


def _remembering(
    plain: notification.Read, trace: Callable[[bytes], Trace | None]
) -> notification.Read:
    """Return a reading of the one telegram in some octets that remembers layouts."""
    nobody = Security()
    read = Remembering(lambda octets, _security: [plain(octets)], trace)

    def content(octets: bytes) -> Telegram:
        (telegram,) = read(octets, nobody)
        assert isinstance(telegram, Telegram)
        return telegram

    return content
