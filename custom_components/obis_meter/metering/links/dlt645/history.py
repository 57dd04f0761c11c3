"""What a meter has kept: frozen values, settlements and load records, with their times."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from ...dialogue import Dialogue
from ...errors import DecodeError, NoSuchData, RequestError
from ...model import Access, ObisCode, Reading
from .commands import clock
from .data import FROZEN, block, readings
from .formats import MINUTES, moment_octets
from .talk import fetch, read

type Past = list[tuple[datetime, tuple[Reading, ...]]]
"""Values that were so at a time of the meter's local clock, the oldest first.

They bear the ids of the present values, and the time.
"""

MOST_DAYS: Final = 62
MOST_HOURS: Final = 254
MOST_MONTHS: Final = 12
_DAILY, _HOURLY = "06", "04"
_DIRECTIONS: Final = ("01", "02")  # forward and reverse energy, by rate
_WHEN: Final = "00"
_SETTLEMENT_DAY: Final = "04000B01"
_FIRST_OF_MONTH: Final = (1, 0)  # day, hour
_AT_ONCE: Final = 8  # load records asked for in one go
_PRESENT: Final = 255  # F group


def daily(access: Access, days: int = MOST_DAYS) -> Dialogue[Past]:
    """Read the energies frozen at the end of each of the last days."""
    return (yield from _frozen(access, _DAILY, min(days, MOST_DAYS)))


def hourly(access: Access, hours: int = MOST_HOURS) -> Dialogue[Past]:
    """Read the energies frozen at each of the last hours."""
    return (yield from _frozen(access, _HOURLY, min(hours, MOST_HOURS)))


def _frozen(access: Access, kind: str, most: int) -> Dialogue[Past]:
    """Read frozen data backwards until the meter has no more, or begins anew."""
    past: Past = []
    lacking: set[str] = set()
    for n in range(1, most + 1):
        when = yield from _moment(access, f"05{kind}{_WHEN}{n:02X}")
        if when is None or (past and when >= past[-1][0]):
            break
        values: list[Reading] = []
        for direction in (c for c in _DIRECTIONS if c not in lacking):
            try:
                got = yield from fetch(access, f"05{kind}{direction}{n:02X}")
                values += block(FROZEN[direction], got.octets)
            except NoSuchData:
                lacking.add(direction)
            except DecodeError:
                continue  # that one is lost, not all the others
        past.append((when, _at(when, values)))
    return past[::-1]


def _moment(access: Access, identifier: str) -> Dialogue[datetime | None]:
    """Read when something was frozen; None where nothing was."""
    try:
        got = yield from fetch(access, identifier)
    except NoSuchData:
        return None
    value = MINUTES.read(got.octets) if len(got.octets) == MINUTES.size else None
    return value if isinstance(value, datetime) else None


def _at(when: datetime, values: Iterable[Reading]) -> tuple[Reading, ...]:
    return tuple(replace(reading, time=when) for reading in values)


def monthly(access: Access, months: int = MOST_MONTHS) -> Dialogue[Past]:
    """Read the energies at the last settlements; their times follow from the meter's clock."""
    now = yield from clock(access)
    day, hour = yield from _settlement(access)
    past: Past = []
    for n in range(1, min(months, MOST_MONTHS) + 1):
        values: list[Reading] = []
        for direction in _DIRECTIONS:
            values += yield from _settled(access, f"00{direction}FF{n:02X}")
        if not values:
            break
        when = _settled_at(now, n, day, hour)
        past.append((when, _at(when, map(_as_present, values))))
    return past[::-1]


def _settled(access: Access, identifier: str) -> Dialogue[tuple[Reading, ...]]:
    try:
        return (yield from read(access, identifier)).readings
    except NoSuchData:
        return ()


def _settlement(access: Access) -> Dialogue[tuple[int, int]]:
    """Read on which day of the month, at which hour, energies are settled."""
    try:
        digits = (yield from fetch(access, _SETTLEMENT_DAY)).octets[::-1].hex()
    except NoSuchData:
        return _FIRST_OF_MONTH
    if not digits.isdecimal() or not (1 <= int(digits[:2]) <= 28 and int(digits[2:]) <= 23):
        return _FIRST_OF_MONTH
    return int(digits[:2]), int(digits[2:])


def _settled_at(now: datetime, n: int, day: int, hour: int) -> datetime:
    """Return when the nth settlement before now was, 1 the latest."""
    this_month = now.replace(day=day, hour=hour, minute=0, second=0, microsecond=0)
    months = now.year * 12 + now.month - 1 - (n - 1) - (this_month > now)
    return this_month.replace(year=months // 12, month=months % 12 + 1)


def _as_present(reading: Reading) -> Reading:
    match reading.id:
        case ObisCode() as code:
            return replace(reading, id=code._replace(f=_PRESENT))
        case name:
            return replace(reading, id=f"{name[:6]}00")


def load_records(access: Access, since: datetime, until: datetime, what: int = 0) -> Dialogue[Past]:
    """Read the load records of a span, both ends included; what is their class, 0 for all.

    Which values are recorded, and how often, is set in the meter.
    """
    if not 0 <= what <= 6 or since > until:
        raise RequestError("span_unknown", f"{what}: {since.isoformat()} .. {until.isoformat()}")
    past: Past = []
    begin = since
    while begin <= until:
        records = yield from _records(access, begin, what)
        fresh = [record for record in records if begin <= record[0] <= until]
        if not fresh:
            break
        past += fresh
        begin = fresh[-1][0] + timedelta(minutes=1)
    return past


def _records(access: Access, begin: datetime, what: int) -> Dialogue[Past]:
    """Read the first records from a time on."""
    identifier = f"06{what:02X}0001"
    further = bytes([_AT_ONCE]) + moment_octets(begin, seconds=False)
    try:
        got = yield from fetch(access, identifier, further)
    except NoSuchData:
        return []
    values = sorted(readings(got.identifier, got.octets), key=_time) if got.octets else []
    return [(when, tuple(group)) for when, group in groupby(values, _time)]


def _time(reading: Reading) -> datetime:
    return reading.time or datetime.min
