"""Which rate and which step hold now: no identifier says so, the tables of the meter do.

A year has zones, each with a table for its days; holidays, and days off where
the meter knows them, have tables of their own. A table says from when on which
rate holds (DL/T 645-2007, tables A.7 and A.8).
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ...model import ObisCode, Value
from .status import is_set

type Said = Mapping[ObisCode | str, Value]
"""The last value of each reading."""

_SETS: Final = ("0401", "0402")  # the first and the second set of tables
_WORKING_DAYS: Final = "04000801"  # bit 0 is Sunday; 1 means work
_DAY_OFF_TABLE: Final = "04000802"
_HOLIDAY_COUNT: Final = "04000205"
_STEPS: Final = "040600"
_USED: Final = "000B0000"
_MOST: Final = 254
_HOLIDAYS: Final = frozenset(f"040300{n:02X}" for n in range(1, _MOST + 1))


def present_rate(said: Said, when: datetime, *, second: bool = False) -> int | None:
    """Return the rate at a local time by the first or second set of tables; None for unknown."""
    tables = _SETS[second]
    if (table := _table(said, tables, when.date())) is None:
        return None
    return _holding(dict(_starts(said, f"{tables}{table:04X}")), f"{when:%H:%M}")


def _table(said: Said, tables: str, day: date) -> int | None:
    """Return the number of the table that a day has."""
    holidays = {text[:6]: int(text[6:]) for text in _holidays(said)}
    if (count := said.get(_HOLIDAY_COUNT)) is not None and count != len(holidays):
        return None
    if (table := holidays.get(f"{day:%y%m%d}")) is not None:
        return table
    match said.get(_WORKING_DAYS), said.get(_DAY_OFF_TABLE):
        case Decimal() as working, Decimal() as off if off:
            if not is_set(working, day.isoweekday() % 7):
                return int(off)
    return _holding(dict(_starts(said, f"{tables}0000")), f"{day:%m-%d}")


def _holidays(said: Said) -> Iterator[str]:
    for identifier in sorted(_HOLIDAYS & said.keys()):
        match said[identifier]:
            case str(text) if text.isdecimal() and int(text):
                yield text


def _starts(said: Said, identifier: str) -> Iterator[tuple[str, int]]:
    """Yield from when on which table or rate holds."""
    for n in range(_MOST):
        match said.get(f"{identifier}.{n}" if n else identifier):
            case str(text):
                start, _, number = text.partition(" ")
                yield start, int(number)
            case _:
                return


def _holding(starts: Mapping[str, int], now: str) -> int | None:
    """Return what holds: the last that has begun, or from last year or yesterday the last."""
    begun = [start for start in starts if start <= now] or list(starts)
    return starts[max(begun)] if begun else None


def present_step(said: Said) -> int | None:
    """Return the step that the use of this period has reached, 1 the lowest; None for unknown."""
    match said.get(_USED):
        case Decimal() as used:
            limits = [said.get(f"{_STEPS}{n:02X}") for n in range(1, _MOST + 1)]
            steps = [limit for limit in limits if isinstance(limit, Decimal) and limit]
            return 1 + sum(limit <= used for limit in steps) if steps else None
    return None
