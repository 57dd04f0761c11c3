"""Totals never fall and never leap: one that does waits until further telegrams confirm it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from .catalogue import Quantity, lookup
from .model import ObisCode, Reading
from .units import shift

CONFIRMATIONS: Final = 2  # telegrams beyond the first that must agree
STRONGEST: Final = Decimal(1_000_000)
"""W, var or VA: far beyond a home, within what a transformer station carries."""
_ENERGIES: Final = (Quantity.ENERGY, Quantity.REACTIVE_ENERGY, Quantity.APPARENT_ENERGY)
_SLACK: Final = 60  # seconds that clocks and buffering may be off
_HOUR: Final = 3600
_ANY_TIME: Final = STRONGEST * _SLACK / _HOUR  # what may have been counted since a moment ago
_THOUSANDS: Final = {"k": 3, "M": 6, "G": 9}

type _Total = tuple[int, ObisCode, Quantity]
"""Its place among the readings, and what it counts."""


@dataclass(slots=True)
class _Seen:
    """A total as last accepted or last doubted, and when, in seconds of the caller's clock.

    most is what it may become within no time, or less.
    """

    value: Decimal
    unit: str | None
    at: float
    most: Decimal
    agreeing: int = 0

    @property
    def plain(self) -> Decimal:
        """Return the value in the unit without a prefix."""
        return shift(self.value, _power(self.unit))


class Guard:
    """Holds back totals of one meter that cannot be, until they are confirmed.

    A replaced meter or a counter that was reset agrees with itself from then
    on and is let through; a single wrong value is not followed.
    """

    def __init__(self) -> None:
        """Know no total yet."""
        self._accepted: dict[ObisCode, _Seen] = {}
        self._doubted: dict[ObisCode, _Seen] = {}
        self._shape: object = None
        self._totals: list[_Total] = []
        self.held = 0

    def check(
        self, readings: Sequence[Reading], at: float, shape: object = None
    ) -> Sequence[Reading]:
        """Return the readings of one telegram without the totals that have to wait.

        at is the time in seconds, of any clock. Lists of one shape have the same codes
        at the same places.
        """
        if shape is None or shape is not self._shape:
            self._shape, self._totals = shape, list(_totals(readings))
        wrong = [
            place
            for place, code, quantity in self._totals
            if not self._passes(readings[place], code, quantity, at)
        ]
        if not wrong:
            return readings
        self.held += len(wrong)
        return [reading for place, reading in enumerate(readings) if place not in wrong]

    def accept(self, reading: Reading, at: float) -> None:
        """Take a total from before a restart for true, as of a time."""
        if isinstance(reading.id, ObisCode) and isinstance(reading.value, Decimal):
            self._accepted[reading.id] = _seen(reading.value, reading.unit, at)

    def _passes(self, reading: Reading, code: ObisCode, quantity: Quantity, at: float) -> bool:
        value, last = reading.value, self._accepted.get(code)
        if not isinstance(value, Decimal):
            return True
        if last and last.unit == reading.unit and last.value <= value <= last.most:
            last.value, last.at = value, at
        else:
            seen = _seen(value, reading.unit, at)
            follows = last is None or _follows(last, seen, quantity)
            if not follows and not self._confirmed(code, seen, quantity):
                return False
            self._accepted[code] = seen
        if self._doubted:
            self._doubted.pop(code, None)
        return True

    def _confirmed(self, code: ObisCode, seen: _Seen, quantity: Quantity) -> bool:
        """Count how often a doubted total was followed by one that agrees with it."""
        doubted = self._doubted.get(code)
        agreeing = doubted.agreeing + 1 if doubted and _follows(doubted, seen, quantity) else 0
        self._doubted[code] = replace(seen, agreeing=agreeing)
        return agreeing >= CONFIRMATIONS


def _totals(readings: Sequence[Reading]) -> Iterator[_Total]:
    """Yield what may not fall."""
    for place, reading in enumerate(readings):
        code = reading.id
        if isinstance(code, ObisCode) and (row := lookup(code)) and row.total and not row.signed:
            yield place, code, row.quantity


def _seen(value: Decimal, unit: str | None, at: float) -> _Seen:
    return _Seen(value, unit, at, value + shift(_ANY_TIME, -_power(unit)))


def _power(unit: str | None) -> int:
    """Return the power of ten that the prefix of a unit stands for."""
    return _THOUSANDS.get(unit[0], 0) if unit else 0


def _follows(before: _Seen, after: _Seen, quantity: Quantity) -> bool:
    """Tell whether a total can have become the other in the time between them."""
    grown = after.plain - before.plain
    if quantity not in _ENERGIES:
        return grown >= 0
    seconds = Decimal(max(after.at - before.at, 0)) + _SLACK
    return 0 <= grown <= STRONGEST * seconds / _HOUR
