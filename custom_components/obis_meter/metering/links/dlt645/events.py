"""Events, 03 e p n: n 00 counts them, 01 to 0A are the last ten (DL/T 645-2007, table A.4).

What a count says beside the number, and has no identifier of its own, follows
under .1: the minutes that all of them took.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ...catalogue import EVENTS
from ...errors import DecodeError
from ...model import Reading
from .formats import SECONDS, SPAN, number

KEPT: Final = 10  # records of each kind
_COUNT: Final = number(3)
_MINUTES: Final = number(3, 0, "min")
_OPERATOR: Final = 4  # bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: the key of its name, and the phase that fills it in.

    counter is the identifier of its count, and of the block that holds it.
    """

    key: str
    counter: str
    block: str
    phase: int | None = None

    def record(self, n: int) -> str:
        """Return the identifier of the nth record, 1 the latest."""
        return f"{self.counter[:6]}{n:02X}"


type _Cut = Callable[[bytes], str | datetime | None]


def _span(octets: bytes) -> str | datetime | None:
    """Read begin and end; what the meter measured meanwhile follows."""
    value = SPAN.read(octets[: SPAN.size])
    return value if isinstance(value, str) else None


def _outage(octets: bytes) -> str | datetime | None:
    """Read begin, current, end."""
    return _span(octets[:6] + octets[9:])


def _moment(octets: bytes) -> str | datetime | None:
    """Read the time; who did it and what was there before follow."""
    value = SECONDS.read(octets[: SECONDS.size])
    return value if isinstance(value, datetime) else None


def _time_set(octets: bytes) -> str | datetime | None:
    """Read operator, time before, time after."""
    return _span(octets[_OPERATOR:])


@dataclass(frozen=True, slots=True)
class _Layout:
    """How records read, and how many bytes they have at least."""

    read: _Cut
    least: int


_SPAN: Final = _Layout(_span, 12)
_OUTAGE: Final = _Layout(_outage, 15)
_MOMENT: Final = _Layout(_moment, 6)
_TIME_SET: Final = _Layout(_time_set, 16)

_BLOCKS: Final = ("0312",)  # whose counters, beside those of phases, stand in one block


def _kinds() -> Iterator[Kind]:
    for counter, (key, phase) in EVENTS.items():
        shared = phase or counter.startswith(_BLOCKS)
        yield Kind(key, counter, f"{counter[:4]}0000" if shared else counter, phase)


KINDS: Final = {kind.counter: kind for kind in _kinds()}
"""Every kind of event, by the identifier of its count."""

_WITHOUT_MINUTES: Final = ("0311", "0312", "0330")
_RECORDS: Final = {"0305": _OUTAGE, "0330": _MOMENT}
_RECORDS_OF_ACTS: Final = {"04": _TIME_SET, "0D": _SPAN, "0E": _SPAN}


def readings(identifier: str, octets: bytes) -> Iterator[Reading]:
    """Yield the counts of a block, or the times of a record; DecodeError for a wrong length.

    A record is its begin and its end, as begin/end, or the time where it has
    only one; it bears its begin.
    """
    if identifier.endswith("00"):
        return _counts(identifier, octets)
    return _record(identifier, octets)


def _counts(identifier: str, octets: bytes) -> Iterator[Reading]:
    kinds = [kind for kind in KINDS.values() if kind.block == identifier]
    if not kinds:
        raise DecodeError(f"data identifier {identifier} is not known")
    size = 3 if identifier[:4] in _WITHOUT_MINUTES else 6
    if len(octets) != size * len(kinds):
        raise DecodeError(f"data identifier {identifier} with {len(octets)} bytes")
    for at, kind in enumerate(kinds):
        part = octets[size * at : size * (at + 1)]
        if (count := _COUNT.read(part[:3])) is not None:
            yield Reading(kind.counter, count)
        if size > 3 and (minutes := _MINUTES.read(part[3:])) is not None:
            yield Reading(f"{kind.counter}.1", minutes, _MINUTES.unit)


def _record(identifier: str, octets: bytes) -> Iterator[Reading]:
    if f"{identifier[:6]}00" not in KINDS or int(identifier[6:], 16) > KEPT:
        raise DecodeError(f"data identifier {identifier} is not known")
    layout = _RECORDS.get(identifier[:4], _SPAN)
    if identifier.startswith("0330"):
        layout = _RECORDS_OF_ACTS.get(identifier[4:6], layout)
    if len(octets) < layout.least:
        raise DecodeError(f"data identifier {identifier} with {len(octets)} bytes")
    if (value := layout.read(octets)) is not None:
        begin = value if isinstance(value, datetime) else _begin(value)
        yield Reading(identifier, value, time=begin)


def _begin(span: str) -> datetime:
    return datetime.fromisoformat(span.partition("/")[0])
