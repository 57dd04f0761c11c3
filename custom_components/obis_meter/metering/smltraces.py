"""Where the numbers of SML messages stand, and how each reads: what `layouts` remembers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from . import sml
from .cosem import Cursor
from .layouts import Hole, Time, Trace, Value
from .model import Reading, Telegram
from .security import Security


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
    cursor, holes, checks = _Taking(payload), list[Hole](), list[Check]()
    while payload[cursor.at :].strip(b"\0"):
        if not (traced := _message(cursor)):
            return None
        holes += traced[0]
        checks.append(traced[1])
    filled = (hole for hole in holes if hole.end > hole.start)
    return Trace(telegram, sorted(filled, key=attrgetter("start")), partial(_fits, checks))


type Check = tuple[Hole, Hole]
"""What a CRC covers, and where it stands."""


def _message(cursor: _Taking) -> tuple[list[Hole], Check] | None:
    """Return the holes of a message and its check; None for one of an odd build."""
    begin, first = cursor.at, len(cursor.taken)
    cursor.byte()
    *head, body = [sml.element(cursor, 1) for _ in range(4)]
    checked = Hole(begin, cursor.at)
    sml.element(cursor, 1)
    sent = cursor.taken[-1]
    sml.element(cursor, 1)
    if _signed(cursor.data, sent) is not False or any(isinstance(each, list) for each in head):
        return None
    match body:
        case [sml.Number(), *_]:
            transaction, group, abort, _choice, *content = cursor.taken[first:-2]
            inside = _of_body(cursor.data, body, content)
            return [transaction, group, abort, *inside, sent], (checked, sent)
    return None


def _fits(checks: Sequence[Check], payload: bytes, _security: Security) -> bool:
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
    return sml.reading_of(entry._replace(value=sml.integer(octets, signed=signed)), common)
