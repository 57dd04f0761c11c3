"""Where the numbers of a payload stand, and how each reads: what `layouts` remembers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from . import dlms, notification, shapes, sml
from .cosem import DATE_TIME, CosemData, Cursor, Enum, date_time
from .layouts import Decode, Fits, Hole, Remembering, Time, Trace, Value
from .links import mbus
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
    apdu, *others = dlms.apdus(cursor)
    return None if others else _traced(cursor, apdu, _in_the_clear)


def of_content(octets: bytes) -> Trace | None:
    """Trace a notification that was ciphered; None for anything else."""
    cursor = _Tracing(octets)
    return _traced(cursor, dlms.apdu(cursor), lambda _octets, _security: True)


def _traced(cursor: _Tracing, apdu: dlms.Apdu, fits: Fits) -> Trace | None:
    match apdu:
        case dlms.Notification(body=[Enum(), list(), *_]):
            return None  # a number in it may decide whether values have tags: see descriptors
        case dlms.Notification(body=body) if values := tuple(_values(body)):
            holes = sorted((*cursor.holes, *values), key=attrgetter("start"))
            return Trace(notification.telegram(apdu), holes, fits)
    return None


def _in_the_clear(_payload: bytes, security: Security) -> bool:
    security.plain()
    return True


def _values(body: CosemData) -> Iterator[Value]:
    place = 0
    for value, meaning in shapes.meanings(body):
        if (reading := meaning.read(value)) is None:
            continue
        match value:
            case _Number(start=start, size=size, signed=signed):
                yield Value(start, start + size, place, partial(_number, meaning, signed))
            case _Octets(start=start) if _is_clock(reading):
                yield Value(start, start + DATE_TIME, place, partial(_clock, meaning))
        place += 1


def _number(meaning: shapes.Meaning, signed: bool, octets: bytes) -> Reading | None:
    return meaning.read(int.from_bytes(octets, signed=signed))


def _clock(meaning: shapes.Meaning, octets: bytes) -> Reading | None:
    reading = meaning.read(octets)
    return reading if reading and _is_clock(reading) else None


def _is_clock(reading: Reading) -> bool:
    """Tell whether a reading is a time, under a code that tells nothing else of its list."""
    clock = isinstance(reading.id, ObisCode) and reading.id[2:5] == _CLOCK
    return clock and isinstance(reading.value, datetime)


class _Taking(Cursor):
    """Notes where it takes octets: each element of SML that is no list, once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken: list[Hole] = []

    def take(self, count: int) -> bytes:
        found = super().take(count)
        self.taken.append(Hole(self.at - count, self.at))
        return found


def of_messages(payload: bytes) -> Trace | None:
    """Trace the messages of SML; None unless they hold one telegram and nothing is wrong."""
    match sml.decode(payload, Security()):
        case [Telegram() as telegram]:
            pass
        case _:
            return None
    cursor, holes, checks = _Taking(payload), list[Hole](), list[tuple[Hole, Hole]]()
    while payload[cursor.at :].strip(b"\0"):
        begin, first = cursor.at, len(cursor.taken)
        cursor.byte()
        *head, body = [sml.element(cursor, 1) for _ in range(4)]
        if len(list(_leaves(head))) != len(head) or not isinstance(body, list):
            return None
        checked = Hole(begin, cursor.at)
        transaction, group, abort, _choice, *content = cursor.taken[first:]
        sml.element(cursor, 1)
        sent = cursor.taken[-1]
        sml.element(cursor, 1)
        holes += (transaction, group, abort, *_of_body(payload, body, content), sent)
        checks.append((checked, sent))
    filled = (hole for hole in holes if hole.end > hole.start)
    return Trace(telegram, sorted(filled, key=attrgetter("start")), partial(_fits, checks))


def _fits(checks: Sequence[tuple[Hole, Hole]], payload: bytes, _security: Security) -> bool:
    return all(
        sml.is_check(payload[data.start : data.end], payload[sent.start : sent.end].rjust(2, b"\0"))
        for data, sent in checks
    )


def _of_body(payload: bytes, body: sml.Element, content: list[Hole]) -> Iterator[Hole]:
    """Yield the holes of a body; content is where its elements stand, but for the choice."""
    match body:
        case [int(choice), [_, server, _, clock, [*items], *rest]] if (
            choice == sml.GET_LIST_RESPONSE
        ):
            where = dict(zip(map(id, _leaves(body[1:])), content, strict=True))
            yield from _time(payload, clock, where)
            entries = tuple(sml.entries(items))
            yield from _entries(payload, entries, sml.origin(server, entries), where)
            yield from (where[id(seconds)] for seconds in _ticks(entries))
            yield from content[len(content) - len(list(_leaves(rest))) :]
        case _:
            yield from content


def _leaves(elements: list[sml.Element]) -> Iterator[sml.Element]:
    for element in elements:
        if isinstance(element, list):
            yield from _leaves(element)
        else:
            yield element


def _time(payload: bytes, clock: sml.Element, where: dict[int, Hole]) -> Iterator[Time]:
    match clock:
        case [choice, sml.Number() as seconds]:
            hole = where[id(seconds)]
            if (signed := _signed(payload, hole)) is not None:
                yield Time(hole.start, hole.end, partial(_seconds, choice, signed))


def _seconds(choice: sml.Element, signed: bool, octets: bytes) -> datetime | None:
    return sml.moment([choice, sml.integer(octets, signed=signed)])


def _entries(
    payload: bytes, entries: Sequence[sml.Entry], common: sml.Origin, where: dict[int, Hole]
) -> Iterator[Value]:
    readings = ((each, sml.reading_of(each, common)) for each in entries)
    for place, entry in enumerate(entry for entry, reading in readings if reading):
        if isinstance(entry.value, sml.Number):
            hole = where[id(entry.value)]
            if (signed := _signed(payload, hole)) is not None:
                yield Value(hole.start, hole.end, place, partial(_entry, entry, common, signed))


def _ticks(entries: Sequence[sml.Entry]) -> Iterator[sml.Number]:
    """Yield the times of entries that are no clock's: they count from the start of the meter."""
    for entry in entries:
        match entry.time:
            case [int(choice), sml.Number() as seconds] if choice == 1:
                yield seconds


def _signed(payload: bytes, hole: Hole) -> bool | None:
    """Tell whether an integer is signed by the byte before it; None where its length has more."""
    type_length = payload[hole.start - 1]
    return _SIGNED.get(type_length - (hole.end - hole.start) - 1)


_SIGNED: Final = {0x50: True, 0x60: False}


def _entry(entry: sml.Entry, common: sml.Origin, signed: bool, octets: bytes) -> Reading | None:
    return sml.reading_of(replace(entry, value=sml.integer(octets, signed=signed)), common)


def remembering(decode: Decode) -> Decode:
    """Return a decode for one stream that does what this one does, and remembers layouts."""
    if decode is sml.decode:
        return Remembering(decode, of_messages)
    if decode is mbus.decode:
        return partial(mbus.decode, read=_remembering_content())
    if decode is notification.decode:
        read = partial(notification.decode, read=_remembering_content())
        return Remembering(read, of_notification)
    return decode


def _remembering_content() -> notification.Read:
    nobody = Security()
    read = Remembering(lambda octets, _security: [notification.content(octets)], of_content)

    def content(octets: bytes) -> Telegram:
        (telegram,) = read(octets, nobody)
        assert isinstance(telegram, Telegram)
        return telegram

    return content
